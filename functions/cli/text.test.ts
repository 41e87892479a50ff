import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cut, harmless, jsonLine, table, wrap } from './text.ts';

describe('text from outside', () => {
  it.each([
    ['\u001b[2J', String.raw`\u001b[2J`],
    ['a\nb', String.raw`a\u000ab`],
    ['\u009b31m', String.raw`\u009b31m`],
    ['user\u202Etxt', String.raw`user\u202etxt`],
    ['Zoë 鍵 🔑', 'Zoë 鍵 🔑'],
  ])('%j is shown and not obeyed', (text, shown) => {
    expect(harmless(text)).toBe(shown);
  });

  it('stays the same JSON, on one line without control characters', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), { maxKeys: 3 }), (value) => {
        const line = jsonLine(value);

        expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(line).toBe(harmless(line));
      }),
    );
  });
});

describe('tables', () => {
  const cells = fc.array(fc.array(fc.stringMatching(/^[\w/ -]{0,60}$/), { minLength: 4, maxLength: 4 }), { maxLength: 6 });

  it('fit the width, whatever is in them', () => {
    fc.assert(
      fc.property(cells, fc.integer({ min: 30, max: 200 }), (rows, width) => {
        const lines = table(['ONE', 'TWO', 'THREE', 'FOUR'], rows, width);

        expect(lines).toHaveLength(rows.length + 1);
        for (const line of lines) {
          expect(Array.from(line).length).toBeLessThanOrEqual(width);
          expect(line).toBe(line.trimEnd());
        }
      }),
    );
  });

  it('cut only the widest column', () => {
    const lines = table(['A', 'B'], [['short', 'a very long cell that does not fit']], 20);

    expect(lines).toEqual(['A      B', 'short  a very long …']);
  });
});

describe('wrapping', () => {
  it('breaks at spaces and loses no word', () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^\S{1,12}$/), { minLength: 1 }),
        fc.integer({ min: 20, max: 80 }),
        (words, width) => {
          const lines = wrap(words.join(' '), width, '  ');

          expect(lines.join(' ').split(/ +/)).toEqual(words.join(' ').split(/ +/));
          for (const line of lines) expect(Array.from(line).length).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  it('cuts with an ellipsis inside the width', () => {
    expect([cut('abcdef', 4), cut('abcd', 4), cut('🔑🔑🔑', 2)]).toEqual(['abc…', 'abcd', '🔑…']);
  });
});
