/** How profiles are written, and what is read of what was not written by us: codec, marks, ids in memory. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byIndex, packProfile, unpackProfile } from '../../shared/audit/pipeline/codec.ts';
import { compact, expand } from '../../shared/audit/pipeline/compact.ts';
import { markOf, MARKS, remember, seen, thin } from '../../shared/audit/pipeline/marks.ts';
import { openRecent } from '../../shared/audit/pipeline/recent.ts';
import { freshProfile, type Profile } from '../../shared/audit/profiles/profile.ts';
import { INCIDENT } from '../../shared/audit/incidents/slot.ts';
import { USAGE } from '../../shared/audit/usage/slot.ts';
import { LEARNED } from './pipeline-scorer.ts';
import { MINUTE, MONDAY } from './scenes.ts';

const table = byIndex([LEARNED, MARKS]);

function profile(): Profile {
  const made = Object.assign(freshProfile('secret', 'k'), { first: 1, last: 2, n: 3, days: 4 });
  made.slices[LEARNED.index] = { chain: 5, quarantined: 6, times: new Map([['b', 1]]) };
  made.slices[77] = ['kept', { as: 'it is' }];
  return made;
}

describe('a packed profile', () => {
  it('is read as it was, and the same bytes again', () => {
    const packed = packProfile(profile(), table);
    expect(packed).toEqual([1, 'secret', 'k', 1, 2, 3, 4, 77, ['kept', { as: 'it is' }], 900, [5, 6, [['b', 1]]]]);
    const read = unpackProfile(JSON.parse(JSON.stringify(packed)), table);
    expect(read).toEqual(profile());
    expect(read === undefined ? '' : JSON.stringify(packProfile(read, table))).toBe(JSON.stringify(packed));
  });

  it('keeps slices of slots that are not known here', () => {
    const read = unpackProfile(packProfile(profile(), table), byIndex([]));
    expect(read === undefined ? undefined : packProfile(read, byIndex([]))).toEqual(packProfile(profile(), table));
  });

  it('loses a slice that its slot cannot read, and no other', () => {
    const packed = [1, 'secret', 'k', 1, 2, 3, 4, MARKS.index, 'garbage', 77, 'kept'];
    expect(unpackProfile(packed, table)?.slices[MARKS.index]).toBeUndefined();
    expect(unpackProfile(packed, table)?.slices[77]).toBe('kept');
  });

  it('is none when it is something else', () => {
    const wrong = [
      undefined,
      null,
      'x',
      {},
      [],
      [1],
      ['1'],
      [1, 'secret', 'k', 1, 2, 3],
      [1, 'secret', 'k', 1, 2, 3, null],
      [1, 'secret', 7, 1, 2, 3, 4],
    ];
    for (const one of [
      ...wrong,
      [1, 'secret', 'k', 1, 2, 3, 4, 5],
      [1, 'secret', 'k', 1, 2, 3, 4, -1, 0],
      [1, 'secret', 'k', 1, 2, 3, 4, 1e9, 0],
    ])
      expect(unpackProfile(one, table)).toBeUndefined();
  });

  it('of a newer format is refused, so that it is not written over', () => {
    expect(() => unpackProfile([2, 'anything'], table)).toThrow(
      expect.objectContaining({ code: 'ERR_STATE_NEWER', message: 'a profile could not be read, its format 2 is newer than 1' }),
    );
  });

  it('has one slot for an index', () => {
    expect(() => byIndex([MARKS, { ...LEARNED, index: MARKS.index }])).toThrow('slots marks and learned have one index');
  });

  it.each([MARKS, INCIDENT, USAGE])('starts afresh where the slice of $name is anything', (slot) => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const slice = slot.unpack(value);
        if (slice !== undefined) expect(() => JSON.stringify((slot.pack as (slice: unknown) => unknown)(slice))).not.toThrow();
      }),
    );
  });
});

describe('compact text', () => {
  it('is what JSON is', () => {
    const numbers = fc.oneof(fc.maxSafeInteger(), fc.double(), fc.integer({ min: -300, max: 300 }), fc.constant(2 ** 48 - 1));
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        numbers,
        fc.string({ unit: 'binary' }),
        fc.boolean(),
        fc.constant(null),
        tie('array'),
        fc.dictionary(fc.string(), numbers),
      ),
      array: fc.array(tie('value'), { maxLength: 40 }),
    }));
    fc.assert(
      fc.property(value, (one) => {
        expect(expand(compact(one))).toEqual(JSON.parse(JSON.stringify(one)));
      }),
      { numRuns: 500 },
    );
  });

  it('holds what is larger than its buffer, one byte a character', () => {
    const large = [Array.from({ length: 30_000 }, (_, n) => n * 1e9), 'ü'.repeat(100_000)];
    expect(expand(compact(large))).toEqual(large);
    expect(Buffer.from(compact(large), 'latin1').toString('latin1')).toBe(compact(large));
    expect(compact([174133906266628, 1700000010000])).toHaveLength(15);
  });
});

describe('marks', () => {
  const at = (minute: number) => MONDAY + minute * MINUTE;

  it('tell what was applied, and pack to the same bytes in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 600 }), fc.uuid()), { maxLength: 40 }), (events) => {
        const [one, other] = [MARKS.fresh(), MARKS.fresh()];
        for (const [minute, id] of events) remember(one, at(minute), markOf(id));
        for (const [minute, id] of events.toReversed()) remember(other, at(minute), markOf(id));
        const packed = JSON.stringify(MARKS.pack(one));
        expect(JSON.stringify(MARKS.pack(other))).toBe(packed);
        const read = MARKS.unpack(JSON.parse(packed)) ?? MARKS.fresh();
        expect(JSON.stringify(MARKS.pack(read))).toBe(packed);
        expect(read.count).toBe(one.count);
        for (const [minute, id] of events) expect(seen(read, at(minute), markOf(id))).toBe('yes');
        expect(seen(read, at(601), markOf('new'))).toBe('no');
        expect(seen(undefined, at(0), 1)).toBe('no');
      }),
    );
  });

  it('forget what is a day behind the newest, and say so', () => {
    const marks = MARKS.fresh();
    remember(marks, at(0), 1);
    remember(marks, at(30 * 60), 2);
    thin(marks, 'principal', at(30 * 60));
    expect([seen(marks, at(0), 1), seen(marks, at(359), 1), seen(marks, at(361), 1), seen(marks, at(1800), 2)]).toEqual([
      'unknown',
      'unknown',
      'no',
      'yes',
    ]);
    remember(marks, at(0), 1);
    expect(marks.count).toBe(1);
  });

  it('forget the oldest minutes of busy entities, but nothing of the newest batch', () => {
    const marks = MARKS.fresh();
    const fill = (minute: number, many: number) =>
      Array.from({ length: many }, (_, n) => remember(marks, at(minute), minute * 10_000 + n));
    for (let minute = 0; minute < 10; minute += 1) fill(minute, 300);
    thin(marks, 'principal', at(10));
    expect(marks.count).toBe(1800);
    expect([seen(marks, at(3), 30_000), seen(marks, at(4), 40_000)]).toEqual(['unknown', 'yes']);
    fill(20, 9000);
    thin(marks, 'principal', at(20));
    expect([marks.count, seen(marks, at(9), 90_000), seen(marks, at(20), 200_000)]).toEqual([9000, 'unknown', 'yes']);
    expect(JSON.stringify(MARKS.pack(marks)).length).toBeLessThan(4 * 9000 + 100);
    fill(20, 17_000);
    thin(marks, 'principal', at(20));
    expect([marks.count, seen(marks, at(20), 200_000), seen(marks, at(21), 1)]).toEqual([0, 'unknown', 'no']);
  });
});

describe('ids in memory', () => {
  it('are known again as long as promised, and are no others', () => {
    const recent = openRecent(8192);
    const ids = Array.from({ length: 40_000 }, (_, n) => `event ${n}`);
    for (const [n, id] of ids.entries()) {
      expect(recent.has(id)).toBe(false);
      if (n >= 4000) expect(recent.has(ids[n - 4000] ?? '')).toBe(true);
    }
  });

  it('that come again and again stay known', () => {
    const recent = openRecent(4096);
    for (let n = 0; n < 50_000; n += 1) {
      recent.has(`other ${n}`);
      if (n % 4000 === 0) expect(recent.has('steady')).toBe(n > 0);
    }
  });
});
