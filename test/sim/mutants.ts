/** Deliberate bugs, as patches of single calls. The simulator must catch every one: these are the tests of the test. */
import type { Op } from '../../shared/rotation/index.ts';
import type { SecretState } from '../../shared/stores/index.ts';
import type { Evidence, Probe, Stamp } from '../../shared/targets/index.ts';
import { FakeKeyTarget } from '../fakes/key-target.ts';
import type { Scenario } from './scenario.ts';
import { SECRET, type World } from './world.ts';

export interface Mutant {
  readonly name: string;
  /** What the simulator must say of it; any of these is a fair catch. */
  readonly caughtAs: readonly string[];
  /** Where the bug has a place at all. */
  readonly strategies: readonly Scenario['strategy'][];
  /** Chance finds it too seldom; the exhaustive check finds it always. */
  readonly onlyExhaustive?: true;
  /** Makes one call in its own, wrong way. `right` is the right one. */
  readonly perform: (op: Op, world: World, worker: number, right: (op: Op) => unknown) => unknown;
}

const OVERLAPPING = ['dual-account', 'dual-slot', 'overlap'] as const;

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'revoke before publish',
    caughtAs: ['current-dead', 'cached-dead'],
    strategies: OVERLAPPING,
    perform(op, world, _worker, right) {
      const record = world.journal()?.rotation;
      if (op.method === 'publish' && record !== undefined) {
        const fence = world.state.leases.get(`lease/${SECRET}`)?.fence ?? 0;
        const stamp: Stamp = { installation: 'fake-installation', secret: SECRET, rotationId: record.rotationId, fence };
        world.target.retire(record.from.id, stamp, 'accepted');
      }
      return right(op);
    },
  },
  {
    name: 'publish without compare-and-set',
    caughtAs: ['edit-overwritten'],
    strategies: OVERLAPPING,
    perform(op, world, _worker, right) {
      const real = world.store.seen(SECRET)?.revision;
      if (op.method === 'publish') return right({ ...op, args: [op.args[0], op.args[1], String(real)] });
      const result = right(op);
      const planned = world.journal()?.rotation;
      if (op.method !== 'describe' || planned === undefined || planned.phase === 'closed') return result;
      return { ...(result as SecretState), revision: planned.revision };
    },
  },
  {
    name: 'delete the oldest instead of the recorded id',
    caughtAs: ['destroyed-unrecorded'],
    strategies: ['overlap'],
    perform(op, world, _worker, right) {
      if (op.method !== 'retire' || !(world.target instanceof FakeKeyTarget)) return right(op);
      const oldest = world.target.credentials()[0]?.split('=')[0] ?? '';
      return right({ ...op, args: [{ slot: 'svc', key: oldest }, ...op.args.slice(1)] });
    },
  },
  {
    name: 'delete by position instead of the recorded id',
    caughtAs: ['current-dead', 'destroyed-unrecorded', 'cached-dead'],
    strategies: ['dual-account', 'dual-slot'],
    perform(op, world, _worker, right) {
      if (op.method !== 'retire' || world.target instanceof FakeKeyTarget) return right(op);
      const slot = world.target.slots[0] ?? '';
      const mark = world.target.snapshot().history.at(-1)?.slots.get(slot)?.mark;
      return right({ ...op, args: [{ slot, key: mark?.credential ?? 'adopted' }, ...op.args.slice(1)] });
    },
  },
  {
    name: 'grace on the clock of the worker',
    caughtAs: ['cached-dead', 'retired-in-use'],
    strategies: OVERLAPPING,
    perform(op, world, worker, right) {
      const result = right(op);
      return op.method === 'lastUsed' ? { ...(result as Evidence), at: world.workerNow(worker) } : result;
    },
  },
  {
    name: 'fence ignored by the target',
    caughtAs: ['stale-effect', 'current-dead', 'cached-dead'],
    strategies: [...OVERLAPPING, 'in-place'],
    perform(op, _world, _worker, right) {
      if (op.port !== 'target') return right(op);
      const blind = (each: unknown): unknown =>
        typeof each === 'object' && each !== null && 'fence' in each ? { ...each, fence: 1_000_000_000 } : each;
      return right({ ...op, args: op.args.map(blind) });
    },
  },
  {
    name: 'use ignored',
    caughtAs: ['retired-in-use'],
    strategies: OVERLAPPING,
    perform(op, _world, _worker, right) {
      const result = right(op);
      if (op.method !== 'lastUsed') return result;
      const { source, slot, at } = result as Evidence;
      return { source, slot, at, sessions: 0 } satisfies Evidence;
    },
  },
  {
    name: 'only the first endpoint verified',
    caughtAs: ['published-unverified', 'current-dead'],
    strategies: OVERLAPPING,
    perform(op, world, _worker, right) {
      const result = right(op);
      if (op.method !== 'probe' || world.journal()?.rotation?.phase !== 'applied') return result;
      return op.args[1] === 'primary' ? result : ({ ...(result as Probe), outcome: 'accepted' } satisfies Probe);
    },
  },
  {
    name: 'a lost lease goes unnoticed',
    caughtAs: ['current-dead'],
    strategies: ['in-place'],
    onlyExhaustive: true,
    perform: (op, _world, _worker, right) => (op.method === 'renew' ? op.args[0] : right(op)),
  },
  {
    name: 'a lost mint is not looked for',
    caughtAs: ['orphan', 'not-converged', 'starved'],
    strategies: ['overlap'],
    perform: (op, _world, _worker, right) => (op.method === 'find' ? [] : right(op)),
  },
];
