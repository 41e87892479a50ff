import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { insertTime, stepsOf, variation, walk } from './walk.ts';

const MINUTE = 60_000;
const steps = stepsOf({ theta0: 0.85, theta1: 0.2, alpha: 0.00001, beta: 0.01 });
const every = (n: number, gap: number): number[] => Array.from({ length: n }, (_, at) => 1e12 + at * gap);

describe('walk', () => {
  it('reaches the alarm with the seventh failure of a row, as the paper’s bounds say', () => {
    expect(steps.alarm / steps.up).toBeCloseTo(6.87, 1);
    expect(walk(every(6, MINUTE), [], 0, steps)).toBeLessThan(steps.alarm);
    expect(walk(every(7, MINUTE), [], 0, steps)).toBeGreaterThanOrEqual(steps.alarm);
  });
  it('is pushed back by successes, but not below nothing', () => {
    const oks = every(100, MINUTE);
    const after = every(7, 1_000).map((time) => time + 101 * MINUTE);

    expect(walk(every(7, MINUTE), oks, 0, steps)).toBeLessThan(steps.alarm / 3);
    expect(walk(after, oks, 0, steps)).toBeCloseTo(7 * steps.up, 6);
  });
  it('fades, so that one failure a day is never an alarm', () => {
    expect(walk(every(300, 24 * 60 * MINUTE), [], 0, steps)).toBeLessThan(steps.alarm / 2);
    expect(walk(every(12, 10 * MINUTE), [], 0, steps)).toBeGreaterThan(steps.alarm);
  });
  it('tells the highest from a time on', () => {
    const fails = every(7, MINUTE);
    const oks = every(7, MINUTE).map((time) => time + 30 * MINUTE);

    expect(walk(fails, oks, fails[0] ?? 0, steps)).toBeGreaterThan(steps.alarm);
    expect(walk(fails, oks, oks.at(-1) ?? 0, steps)).toBeLessThan(steps.alarm / 2);
  });
  it('stays finite whatever keywheel.yaml says', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 10, noNaN: true }), fc.double({ min: 0, max: 10, noNaN: true }), (theta0, theta1) => {
        const { up, down, alarm } = stepsOf({ theta0, theta1, alpha: 0, beta: 5 });
        expect([up, down, alarm].every(Number.isFinite)).toBe(true);
        expect(Math.min(up, down)).toBeGreaterThan(0);
      }),
    );
  });
});

describe('times', () => {
  it('vary not at all on a clock’s beat, and by about one at random', () => {
    expect(variation(every(20, 30_000), 3)).toBe(0);
    expect(variation([0, 1, 2, 30, 31, 90, 91], 3)).toBeGreaterThan(0.8);
    expect(variation([0, 10, 20], 3)).toBe(Number.POSITIVE_INFINITY);
    expect(variation([5, 5, 5, 5], 3)).toBe(Number.POSITIVE_INFINITY);
  });
  it('are kept in order, the newest of them', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000)), fc.integer({ min: 1, max: 20 }), (times, limit) => {
        const kept: number[] = [];
        for (const time of times) insertTime(kept, time, limit);
        expect(kept).toEqual(times.toSorted((a, b) => a - b).slice(-limit));
      }),
    );
  });
});
