/** Keywheel's names as Secret Manager ids. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeName, encodeName, openNames } from '../../shared/stores/gcp/names.ts';

const NAMES = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
  fc.string({ unit: fc.constantFrom('_', 'x', '2', 'f', '5', '/', '-', 'a', '%'), minLength: 1, maxLength: 20 }),
);

describe('a name', () => {
  it.each([
    ['app-db_1', 'app-db_1'],
    ['app/db', 'app_x2f_db'],
    ['app%', 'app_x25_'],
    ['my_xray', 'my_xray'],
    ['a_x2f_b', 'a_x5f_x2f_b'],
    ['_x2f/', '_x5f_x2f_x2f_'],
    ['schlüssel', 'schl_xfc_ssel'],
    ['🔑', '_x1f511_'],
  ])('%s has the id %s', (name, id) => {
    expect(encodeName(name)).toBe(id);
    expect(decodeName(id)).toBe(name);
  });

  it('has an id that the vendor takes, and that gives it back', () => {
    fc.assert(
      fc.property(NAMES, (name) => {
        const id = encodeName(name);
        expect(id).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeName(id)).toBe(name);
      }),
    );
  });

  it('shares its id with no other name, nor with the companion of one', () => {
    const names = openNames('--pending');
    fc.assert(
      fc.property(NAMES, NAMES, (one, other) => {
        if (one === other) return;
        expect(encodeName(one)).not.toBe(encodeName(other));
        const companion = `${encodeName(one)}--pending`;
        expect(names.nameOf(companion)).toBeUndefined();
      }),
    );
  });

  it('is refused where its companion’s id would be too long, or is one', () => {
    const names = openNames('--pending');
    expect(names.companionOf('x'.repeat(246))).toHaveLength(255);
    for (const name of ['x'.repeat(247), 'a--pending', 'line\nbreak', '']) {
      expect(() => names.idOf(name)).toThrow(
        expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('cannot be') }),
      );
    }
  });

  it('is not given to an id that no name has', () => {
    const names = openNames('--pending');
    expect(['a_x41_b', 'a_x5f_b', 'a_xffffff_b', 'a_x2f_b', 'plain'].map((id) => names.nameOf(id))).toEqual([
      undefined,
      undefined,
      undefined,
      'a/b',
      'plain',
    ]);
  });
});
