/** Names in Key Vault. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkSuffix, givenName, isCompanion, vaultName, vaultNames } from '../../shared/stores/azure/names.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', 'A', '0', '-', '/', 'k', 'w', 'x', '2', 'f'), minLength: 1, maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', '-', '/'), minLength: 1, maxLength: 8 }).map((rest) => `KWX--${rest}`),
);

describe('a name', () => {
  it('that Key Vault takes is used as it is', () => {
    for (const name of ['SqlPassword', 'app-db', 'ConnectionStrings--Default', '0', 'kwx', 'kwx-app']) {
      expect(vaultName(name)).toBe(name);
      expect(givenName(name)).toBe(name);
    }
    expect(vaultName('app/db')).toBe('kwx--app-2f-db');
    expect(vaultName('kwx--app')).toBe('kwx--kwx-2d--2d-app');
  });

  it('comes back as it was, in letters that Key Vault takes', () => {
    fc.assert(
      fc.property(text, (name) => {
        expect(vaultName(name)).toMatch(/^[0-9A-Za-z-]+$/);
        expect(givenName(vaultName(name))).toBe(name);
      }),
    );
  });

  it('is another secret than any other, compared without case, unless Key Vault itself compares the two without case', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const same = vaultName(a).toLowerCase() === vaultName(b).toLowerCase();
        const plain = vaultName(a) === a && vaultName(b) === b;
        expect(same).toBe(a === b || (plain && a.toLowerCase() === b.toLowerCase()));
      }),
    );
  });

  it('is never taken for the companion of another', () => {
    fc.assert(
      fc.property(text, (name) => {
        const stored = vaultName(name);
        expect(isCompanion(stored, '--pending')).toBe(stored === name && name.toLowerCase().endsWith('--pending'));
      }),
    );
  });

  it.each(['kwx--', 'kwx--A', 'kwx--a-', 'kwx--a-zz-', 'kwx---ffffffff-', 'kwx--a--b', 'kwx--app-2f-db-'])(
    'that somebody made to look encoded is nobody’s, or itself: %s',
    (stored) => {
      const name = givenName(stored);
      if (name !== undefined) expect(vaultName(name)).toBe(stored.toLowerCase());
      else expect(vaultName(stored)).not.toBe(stored);
    },
  );

  it.each([
    ['', 'empty'],
    ['a\nb', 'control character'],
    ['x'.repeat(257), 'too long'],
    ['x'.repeat(120), '129 characters and Key Vault takes 127'],
    ['\u{1f511}'.repeat(20), 'Key Vault takes 127'],
    ['app--pending', 'are for pending versions'],
    ['App--PENDING', 'are for pending versions'],
  ])('that cannot be used is refused in words: %j', (name, why) => {
    const refusal = { code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(why) };
    expect(() => vaultNames(name, '--pending')).toThrow(expect.objectContaining(refusal));
  });

  it.each(['/x', 'a b', '', 'x'.repeat(61)])('is not ended with %j', (suffix) => {
    const refusal = { code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('cannot end a name') };
    expect(() => checkSuffix(suffix)).toThrow(expect.objectContaining(refusal));
  });
});
