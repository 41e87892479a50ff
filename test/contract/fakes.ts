/** The fakes of the simulator behind their ports, so that the contract suites hold them to what the real adapters do. */
import { randomBytes } from 'node:crypto';
import { openGate, rehearsalGate } from '../../shared/deps.ts';
import type { Call, Gate } from '../../shared/deps.ts';
import type { State } from '../../shared/state/index.ts';
import type { SecretStore, SecretSummary, SupportsPut } from '../../shared/stores/index.ts';
import type { SupportsUsageEvidence, Target } from '../../shared/targets/index.ts';
import { FakeState } from '../fakes/state.ts';
import { FakeStore } from '../fakes/store.ts';
import { FakeTarget } from '../fakes/target.ts';
import { manualClock } from './harness.ts';
import type { StateHarness } from './state.ts';
import type { StoreHarness } from './store.ts';
import type { TargetHarness } from './target.ts';

async function* asyncly<T>(items: Iterable<T>): AsyncIterable<T> {
  // Collected first: whoever walks it may write meanwhile.
  for (const item of Array.from(items)) yield item;
}

/** In a rehearsal `core` is a copy, so that what was rehearsed is seen by the rehearsal and by nobody else. */
function storePort(core: FakeStore, gate: Gate): SecretStore & SupportsPut {
  const run = <T>(kind: Call['kind'], text: string, act: () => T): Promise<T> =>
    gate.run({ port: 'store', kind, text: `fake: ${text}` }, async () => act(), act);
  return {
    kind: core.kind,
    describe: (name) => run('read', `describe ${name}`, () => core.describe(name)),
    read: (name, at) => run('read', `read ${name} at ${typeof at === 'string' ? at : at.version}`, () => core.read(name, at)),
    stage: async (name, value, rotationId) =>
      run('effect', `stage ${name} for ${rotationId}`, () => core.stage(name, value, rotationId)),
    publish: async (name, version, expected) =>
      run('effect', `publish ${name} ${version} at ${expected}`, () => core.publish(name, version, expected)),
    discard: async (name, version) => run('effect', `discard ${name} ${version}`, () => core.discard(name, version)),
    put: async (name, value, expected) => run('effect', `put ${name}`, () => core.put(name, value, expected)),
    list: (filter) => asyncly<SecretSummary>(core.list(filter)),
  };
}

export const fakeStoreHarness: StoreHarness = {
  async open() {
    const clock = manualClock();
    const core = new FakeStore(() => clock.now());
    const calls: Call[] = [];
    const observe = (call: Call) => void calls.push(call);
    return {
      store: storePort(core, openGate(observe)),
      calls,
      clock,
      seed: async (name, value) => void core.put(name, value),
      second: async () => storePort(core, openGate(observe)),
      rehearsal: async () => {
        const copy = new FakeStore(() => clock.now());
        copy.restore(core.snapshot());
        return storePort(copy, rehearsalGate(observe));
      },
      close: async () => {},
    };
  },
};

function statePort(core: FakeState, installation: string): State {
  return {
    kind: core.kind,
    installation: async () => installation,
    get: async (key) => core.get(key),
    getMany: async (keys) => core.getMany(keys),
    list: (prefix) => asyncly(core.list(prefix)),
    put: async (write) => core.put(write),
    transact: async (writes) => core.transact(writes),
    acquire: async (key, holder, ttl, isDead) => core.acquire(key, holder, ttl, isDead),
    renew: async (lease, ttl) => core.renew(lease, ttl),
    release: async (lease) => core.release(lease),
    close: async () => core.close(),
  };
}

export const fakeStateHarness: StateHarness = {
  async open() {
    const clock = manualClock();
    const core = new FakeState(() => clock.now());
    const installation = randomBytes(16).toString('hex');
    return {
      state: statePort(core, installation),
      clock,
      second: async () => statePort(core, installation),
      close: async () => {},
    };
  },
};

function targetPort(core: FakeTarget, gate: Gate): Target & SupportsUsageEvidence {
  const run = <T>(kind: Call['kind'], text: string, act: () => T): Promise<T> =>
    gate.run({ port: 'target', kind, text: `fake: ${text}` }, async () => act(), act);
  return {
    kind: core.kind,
    description: core.description,
    capability: core.capability,
    endpoints: core.endpoints,
    slots: core.slots,
    slotOf: (value) => core.slotOf(value),
    compose: (slot, current, random) => core.compose(slot, current, random),
    preflight: (from, to, stamp) => run('read', `preflight ${from} ${to}`, () => core.preflight(from, to, stamp)),
    apply: async (slot, value, stamp) => run('effect', `apply ${slot} <verifier>`, () => core.apply(slot, value, stamp)),
    probe: (value, endpoint) =>
      run('login', `login as ${String(value['username'])} at ${endpoint}`, () => core.probe(value, endpoint)),
    compare: (from, to) => run('read', `compare ${from} ${to}`, () => core.compare(from, to)),
    fence: async (stamp) => run('effect', 'fence', () => core.fence(stamp)),
    retire: async (id, stamp, seen) => run('effect', `retire ${id.slot} ${id.key}`, () => core.retire(id, stamp, seen)),
    lastUsed: (slot) => run('read', `use of ${slot}`, () => core.lastUsed(slot)),
    close: async () => core.close(),
  };
}

const SLOTS = { 'dual-account': ['app_a', 'app_b'], 'in-place': ['app_a'] };

export function fakeTargetHarness(kind: keyof typeof SLOTS): TargetHarness {
  return {
    async open() {
      const clock = manualClock();
      const core = new FakeTarget(() => clock.now(), SLOTS[kind]);
      const adopted = { username: 'app_a', password: 'found-in-place' };
      core.setByHand('app_a', adopted.password);
      const calls: Call[] = [];
      const observe = (call: Call) => void calls.push(call);
      return {
        target: targetPort(core, openGate(observe)),
        calls,
        adopted,
        rehearsal: async () => {
          const copy = new FakeTarget(() => clock.now(), SLOTS[kind]);
          copy.restore(core.snapshot());
          return targetPort(copy, rehearsalGate(observe));
        },
        consumer: async (value) => {
          const session = core.login(value);
          if (session === undefined) throw new Error('refused');
          return { alive: async () => core.sessions.includes(session), close: async () => core.logout(session) };
        },
        close: async () => {},
      };
    },
  };
}
