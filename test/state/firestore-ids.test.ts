import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fits, idOf, idRange } from '../../shared/state/firestore/ids.ts';

// Dense where the encoding has its seams.
const character = fc.oneof(
  fc.constantFrom(
    '.',
    '/',
    '-',
    '_',
    ' ',
    '`',
    '@',
    '}',
    '~',
    '|',
    '\u0000',
    '\u001f',
    '!',
    '0',
    '\u007f',
    '\ud7ff',
    '\ue000',
    '\u{10ffff}',
    'ß',
    'a',
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
);
const key = fc.array(character, { maxLength: 8 }).map((parts) => parts.join(''));
const sign = (n: number): number => Math.sign(n);
const byBytes = (a: string, b: string): number => sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe('document ids', () => {
  it('sort by their bytes as their keys do, and are the same only for the same key', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(byBytes(idOf('record', a), idOf('record', b))).toBe(byBytes(a, b));
      }),
      { numRuns: 2000 },
    );
  });

  it('are what Firestore allows: printable, no slash, not periods only, not __.*__', () => {
    fc.assert(
      fc.property(key, fc.constantFrom('record', 'lease', 'meta'), (one, kind) => {
        const id = idOf(kind, one);
        expect(id).toMatch(/^[ -}]+$/); // every printable character but ~
        expect(id).not.toMatch(/\/|^\.\.?$|^__.*__$/);
      }),
      { numRuns: 2000 },
    );
  });

  it('lie in the range of a prefix exactly when their key begins with it', () => {
    fc.assert(
      fc.property(key, key, fc.boolean(), (prefix, rest, joined) => {
        const one = joined ? prefix + rest : rest;
        const { from, until } = idRange(prefix);
        const id = idOf('record', one);
        expect(byBytes(from, id) <= 0 && byBytes(id, until) < 0).toBe(one.startsWith(prefix));
      }),
      { numRuns: 2000 },
    );
  });

  it('are apart for records, leases and the rest, also at the edge of a range', () => {
    const { from, until } = idRange('');
    for (const kind of ['lease', 'meta'] as const) {
      expect(byBytes(idOf(kind, ''), from) < 0 || byBytes(idOf(kind, ''), until) > 0).toBe(true);
    }
  });

  it('may have 1500 bytes', () => {
    expect(fits(idOf('record', 'x'.repeat(1498)))).toBe(true);
    expect(fits(idOf('record', 'x'.repeat(1499)))).toBe(false);
  });

  it('can be read by people', () => {
    expect(idOf('record', 'rotation/app/db')).toBe('r:rotation._app._db');
    expect(idOf('lease', 'a b.c\u{1f511}')).toBe('l:a `b.-c}01f511');
  });
});
