import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { zip } from '../../scripts/package/zip.ts';
import { unzip } from './helpers/unzip.ts';

const files = fc.uniqueArray(
  fc.record({ name: fc.stringMatching(/^[a-zé0-9][a-z0-9/._-]{0,20}$/), bytes: fc.uint8Array({ maxLength: 300 }) }),
  { selector: ({ name }) => name, maxLength: 12 },
);

describe('a package', () => {
  it('holds what was put in, readable by everybody, whatever the order', () => {
    fc.assert(
      fc.property(files, (given) => {
        const packed = zip(given);

        const found = new Map(unzip(packed).map((entry) => [entry.name, entry]));
        expect([...found.keys()]).toEqual(given.map(({ name }) => name).sort());
        for (const { name, bytes } of given) {
          expect(Buffer.from(bytes).equals(found.get(name)?.bytes ?? Buffer.from('missing'))).toBe(true);
        }
        expect(zip(given.toReversed()).equals(packed)).toBe(true);
      }),
    );
  });

  it('bears no time and no mode of the machine that packed it', () => {
    const [entry] = unzip(zip([{ name: 'a', bytes: Buffer.from('text') }]));

    expect(entry).toMatchObject({ date: 33, time: 0, mode: 0o100644 });
  });
});
