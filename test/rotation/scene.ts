/** Fakes on one virtual clock, behind ports whose every call is a promise. */
import type { Clock, Random } from '../../shared/deps.ts';
import { advance, DEFAULT_POLICY, enginePorts, factsOf, interpret, type RotationPolicy } from '../../shared/rotation/index.ts';
import type { AdvanceRequest, AdvanceResult, Op, OpenPorts, RunDeps, SecretJournal } from '../../shared/rotation/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { FakeState } from '../fakes/state.ts';
import { FakeStore } from '../fakes/store.ts';
import { FakeTarget } from '../fakes/target.ts';

export const SECRET = 'app/db';
export const CANARY = 'canary-first';
const SYNCHRONOUS = new Set(['slotOf', 'compose']);

function asynchronous<T extends object>(fake: T): T {
  return new Proxy(fake, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const method = member as (...args: unknown[]) => unknown;
      if (SYNCHRONOUS.has(String(name))) return method.bind(target);
      return async (...args: unknown[]) => method.apply(target, args);
    },
  });
}

export interface Scene {
  readonly store: FakeStore;
  readonly target: FakeTarget;
  readonly state: FakeState;
  readonly policy: RotationPolicy;
  readonly open: OpenPorts;
  readonly deps: RunDeps;
  /** Milliseconds of every sleep. */
  readonly slept: number[];
  readonly clock: Clock;
  tick(milliseconds: number): void;
  advance(request?: Partial<AdvanceRequest>, onCall?: (op: Op) => void): Promise<AdvanceResult>;
  journal(): SecretJournal | undefined;
  current(): SecretValue;
}

export function scene(change: Partial<RotationPolicy> = {}): Scene {
  let time = Date.UTC(2026, 0, 1);
  const clock = { now: () => time };
  const policy: RotationPolicy = { ...DEFAULT_POLICY, strategy: 'dual-account', ...change };
  const store = new FakeStore(clock.now);
  const target = new FakeTarget(clock.now, policy.strategy === 'in-place' ? ['app_a'] : ['app_a', 'app_b']);
  const state = new FakeState(clock.now);
  target.setByHand('app_a', CANARY);
  store.put(SECRET, { username: 'app_a', password: CANARY, host: 'db' });
  let bytes = 0;
  const random: Random = { bytes: (length) => Uint8Array.from({ length }, () => (bytes += 1) % 256), uniform: () => 0.5 };
  const open = { store: asynchronous(store), target: asynchronous(target), state: asynchronous(state) } as unknown as OpenPorts;
  const slept: number[] = [];
  const deps: RunDeps = {
    clock,
    random,
    async sleep(milliseconds) {
      slept.push(milliseconds);
      time += milliseconds;
    },
  };
  return {
    store,
    target,
    state,
    policy,
    open,
    deps,
    slept,
    clock,
    tick: (milliseconds) => void (time += milliseconds),
    advance: (request = {}, onCall) =>
      interpret(
        advance(
          { secret: SECRET, policy, facts: factsOf(open.target), holder: 'w1' },
          { start: false, reason: 'test', resume: false, ...request },
        ),
        enginePorts(open, clock, random),
        { timeout: 1000, ...(onCall === undefined ? {} : { onCall }) },
      ),
    journal: () => state.get<SecretJournal>(`rotation/${SECRET}`)?.value,
    current: () => store.read(SECRET, 'current')?.value ?? {},
  };
}
