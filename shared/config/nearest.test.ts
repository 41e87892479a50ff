import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.ts';

const KEYS = ['accounts', 'admin', 'database', 'endpoints', 'host', 'ownerRole', 'port', 'tls'];

describe('nearest', () => {
  it.each([
    ['acounts', 'accounts'],
    ['accuonts', 'accounts'],
    ['OWNERROLE', 'ownerRole'],
    ['hots', 'host'],
    ['prot', 'port'],
    ['tsl', 'tls'],
    ['password', undefined],
    ['x', undefined],
    ['', undefined],
  ])('%s is %s', (word, expected) => {
    expect(nearest(word, KEYS)).toBe(expected);
  });

  it('finds a candidate again after any one slip', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('accounts', 'database', 'endpoints', 'ownerRole'),
        fc.nat(),
        fc.constantFrom('drop', 'double', 'swap'),
        (key, at, slip) => {
          const i = at % (key.length - 1);
          const letters = key.split('');
          if (slip === 'drop') letters.splice(i, 1);
          else if (slip === 'double') letters.splice(i, 0, key.charAt(i));
          else letters.splice(i, 2, key.charAt(i + 1), key.charAt(i));

          expect(nearest(letters.join(''), KEYS)).toBe(key);
        },
      ),
    );
  });
});
