/** The people of a simulation: an operator who edits by hand, and consumers who log in with what they read. */
import { FakeKeyTarget } from '../fakes/key-target.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { type BusySession, Violation } from './ledger.ts';
import { DAY, HOUR, MINUTE } from './scenario.ts';
import type { Simulation } from './simulate.ts';
import { SECRET } from './world.ts';

/**
 * One edit by hand, each atomic: a fresh password at the target and in the store, another field only, or back to previous during grace. Not
 * between an engine's look at current and the effect that rests on it (`Run.window`): that instant cannot be closed without a lock in the
 * store. Returns what was done.
 */
export function editByHand(sim: Simulation, choice: number, name: string): string | undefined {
  const { world } = sim;
  const current = world.labelled('current');
  if (current === undefined) return undefined;
  if (choice < 0.4) return setFresh(sim, current.value, name);
  if (choice < 0.7) {
    // A person who changes another field has a credential that works.
    if (!world.acceptedEverywhere(current.value)) return undefined;
    world.store.put(SECRET, { ...current.value, note: name });
    sim.ledger.handEdited();
    return 'changes another field by hand';
  }
  return rollBack(sim);
}

export function setFresh(sim: Simulation, current: SecretValue, name: string): string | undefined {
  const { world } = sim;
  if (sim.inWindow('apply')) return undefined;
  if (sim.inWindow('retire') && world.target instanceof FakeKeyTarget) return undefined;
  if (world.target instanceof FakeKeyTarget) {
    const made = world.target.createByHand();
    world.store.put(SECRET, { ...current, ...made });
    world.target.deleteByHand(String(current['keyId']));
  } else {
    const password = `hand-${name}`;
    world.target.setByHand(world.target.slotOf(current), password);
    world.store.put(SECRET, { ...current, password });
  }
  sim.ledger.handEdited();
  return 'sets a fresh credential by hand';
}

function rollBack(sim: Simulation): string | undefined {
  const { world } = sim;
  const record = world.journal()?.rotation;
  if (record?.phase !== 'published' && record?.phase !== 'grace') return undefined;
  const previous = world.labelled('previous');
  if (previous === undefined || previous.id !== record.from.version || sim.inWindow('retire')) return undefined;
  if (!world.acceptedEverywhere(previous.value)) return undefined;
  world.store.put(SECRET, previous.value);
  sim.ledger.handEdited();
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
  const cached = rogue ? pick(3) * 2 * DAY : pick(3) * world.scenario.policy.maxCacheAge;
  sim.tell(`consumer ${cycle}.${index} reads ${held.id}${rogue ? ' and keeps it too long' : ''}`);
  sim.queue.add(world.now + Math.ceil(cached), () => {
    const endpoint = world.target.endpoints[Math.floor(pick(4) * world.target.endpoints.length)] ?? 'primary';
    const session = world.target.login(held.value, endpoint);
    sim.tell(`consumer ${cycle}.${index} logs in with ${held.id} at ${endpoint}: ${session === undefined ? 'refused' : 'ok'}`);
    if (session === undefined) {
      if (rogue || world.scenario.strategy === 'in-place' || sim.ledger.endedByHand(held.id)) return;
      if (endpoint !== 'primary' && world.now < sim.ledger.handSetAt(held.id) + world.target.replicaLag) return;
      throw new Violation('cached-dead', `a consumer that holds ${held.id} for ${Math.ceil(cached / MINUTE)} min is refused at ${endpoint}`);
    }
    if (sim.calm) return world.target.logout(session);
    const busyUntil = world.now + Math.ceil(pick(5) ** 4 * 2 * DAY);
    Object.defineProperties(session, {
      busyUntil: { value: busyUntil },
      lastAt: { get: () => Math.min(world.now, busyUntil) },
    });
    const until = busyUntil + Math.ceil(pick(6) ** 2 * 12 * HOUR);
    sim.queue.add(until, () => world.target.logout(session as BusySession));
  });
}
