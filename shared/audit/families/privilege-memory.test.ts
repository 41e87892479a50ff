import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Slot } from '../profiles/slot.ts';
import { daysBefore, markDay, type Days } from './days.ts';
import { FEED_SLOT } from './logs-memory.ts';
import { ACTS, dropLeast, GRANTS, SECRET_WRITERS } from './privilege-memory.ts';

const time = fc.integer({ min: 0, max: 4e12 });
const hash = fc.integer({ min: 1, max: 2 ** 48 });
const count = fc.nat(1e6);
const days = { day: fc.integer({ min: -1, max: 50_000 }), mask: fc.nat(0x7fff_ffff) };
const mapOf = <V>(value: fc.Arbitrary<V>, most: number): fc.Arbitrary<Map<number, V>> =>
  fc.array(fc.tuple(hash, value), { maxLength: most }).map((entries) => new Map(entries));
const pause = fc.record({ length: count, at: time });

const acts = fc.record({
  acts: fc.array(fc.tuple(fc.nat(31), fc.record({ count, ...days })), { maxLength: 32 }).map((entries) => new Map(entries)),
  destroys: fc.array(fc.record({ time, secret: hash }), { maxLength: 12 }),
  writes: count,
  written: mapOf(count, 24),
});
const writers = fc.record({
  writers: fc.array(fc.record({ who: hash, group: hash, count, ...days, sure: fc.boolean() }), { maxLength: 8 }),
  creator: hash,
  created: time,
  reads: fc.nat(255),
  rotating: time,
});
const grants = fc.record({
  lifetimes: mapOf(fc.record({ n: count, mean: count, most: count, endless: count }), 32),
  changes: fc.array(fc.record({ time, token: fc.boolean(), by: hash, grantee: hash, secret: hash, usual: fc.boolean() }), {
    maxLength: 16,
  }),
  unwraps: mapOf(count, 16),
  guests: mapOf(count, 32),
});
const feeds = fc.record({
  feeds: fc.array(
    fc.record({
      source: fc.string(),
      account: fc.string(),
      first: time,
      last: time,
      n: count,
      ...days,
      work: pause,
      rest: pause,
      said: fc.boolean(),
    }),
    { maxLength: 16 },
  ),
  notes: mapOf(fc.record({ last: time, ...days }), 32),
});

const SLOTS: readonly [string, Slot<unknown>, fc.Arbitrary<unknown>][] = [
  ['acts', ACTS, acts],
  ['writers', SECRET_WRITERS, writers],
  ['grants', GRANTS, grants],
  ['feeds', FEED_SLOT, feeds],
];

describe.each(SLOTS)('the slot of %s', (_name, slot, slices) => {
  it('reads what it wrote, through JSON', () => {
    fc.assert(
      fc.property(slices, (slice) => {
        const packed = JSON.stringify(slot.pack(slice));
        const back = slot.unpack(JSON.parse(packed));
        expect(back).toEqual(slice);
        expect(JSON.stringify(slot.pack(back))).toBe(packed);
      }),
    );
  });

  it('is a few hundred bytes at most when it is fresh', () => {
    const fresh = slot.fresh();
    expect(JSON.stringify(slot.pack(fresh)).length).toBeLessThan(40);
    expect(slot.unpack(slot.pack(fresh))).toEqual(fresh);
  });

  it('refuses what it does not write', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => slot.unpack(value) === undefined));
    const packed = slot.pack(slot.fresh()) as unknown[];
    expect(slot.unpack([2, ...packed.slice(1)])).toBeUndefined();
    expect(slot.unpack([...packed, 0])).toBeUndefined();
    for (let at = 1; at < packed.length; at += 1) {
      for (const wrong of ['x', null, [['x']], [1, 'x', 3, 4, 5, 6]]) expect(slot.unpack(packed.with(at, wrong))).toBeUndefined();
    }
  });

  it('refuses more than it would keep', () => {
    const packed = slot.pack(slot.fresh()) as unknown[];
    const list = packed.findIndex((part) => Array.isArray(part));
    expect(
      slot.unpack(
        packed.with(
          list,
          Array.from({ length: 6000 }, () => 1),
        ),
      ),
    ).toBeUndefined();
  });
});

describe('days', () => {
  it('counts the distinct days of the last month before one, in any order', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 100, max: 130 }), { minLength: 1 }),
        fc.integer({ min: 100, max: 130 }),
        (some, today) => {
          const marked: Days = { day: -1, mask: 0 };
          for (const day of some) markDay(marked, day);
          expect(daysBefore(marked, today)).toBe(some.filter((day) => day < today).length);
        },
      ),
    );
  });

  it('forgets after a month', () => {
    const marked: Days = { day: -1, mask: 0 };
    for (const day of [1, 2, 3, 20]) markDay(marked, day);
    expect(daysBefore(marked, 21)).toBe(4);
    expect(daysBefore(marked, 33)).toBe(2);
    expect(daysBefore(marked, 50)).toBe(1);
    expect(daysBefore(marked, 51)).toBe(0);
    markDay(marked, 80);
    markDay(marked, 1);
    expect(daysBefore(marked, 81)).toBe(1);
  });
});

describe('dropLeast', () => {
  it('drops the least, of equals the lowest key, whatever the order', () => {
    const entries: [number, number][] = [
      [7, 2],
      [3, 1],
      [5, 1],
    ];
    for (const some of [entries, entries.toReversed()]) {
      const map = new Map(some);
      expect(dropLeast(map, (value) => value)).toBe(1);
      expect([...map.keys()].toSorted((a, b) => a - b)).toEqual([5, 7]);
    }
    expect(dropLeast(new Map<number, number>(), (value) => value)).toBeUndefined();
  });
});
