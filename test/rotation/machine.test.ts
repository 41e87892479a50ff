import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../shared/targets/index.ts';
import {
  abandoned,
  backoff,
  blackoutUntil,
  failed,
  graceOf,
  held,
  isPublished,
  judgeUse,
  nextAction,
  reached,
  sampled,
} from '../../shared/rotation/machine.ts';
import { CLOCK_SKEW_ALLOWANCE, DEFAULT_POLICY, type RotationPolicy } from '../../shared/rotation/policy.ts';
import { PHASES, type Phase, type RotationRecord } from '../../shared/rotation/record.ts';

const NOW = Date.UTC(2026, 0, 1);
const policy: RotationPolicy = { ...DEFAULT_POLICY, strategy: 'dual-account' };

function record(change: Partial<RotationRecord> = {}): RotationRecord {
  return {
    schemaVersion: 1,
    rotationId: 'r-1',
    secret: 'app/db',
    strategy: 'dual-account',
    reason: 'test',
    phase: 'planned',
    startedAt: NOW,
    updatedAt: NOW,
    from: { id: { slot: 'app_a', key: 'adopted' }, version: 'v-0' },
    to: 'app_b',
    revision: '1',
    evidence: { count: 0, latest: [] },
    attempts: 0,
    nextAt: NOW,
    steps: [{ phase: 'planned', at: NOW, fence: 1 }],
    ...change,
  };
}

const reading = (change: Partial<Evidence> = {}): Evidence => ({
  source: 'test',
  slot: 'app_a',
  at: NOW,
  sessions: 0,
  ...change,
});
const failure = { code: 'ERR_TIMEOUT', message: 'store did not answer', at: NOW };
const hold = { code: 'still-in-use', message: 'app_a is used' };

describe('nextAction', () => {
  it.each([
    ['planned', 'stage'],
    ['staged', 'apply'],
    ['applied', 'verify'],
    ['verified', 'publish'],
    ['published', 'begin-grace'],
    ['grace', 'sample'],
    ['retired', 'prove'],
    ['proven', 'close'],
  ] as const)('after %s comes %s', (phase, action) => {
    expect(nextAction(record({ phase }), policy, NOW, false)).toEqual({ do: action });
  });

  it('waits for ever when closed, whoever asks', () => {
    expect(nextAction(record({ phase: 'closed' }), policy, NOW, true)).toEqual({ do: 'wait', until: Number.POSITIVE_INFINITY });
  });

  it.each([
    { what: 'a failed step at once when asked', change: { failure }, resume: true, action: 'stage' },
    { what: 'a held step at once when asked', change: { hold: { ...hold, since: NOW } }, resume: true, action: 'stage' },
    { what: 'a failed step not before its time', change: { failure }, resume: false, action: 'wait' },
    { what: 'grace not before its time, even when asked', change: { phase: 'grace' as Phase }, resume: true, action: 'wait' },
  ])('does $what', ({ change, resume, action }) => {
    const next = nextAction(record({ ...change, nextAt: NOW + 1 }), policy, NOW, resume);
    expect(next).toEqual(action === 'wait' ? { do: 'wait', until: NOW + 1 } : { do: action });
  });

  it('begins exactly at nextAt', () => {
    expect(nextAction(record({ nextAt: NOW }), policy, NOW, false).do).toBe('stage');
    expect(nextAction(record({ nextAt: NOW + 1 }), policy, NOW, false).do).toBe('wait');
  });

  it('withdraws what is given up, from every phase before publishing', () => {
    for (const phase of ['planned', 'staged', 'applied', 'verified'] as const) {
      expect(nextAction(abandoned(record({ phase }), 'edited', NOW), policy, NOW, false)).toEqual({ do: 'withdraw' });
    }
  });

  it.each(['published', 'grace', 'retired', 'proven'] as const)('cannot give up in phase %s', (phase) => {
    expect(isPublished(record({ phase }))).toBe(true);
    expect(() => abandoned(record({ phase }), 'edited', NOW)).toThrow(
      `a rotation in phase ${phase} is past the point of no return`,
    );
  });
});

