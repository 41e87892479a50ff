import { describe, expect, it } from 'vitest';
import { findLeaks, formsOf } from './leaks.ts';

const MATERIAL = `Kw-can"ary\\ /+%&='<7f>!`;
const canaries = [{ label: 'password', material: MATERIAL }];
const url = encodeURIComponent(MATERIAL);
const json = JSON.stringify(MATERIAL);

describe('the search for material', () => {
  it.each([
    ['raw', `before ${MATERIAL} after`],
    ['hex', Buffer.from(`xx${MATERIAL}xx`).toString('hex')],
    ['HEX', Buffer.from(MATERIAL).toString('hex').toUpperCase()],
    ['URL', `postgres://app:${url}@db/app`],
    ['URL, strict', `?password=${url.replaceAll('!', '%21').replaceAll("'", '%27')}`],
    [
      'URL, lower case',
      `?password=${url
        .replaceAll("'", '%27')
        .replaceAll('!', '%21')
        .replace(/%../g, (code) => code.toLowerCase())}`,
    ],
    ['URL, form', new URLSearchParams({ password: MATERIAL }).toString()],
    ['JSON', `{"password":${json}}`],
    ['JSON in JSON', JSON.stringify({ message: `{"password":${json}}` })],
    ['HTML', `<td>Kw-can&quot;ary\\ /+%&amp;=&#39;&lt;7f&gt;!</td>`],
    ['SQL', `ALTER ROLE app PASSWORD 'Kw-can"ary\\ /+%&=''<7f>!'`],
    ['SQL, E-string', `ALTER ROLE app PASSWORD E'Kw-can"ary\\\\ /+%&=''<7f>!'`],
  ])('finds it as %s', (form, text) => {
    expect(findLeaks('here', text, canaries)).toContainEqual({ where: 'here', canary: 'password', form });
  });

  it.each([0, 1, 2])('finds it in base64 and base64url with %i bytes before it, whatever stands around it', (before) => {
    for (const filler of ['\0', 'x', '\u00ff']) {
      for (const after of ['', filler, filler.repeat(2), filler.repeat(3)]) {
        const bytes = Buffer.from(filler.repeat(before) + MATERIAL + after, 'latin1');
        const wanted = (form: string) => ({ where: 'here', canary: 'password', form });

        expect(findLeaks('here', bytes.toString('base64'), canaries)).toContainEqual(wanted(`base64 at ${before}`));
        expect(findLeaks('here', bytes.toString('base64url'), canaries)).not.toEqual([]);
      }
    }
  });

  it('finds bytes that are no text', () => {
    const key = new Uint8Array([0, 255, 128, 10, 13, 200, 3, 77]);
    const found = (hay: string | Uint8Array) =>
      findLeaks('here', hay, [{ label: 'key', material: key }]).map((leak) => leak.form);

    expect(found(Buffer.concat([Buffer.from('SQLite'), key, Buffer.from('end')]))).toEqual(['raw']);
    expect(found(Buffer.from(key).toString('hex'))).toEqual(['hex']);
  });

  it('does not find what is not there: each form with one character changed', () => {
    for (const { name, bytes } of formsOf(MATERIAL)) {
      const changed = Buffer.from(bytes);
      const middle = Math.floor(changed.length / 2);
      changed[middle] = changed[middle] === 0x7a ? 0x79 : 0x7a;
      expect(findLeaks('here', changed, canaries), name).toEqual([]);
    }
  });
});
