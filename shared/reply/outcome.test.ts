import { describe, expect, it } from 'vitest';
import type { AdvanceResult, RotationRecord } from '../rotation/index.ts';
import { combine, outcomeOf } from './outcome.ts';

const record = (over: Partial<RotationRecord>): RotationRecord => ({
  schemaVersion: 1,
  rotationId: 'r-1',
  secret: 'app/db',
  strategy: 'dual-account',
  reason: 'test',
  phase: 'planned',
  startedAt: 0,
  updatedAt: 0,
  from: { id: { slot: 'app_a', key: 'adopted' }, version: 'v1' },
  to: 'app_b',
  revision: '1',
  evidence: { count: 0, latest: [] },
  attempts: 0,
  nextAt: 0,
  steps: [],
  ...over,
});

const hold = { code: 'still-in-use', message: 'app_a is still used', since: 0 };
const failure = { code: 'ERR_TARGET_UNREACHABLE', message: 'no route', at: 0 };

const cases: [what: string, result: Omit<AdvanceResult, 'secret'>, asked: boolean, code: number, message: string][] = [
  [
    'rotated',
    { status: 'closed', rotation: record({ phase: 'closed', outcome: 'rotated' }) },
    true,
    0,
    'app/db: rotated, app_b is in use and the old credential is refused',
  ],
  [
    'given up',
    { status: 'closed', rotation: record({ phase: 'closed', outcome: 'abandoned', abandon: { reason: 'edited' } }) },
    true,
    1,
    'app/db: the rotation was given up, because the secret was edited by hand; the edit is current and was kept',
  ],
  ['not due', { status: 'idle', resumeAt: 60_000 }, false, 0, 'app/db: nothing to do, due at 60000'],
  ['in grace', { status: 'waiting', rotation: record({ phase: 'grace' }), resumeAt: 5 }, true, 0, 'app/db: grace, goes on at 5'],
  [
    'in a blackout and asked for',
    { status: 'waiting', resumeAt: 5 },
    true,
    1,
    'app/db: not started, a blackout in keywheel.yaml ends at 5',
  ],
  [
    'in a blackout in a scheduled run',
    { status: 'waiting', resumeAt: 5 },
    false,
    0,
    'app/db: not started, a blackout in keywheel.yaml ends at 5',
  ],
  [
    'held after publishing',
    { status: 'held', rotation: record({ phase: 'grace', hold }) },
    true,
    5,
    'app/db: held after grace: app_a is still used',
  ],
  [
    'held before anything was done',
    { status: 'held', error: { ...failure, code: 'grants-differ', message: 'they differ' } },
    true,
    1,
    'app/db: held: they differ',
  ],
  [
    'unreachable before anything was done',
    { status: 'failed', error: failure, resumeAt: 5 },
    true,
    4,
    'app/db: failed: no route',
  ],
  [
    'unreachable on the way',
    { status: 'failed', error: failure, rotation: record({ phase: 'staged', failure, attempts: 1 }), resumeAt: 5 },
    true,
    5,
    'app/db: failed after staged: no route, goes on at 5',
  ],
  [
    'the first effect, tried without a result',
    { status: 'failed', error: failure, rotation: record({ failure, attempts: 1 }), resumeAt: 5 },
    true,
    5,
    'app/db: failed after planned: no route, goes on at 5',
  ],
  ['busy and asked for', { status: 'busy' }, true, 5, 'app/db: another worker is rotating it now'],
  ['busy in a scheduled run', { status: 'busy' }, false, 0, 'app/db: another worker is rotating it now'],
  ['disabled and asked for', { status: 'disabled' }, true, 1, 'app/db: rotation is disabled, nothing was changed'],
  ['disabled in a scheduled run', { status: 'disabled' }, false, 0, 'app/db: rotation is disabled, nothing was changed'],
];

describe('what a rotation’s end means', () => {
  it.each(cases)('%s', (_what, result, asked, code, message) => {
    const outcome = outcomeOf({ secret: 'app/db', ...result }, asked, (at) => `at ${at}`);

    expect(outcome).toMatchObject({ code, message });
  });

  it.each([
    [[], 0],
    [[0, 0], 0],
    [[0, 4], 5],
    [[4, 4], 4],
    [[3, 4], 1],
    [[1, 5], 5],
  ] as const)('%j together is %i', (codes, expected) => {
    expect(combine(codes)).toBe(expected);
  });
});