describe('what a step makes of the record', () => {
  it('clears hold, failure and attempts when a phase is reached, and goes on at once', () => {
    const next = reached(record({ hold: { ...hold, since: 1 }, failure, attempts: 3 }), 'staged', NOW + 5, 7);
    expect(next).toMatchObject({ phase: 'staged', attempts: 0, updatedAt: NOW + 5, nextAt: NOW + 5 });
    expect(next).not.toHaveProperty('hold');
    expect(next).not.toHaveProperty('failure');
    expect(next.steps.at(-1)).toEqual({ phase: 'staged', at: NOW + 5, fence: 7 });
  });

  it('keeps since when and notes the step once while it is held for the same reason', () => {
    const first = held(record(), hold, policy, NOW, 1, 0);
    const again = held(first, hold, policy, NOW + 1000, 1, 0);
    const other = held(again, { code: 'edited', message: 'edited' }, policy, NOW + 2000, 1, 0);
    expect(again).toMatchObject({ attempts: 2, hold: { since: NOW } });
    expect(again.steps).toHaveLength(first.steps.length);
    expect(other).toMatchObject({ attempts: 1, hold: { code: 'edited', since: NOW + 2000 } });
    expect(other.steps).toHaveLength(first.steps.length + 1);
  });

  it('keeps a bounded history of steps and readings', () => {
    let next = record({ phase: 'grace', grace: { startedAt: NOW, clock: 'target' } });
    for (let index = 0; index < 100; index += 1) {
      next = sampled(reached(next, 'grace', NOW + index, 1), reading({ at: NOW + index }), policy, NOW + index);
    }
    expect(next.steps).toHaveLength(40);
    expect(next.evidence.latest).toHaveLength(5);
    expect(next.evidence.count).toBe(100);
    expect(next.evidence.latest.at(-1)?.at).toBe(NOW + 99);
  });
});

describe('back-off', () => {
  it('is capped, jittered between half and whole, and doubles below the cap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (attempts, chance) => {
          const pause = backoff(policy, attempts, chance);
          const whole = Math.min(policy.backoff.cap, policy.backoff.first * 2 ** (attempts - 1));
          expect(pause).toBeLessThanOrEqual(policy.backoff.cap);
          expect(pause).toBeGreaterThanOrEqual(Math.floor(whole / 2));
          expect(pause).toBeLessThanOrEqual(whole);
          expect(backoff(policy, attempts + 1, chance)).toBeGreaterThanOrEqual(pause);
        },
      ),
    );
    expect(backoff(policy, 1, 0)).toBe(1000);
    expect(backoff(policy, 3, 0)).toBe(4000);
    expect(backoff(policy, 2, 0.5)).toBe(3000);
  });

  it('always leaves an open record with a later next time', () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const phase = fc.constantFrom(...PHASES.filter((each) => each !== 'closed'));
    fc.assert(
      fc.property(phase, fc.nat(1000), chance, fc.nat(1e9), (at, attempts, luck, later) => {
        const now = NOW + later;
        for (const next of [
          failed(record({ phase: at, attempts }), failure, policy, now, luck),
          held(record({ phase: at, attempts }), hold, policy, now, 1, luck),
          sampled(record({ phase: at, grace: { startedAt: NOW, clock: 'target' } }), reading({ at: now }), policy, now),
        ]) {
          expect(next.nextAt).toBeGreaterThan(now);
          expect(next.nextAt).toBeLessThanOrEqual(now + policy.backoff.cap);
        }
      }),
    );
  });
});

