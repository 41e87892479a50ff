/** No value can become syntax of the place it is put into. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pick } from '../../shared/targets/http/answer.ts';
import { markerOf, nameOf, parseName } from '../../shared/targets/http/marker.ts';
import { render, tell } from '../../shared/targets/http/render.ts';

const target = { baseUrl: 'https://api.example.com/v1/' };
const none = { headers: {}, basic: undefined };
const values = (text: string) => new Map([['id', { text, told: '<masked>' }]]);
const request = (change: object) => ({ method: 'POST' as const, path: '/keys', ...change });
const whole = fc.string({ unit: 'binary' }).map((each) => each.toWellFormed());

describe('render', () => {
  it('keeps a value in a path to one segment that decodes to itself', () => {
    const name = whole.filter((each) => !['', '.', '..'].includes(each));
    fc.assert(
      fc.property(name, (value) => {
        const { url } = render(target, request({ path: '/keys/{{id}}/end' }), none, values(value));
        expect(url.origin).toBe('https://api.example.com');
        expect([url.search, url.hash]).toEqual(['', '']);
        const segments = url.pathname.split('/');
        expect(segments).toHaveLength(5);
        expect([segments[1], segments[2], segments[4]]).toEqual(['v1', 'keys', 'end']);
        expect(decodeURIComponent(segments[3] ?? '')).toBe(value);
      }),
    );
  });

  it.each(['', '.', '..'])('refuses %j as a segment', (value) => {
    expect(() => render(target, request({ path: '/keys/{{id}}' }), none, values(value))).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('a part of a path') }),
    );
  });

  it('gives every value back from query, form and JSON', () => {
    fc.assert(
      fc.property(whole, (value) => {
        const query = render(target, request({ query: { a: 'x{{id}}y', b: '1' } }), none, values(value)).url.searchParams;
        expect([...query]).toEqual([
          ['a', `x${value}y`],
          ['b', '1'],
        ]);
        const form = render(target, request({ form: { a: '{{id}}', b: '1' } }), none, values(value));
        expect([...new URLSearchParams(form.body)]).toEqual([
          ['a', value],
          ['b', '1'],
        ]);
        const body = render(
          target,
          request({ json: { a: [{ b: 'x{{id}}' }], n: 1, t: true, z: null } }),
          none,
          values(value),
        ).body;
        expect(JSON.parse(body ?? '')).toEqual({ a: [{ b: `x${value}` }], n: 1, t: true, z: null });
      }),
    );
  });

  it('sends a header with printable characters only, else nothing', () => {
    fc.assert(
      fc.property(whole, (value) => {
        const act = () => render(target, request({ headers: { 'X-Key': 'k {{id}}' } }), none, values(value)).headers['x-key'];
        if (/^[\t\u0020-\u007e]*$/.test(value)) expect(act()).toBe(`k ${value}`);
        else
          expect(act).toThrow(
            expect.objectContaining({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('a header') }),
          );
      }),
    );
  });

  it('encodes a user name and password, and refuses a colon in the name', () => {
    const basic = { username: '{{id}}', password: 'pass:word' };
    expect(render(target, request({ basic }), none, values('user')).headers['authorization']).toBe(
      `Basic ${Buffer.from('user:pass:word').toString('base64')}`,
    );
    expect(() => render(target, request({ basic }), none, values('us:er'))).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('a user name') }),
    );
  });

  it('says which name has no value', () => {
    expect(() => render(target, request({ path: '/{{value.account}}' }), none, new Map())).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('{{value.account}}') }),
    );
  });
});

it('tells a request without headers and without what is masked', () => {
  const change = { path: '/keys/{{id}}', query: { q: '{{id}}' }, headers: { A: '{{id}}' }, json: { a: '{{id}}' } };
  expect(tell(target, request(change), values('secret'))).toBe(
    'http POST https://api.example.com/v1/keys/<masked>?q=<masked> {"a":"<masked>"}',
  );
});

describe('JSON Pointers', () => {
  const value = { a: [{ b: 1 }], 'x/y': { '~': 2 }, '': 3 };
  it.each([
    ['', value],
    ['/a/0/b', 1],
    ['/x~1y/~0', 2],
    ['/', 3],
    ['/a/1', undefined],
    ['/a/0/b/c', undefined],
    ['/a/length', 1],
    ['/toString', undefined],
    ['/__proto__', undefined],
  ])('%j leads to %j', (pointer, found) => {
    expect(pick(value, pointer)).toEqual(found);
  });
});

describe('markers', () => {
  it('come back from a name, whatever the rotation is called', () => {
    const rotation = fc.stringMatching(/^[a-zA-Z0-9-]{1,64}$/);
    fc.assert(
      fc.property(fc.string(), fc.string(), rotation, fc.nat(), (installation, secret, id, fence) => {
        const marker = markerOf({ installation, secret, rotationId: id, fence }, id);
        expect(parseName(nameOf(marker))).toEqual(marker);
      }),
    );
  });

  it.each([
    '',
    'keywheel',
    'keywheel-x-y-r1-1',
    'Keywheel-00000000-00000000-r1-1',
    'keywheel-00000000-00000000-r1-',
    'my keywheel-00000000-00000000-r1-1',
  ])('are not read from %j', (name) => expect(parseName(name)).toBeUndefined());
});
