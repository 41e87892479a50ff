/**
 * Text of audit records, made harmless for where it is shown. Whoever causes a record chooses its names, paths and user agents: they may move a
 * terminal's cursor, turn the direction of writing (CVE-2021-42574), or be markup. Pure.
 */

// Control characters, what is not shown or changes direction, ends of lines outside ASCII, halves of surrogate pairs.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;

const hex = (character: string): string => {
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
};

/** As `\u001b`: seen, and not obeyed. */
export const harmless = (text: string): string => text.replace(UNSAFE, hex);

/** Cuts to `width` characters, the last of which then is `…`. */
export function cut(text: string, width: number): string {
  // Looking at each character of a megabyte to keep eighty is not needed: none has more than two units.
  const some = text.length > 2 * width + 2 ? text.slice(0, 2 * width + 2) : text;
  const characters = Array.from(some);
  return characters.length <= width ? some : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** Harmless, and at most `width` characters. */
export const shown = (text: string, width = 200): string => cut(harmless(cut(text, width)), width);

/** One line of JSON in which everything unsafe is escaped; the same JSON still. */
export const jsonLine = (value: unknown): string => `${escapedJson(JSON.stringify(value))}\n`;

/** Inside JSON, characters beyond the first plane are escaped as their two halves. */
export const escapedJson = (json: string): string =>
  json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu, (character) =>
    character === '\n' ? character : Array.from({ length: character.length }, (_, at) => hex(character[at] ?? '')).join(''),
  );

/**
 * For SARIF's messages: braces stand for arguments and brackets for links in plain text too.
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html, 3.11.5 and 3.11.6
 */
export const sarifText = (text: string): string =>
  harmless(text)
    .replace(/[\\[\]]/g, (character) => `\\${character}`)
    .replace(/[{}]/g, (character) => character + character);

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** For HTML, between tags and in quoted attributes. */
export const html = (text: string): string => harmless(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');

/** HTML that was written here, or escaped. */
export interface Markup {
  readonly markup: string;
}
type Part = string | number | Markup | undefined | readonly Part[];

const rendered = (part: Part): string => {
  if (part === undefined) return '';
  if (typeof part === 'string') return html(part);
  if (typeof part === 'number') return String(part);
  return 'markup' in part ? part.markup : part.map(rendered).join('');
};

/** A template of HTML: what is put into it is escaped, unless it is markup itself. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return { markup: strings.map((text, at) => (at === 0 ? text : rendered(parts[at - 1]) + text)).join('') };
}
