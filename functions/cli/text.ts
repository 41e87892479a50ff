/** Text for terminals: what came from outside is made harmless, and everything fits the width. */

// Control characters can move the cursor and recolour or retitle a terminal; the format characters that turn the direction of
// writing can make one text look like another (CVE-2021-42574). Line ends are the caller's to write.
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const UNSAFE = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069\uFEFF]/g;

const escapeOne = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/** Shows control characters as `\u001b` instead of obeying them. */
export function harmless(text: string): string {
  return text.replace(UNSAFE, escapeOne);
}

/** One line of JSON in which every character that a terminal might obey is escaped; still the same JSON. */
export function jsonLine(value: unknown): string {
  return harmless(JSON.stringify(value));
}

/** Cuts to `width` characters, the last of which then is `…`. */
export function cut(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

const length = (text: string): number => Array.from(text).length;
const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - length(text)));

const GAP = 2;
const NARROWEST = 6;

/**
 * Rows under a head, in columns that together fit `width`: the widest columns are cut until they do.
 * Cells must be harmless already. No trailing spaces.
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[], width: number): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => length(row[column] ?? ''))));
  const total = (): number => widths.reduce((sum, one) => sum + one, GAP * (widths.length - 1));
  while (total() > width) {
    const widest = Math.max(...widths);
    if (widest <= NARROWEST) break;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return all.map((row) =>
    widths
      .map((size, column) => pad(cut(row[column] ?? '', size), size))
      .join(' '.repeat(GAP))
      .trimEnd(),
  );
}

/** Breaks at spaces so that no line is longer than `width`, unless one word is. Lines after the first are indented. */
export function wrap(text: string, width: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && length(longer) > width) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  return [...lines, line];
}
