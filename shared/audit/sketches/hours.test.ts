import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { freshHours, known, near, noteHour, packHours, rarity, unpackHours, usualHours, type Hours } from './hours.ts';

/** Monday, 1 June 2026, midnight, in hours. */
const MONDAY = Date.UTC(2026, 5, 1) / 3_600_000;
const WORKS = [true, true, true, true, true, false, false];
const bins = new Float64Array(168);
const of = (hours: readonly number[]): Hours => {
  const made = freshHours();
  for (const hour of hours) noteHour(made, MONDAY + hour);
  return made;
};
const office = (weeks: number): number[] =>
  Array.from({ length: weeks * 5 }, (_, day) => Math.floor(day / 5) * 168 + (day % 5) * 24).flatMap((start) =>
    [9, 10, 11, 14, 15].map((hour) => start + hour),
  );

describe('hours', () => {
  it('keep the last half day apart', () => {
    const hours = of([9, 10]);

    expect([known(hours, MONDAY + 11, bins), known(hours, MONDAY + 24, bins)]).toEqual([
      { n: 0, days: 0 },
      { n: 2, days: 1 },
    ]);
  });
  it('count an hour of hard work three times at most', () => {
    const hours = of([...Array.from<number>({ length: 50 }).fill(9), 40]);

    expect(known(hours, MONDAY + 100, bins)).toEqual({ n: 4, days: 2 });
    expect(bins[9]).toBe(12);
  });
  it('forget by half in 45 days, and all of a single event in half a year', () => {
    const hours = of([9, ...Array.from({ length: 200 }, (_, day) => 12 + day * 24)]);

    expect(near(hours.bins, 9, 0, (weekday) => weekday === 0)).toBe(0);
    expect(hours.sum / 4).toBeLessThan(120);
    expect(hours.sum).toBe(hours.bins.reduce((sum, count) => sum + count, 0));
  });
  it('do not depend on the order within twelve hours', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 30 }),
        fc.integer({ min: 0, max: 1_000 }),
        (list, start) => {
          const events = list.map((hour) => start + hour);
          const orders = [events, events.toReversed(), events.toSorted((a, b) => a - b)];
          const [one, two, three] = orders.map((order) => packHours(of([...order, start + 100])));
          expect(two).toEqual(one);
          expect(three).toEqual(one);
        },
      ),
    );
  });
  it('leave out what is half a day late', () => {
    expect(packHours(of([30, 9]))).toEqual(packHours(of([30])));
  });
  it('know how rare an hour is', () => {
    known(of(office(4)), MONDAY + 10_000, bins);

    expect(rarity(bins, 10, WORKS)).toBeGreaterThan(0.5);
    expect(rarity(bins, 3, WORKS)).toBe(0);
    expect(rarity(bins, 5 * 24 + 10, WORKS)).toBe(0);
    expect(rarity(bins, 16, WORKS)).toBeGreaterThan(0.01);
    expect(rarity(bins, 16, WORKS)).toBeLessThan(rarity(bins, 15, WORKS));
  });
  it('say for people when that is', () => {
    expect(usualHours(of([...office(1), 400]).bins)).toBe('09-16');
    expect(usualHours(of([22, 23, 24, 25, 400]).bins)).toBe('22-02');
    expect(usualHours(freshHours().bins)).toBe('no hours');
    expect(usualHours(Array.from<number>({ length: 168 }).fill(4))).toBe('all hours');
  });
});

describe('what is written of hours', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }), (list) => {
        const hours = of(list.sort((a, b) => a - b));
        expect(unpackHours(JSON.parse(JSON.stringify(packHours(hours))))).toEqual(hours);
      }),
    );
  });
  it('is small', () => {
    expect(JSON.stringify(packHours(of(office(8)))).length).toBeLessThan(400);
  });
  it('is not taken from foreign shapes', () => {
    const foreign = [
      undefined,
      {},
      [],
      [2, 0, 0, 0, 0],
      [1, 0, 0, 0, 1],
      [1, 0, 0, 0, 0, 168, 4],
      [1, 0, 0, 0, 0, 5, 0],
      [1, 0, 0, 0, 0, 5],
      [1, 0, 0, 0, 0.5],
    ];

    expect(foreign.map(unpackHours)).toEqual(foreign.map(() => undefined));
  });
});
