import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HOSTILE } from '../../../test/audit/incident.ts';
import { cut, harmless, html, jsonLine, markup, sarifText, shown } from './escape.ts';

// oxlint-disable-next-line no-control-regex -- these are what must not be there
const OBEYED = /[\u0000-\u001F\u007F-\u009F\u200B-\u200F\u2028-\u202E\u2060-\u2069\uFEFF]/;
const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' }), fc.string());

describe('harmless', () => {
  it('shows what a terminal would obey', () => {
    expect(harmless('a\u001b[2J\u202Eb\u{E0041}')).toBe('a\\u001b[2J\\u202eb\\u{e0041}');
    expect(harmless('half \uD800')).toBe('half \\ud800');
    expect(harmless('näïve 名前 é')).toBe('näïve 名前 é');
  });

  it('leaves nothing that is obeyed, and is well formed', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(harmless(text)).not.toMatch(OBEYED);
        expect(harmless(text).isWellFormed()).toBe(true);
      }),
    );
  });
});

describe('cut and shown', () => {
  it('never gives more characters than asked for, nor halves of one', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 60 }), (text, width) => {
        expect(Array.from(cut(text, width)).length).toBeLessThanOrEqual(width);
        expect(Array.from(shown(text, width)).length).toBeLessThanOrEqual(width);
        expect(shown(text, width)).not.toMatch(OBEYED);
      }),
    );
    expect(cut('abcdef', 4)).toBe('abc…');
    expect(cut('😀😀😀', 3)).toBe('😀😀😀');
    expect(cut('😀😀😀', 2)).toBe('😀…');
  });
});

describe('jsonLine', () => {
  it('is one line, obeys nothing, and is the same JSON', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const line = jsonLine({ [text]: text });
        expect(line.endsWith('\n')).toBe(true);
        expect(line.slice(0, -1)).not.toMatch(OBEYED);
        expect(JSON.parse(line)).toEqual({ [text]: text });
      }),
    );
  });
});

describe('html', () => {
  it('leaves no character that ends a text or an attribute', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(html(text)).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
      }),
    );
  });

  it('escapes what is put into a template, and keeps markup', () => {
    const inner = markup`<b>${'<i>'}</b>`;
    expect(markup`<p title="${'"x'}">${inner}${[1, 'a&', undefined]}</p>`.markup).toBe(
      '<p title="&quot;x"><b>&lt;i&gt;</b>1a&amp;</p>',
    );
  });
});

describe('sarifText', () => {
  it('makes no link and no argument', () => {
    expect(sarifText('[click](https://evil.example) {0} \\')).toBe('\\[click\\](https://evil.example) {{0}} \\\\');
  });
});
