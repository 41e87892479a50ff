/** The people of a simulation: an operator who edits by hand, and consumers who log in with what they read. */
import { FakeKeyTarget } from '../fakes/key-target.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { type Ledger, Violation } from './ledger.ts';
import type { Session } from '../fakes/target.ts';
import { HOUR, MINUTE } from './scenario.ts';
import type { Simulation } from './simulate.ts';
import { SECRET, type World } from './world.ts';

/** What an edit by hand happens to. */
export interface Editable {
  readonly world: World;
  readonly ledger: Ledger;
  /** Does some engine stand between its look at the world and the effect that rests on it? */
  readonly inWindow: (kind: 'apply' | 'retire') => boolean;
}

export type Edit = 'fresh' | 'field' | 'back';

/**
 * One edit by hand, each atomic: a fresh password at the target and in the store, another field only, or back to previous during grace. Not
 * between an engine's look at current and the destructive effect that rests on it (`Run.window`): that instant cannot be closed without a lock
 * in the store. Returns what was done; undefined when this edit has no place now.
 */
export function editWorld(at: Editable, edit: Edit, name: string): string | undefined {
  const { world, ledger } = at;
  const current = world.labelled('current');
  if (current === undefined) return undefined;
  const done =
    edit === 'fresh' ? setFresh(at, current.value, name) : edit === 'field' ? setField(at, current.value, name) : rollBack(at);
  if (done !== undefined) ledger.handEdited();
  return done;
}

function setFresh({ world, inWindow }: Editable, current: SecretValue, name: string): string | undefined {
  if (world.target instanceof FakeKeyTarget) {
    if (inWindow('retire')) return undefined;
    const made = world.target.createByHand();
    world.store.put(SECRET, { ...current, ...made });
    world.target.deleteByHand(String(current['keyId']));
  } else {
    if (inWindow('apply')) return undefined;
    const password = `hand-${name}`;
    world.target.setByHand(world.target.slotOf(current), password);
    world.store.put(SECRET, { ...current, password });
  }
  return 'sets a fresh credential by hand';
}

function setField({ world }: Editable, current: SecretValue, name: string): string | undefined {
  // A person who changes another field has a credential that works.
  if (!world.acceptedEverywhere(current)) return undefined;
  world.store.put(SECRET, { ...current, note: name });
  return 'changes another field by hand';
}

function rollBack({ world, inWindow }: Editable): string | undefined {
  const record = world.journal()?.rotation;
  if (record?.phase !== 'published' && record?.phase !== 'grace') return undefined;
  const previous = world.labelled('previous');
  if (previous === undefined || previous.id !== record.from.version || inWindow('retire')) return undefined;
  if (!world.acceptedEverywhere(previous.value)) return undefined;
  world.store.put(SECRET, previous.value);
  return 'rolls current back to previous by hand';
}

/** A consumer reads current, keeps it for a while, logs in with it, works, idles, and leaves. */
export function consume(sim: Simulation, cycle: number, index: number): void {
  const { world, choices } = sim;
  const pick = (part: number): number => choices.unit('consumer-what', cycle, index * 16 + part);
  const lag = Math.floor(pick(1) * world.scenario.readLag);
  const held = world.store.read(SECRET, 'current', lag);
  if (held === undefined) return;
  const rogue = pick(2) < world.scenario.rogues;
  const cached = rogue ? pick(3) * 8 * HOUR : pick(3) * world.scenario.policy.maxCacheAge;
  sim.tell(`consumer ${cycle}.${index} reads ${held.id}${rogue ? ' and keeps it too long' : ''}`);
  sim.queue.add(world.now + Math.ceil(cached), () => {
    const endpoint = world.target.endpoints[Math.floor(pick(4) * world.target.endpoints.length)] ?? 'primary';
    const session = world.target.login(held.value, endpoint);
    sim.tell(`consumer ${cycle}.${index} logs in with ${held.id} at ${endpoint}: ${session === undefined ? 'refused' : 'ok'}`);
    if (session === undefined) {
      if (rogue || world.scenario.strategy === 'in-place' || sim.ledger.endedByHand(held.id)) return;
      if (endpoint !== 'primary' && world.now < sim.ledger.handSetAt(held.id) + world.target.replicaLag) return;
      throw new Violation(
        'cached-dead',
        `a consumer that holds ${held.id} for ${Math.ceil(cached / MINUTE)} min is refused at ${endpoint}`,
      );
    }
    if (sim.calm) return world.target.logout(session);
    const busyUntil = world.now + Math.ceil(pick(5) ** 4 * 12 * HOUR);
    work(world, session, busyUntil);
    const until = busyUntil + Math.ceil(pick(6) ** 2 * 6 * HOUR);
    sim.queue.add(until, () => world.target.logout(session));
  });
}

/** A consumer that never stops working and renews its connections every few hours: it must not keep the old credential alive. */
export function keepConnected(sim: Simulation, cycle: number): void {
  const { world } = sim;
  const current = world.labelled('current');
  const session = current === undefined ? undefined : world.target.login(current.value);
  if (session !== undefined) work(world, session, Number.POSITIVE_INFINITY);
  sim.queue.add(world.now + 6 * HOUR, () => {
    if (session !== undefined) world.target.logout(session);
    if (sim.cycle === cycle) keepConnected(sim, cycle);
  });
}

/** Statements run in this session until then. */
export function work(world: World, session: Session, busyUntil: number): void {
  const lastAt = { get: () => Math.min(world.now, busyUntil) };
  Object.defineProperties(session, { busyUntil: { value: busyUntil }, lastAt });
}
