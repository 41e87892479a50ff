import { describe, expect, it } from 'vitest';
import { graceOf, judgeUse, sampled } from '../../shared/rotation/machine.ts';
import { DEFAULT_POLICY, type RotationPolicy } from '../../shared/rotation/policy.ts';
import type { RotationRecord } from '../../shared/rotation/record.ts';
import type { Evidence } from '../../shared/targets/index.ts';

// The exact instants and words of grace: when the next reading is taken, and what each reading decides. Times are milliseconds after publishing.
const NOW = Date.UTC(2026, 0, 1);
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const policy: RotationPolicy = {
  ...DEFAULT_POLICY,
  strategy: 'dual-account',
  grace: 8 * MINUTE,
  maxCacheAge: 5 * MINUTE,
  readLag: 4 * SECOND,
  samples: 3,
  quiet: 30 * SECOND,
};
const GRACE = 8 * MINUTE + 4 * SECOND;

const reading = (at: number, change: Partial<Evidence> = {}): Evidence => ({
  source: 'test',
  slot: 'app_a',
  at: NOW + at,
  sessions: 0,
  ...change,
});

function inGrace(change: Partial<RotationRecord> = {}): RotationRecord {
  return {
    schemaVersion: 1,
    rotationId: 'r-1',
    secret: 'app/db',
    strategy: 'dual-account',
    reason: 'test',
    phase: 'grace',
    startedAt: NOW,
    updatedAt: NOW,
    from: { id: { slot: 'app_a', key: 'adopted' }, version: 'v-0' },
    to: 'app_b',
    revision: '1',
    staged: { version: 'v-1', id: { slot: 'app_b', key: 'k-1' } },
    grace: { startedAt: NOW, clock: 'target' },
    evidence: { count: 3, latest: [] },
    attempts: 0,
    nextAt: NOW,
    steps: [{ phase: 'grace', at: NOW, fence: 1 }],
    ...change,
  };
}

const withoutGrace = (change: Partial<RotationRecord> = {}): RotationRecord => {
  const { grace: _grace, ...rest } = inGrace(change);
  return rest;
};

describe('when the next reading is taken', () => {
  // With three samples, grace of 484 s falls into four parts of 121 s.
  const PART = GRACE / 4;

  it.each([
    { what: 'a part of grace later, at its beginning', at: 0, pause: PART },
    { what: 'a part of grace later, while more than a part remains', at: 2 * PART, pause: PART },
    { what: 'exactly when grace ends, when less than a part remains', at: GRACE - 7 * SECOND, pause: 7 * SECOND },
    { what: 'a millisecond later, for the last millisecond of grace', at: GRACE - 1, pause: 1 },
    { what: 'a part of grace later, from the instant that grace has ended', at: GRACE, pause: PART },
    { what: 'a part of grace later, after grace', at: GRACE + 1, pause: PART },
  ])('is $what', ({ at, pause }) => {
    expect(sampled(inGrace(), reading(at), policy, NOW + at).nextAt).toBe(NOW + at + pause);
  });

  it('is counted from the worker’s now, while what remains is counted on the target’s clock', () => {
    // Prepare: the target's clock is an hour behind the worker's.
    const workerNow = NOW + 60 * MINUTE;

    const next = sampled(inGrace(), reading(GRACE - 2 * SECOND), policy, workerNow);

    expect(next).toMatchObject({ updatedAt: workerNow, nextAt: workerNow + 2 * SECOND });
  });

  it('counts a grace that has not begun from the reading itself', () => {
    const long = { ...policy, samples: 0 };

    const next = sampled(withoutGrace(), reading(0), { ...long, grace: 2 * MINUTE, maxCacheAge: 0, readLag: 0 }, NOW);

    expect(next.nextAt).toBe(NOW + 2 * MINUTE);
  });

  it.each([
    { what: 'five minutes, however long grace is', change: { grace: 24 * 60 * MINUTE }, pause: 5 * MINUTE },
    { what: 'a tenth of a second, however short grace is', change: { grace: 120, maxCacheAge: 0, readLag: 0 }, pause: 100 },
    { what: 'a whole millisecond, rounded up', change: { grace: 1001, maxCacheAge: 0, readLag: 0 }, pause: 251 },
  ])('is apart by $what', ({ change, pause }) => {
    expect(sampled(inGrace(), reading(0), { ...policy, ...change }, NOW).nextAt).toBe(NOW + pause);
  });

  it('keeps asking in place, where there is no grace, every tenth of a second', () => {
    const inPlace = inGrace({ strategy: 'in-place' });

    expect(graceOf(inPlace, policy)).toBe(0);
    expect(sampled(inPlace, reading(0), policy, NOW).nextAt).toBe(NOW + 100);
  });
});

