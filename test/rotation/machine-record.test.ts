import { describe, expect, it } from 'vitest';
import { abandoned, failed, held, reached, reverted } from '../../shared/rotation/machine.ts';
import { DEFAULT_POLICY, type RotationPolicy } from '../../shared/rotation/policy.ts';
import type { RotationRecord } from '../../shared/rotation/record.ts';

// Each transition, field by field: a whole record goes in, and the whole record that comes out is compared.
const NOW = Date.UTC(2026, 0, 1);
const LATER = NOW + 60_000;
const policy: RotationPolicy = { ...DEFAULT_POLICY, strategy: 'dual-account' };
const old = { slot: 'app_a', key: 'adopted' };
const fresh = { slot: 'app_b', key: 'k-1' };
const failure = { code: 'ERR_TIMEOUT', message: 'store did not answer', at: NOW };
const hold = { code: 'edited', message: 'somebody edited it', hint: 'look' };

function published(change: Partial<RotationRecord> = {}): RotationRecord {
  return {
    schemaVersion: 1,
    rotationId: 'r-1',
    secret: 'app/db',
    strategy: 'dual-account',
    reason: 'test',
    phase: 'grace',
    startedAt: NOW,
    updatedAt: NOW,
    from: { id: old, version: 'v-0' },
    to: 'app_b',
    revision: '1',
    staged: { version: 'v-1', id: fresh },
    grace: { startedAt: NOW, clock: 'target' },
    evidence: { count: 9, latest: [{ source: 'test', slot: 'app_a', at: NOW, sessions: 1 }] },
    proof: [{ endpoint: 'primary', outcome: 'refused', detail: 'refused', at: NOW }],
    attempts: 3,
    nextAt: NOW + 5,
    steps: [{ phase: 'planned', at: NOW, fence: 1 }],
    ...change,
  };
}

describe('a rotation whose publishing was taken back by hand', () => {
  it('ends what it published, by its id, after a grace and on readings of its own', () => {
    const before = published({ failure, hold: { ...hold, since: NOW } });

    const next = reverted(before, 'edited-back', LATER, 7);

    const { hold: _hold, failure: _failure, grace: _grace, proof: _proof, ...kept } = before;
    expect(next).toStrictEqual({
      ...kept,
      from: { id: fresh, version: 'v-1' },
      staged: { version: 'v-0', id: old },
      reverted: { reason: 'edited-back' },
      phase: 'published',
      evidence: { count: 0, latest: [] },
      attempts: 0,
      updatedAt: LATER,
      nextAt: LATER,
      steps: [...before.steps, { phase: 'published', at: LATER, fence: 7 }],
    });
  });

  it('taken back twice is where it began', () => {
    const twice = reverted(reverted(published(), 'edited-back', LATER, 7), 'superseded', LATER + 1, 8);

    expect(twice).toMatchObject({ from: published().from, staged: published().staged, reverted: { reason: 'superseded' } });
  });

  it('cannot be one that published nothing', () => {
    const { staged: _staged, ...nothing } = published();

    expect(() => reverted(nothing, 'edited-back', LATER, 7)).toThrow(new Error('rotation r-1 published nothing'));
  });
});

describe('a record after', () => {
  it('a step: its phase, its step, and what the step changed; hold, failure and attempts are gone', () => {
    const before = published({ failure, hold: { ...hold, since: NOW } });

    const next = reached(before, 'retired', LATER, 7, { nextAt: LATER + 9, revision: '2' });

    const { hold: _hold, failure: _failure, ...kept } = before;
    expect(next).toStrictEqual({
      ...kept,
      revision: '2',
      phase: 'retired',
      updatedAt: LATER,
      nextAt: LATER + 9,
      attempts: 0,
      steps: [...before.steps, { phase: 'retired', at: LATER, fence: 7 }],
    });
  });

  it('the fortieth step drops the oldest and keeps the order', () => {
    const steps = Array.from({ length: 40 }, (_each, index) => ({ phase: 'held' as const, at: NOW + index, fence: index }));

    const next = reached(published({ steps }), 'retired', LATER, 40);

    expect(next.steps.map((each) => each.fence)).toEqual(Array.from({ length: 40 }, (_each, index) => index + 1));
  });

  it('a failure: one more attempt, later; a hold that stands, stands', () => {
    const before = published({ hold: { ...hold, since: NOW } });

    expect(failed(before, failure, policy, LATER, 0)).toStrictEqual({
      ...before,
      failure,
      attempts: 4,
      updatedAt: LATER,
      // The fourth pause is 2 s doubled three times; chance 0 is half of it.
      nextAt: LATER + 8_000,
    });
  });

  it('a hold: since when, with a step, and the failure gone', () => {
    const before = published({ failure });

    const next = held(before, hold, policy, LATER, 7, 0);

    const { failure: _failure, ...kept } = before;
    expect(next).toStrictEqual({
      ...kept,
      hold: { ...hold, since: LATER },
      attempts: 1,
      updatedAt: LATER,
      nextAt: LATER + 1_000,
      steps: [...before.steps, { phase: 'held', at: LATER, fence: 7 }],
    });
  });

  it('the same hold again: the latest words, the first since, and no step', () => {
    const before = published({ hold: { ...hold, since: NOW } });

    const next = held(before, { code: 'edited', message: 'still edited' }, policy, LATER, 7, 0);

    expect(next).toStrictEqual({
      ...before,
      hold: { code: 'edited', message: 'still edited', since: NOW },
      attempts: 4,
      updatedAt: LATER,
      nextAt: LATER + 8_000,
    });
  });

  it('giving up: the reason, and at once', () => {
    const before = published({ phase: 'verified', failure, hold: { ...hold, since: NOW } });

    const { hold: _hold, failure: _failure, ...kept } = before;
    expect(abandoned(before, 'edited', LATER)).toStrictEqual({
      ...kept,
      abandon: { reason: 'edited' },
      attempts: 0,
      updatedAt: LATER,
      nextAt: LATER,
    });
  });
});
