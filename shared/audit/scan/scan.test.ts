import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonView, plan, type View } from '../view.ts';
import { createScanner, createViewer, viewOf, type Viewer } from './index.ts';

const PLAN = plan({
  id: ['id'],
  name: ['user', 'name'],
  again: ['user', 'name'],
  user: ['user'],
  deep: ['user', 'session', 'issuer', 'arn'],
  session: ['user', 'session'],
  list: ['list'],
  empty: [''],
  proto: ['__proto__'],
  proton: ['__proto__', 'x'],
  whole: [],
  absent: ['nowhere', 'to', 'be', 'found'],
  long: ['aKeyThatIsLongerThanWhatTheScannerRemembersOfKeysInItsTable'],
});

function everything(view: View): unknown[] {
  return PLAN.names.map((_, field) => [
    view.text(field),
    view.number(field),
    view.flag(field),
    view.json(field),
    view.has(field),
  ]);
}

/** What the scanner is held equal to. */
function expected(bytes: Buffer): unknown {
  let record: unknown;
  try {
    record = JSON.parse(bytes.toString('utf8'));
  } catch {
    return 'malformed';
  }
  return typeof record === 'object' && record !== null && !Array.isArray(record)
    ? everything(jsonView(PLAN, record))
    : 'malformed';
}

/** Not by vitest's equality, which takes an own key `constructor` for a type. */
function same(actual: unknown, wanted: unknown): void {
  const equal = isDeepStrictEqual(actual, wanted);
  expect(equal, equal ? '' : `${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`).toBe(true);
}

/**
 * Of an object with the same key twice, V8's JSON.parse gives now the first and now the last, depending on what it parsed before (seen in Node
 * 24.21). Nothing can be held equal to that; the scanner leaves such records to it.
 */
function repeatsKey(text: string): boolean {
  const open: (Set<string> | undefined)[] = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}[\]]/gs)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : undefined);
    else if (token === '}' || token === ']') open.pop();
    else if (token.endsWith(':')) {
      const key = JSON.parse(token.slice(0, -1)) as string;
      if (open.at(-1)?.has(key) === true) return true;
      open.at(-1)?.add(key);
    }
  }
  return false;
}

/** What both say of the record, as far as JSON.parse says the same each time. */
function agree(view: Viewer, bytes: Buffer, before = '', after = ''): void {
  const wanted = expected(bytes);
  const actual = seen(view, bytes, before, after);
  if (wanted !== 'malformed' && repeatsKey(bytes.toString())) expect(actual).not.toBe('malformed');
  else same(actual, wanted);
}

/** The record lies between others, as in a chunk of a file. */
function seen(view: Viewer, bytes: Buffer, before = '', after = ''): unknown {
  const chunk = Buffer.concat([Buffer.from(before), bytes, Buffer.from(after)]);
  const start = Buffer.byteLength(before);
  const found = view(chunk, start, start + bytes.length);
  return found === 'malformed' ? found : everything(found);
}

/** More by hand: KEYWHEEL_SCAN_RUNS=100000. */
const RUNS = Number(process.env['KEYWHEEL_SCAN_RUNS'] ?? 600);

const KEYS = [
  ...new Set(PLAN.paths.flat()),
  'User',
  'nam',
  'name2',
  'i',
  'id ',
  'é',
  'user\u0000',
  '"',
  '\\',
  'issuer"',
  'constructor',
];
const key = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...KEYS) }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) });
const numbers = fc.constantFrom(
  '0',
  '-0',
  '-1',
  '1.5',
  '1e5',
  '1E-7',
  '-1.25e+10',
  '1e400',
  '123456789012345678901234567890',
  '0.1e-400',
);
const space = fc.constantFrom('', '', '', ' ', '\t', '\r\n', '  ');

