import { describe, expect, it } from 'vitest';
import type { SecretConfig } from '../../../shared/config/index.ts';
import type { SecretJournal } from '../../../shared/rotation/index.ts';
import { checkJournal, checkSchedule } from './secret.ts';

const HOUR = 3_600_000;
const secret = (over: object): SecretConfig =>
  ({ enabled: true, strategy: 'dual-account', evidence: { samples: 3, quiet: 1000 }, ...over }) as SecretConfig;
const schedule = (over: object): object => ({ schedule: { timeZone: 'UTC', jitter: 0, ...over } });

describe('the doctor on schedules', () => {
  it.each([
    [{}, 'ok', 'no schedule: it rotates only when asked'],
    [schedule({ every: 30 * 24 * HOUR }), 'ok', 'schedule: every 30d'],
    [schedule({ cron: '0 3 * * 1' }), 'ok', 'schedule: cron 0 3 * * 1'],
    [schedule({ every: HOUR }), 'warn', 'schedule.every 1h is not longer than grace 1h and jitter: rotations would never rest'],
    [{ enabled: false }, 'warn', 'rotation is disabled'],
  ])('%j is %s', (over, level, message) => {
    expect(checkSchedule('app/db', secret(over))).toMatchObject({ level, subject: 'app/db', message });
  });
});

describe('the doctor on the last rotation', () => {
  const rotation = { phase: 'grace', startedAt: 0 };
  const hold = { code: 'still-in-use', message: 'app_a is still used', since: 0 };
  const failure = { code: 'ERR_TARGET_UNREACHABLE', message: 'no route', at: 0 };

  it.each([
    [undefined, 'ok', 'never rotated yet', undefined],
    [{ lastRotatedAt: 0 }, 'ok', 'last rotated 2h ago', undefined],
    [{ rotation }, 'ok', 'rotation open for 2h, grace is complete', undefined],
    [
      { rotation: { ...rotation, hold } },
      'fail',
      'rotation held after grace: app_a is still used',
      'keywheel rotate app/db --resume',
    ],
    [
      { rotation: { ...rotation, failure } },
      'warn',
      'rotation failed after grace and is tried again: no route',
      'keywheel rotate app/db --resume',
    ],
    [{ failure }, 'warn', 'the last rotation did not come about: no route', 'keywheel rotate app/db --dry-run'],
  ])('%j is %s', (journal, level, message, mend) => {
    const check = checkJournal('app/db', journal as SecretJournal | undefined, 2 * HOUR);

    expect(check).toEqual({ level, subject: 'app/db', message, ...(mend === undefined ? {} : { mend }) });
  });
});
