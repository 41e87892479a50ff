import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calendarOf, hourOf, hourOfWeek, isTimeZone, isWorking, localTime, whenText } from './calendar.ts';

const HOUR = 3_600_000;
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/Los_Angeles',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'Africa/Casablanca',
];
const OFFICE = { days: ['mon', 'tue', 'wed', 'thu', 'fri'] as const, from: '08:00', to: '19:00', holidays: ['2026-12-25'] };
const calendar = calendarOf({ ...OFFICE, days: [...OFFICE.days] });

describe('local time', () => {
  it('is what Intl says, in every zone and at every quarter of an hour', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2030, 0) }), (timeZone, time) => {
        const local = new Date(localTime(timeZone, time));
        const said = new Intl.DateTimeFormat('en-GB', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(time);
        const utc = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', dateStyle: 'short', timeStyle: 'medium' }).format(local);
        expect(utc).toBe(said);
      }),
    );
  });
  it('jumps when clocks change', () => {
    const change = Date.UTC(2026, 2, 29, 1);

    expect(localTime('Europe/Berlin', change - 1) - (change - 1)).toBe(HOUR);
    expect(localTime('Europe/Berlin', change) - change).toBe(2 * HOUR);
  });
  it('takes a zone that nobody knows for UTC, and says so', () => {
    expect(localTime('Mars/Olympus', 12_345)).toBe(12_345);
    expect([isTimeZone('Mars/Olympus'), isTimeZone('Europe/Berlin')]).toEqual([false, true]);
  });
  it('counts the hours of the week from Monday', () => {
    const monday = Date.UTC(2026, 5, 1);

    expect([monday, monday + 9.5 * HOUR, monday - 1, 0, -1].map((local) => hourOfWeek(hourOf(local)))).toEqual([
      0, 9, 167, 72, 71,
    ]);
    expect(whenText(monday + 27.2 * HOUR)).toBe('Tuesday 03:12');
  });
});

describe('working hours', () => {
  const at = (day: number, hour: number, minute = 0): number => Date.UTC(2026, 5, day, hour, minute);

  it.each([
    [1, 8, 0, true],
    [1, 7, 59, false],
    [1, 18, 59, true],
    [1, 19, 0, false],
    [6, 12, 0, false],
  ])('on 2026-06-0%i at %i:%i: %s', (day, hour, minute, works) => {
    expect(isWorking(calendar, at(day, hour, minute))).toBe(works);
  });
  it('know holidays, a day without an end and nights', () => {
    const night = calendarOf({ days: ['sun'], from: '22:00', to: '06:00', holidays: [] });
    const long = calendarOf({ days: ['mon'], from: '00:00', to: '24:00', holidays: [] });

    expect(isWorking(calendar, Date.UTC(2026, 11, 25, 12))).toBe(false);
    expect([at(7, 23), at(8, 5), at(8, 7), at(7, 5)].map((time) => isWorking(night, time))).toEqual([true, true, false, false]);
    expect([at(1, 0), at(1, 23, 59), at(2, 0)].map((time) => isWorking(long, time))).toEqual([true, true, false]);
  });
});
