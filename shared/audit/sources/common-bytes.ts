/** A look at a record's bytes before it is parsed: the values of a key, and whether escapes could hide one. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const ESCAPE = Buffer.from('\\u00');

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

export interface Key {
  readonly head: Buffer;
  readonly tail: Buffer;
}

/**
 * A key to look for, by its last part. A search runs from one candidate for the first byte to the next, and a record is full of quotes and small
 * letters: `tail` begins with a capital. `head` and the quote before it are compared where the tail is found.
 */
export const keyOf = (head: string, tail: string): Key => ({ head: Buffer.from(`"${head}`), tail: Buffer.from(`${tail}"`) });

/** Where the first key at `from` or later ends, behind its quote; -1 where there is none. */
export function keyEnd(bytes: Buffer, { head, tail }: Key, from: number): number {
  for (let at = bytes.indexOf(tail, from); at !== -1; at = bytes.indexOf(tail, at + tail.length)) {
    const start = at - head.length;
    let same = 0;
    while (same < head.length && bytes[start + same] === head[same]) same += 1;
    if (same === head.length) return at + tail.length;
  }
  return -1;
}

/** Where the text begins that is the value of the key ending before `at`; `none` where that is no key, `other` where its value is no text. */
export function valueAt(bytes: Buffer, at: number): number | 'none' | 'other' {
  let from = at;
  while (isSpace(bytes[from])) from += 1;
  if (bytes[from] !== COLON) return 'none';
  from += 1;
  while (isSpace(bytes[from])) from += 1;
  return bytes[from] === QUOTE ? from + 1 : 'other';
}

/** Whether a letter is written as an escape, `\u0041` to `\u007a`: then a key may be spelled in a way that a search does not find. */
export function escapesLetters(bytes: Buffer): boolean {
  if (bytes.indexOf(BACKSLASH) === -1) return false;
  for (let at = bytes.indexOf(ESCAPE); at !== -1; at = bytes.indexOf(ESCAPE, at + ESCAPE.length)) {
    const high = bytes[at + ESCAPE.length];
    if (high !== undefined && high >= 0x34 && high <= 0x37) return true;
  }
  return false;
}

/** FNV-1a, a byte at a time. Two texts with one number make a record parsed that need not be, never one missed. */
export const step = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193);
export const HASH_START = 0x811c9dc5 | 0;

export function hashOf(text: string): number {
  let hash = HASH_START;
  for (const byte of Buffer.from(text)) hash = step(hash, byte);
  return hash;
}