/** A string as some writer might spell it: escaped in full, in part, or not at all. */
const spelt = (text: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(text, fc.constantFrom(0, 0, 0, 1, 2))
    .map(([each, how]) =>
      how === 0
        ? JSON.stringify(each)
        : `"${Array.from({ length: each.length }, (_, at) =>
            how === 1 || at % 2 === 0
              ? `\\u${each.charCodeAt(at).toString(16).padStart(4, '0')}`
              : JSON.stringify(each.charAt(at)).slice(1, -1),
          ).join('')}"`,
    );

const strings = spelt(
  fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({ unit: 'grapheme', maxLength: 200 }),
    fc.constantFrom(
      '',
      'ok',
      'arn:aws:iam::111122223333:role/app',
      '{"id":1}',
      'a"b\\',
      '\\"',
      'x'.repeat(5000),
      '","id":"forged',
    ),
  ),
);

/** JSON text, with spaces, repeated keys and odd spellings. */
const { value: json } = fc.letrec<{ value: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    strings,
    numbers,
    fc.constantFrom('true', 'false', 'null', '{}', '[]', '[ ]', '{ }'),
    tie('object'),
    fc.tuple(fc.array(tie('value'), { maxLength: 3 }), space).map(([items, gap]) => `[${gap}${items.join(`${gap},`)}${gap}]`),
  ),
  object: fc
    .tuple(fc.array(fc.tuple(spelt(key), tie('value')), { maxLength: 6 }), space, space)
    .map(
      ([entries, one, two]) =>
        `{${one}${entries.map(([name, value]) => `${name}${two}:${one}${value}`).join(`${two},${one}`)}${two}}`,
    ),
}));

const record = fc
  .tuple(
    fc.array(fc.tuple(spelt(fc.constantFrom('id', 'user', 'list', '', '__proto__', 'other')), json), { maxLength: 7 }),
    space,
  )
  .map(([entries, gap]) => `${gap}{${entries.map(([name, value]) => `${name}:${value}`).join(',')}}${gap}`);

const nestedUser = fc
  .tuple(json, json, json, json)
  .map(
    ([id, name, arn, other]) =>
      `{"id":${id},"user":{"session":{"issuer":{"arn":${arn}},"name":${other}},"name":${name}},"list":[{"user":{"name":1}}]}`,
  );

