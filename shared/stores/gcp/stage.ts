/** Pending versions: in a companion secret that consumers are not granted, since Secret Manager publishes what is added to the main one. */
import { isKeywheelError, KeywheelError } from '../../errors.ts';
import type { SecretValue, VersionRef } from '../port.ts';
import type { Secret, Version } from './api.ts';
import { encodePayload } from './payload.ts';
import { annotated, namedIn, type Staged, type StagingRecord } from './record.ts';
import {
  added,
  checkOurs,
  conflict,
  labelsOf,
  live,
  look,
  pendingOf,
  rotationRef,
  versionIdOf,
  type GcpContext,
  type View,
} from './view.ts';

export const RACED = Symbol('another change came in between');
const TURNS = 8;

/** Repeats a read-modify-write that another change overtook, from the reading. ERR_STORE_UNAVAILABLE when that does not end. */
export async function settle<T>(context: GcpContext, name: string, attempt: () => Promise<T | typeof RACED>): Promise<T> {
  for (let turn = 1; turn <= TURNS; turn += 1) {
    const outcome = await attempt();
    if (outcome !== RACED) return outcome;
    if (turn < TURNS) await context.pause(turn);
  }
  throw new KeywheelError(
    'ERR_STORE_UNAVAILABLE',
    `secret ${name} was not changed, because it kept changing or its reads lag behind`,
    {
      hint: 'it is tried again',
      retryable: true,
      subject: name,
    },
  );
}

export async function stage(context: GcpContext, name: string, value: SecretValue, rotation: string): Promise<VersionRef> {
  const { api, names } = context;
  const payload = encodePayload(name, value);
  let mine: Version | undefined;
  const staged = await settle(context, name, async (): Promise<VersionRef | typeof RACED> => {
    const view = await look(context, name);
    if (view === undefined) throw missing(name);
    const published = view.record.published.find((each) => each.rotation === rotation);
    if (published !== undefined) return rotationRef(published);
    if (view.staging.discarded.includes(rotation)) {
      throw conflict(name, `version ${versionIdOf(rotation)} of rotation ${rotation} was discarded`, 'start a new rotation');
    }
    const pending = pendingOf(view);
    const before = live(view).find((each) => each.rotation === rotation);
    if (pending !== undefined && pending === before) return rotationRef(before);
    if (pending !== undefined) {
      throw conflict(
        name,
        `version ${versionIdOf(pending.rotation)} is pending`,
        'let the rotation that staged it finish, or abandon it',
      );
    }
    // Publishing adds a version before it moves the alias. Without an alias, that version would be current at once.
    if (view.main.aliases['current'] === undefined && view.current !== undefined) {
      const aliases = { ...view.main.aliases, current: view.current };
      const adopted = await api.update(view.main, { aliases, annotations: annotated(view.main, view.record) });
      if (adopted === undefined) return RACED;
    }
    const companion = view.companion ?? (await api.create(names.companionOf(name), view.main.placement));
    if (companion === undefined) return RACED;
    if (view.companion !== undefined) await checkOurs(context, name, companion);
    await sweep(context, view);
    // What is recorded is newer than all that was before, so that nobody who reads late can sweep it.
    if (mine !== undefined && mine.number <= view.staging.high) mine = undefined;
    if (before === undefined) mine ??= await api.add(companion.id, payload);
    const entry = before ?? entryOf(view, rotation, mine);
    const saved = await save(context, companion, {
      ...view.staging,
      pending: { rotation, publishes: view.record.publishes },
      staged: [...live(view).filter((each) => each !== before), entry],
      high: Math.max(view.staging.high, entry.number),
    });
    if (saved === undefined) return RACED;
    if (mine?.number === entry.number) mine = undefined;
    return rotationRef(entry);
  }).catch(async (error: unknown) => {
    // After a refusal, what was added is known not to be recorded. After a lost response it may be, and stays.
    if (isKeywheelError(error, 'ERR_STORE_CONFLICT')) await drop(context, names.companionOf(name), mine);
    throw error;
  });
  await drop(context, names.companionOf(name), mine);
  return staged;
}

