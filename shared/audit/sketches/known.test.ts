import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bitsOfChange, bitsOfNew, freshKnown, knewBefore, knows, packKnown, remember, unpackKnown } from './known.ts';

it('finds something new more surprising the more was seen without anything new', () => {
  const steady = freshKnown();
  const restless = freshKnown();
  for (let at = 0; at < 1000; at += 1) {
    remember(steady, at % 5, at, 64);
    remember(restless, at, at, 2048);
  }

  expect(bitsOfNew(steady, 10)).toBeGreaterThan(10);
  expect(bitsOfNew(restless, 10)).toBeLessThan(0.1);
  expect(bitsOfNew(freshKnown(), 10)).toBeCloseTo(Math.log2(22), 6);
});

it('finds a change more surprising the fewer there were since the first day', () => {
  const day = 86_400_000;
  const steady = freshKnown();
  const moving = freshKnown();
  for (let at = 0; at < 28; at += 1) {
    remember(steady, at % 3, (at * day) / 4, 64, day / 4);
    remember(moving, Math.floor(at / 4), (at * day) / 4, 64, day / 4);
  }

  expect(bitsOfChange(steady, 10)).toBeCloseTo(Math.log2(39 / 0.5), 6);
  expect(bitsOfChange(moving, 10)).toBeCloseTo(Math.log2(39 / 5.5), 6);
});

it('forgets what was not seen for ninety days', () => {
  const known = freshKnown();
  remember(known, 1, 0, 64);

  expect(knows(known, 1, 89 * 86_400_000)).toBe(true);
  expect(knows(known, 1, 90 * 86_400_000)).toBe(false);
  expect([knewBefore(known, 1, 1), knewBefore(known, 1, 0), knows(undefined, 1, 0)]).toEqual([true, false, false]);
});

it('stays within its limit, counts its singles rightly, and is read as it was written', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 300 }), (values) => {
      const known = freshKnown();
      values.forEach((value, at) => remember(known, value, at, 16));

      expect(known.seen.size).toBeLessThanOrEqual(16);
      expect(known.singles).toBe([...known.seen.values()].filter(({ count }) => count === 1).length);
      expect(unpackKnown(JSON.parse(JSON.stringify(packKnown(known))))).toEqual(unpackKnown(packKnown(known)));
      expect(packKnown(unpackKnown(packKnown(known)) ?? freshKnown())).toEqual(packKnown(known));
    }),
  );
  expect([unpackKnown(undefined), unpackKnown([2, 0, 0, 0]), unpackKnown([1, 0, 0]), unpackKnown([1, 0, 0, 'x'])]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