describe('the scanner', () => {
  it('sees in any valid record what JSON.parse sees', () => {
    const view = createViewer(PLAN);
    fc.assert(
      fc.property(fc.oneof(record, nestedUser, json), (text) => {
        const bytes = Buffer.from(text);
        agree(view, bytes);
        agree(view, bytes, '{"id":"before"}\n', '\n{"id":"after"}');
      }),
      { numRuns: RUNS },
    );
  });

  it('judges damaged records as JSON.parse does', () => {
    const view = createViewer(PLAN);
    const damage = fc.record({
      at: fc.nat(),
      cut: fc.nat({ max: 3 }),
      put: fc.uint8Array({ maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.oneof(record, nestedUser), fc.array(damage, { minLength: 1, maxLength: 3 }), (text, damages) => {
        let bytes = Buffer.from(text);
        for (const { at, cut, put } of damages) {
          const where = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, where), put, bytes.subarray(where + cut)]);
        }
        agree(view, bytes);
        agree(view, bytes, '"', '"}');
      }),
      { numRuns: RUNS },
    );
  });

  it('judges records with a piece of syntax too many or too few as JSON.parse does', () => {
    const view = createViewer(PLAN);
    const pieces = [
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e',
      'n',
      'tru',
      '\\u12',
      '\u0001',
      '\u007f',
      '\n',
      '//',
      "'",
    ];
    fc.assert(
      fc.property(nestedUser, fc.nat(), fc.constantFrom(...pieces), fc.boolean(), (text, at, piece, instead) => {
        const where = at % text.length;
        const bytes = Buffer.from(text.slice(0, where) + piece + text.slice(where + (instead ? 1 : 0)));
        agree(view, bytes);
      }),
      { numRuns: RUNS },
    );
  });

  it('needs JSON.parse for none of the usual records', () => {
    const scanner = scannerOf();
    const usual = JSON.stringify({
      id: 'a',
      user: { name: 'é', session: { issuer: { arn: 'x"y' } } },
      list: [1, { id: 2 }],
      n: null,
    });
    const bytes = Buffer.from(usual);
    const view = scanner.scan(bytes, 0, bytes.length);
    expect(view?.text(PLAN.at.id)).toBe('a');
    expect(view?.text(PLAN.at.name)).toBe('é');
    expect(view?.text(PLAN.at.deep)).toBe('x"y');
  });

  it.each([
    ['a key twice', '{"id":1,"id":2}'],
    ['a path twice', '{"user":{"name":1},"user":{"name":2}}'],
    ['an escaped key', '{"\\u0069d":1}'],
    ['no object', '[{"id":1}]'],
    ['something behind it', '{"id":1}{'],
    ['a byte order mark', '\uFEFF{"id":1}'],
    ['too deep', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`],
    ['a control character', '{"id":"a\u0001b"}'],
    ['nothing', ''],
  ])('leaves %s to JSON.parse', (_what, text) => {
    const bytes = Buffer.from(text);
    expect(scannerOf().scan(bytes, 0, bytes.length)).toBeUndefined();
    same(
      seen((...all) => viewOf(PLAN, ...all), bytes),
      expected(bytes),
    );
  });

  it('takes records of 64 levels, and by JSON.parse deeper ones, up to 1,000', () => {
    const nested = (levels: number): Buffer => Buffer.from(`{"id":"x","a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`);
    expect(scannerOf().scan(nested(64), 0, nested(64).length)?.text(PLAN.at.id)).toBe('x');
    agree(createViewer(PLAN), nested(65));
    agree(createViewer(PLAN), nested(1000));
    expect(createViewer(PLAN)(nested(1001), 0, nested(1001).length)).toBe('malformed');
    expect(createViewer(PLAN)(nested(400_000), 0, nested(400_000).length)).toBe('malformed');
  });

  it('gives the bytes of a record only, wherever its memory ends', () => {
    const text = '{"id":"value","user":{"name":"n"}}';
    const view = createViewer(PLAN);
    for (let cut = 0; cut < text.length; cut += 1) {
      // The rest of the record lies behind its end.
      const chunk = Buffer.from(text);
      expect(view(chunk, 0, cut)).toBe('malformed');
      const exact = Buffer.from(new Uint8Array(Buffer.from(text.slice(0, cut))).buffer);
      expect(view(exact, 0, cut)).toBe('malformed');
    }
  });

  it('keeps its texts when the bytes are gone, however often they came', () => {
    const view = createViewer(PLAN);
    const chunk = Buffer.alloc(200);
    const texts = Array.from({ length: 20_000 }, (_, at) => {
      const length = chunk.write(JSON.stringify({ id: `id-${at % 7}-${at}`, user: { name: `name-${at % 300}` } }));
      const found = view(chunk, 0, length);
      return found === 'malformed' ? [] : [found.text(PLAN.at.id), found.text(PLAN.at.name), found.text(PLAN.at.name)];
    });
    expect(
      texts.every(([id, name, again], at) => id === `id-${at % 7}-${at}` && name === `name-${at % 300}` && again === name),
    ).toBe(true);
  });

  it('falls back for a plan whose keys can be spelt in several ways', () => {
    const odd = plan({ odd: ['a"b'], other: ['é'] });
    const bytes = Buffer.from('{"a\\"b":1,"é":"x"}');
    const view = viewOf(odd, bytes, 0, bytes.length) as View;
    expect(createScanner(odd).scan(bytes, 0, bytes.length)).toBeUndefined();
    expect([view.number(odd.at.odd), view.text(odd.at.other)]).toStrictEqual([1, 'x']);
  });

  it('reads invalid UTF-8 as JSON.parse reads it: each wrong sequence becomes U+FFFD', () => {
    const view = createViewer(PLAN);
    const wrong = fc.uint8Array({ maxLength: 8 }).map((each) => Buffer.from(each.map((byte) => byte | 0x80)));
    fc.assert(
      fc.property(wrong, wrong, wrong, (first, second, third) => {
        const quote = (each: Buffer): Buffer[] => [Buffer.from('"'), each, Buffer.from('"')];
        const text = [
          Buffer.from('{"id":'),
          ...quote(first),
          Buffer.from(',"user":{'),
          ...quote(second),
          Buffer.from(':1,"name":'),
        ];
        const bytes = Buffer.concat([...text, ...quote(third), Buffer.from('}}')]);
        agree(view, bytes);
      }),
    );
  });
});

const scannerOf = (): ReturnType<typeof createScanner> => createScanner(PLAN);
