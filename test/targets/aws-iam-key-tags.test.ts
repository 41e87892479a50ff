import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode, fenceTag, intentTag, intentText, keyTag, ownerOf, parseMarks } from '../../shared/targets/aws-iam-key/tags.ts';

/** What IAM takes: https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html */
const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

const ids = fc.array(fc.stringMatching(/^AKIA[A-Z0-9]{16}$/), { maxLength: 2 });
const second = fc.nat({ max: 9_999_999_999 });

describe('tags', () => {
  it('hold only what IAM takes, and fit', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.string({ unit: 'binary' }),
        ids,
        second,
        (secret, installation, before, at) => {
          expect(ownerOf({ installation, secret })).toMatch(TAG_VALUE);
          expect(encode(secret)).toMatch(/^[\w./@=-]*$/);
          expect(intentText(before)).toMatch(TAG_VALUE);
          expect(intentTag('r-01234567890123456789', at, '01234567')).toMatch(TAG_KEY);
          expect(fenceTag(Number.MAX_SAFE_INTEGER)).toMatch(TAG_KEY);
        },
      ),
    );
  });

  it('tell different owners apart, also long ones', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }).map((each) => each.toWellFormed());
    fc.assert(
      fc.property(name, name, name, name, (a, b, c, d) => {
        const same = a === c && b === d;
        expect(ownerOf({ installation: a, secret: b }) === ownerOf({ installation: c, secret: d })).toBe(same);
      }),
    );
  });

  it('come back as they were written, highest fence first, and leave people’s tags alone', () => {
    fc.assert(
      fc.property(ids, second, second, fc.uniqueArray(fc.nat(), { minLength: 1 }), (before, first, last, fences) => {
        const tags = new Map([
          ['team', 'payments'],
          ['AKIAEXAMPLE', 'a description by hand'],
          [intentTag('r-1', first, 'a'), intentText(before)],
          [intentTag('r-1', first, 'b'), intentText([])],
          [intentTag('r-2', last, 'c'), intentText(before)],
          [keyTag('AKIA1'), 'r-1'],
          ...fences.map((fence) => [fenceTag(fence), 'here app'] as const),
        ]);
        const marks = parseMarks('app', tags);
        expect(marks.fences).toEqual(fences.toSorted((a, b) => b - a).map((fence) => ({ fence, owner: 'here app' })));
        expect([...marks.keys]).toEqual([['AKIA1', 'r-1']]);
        expect([...marks.attempts]).toEqual([
          [
            'r-1',
            [
              { tag: `keywheel:intent:r-1:${first}:a`, second: first, before },
              { tag: `keywheel:intent:r-1:${first}:b`, second: first, before: [] },
            ],
          ],
          ['r-2', [{ tag: `keywheel:intent:r-2:${last}:c`, second: last, before }]],
        ]);
      }),
    );
  });

  it.each([
    ['keywheel:fence:x', 'here app'],
    ['keywheel:fence:1.5', 'here app'],
    ['keywheel:fence:99999999999999999', 'here app'],
    ['keywheel:intent:r-1', 'AKIA1'],
    ['keywheel:intent:r-1:5', 'AKIA1'],
    ['keywheel:intent:r-1:x:a', 'AKIA1'],
    ['keywheel:intent:r-1:5:a', ''],
    ['keywheel:intent:r-1:5:a', 'AKIA1.'],
  ])('that cannot be read stop everything: %s=%s', (tag, value) => {
    expect(() => parseMarks('app', new Map([[tag, value]]))).toThrow(
      expect.objectContaining({ code: 'ERR_TARGET_MISMATCH', message: expect.stringContaining(tag) }),
    );
  });
});
