/** Where numbers and words of JSON end. https://www.rfc-editor.org/rfc/rfc8259#section-6 */
import { NONE } from './trie.ts';

const isDigit = (code: number | undefined): boolean => code !== undefined && code >= 0x30 && code <= 0x39;

/** Behind the number at `at`; NONE where there is none that JSON allows. */
export function numberEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  if (bytes[at] === 0x2d) at += 1;
  if (at >= end || !isDigit(bytes[at])) return NONE;
  // No digit may follow a leading zero: whoever comes next finds it there, where only a comma or a bracket may be.
  if (bytes[at] === 0x30) at += 1;
  else at = digitsEnd(bytes, at, end);
  if (at < end && bytes[at] === 0x2e) {
    const fraction = digitsEnd(bytes, at + 1, end);
    if (fraction === at + 1) return NONE;
    at = fraction;
  }
  if (at < end && ((bytes[at] as number) | 0x20) === 0x65) {
    at += 1;
    if (at < end && (bytes[at] === 0x2b || bytes[at] === 0x2d)) at += 1;
    const exponent = digitsEnd(bytes, at, end);
    if (exponent === at) return NONE;
    at = exponent;
  }
  return at;
}

function digitsEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && isDigit(bytes[at])) at += 1;
  return at;
}

const WORDS = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), Buffer.from(word)]));

/** Behind `true`, `false` or `null` at `at`; NONE for anything else. */
export function wordEnd(bytes: Uint8Array, from: number, end: number): number {
  const word = WORDS.get(bytes[from] as number);
  if (word === undefined || from + word.length > end) return NONE;
  for (let at = 1; at < word.length; at += 1) if (word[at] !== bytes[from + at]) return NONE;
  return from + word.length;
}