describe('judgeUse', () => {
  const anyPolicy = fc.record({
    grace: fc.nat(1e7),
    maxCacheAge: fc.nat(1e7),
    readLag: fc.nat(1e5),
    samples: fc.integer({ min: 1, max: 5 }),
    quiet: fc.nat(1e6),
  });
  const anyReading = fc.record(
    { at: fc.nat(3e7), sessions: fc.nat(5), lastUsedAt: fc.nat(3e7), lastLoginAt: fc.nat(3e7) },
    { requiredKeys: ['at', 'sessions'] },
  );
  const build = (raw: { at: number; sessions: number; lastUsedAt?: number; lastLoginAt?: number }): Evidence => ({
    source: 'test',
    slot: 'app_a',
    at: NOW + raw.at,
    sessions: raw.sessions,
    ...(raw.lastUsedAt === undefined ? {} : { lastUsedAt: NOW + Math.min(raw.lastUsedAt, raw.at) }),
    ...(raw.lastLoginAt === undefined ? {} : { lastLoginAt: NOW + Math.min(raw.lastLoginAt, raw.at) }),
  });
  const inGrace = (count: number, latest: readonly Evidence[] = []): RotationRecord =>
    record({ phase: 'grace', grace: { startedAt: NOW, clock: 'target' }, evidence: { count, latest } });

  it('is never ready before grace has passed, nor without grace, whatever the readings say', () => {
    fc.assert(
      fc.property(anyPolicy, fc.array(anyReading, { maxLength: 5 }), anyReading, fc.nat(100), (times, earlier, last, count) => {
        const given: RotationPolicy = { ...policy, ...times };
        const grace = Math.max(times.grace, times.maxCacheAge) + times.readLag;
        const verdict = judgeUse(inGrace(count, earlier.map(build)), build(last), given);
        if (last.at < grace) expect(verdict).toEqual({ ready: false });
        expect(judgeUse(record({ phase: 'grace' }), build(last), given)).toEqual({ ready: false });
      }),
    );
  });

  it('is never made readier by more use', () => {
    fc.assert(
      fc.property(anyPolicy, anyReading, fc.nat(3e7), fc.nat(3e7), (times, raw, use, login) => {
        const given: RotationPolicy = { ...policy, ...times };
        const less = build(raw);
        const more: Evidence = {
          ...less,
          sessions: less.sessions + 1,
          lastUsedAt: Math.max(less.lastUsedAt ?? 0, NOW + Math.min(use, raw.at)),
          lastLoginAt: Math.max(less.lastLoginAt ?? 0, NOW + Math.min(login, raw.at)),
        };
        const before = inGrace(10);
        if (judgeUse(before, more, given).ready) expect(judgeUse(before, less, given).ready).toBe(true);
        // What an earlier reading saw counts as well.
        if (judgeUse(inGrace(10, [more]), less, given).ready) expect(judgeUse(before, less, given).ready).toBe(true);
        // And it is never ready on fewer readings than are asked for.
        expect(judgeUse(inGrace(given.samples - 1), less, given).ready).toBe(false);
      }),
    );
  });

  const GRACE = graceOf(inGrace(0), policy);

  it.each([
    { what: 'ready at the end of grace when nobody uses it', at: GRACE, use: {}, ready: true },
    { what: 'not ready a millisecond earlier', at: GRACE - 1, use: {}, ready: false },
    { what: 'held while statements run', at: GRACE + 10, use: { lastUsedAt: NOW + GRACE, sessions: 2 }, ready: false },
    {
      what: 'ready when the last statement is as old as quiet',
      at: GRACE,
      use: { lastUsedAt: NOW + GRACE - policy.quiet },
      ready: true,
    },
    { what: 'held after a late login', at: GRACE + 1000, use: { lastLoginAt: NOW + policy.maxCacheAge + 1 }, ready: false },
    {
      what: 'ready when that login is one cache age old',
      at: GRACE + policy.maxCacheAge + 1,
      use: { lastLoginAt: NOW + policy.maxCacheAge + 1 },
      ready: true,
    },
    { what: 'ready after a login while caches ran', at: GRACE, use: { lastLoginAt: NOW + policy.maxCacheAge }, ready: true },
  ])('is $what', ({ at, use, ready }) => {
    const verdict = judgeUse(inGrace(policy.samples), reading({ at: NOW + at, ...use }), policy);
    expect(verdict.ready).toBe(ready);
    if (!ready && at >= GRACE)
      expect(verdict).toMatchObject({ hold: { code: 'still-in-use', message: expect.stringContaining('app_a') as string } });
  });

  it('allows for skew where grace runs on workers’ clocks, and has none in place', () => {
    const worker = record({ grace: { startedAt: NOW, clock: 'worker' } });
    expect(graceOf(worker, policy)).toBe(GRACE + CLOCK_SKEW_ALLOWANCE);
    expect(graceOf(record({ strategy: 'in-place' }), policy)).toBe(0);
    expect(graceOf(record(), { ...policy, grace: 1, maxCacheAge: 10, readLag: 5 })).toBe(15);
  });
});

describe('blackoutUntil', () => {
  const blackouts = [
    { from: NOW, to: NOW + 10 },
    { from: NOW + 5, to: NOW + 20 },
  ];
  it.each([
    [NOW - 1, undefined],
    [NOW, NOW + 10],
    [NOW + 5, NOW + 20],
    [NOW + 19, NOW + 20],
    [NOW + 20, undefined],
  ])('at %d is %s', (at, until) => {
    expect(blackoutUntil({ ...policy, blackouts }, at)).toBe(until);
  });
});
