import { KeywheelError } from '../../shared/errors.ts';
import type { EnginePorts, RotationRecord, SecretJournal } from '../../shared/rotation/index.ts';
import { DEFAULT_POLICY } from '../../shared/rotation/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import type { Stamp } from '../../shared/targets/index.ts';
import { FakeState } from '../fakes/state.ts';
import { FakeStore } from '../fakes/store.ts';
import { FakeKeyTarget } from '../fakes/key-target.ts';
import { FakeTarget } from '../fakes/target.ts';
import type { Strategy, World } from './world.ts';

const SECRET = 'app/db';
export const READ_LAG = 5_000;

/** Everything in memory on one virtual clock. A replica that lags makes verification and proof wait for it. */
export async function openFakeWorld(
  strategy: Strategy,
  options: { readonly replicaLag?: number; readonly fences?: false } = {},
): Promise<World> {
  let time = Date.UTC(2026, 0, 1);
  let ahead = 0;
  const now = (): number => time;
  const store = new FakeStore(now);
  const keys = strategy === 'overlap' ? new FakeKeyTarget(now, 'app_a', options) : undefined;
  const accounts = new FakeTarget(now, strategy === 'dual-account' ? ['app_a', 'app_b'] : ['app_a'], options);
  const target = keys ?? accounts;
  const state = new FakeState(() => time + ahead);
  accounts.setByHand('app_a', 'canary-first');
  store.put(SECRET, { ...(keys?.createByHand() ?? { username: 'app_a', password: 'canary-first' }), host: 'db' });
  time += 60_000;
  let ids = 0;
  const ports = {
    store,
    target: options.fences === false && keys !== undefined ? fencedByKeys(keys) : target,
    state,
    clock: { now: () => time + ahead },
    random: { rotationId: () => `r-${(ids += 1)}`, uniform: () => 0.5 },
  } as unknown as EnginePorts;
  return {
    secret: SECRET,
    strategy,
    policy: { ...DEFAULT_POLICY, strategy, readLag: READ_LAG },
    facts: {
      description: target.description,
      capability: target.capability,
      endpoints: target.endpoints,
      slots: target.slots,
      slotOf: (value) => target.slotOf(value),
      usage: true,
    },
    ports,
    now,
    skew: (milliseconds) => (ahead = milliseconds),
    mostSkew: 600_000,
    keepsFence: options.fences !== false,
    targetNow: now,
    elapse: async (milliseconds) => void (time += Math.max(1, Math.ceil(milliseconds))),
    look: async () => {
      const described = store.describe(SECRET);
      const current = store.read(SECRET, 'current');
      if (described === undefined || current === undefined) throw new Error('current is gone');
      return {
        state: described,
        current,
        previous: store.read(SECRET, 'previous'),
        pending: store.read(SECRET, 'pending'),
        journal: state.get<SecretJournal>(`rotation/${SECRET}`)?.value,
        history: [...state.list<RotationRecord>('history/')].map((each) => each.value),
      };
    },
    materialOf: (value) => target.credentialOf(value),
    accepts: async (value, endpoint) => target.accepts(value, endpoint),
    strangers: async (known) => {
      const expected = new Set(known.map((value: SecretValue) => target.credentialOf(value)));
      return target.credentials().filter((each) => !expected.has(each));
    },
    edit: async (value) => void store.put(SECRET, value),
    close: async () => {},
  };
}

/** As at vendors that have no place for a fence: all that a late worker can see is a key that a later one has made, and that is still there. */
function fencedByKeys(keys: FakeKeyTarget): Partial<FakeKeyTarget> {
  const made = new Map<string, number>();
  const judge = (stamp: Stamp): Stamp => {
    const live = keys.credentials().map((each) => made.get(each.split('=')[0] ?? '') ?? 0);
    if (Math.max(...live) > stamp.fence) throw new KeywheelError('ERR_FENCE_STALE', 'a later worker has made a key');
    return { ...stamp, fence: 0 };
  };
  return {
    preflight: (from, to, stamp) => keys.preflight(from, to, { ...stamp, fence: 0 }),
    fence: (stamp) => keys.fence(judge(stamp)),
    mint: (slot, marker, current, stamp) => {
      const minted = keys.mint(slot, marker, current, judge(stamp));
      made.set(minted.id.key, stamp.fence);
      return minted;
    },
    retire: (id, stamp, seen) => keys.retire(id, judge(stamp), seen),
    find: (marker) => keys.find(marker),
    probe: (value, endpoint) => keys.probe(value, endpoint),
    compare: () => keys.compare(),
    lastUsed: (slot, id) => keys.lastUsed(slot, id),
  };
}
