import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CATALOG, type DetectorId } from '../detectors/index.ts';
import { combine, rated, type Context, type Reason } from './combine.ts';
import { bandOf, settingsOf } from './settings.ts';

const { detectors } = settingsOf();
const ORDINARY: Context = { tier: 'ordinary', kind: 'workload', deniedOnly: false };
const reason = (detector: DetectorId, bits: number, floor?: number): Reason =>
  rated(
    { detector, bits, observed: '', expected: '', entity: 'principal', ...(floor === undefined ? {} : { floor }) },
    detectors[detector],
  );

describe('a score', () => {
  it.each([
    [4, 0],
    [8, 29],
    [12, 50],
    [16, 65],
  ])('of one detector with %i bits is %i', (bits, score) => {
    expect(combine([{ ...reason('S1', 0), bits }], ORDINARY).score).toBe(score);
  });

  it('adds families, and takes three tenths of what one family says again', () => {
    const apart = combine([reason('V1', 8), reason('S1', 8)], ORDINARY);
    const alike = combine([reason('V1', 8), reason('V2', 8)], ORDINARY);

    expect([apart.bits, alike.bits]).toEqual([12, 6.4]);
  });

  it('is never below the highest floor, whatever the context', () => {
    expect(
      combine([reason('D1', 1, 95), reason('L1', 1, 90)], { ...ORDINARY, tier: 'low', kind: 'service', deniedOnly: true }).score,
    ).toBe(95);
  });

  it('weighs what is touched, who does it, and whether it worked', () => {
    const score = (context: Partial<Context>): number => combine([reason('S1', 12)], { ...ORDINARY, ...context }).score;

    expect(score({ tier: 'crown' })).toBeGreaterThan(score({}));
    expect(score({ tier: 'low' })).toBeLessThan(score({}));
    expect(score({ kind: 'service' })).toBeLessThan(score({}));
    expect(score({ kind: 'root' })).toBeGreaterThan(score({}));
    expect(score({ deniedOnly: true })).toBeLessThan(score({}));
  });

  it('stays within 0 and 100, and never falls when something more is found', () => {
    const ids = Object.keys(CATALOG) as DetectorId[];
    const reasons = fc.uniqueArray(
      fc.record({
        id: fc.constantFrom(...ids),
        bits: fc.double({ min: 0, max: 60, noNaN: true }),
        floor: fc.option(fc.integer({ min: 0, max: 100 })),
      }),
      { selector: ({ id }) => id, minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(reasons, (all) => {
        const made = all.map(({ id, bits, floor }) => reason(id, bits, floor ?? undefined));
        const { score } = combine(made, ORDINARY);
        expect(score).toBeGreaterThanOrEqual(combine(made.slice(1), ORDINARY).score);
        expect(score).toBeLessThanOrEqual(100);
        expect(Number.isInteger(score)).toBe(true);
      }),
    );
  });
});

it('takes no more bits than a detector’s cap', () => {
  expect(reason('N1', 40).bits).toBe(CATALOG.N1.cap);
});

it.each([
  [0, 'none'],
  [19, 'none'],
  [20, 'low'],
  [40, 'medium'],
  [60, 'high'],
  [79, 'high'],
  [80, 'critical'],
  [100, 'critical'],
])('%i is %s', (score, band) => {
  expect(bandOf(score)).toBe(band);
});
