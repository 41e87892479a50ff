/** Deliberate bugs: each makes one call in its own, wrong way. The matrix must find every one of them. */
import type { Op, SecretJournal } from '../../shared/rotation/index.ts';
import type { SecretState } from '../../shared/stores/index.ts';
import type { CredentialId, Stamp } from '../../shared/targets/index.ts';
import { nameOf } from './drive.ts';
import type { World } from './world.ts';

export type Mutant = (op: Op, world: World, perform: (op: Op) => unknown) => Promise<unknown>;

/** The old credential is ended first and `current` moves after. */
export const revokeBeforePublish: Mutant = async (op, world, perform) => {
  if (nameOf(op) === 'store.publish') {
    const { journal } = await world.look();
    const rotation = journal?.rotation;
    const fence = rotation?.steps.at(-1)?.fence ?? 0;
    if (rotation !== undefined) {
      const installation = (await perform({ port: 'state', method: 'installation', args: [] })) as string;
      const stamp: Stamp = { installation, secret: world.secret, rotationId: rotation.rotationId, fence };
      await perform({ port: 'target', method: 'retire', args: [rotation.from.id, stamp, 'accepted'] });
    }
  }
  return perform(op);
};

/** A store that publishes whatever it is asked to, and whose revision never tells of an edit. */
export const publishWithoutCompareAndSet: Mutant = async (op, world, perform) => {
  if (nameOf(op) === 'store.describe') {
    const state = (await perform(op)) as SecretState | undefined;
    const planned = await plannedRevision(world);
    return state === undefined || planned === undefined ? state : { ...state, revision: planned };
  }
  if (nameOf(op) !== 'store.publish') return perform(op);
  const { state } = await world.look();
  return perform({ ...op, args: [op.args[0], op.args[1], state.revision] });
};

async function plannedRevision(world: World): Promise<string | undefined> {
  const journal: SecretJournal | undefined = (await world.look()).journal;
  return journal?.rotation?.phase === 'closed' ? undefined : journal?.rotation?.revision;
}

/** Ends "the other one": the account that the newest rotation did not write. */
export const retireTheOtherOne: Mutant = async (op, world, perform) => {
  if (nameOf(op) !== 'target.retire') return perform(op);
  const { journal } = await world.look();
  return retireWhatever(op, world.facts.slots.find((slot) => slot !== journal?.rotation?.to) ?? '', perform);
};

/** Ends the account whose value is the oldest in the store. */
export const retireTheOldest: Mutant = async (op, world, perform) => {
  if (nameOf(op) !== 'target.retire') return perform(op);
  const { current, previous, pending } = await world.look();
  const versions = [current, previous, pending].filter((each) => each !== undefined);
  const oldest = versions.reduce((left, right) => (right.createdAt < left.createdAt ? right : left));
  return retireWhatever(op, world.facts.slotOf(oldest.value), perform);
};

/** By place or age, so the recorded id is not asked: whatever the slot's mark says is taken for it. */
async function retireWhatever(op: Op, slot: string, perform: (op: Op) => unknown): Promise<unknown> {
  const recorded = op.args[0] as CredentialId;
  try {
    return await perform({ ...op, args: [{ slot, key: recorded.key }, op.args[1], 'accepted'] });
  } catch {
    return perform({ ...op, args: [{ slot, key: 'adopted' }, op.args[1], 'accepted'] });
  }
}

/** A target that does not know fences: every stamp is made to look like the newest. */
export const ignoreFences: Mutant = async (op, world, perform) => {
  const at = { 'target.apply': 2, 'target.fence': 0, 'target.retire': 1 }[nameOf(op)];
  if (at === undefined) return perform(op);
  const newest = Number.MAX_SAFE_INTEGER;
  return perform({ ...op, args: op.args.map((each, index) => (index === at ? { ...(each as Stamp), fence: newest } : each)) });
};

/** Applies material that no pending version holds yet: a crash then loses it. */
export const applyBeforeStaging: Mutant = async (op, world, perform) => {
  if (nameOf(op) !== 'store.stage') return perform(op);
  const { journal } = await world.look();
  const rotation = journal?.rotation;
  const installation = (await perform({ port: 'state', method: 'installation', args: [] })) as string;
  const stamp: Stamp = {
    installation,
    secret: world.secret,
    rotationId: rotation?.rotationId ?? '',
    fence: rotation?.steps.at(-1)?.fence ?? 0,
  };
  await perform({ port: 'target', method: 'apply', args: [rotation?.to ?? '', op.args[1], stamp] });
  return perform(op);
};

/** Never looks for keys whose answer was lost. */
export const findNothing: Mutant = async (op, _world, perform) => (nameOf(op) === 'target.find' ? [] : perform(op));
