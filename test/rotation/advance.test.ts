import { describe, expect, it } from 'vitest';
import {
  advance,
  DEFAULT_POLICY,
  type AdvanceResult,
  type Engine,
  type EnginePorts,
  type EngineContext,
  type SecretJournal,
} from '../../shared/rotation/index.ts';
import { perform } from '../../shared/rotation/interpret.ts';
import { FakeState } from '../fakes/state.ts';
import { FakeStore } from '../fakes/store.ts';
import { FakeTarget } from '../fakes/target.ts';

function runSync<T>(engine: Engine<T>, ports: EnginePorts): T {
  let step = engine.next();
  while (step.done !== true) {
    let result: unknown;
    try {
      result = perform(ports, step.value);
    } catch (error) {
      step = engine.throw(error);
      continue;
    }
    step = engine.next(result);
  }
  return step.value;
}

function world(strategy: 'dual-account' | 'in-place') {
  let now = 1_700_000_000_000;
  const clock = { now: () => now };
  const store = new FakeStore(clock.now);
  const target = new FakeTarget(clock.now, strategy === 'dual-account' ? ['app_a', 'app_b'] : ['app_a']);
  const state = new FakeState(clock.now);
  target.setByHand('app_a', 'first');
  store.put('app/db', { username: 'app_a', password: 'first', host: 'db' });
  let ids = 0;
  const ports = {
    store,
    target,
    state,
    clock,
    random: { rotationId: () => `r-${(ids += 1)}`, uniform: () => 0.5 },
  } as unknown as EnginePorts;
  const context: EngineContext = {
    secret: 'app/db',
    policy: { ...DEFAULT_POLICY, strategy },
    facts: {
      description: 'fake',
      capability: target.capability,
      endpoints: target.endpoints,
      slots: target.slots,
      slotOf: (v) => target.slotOf(v),
      usage: true,
    },
    holder: 'w1',
  };
  return {
    store,
    target,
    state,
    context,
    tick: (ms: number) => (now += ms),
    advance: (request: Partial<Parameters<typeof advance>[1]> = {}): AdvanceResult =>
      runSync(advance(context, { start: false, reason: 'test', resume: false, ...request }), ports),
  };
}

describe('advance', () => {
  it('takes a dual-account rotation from planned to closed, and keeps both accounts alive through grace', () => {
    // Prepare
    const w = world('dual-account');
    // Act
    const first = w.advance({ start: true });
    // Assess
    expect(first.status).toBe('waiting');
    expect(first.rotation?.phase).toBe('grace');
    expect(w.store.read('app/db', 'current')?.value['username']).toBe('app_b');
    expect(w.target.live().get('app_a')).toBe('first');
    let last = first;
    for (let turns = 0; turns < 20 && last.status === 'waiting'; turns += 1) {
      w.tick((last.resumeAt ?? 0) - (w.context.policy.grace === 0 ? 0 : (last.rotation?.updatedAt ?? 0)));
      last = w.advance();
    }
    expect(last.status).toBe('closed');
    expect(last.rotation?.outcome).toBe('rotated');
    expect(last.rotation?.proof).toMatchObject([{ endpoint: 'primary', outcome: 'refused' }]);
    expect(w.target.live().get('app_a')).toBeUndefined();
    expect(w.state.get<SecretJournal>('rotation/app/db')?.value.lastRotatedAt).toBeGreaterThan(0);
    expect([...w.state.list('history/')]).toHaveLength(1);
  });

  it('rotates in place in one call and records the dead window', () => {
    const w = world('in-place');
    const result = w.advance({ start: true });
    expect(result.status).toBe('closed');
    expect(result.rotation?.deadWindow?.to).toBeDefined();
    expect(w.target.accepts(w.store.read('app/db', 'current')?.value ?? {})).toBe(true);
  });

  it('withdraws what it staged when the secret is edited by hand before publishing', () => {
    const w = world('dual-account');
    const publish = w.store.publish.bind(w.store);
    w.store.publish = (...args) => {
      w.store.put('app/db', { username: 'app_a', password: 'first', host: 'db', note: 'by hand' });
      return publish(...args);
    };
    const result = w.advance({ start: true });
    expect(result.rotation).toMatchObject({ phase: 'closed', outcome: 'abandoned', abandon: { reason: 'edited' } });
    expect(w.store.read('app/db', 'current')?.value['note']).toBe('by hand');
    expect(w.store.read('app/db', 'pending')).toBeUndefined();
    expect(w.target.live().get('app_b')).toBeUndefined();
    expect(w.target.live().get('app_a')).toBe('first');
  });
});
