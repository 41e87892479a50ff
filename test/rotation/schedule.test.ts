import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SecretJournal } from '../../shared/rotation/index.ts';
import { nextStart, windowFrom, type Schedule } from '../../shared/rotation/schedule.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string): number => Date.parse(text);
const schedule = (change: Partial<Schedule> = {}): Schedule => ({ every: 30 * DAY, timeZone: 'UTC', jitter: 0, ...change });
const journal = (change: Partial<SecretJournal> = {}): SecretJournal => ({
  schemaVersion: 1,
  secret: 'app/db',
  firstSeenAt: at('2026-01-01T12:00:00Z'),
  attempts: 0,
  ...change,
});
const open = { blackouts: [] };

describe('nextStart', () => {
  it('counts from when the schedule first saw a secret, so a deploy rotates nothing', () => {
    expect(nextStart(schedule(), journal(), open)).toBe(at('2026-01-31T12:00:00Z'));
  });

  it('counts from the last rotation once there was one', () => {
    expect(nextStart(schedule(), journal({ lastRotatedAt: at('2026-03-01T00:00:00Z') }), open)).toBe(at('2026-03-31T00:00:00Z'));
  });

  it('does not fall due because it was enabled again', () => {
    const seen = journal({ lastRotatedAt: at('2026-01-01T00:00:00Z'), disabledSeenAt: at('2026-06-01T00:00:00Z') });
    expect(nextStart(schedule(), seen, open)).toBe(at('2026-07-01T00:00:00Z'));
  });

  it.each([
    ['winter', '2026-01-10T00:00:00Z', '2026-01-12T02:00:00Z'],
    ['summer', '2026-07-11T00:00:00Z', '2026-07-13T01:00:00Z'],
  ])('reads cron in its time zone (%s)', (_season, last, due) => {
    const weekly = schedule({ every: undefined, cron: '0 3 * * 1', timeZone: 'Europe/Berlin' });
    expect(nextStart(weekly, journal({ lastRotatedAt: at(last) }), open)).toBe(at(due));
  });

  it('waits for the window, in its time zone, on its days, across midnight', () => {
    const window = schedule({ timeZone: 'America/New_York', window: { from: '22:00', to: '02:00', days: ['sat'] } });
    // Saturday 2026-02-07 in New York; 02:59 UTC on Sunday is 21:59 on Saturday there.
    expect(windowFrom(window, at('2026-02-08T02:59:00Z'))).toBe(at('2026-02-08T03:00:00Z'));
    expect(windowFrom(window, at('2026-02-08T06:59:00Z'))).toBe(at('2026-02-08T06:59:00Z'));
    expect(windowFrom(window, at('2026-02-08T07:00:00Z'))).toBe(at('2026-02-15T03:00:00Z'));
  });

  it('moves past blackouts, and then back into the window', () => {
    const nightly = schedule({ every: DAY, window: { from: '02:00', to: '04:00' } });
    const blackouts = [{ from: at('2026-01-02T00:00:00Z'), to: at('2026-01-05T03:30:00Z') }];
    expect(nextStart(nightly, journal(), { blackouts })).toBe(at('2026-01-05T03:30:00Z'));
    const longer = [{ from: at('2026-01-02T00:00:00Z'), to: at('2026-01-05T05:00:00Z') }];
    expect(nextStart(nightly, journal(), { blackouts: longer })).toBe(at('2026-01-06T02:00:00Z'));
  });

  it('does not start before a failed start is to be tried again', () => {
    const retryAt = at('2026-02-01T00:10:00Z');
    expect(nextStart(schedule(), journal({ retryAt }), open)).toBe(retryAt);
  });

  it('jitters by up to the jitter, the same for the same turn, and differently for different secrets', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(40 * 365 * DAY), (secret, last) => {
        const turn = journal({ secret, lastRotatedAt: last });
        const due = nextStart(schedule({ jitter: HOUR }), turn, open);
        expect(due).toBe(nextStart(schedule({ jitter: HOUR }), turn, open));
        expect(due).toBeGreaterThanOrEqual(last + 30 * DAY);
        expect(due).toBeLessThan(last + 30 * DAY + HOUR);
      }),
    );
    const spread = new Set(
      Array.from({ length: 50 }, (_each, index) =>
        nextStart(schedule({ jitter: HOUR }), journal({ secret: `s/${index}` }), open),
      ),
    );
    expect(spread.size).toBeGreaterThan(45);
  });

  it('never starts outside the window or in a blackout, whatever the times', () => {
    const minute = fc
      .nat(24 * 60 - 1)
      .map((each) => `${String(Math.floor(each / 60)).padStart(2, '0')}:${String(each % 60).padStart(2, '0')}`);
    fc.assert(
      fc.property(
        minute,
        minute,
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland'),
        fc.nat(365),
        (from, to, timeZone, day) => {
          fc.pre(from !== to);
          const windowed = schedule({ timeZone, window: { from, to } });
          const start = windowFrom(windowed, at('2026-01-01T00:00:00Z') + day * DAY);
          expect(windowFrom(windowed, start)).toBe(start);
          expect(start - (at('2026-01-01T00:00:00Z') + day * DAY)).toBeLessThanOrEqual(25 * HOUR);
        },
      ),
    );
  });
});