function entryOf(view: View, rotation: string, version: Version | undefined): Staged {
  if (version === undefined) throw new KeywheelError('ERR_INTERNAL', `nothing was added for rotation ${rotation}`);
  return { rotation, number: version.number, createdAt: version.createdAt, after: view.versions[0]?.number ?? 0 };
}

export async function discard(context: GcpContext, name: string, version: string): Promise<void> {
  const { api } = context;
  await settle(context, name, async () => {
    const view = await look(context, name);
    if (view?.companion === undefined) return refuseLabelled(view, version);
    refuseLabelled(view, version);
    const entry = live(view).find((each) => versionIdOf(each.rotation) === version);
    if (entry === undefined) return sweep(context, view); // gone, or history; a crash may have left its payload
    // Its material may be in the main secret too, when publishing stopped half-way.
    for (const number of await added(context, view, entry)) await api.destroy(view.main.id, number);
    const { pending, ...record } = view.staging;
    const others = live(view).filter((each) => each !== entry);
    const saved = await save(context, view.companion, {
      ...record,
      ...(pending === undefined || pending.rotation === entry.rotation ? {} : { pending }),
      staged: others,
      discarded: [...record.discarded, entry.rotation],
    });
    if (saved === undefined) return RACED;
    return sweep(context, { ...view, companion: saved, staging: { ...record, staged: others } });
  });
}

function refuseLabelled(view: View | undefined, version: string): void {
  if (view === undefined) return;
  const labels = labelsOf(view);
  const label = (['current', 'previous'] as const).find((each) => labels[each]?.id === version);
  if (label === undefined) return;
  throw conflict(view.name, `version ${version} is ${label} and cannot be discarded`, 'publish another version first');
}

/** Takes a published version out of the companion, so that its material is in one place only. */
export async function tidy(context: GcpContext, view: View): Promise<void> {
  const { companion, staging } = view;
  const left = live(view);
  if (companion === undefined || left.length === staging.staged.length) return;
  const { pending, ...record } = staging;
  const kept = left.some((each) => each.rotation === pending?.rotation) && pending !== undefined ? { pending } : {};
  const saved = await save(context, companion, { ...record, ...kept, staged: left });
  if (saved !== undefined) await sweep(context, { ...view, companion: saved, staging: { ...record, staged: left } });
}

/**
 * Destroys payloads in the companion that nothing names any more: published, discarded, or added before a crash. Never one that is newer than
 * all that was recorded: another worker may be about to record it.
 */
async function sweep({ api }: GcpContext, view: View): Promise<void> {
  const { companion, staging } = view;
  if (companion === undefined || staging.high === 0) return;
  const kept = new Set(live(view).map((each) => each.number));
  // One page: what is older has been swept when it was new.
  for (const { number, state } of await api.versions(companion.id, () => true)) {
    if (state !== 'DESTROYED' && number <= staging.high && !kept.has(number)) await api.destroy(companion.id, number);
  }
}

const save = ({ api }: GcpContext, companion: Secret, record: StagingRecord): Promise<Secret | undefined> =>
  api.update(companion, { annotations: annotated(companion, record) });

/** Destroys a version that was added in vain. Never one that something names by now; and failing to is not worth failing for. */
export async function drop({ api }: GcpContext, id: string, version: Version | undefined): Promise<void> {
  if (version === undefined) return;
  try {
    const secret = await api.get(id);
    if (secret !== undefined && !namedIn(secret).has(version.number)) await api.destroy(id, version.number);
  } catch {
    // It stays, out of everybody's sight, until it is swept.
  }
}

export function missing(name: string): KeywheelError {
  return new KeywheelError('ERR_SECRET_NOT_FOUND', `secret ${name} is not in Google Secret Manager`, {
    hint: `write its first value with \`keywheel put ${name}\`, or look at project and location of the store`,
    subject: name,
  });
}