describe('what a reading makes of the record', () => {
  it('clears hold, failure and attempts, adds the reading last, and keeps everything else', () => {
    // Prepare
    const before = inGrace({
      hold: { code: 'still-in-use', message: 'app_a is used', since: NOW },
      failure: { code: 'ERR_TIMEOUT', message: 'the target did not answer', at: NOW },
      attempts: 4,
      evidence: { count: 6, latest: [1, 2, 3, 4, 5].map((at) => reading(at)) },
    });

    // Act
    const next = sampled(before, reading(6), policy, NOW + 6);

    // Assess
    const { hold: _hold, failure: _failure, ...kept } = before;
    expect(next).toEqual({
      ...kept,
      evidence: { count: 7, latest: [2, 3, 4, 5, 6].map((at) => reading(at)) },
      attempts: 0,
      updatedAt: NOW + 6,
      nextAt: NOW + 6 + GRACE / 4,
    });
    expect(next).not.toHaveProperty('hold');
    expect(next).not.toHaveProperty('failure');
  });
});

describe('what a reading decides', () => {
  const hint = 'find the consumer that does not read current again; it is looked at again by itself';
  const held = (message: string): unknown => ({ ready: false, hold: { code: 'still-in-use', message, hint } });
  const lateLogin = held('a consumer logged in as app_a after every cache must have run out');
  const CACHES_RUN_OUT = policy.maxCacheAge + policy.readLag;

  it('retires nothing without a grace that has begun, however many readings there were', () => {
    expect(judgeUse(withoutGrace({ evidence: { count: 100, latest: [] } }), reading(GRACE), policy)).toEqual({ ready: false });
  });

  it.each([
    { count: 2, verdict: { ready: false } },
    { count: 3, verdict: { ready: true } },
  ])('with $count of three readings is $verdict', ({ count, verdict }) => {
    expect(judgeUse(inGrace({ evidence: { count, latest: [] } }), reading(GRACE), policy)).toEqual(verdict);
  });

  it.each([
    { sessions: 0, words: '0 open sessions' },
    { sessions: 1, words: '1 open session' },
    { sessions: 2, words: '2 open sessions' },
  ])('says how many sessions are open: $words', ({ sessions, words }) => {
    const verdict = judgeUse(inGrace(), reading(GRACE, { lastUsedAt: NOW + GRACE, sessions }), policy);

    expect(verdict).toEqual(held(`app_a still runs statements: ${words}`));
  });

  it.each([
    { what: 'a statement a millisecond within quiet holds', age: policy.quiet - 1, ready: false },
    { what: 'a statement as old as quiet does not', age: policy.quiet, ready: true },
  ])('$what', ({ age, ready }) => {
    expect(judgeUse(inGrace(), reading(GRACE, { lastUsedAt: NOW + GRACE - age }), policy).ready).toBe(ready);
  });

  it.each([
    { what: 'within the read lag is a cache that may still run', login: CACHES_RUN_OUT, verdict: { ready: true } },
    { what: 'a millisecond after it is a late one', login: CACHES_RUN_OUT + 1, verdict: lateLogin },
  ])('a login $what', ({ login, verdict }) => {
    expect(judgeUse(inGrace(), reading(GRACE, { lastLoginAt: NOW + login }), policy)).toEqual(verdict);
  });

  it.each([
    { what: 'holds until a cache age has passed', wait: policy.maxCacheAge - 1, verdict: lateLogin },
    { what: 'holds no longer than a cache age', wait: policy.maxCacheAge, verdict: { ready: true } },
  ])('a late login $what', ({ wait, verdict }) => {
    const login = GRACE - SECOND;

    expect(judgeUse(inGrace(), reading(login + wait, { lastLoginAt: NOW + login }), policy)).toEqual(verdict);
  });

  it.each([
    { what: 'earlier reading', latest: [{ lastLoginAt: NOW + CACHES_RUN_OUT + 1 }, {}], last: {} },
    { what: 'last reading', latest: [{}, { lastLoginAt: NOW + 1 }], last: { lastLoginAt: NOW + CACHES_RUN_OUT + 1 } },
  ])('a late login that only the $what saw holds as well', ({ latest, last }) => {
    const evidence = { count: 3, latest: latest.map((each, index) => reading(GRACE - 2 + index, each)) };

    expect(judgeUse(inGrace({ evidence }), reading(GRACE, last), policy)).toEqual(lateLogin);
  });
});
