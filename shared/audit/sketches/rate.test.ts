import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { count, countAt, expectedAt, freshRate, logGamma, packRate, tailBits, unpackRate } from './rate.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

describe('the surprise of a count', () => {
  it('is what summing the distribution gives', () => {
    // P(X >= 10) of a Poisson with mean 2, and P(X >= 10) of a negative binomial with mean 2 and variance 6 (r = 1: geometric, q = 2/3).
    expect(tailBits(10, 2, 2)).toBeCloseTo(-Math.log2(4.64981e-5), 3);
    expect(tailBits(10, 2, 6)).toBeCloseTo(-Math.log2((2 / 3) ** 10), 6);
  });

  it('grows with the count and shrinks with what is expected', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        fc.double({ min: 1, max: 5, noNaN: true }),
        (k, mean, over) => {
          const bits = tailBits(k, mean, mean * over);
          expect(bits).toBeGreaterThanOrEqual(0);
          expect(tailBits(k + 1, mean, mean * over)).toBeGreaterThanOrEqual(bits - 1e-9);
          expect(tailBits(k, mean * 2, mean * 2 * over)).toBeLessThanOrEqual(bits + 1e-9);
        },
      ),
    );
  });

  it('uses a gamma function that is right', () => {
    expect(logGamma(5)).toBeCloseTo(Math.log(24), 9);
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 9);
  });
});

describe('a rate', () => {
  it('learns what is usual and says zero after a long silence', () => {
    const rate = freshRate();
    for (let at = 0; at < DAY; at += MINUTE) count(rate, at, 1, 5 * MINUTE, DAY);

    const soon = expectedAt(rate, DAY, 5 * MINUTE, DAY);
    const later = expectedAt(rate, 30 * DAY, 5 * MINUTE, DAY);

    expect(soon.mean).toBeCloseTo(5, 1);
    expect(later.mean).toBeLessThan(0.001);
    expect(countAt(rate, DAY - MINUTE, 5 * MINUTE)).toBe(5);
    expect(countAt(rate, DAY + 5 * MINUTE, 5 * MINUTE)).toBe(0);
  });

  it('is not dragged by one burst', () => {
    const rate = freshRate();
    for (let at = 0; at < DAY; at += MINUTE) count(rate, at, 1, 5 * MINUTE, DAY);
    count(rate, DAY, 10_000, 5 * MINUTE, DAY);

    expect(expectedAt(rate, DAY + 5 * MINUTE, 5 * MINUTE, DAY).mean).toBeLessThan(6);
  });

  it('is read as it was written, and nothing else is read', () => {
    const rate = freshRate();
    for (let at = 0; at < 100; at += 1) count(rate, at * MINUTE, at % 3, 5 * MINUTE, DAY);

    const read = unpackRate(packRate(rate));

    expect(read?.mean).toBeCloseTo(rate.mean, 4);
    expect(packRate(read ?? freshRate())).toEqual(packRate(rate));
    expect([unpackRate(undefined), unpackRate([1]), unpackRate([1, 2, 3, 4, 'x'])]).toEqual([undefined, undefined, undefined]);
  });
});
