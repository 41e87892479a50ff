/**
 * A record's fields straight from its bytes, in one pass, without building the record. Every byte is checked as JSON.parse would check it: a
 * record that is cut, patched together or padded must not be read differently by the scanner and by whoever looks at it later, and a check
 * costs one look-up in a table that the search for the closing quote needs anyway. Whatever is unusual gives undefined, and JSON.parse decides.
 */
import type { Plan, View } from '../view.ts';
import { createInterned } from './interned.ts';
import { createKeys, LONGEST_KEY } from './keys.ts';
import { numberEnd, wordEnd } from './scalars.ts';
import { KIND, createSlots } from './slots.ts';
import { NONE, trieOf, type Trie } from './trie.ts';

/** Records nested deeper are left to JSON.parse. */
const SCANNED_DEPTH = 64;

/** Of a byte inside a string: 0 plain, 1 not ASCII, 2 a quote, a backslash or a control character. */
const CLASS = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 0x20 || byte === 0x22 || byte === 0x5c ? 2 : byte >> 7));
/** After a backslash: 1 one character, 2 `u` and four digits, 0 an error. */
const ESCAPE = Uint8Array.from({ length: 256 }, (_, byte) =>
  '"\\/bfnrt'.includes(String.fromCharCode(byte)) ? 1 : byte === 0x75 ? 2 : 0,
);
const HEX = Uint8Array.from({ length: 256 }, (_, byte) => Number(/[0-9a-fA-F]/.test(String.fromCharCode(byte))));

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN = 0x7b;
const CLOSE = 0x7d;
/** In the place of a node: inside a list. */
const LIST = -2;

export interface Scanner {
  /**
   * The fields of the record `bytes[start, end)`; undefined where it is no object, not valid JSON, has a key of the plan twice or with escapes, or is
   * nested deeper than 64. The View is the same object every time: it is good until the next `scan`, and as long as `bytes` are not changed.
   * Its strings are good for ever.
   */
  scan(bytes: Buffer, start: number, end: number): View | undefined;
}

export function createScanner(plan: Plan): Scanner {
  const trie = trieOf(plan);
  return trie === undefined ? { scan: () => undefined } : scannerOf(trie);
}

function scannerOf(trie: Trie): Scanner {
  const slots = createSlots(trie, createInterned(trie.size));
  const keys = createKeys(trie);
  const { starts, ends, kinds, seen } = slots;
  const { lengths, children } = keys;
  /** Of each open object or list: the node that it is the value of. */
  const owners = new Int32Array(SCANNED_DEPTH + 1);
  /** Of each open object: the node whose children its keys may be. */
  const places = new Int32Array(SCANNED_DEPTH + 1);
  /** Of each open object with a node: the step of its last key. */
  const steps = new Int32Array(SCANNED_DEPTH + 1);

  function scan(bytes: Buffer, start: number, end: number): boolean {
    const mark = slots.next(bytes);
    const view = slots.memory();
    const shift = bytes.byteOffset;
    // Words are read from inside the memory only.
    const guessable = Math.min(end, view.byteLength - shift - LONGEST_KEY);
    // A string that begins before the last quote ends there at the latest, so that the search for its end need not look at `end`.
    const lastQuote = lastQuoteOf(bytes, start, end);
    const wordwise = shift + lastQuote + 4 <= view.byteLength;
    let at = spaceEnd(bytes, start, end);
    let depth = 0;
    let place = NONE;
    /** The node that the value at hand belongs to. */
    let into = 0;
    let code = 0;
    if (at >= end || bytes[at] !== OPEN) return false;

    for (;;) {
      // At the first byte of a value.
      if (at >= end) return false;
      code = bytes[at] as number;
      if (into !== NONE) {
        // Twice the same node is twice the same key: the last counts, says JSON.parse.
        if (seen[into] === mark) return false;
        seen[into] = mark;
        starts[into] = at;
      }
      let opened = false;
      if (code === QUOTE) {
        let kind = 0;
        let odd = 0;
        at += 1;
        if (at > lastQuote) return false;
        if (wordwise) at += plainLength(view, shift + at);
        for (;;) {
          if (at > lastQuote) return false;
          while ((kind = CLASS[bytes[at] as number] as number) < 2) {
            odd |= kind;
            at += 1;
          }
          code = bytes[at] as number;
          if (code === QUOTE) break;
          if (code !== BACKSLASH) return false;
          at = escapeEnd(bytes, at, end);
          if (at === NONE) return false;
          odd |= 2;
        }
        at += 1;
        if (into !== NONE) {
          kinds[into] = odd === 0 ? KIND.ascii : odd === 1 ? KIND.utf8 : KIND.escaped;
          ends[into] = at;
        }
      } else if (code === OPEN || code === OPEN_LIST) {
        if (depth === SCANNED_DEPTH) return false;
        depth += 1;
        owners[depth] = into;
        place = code === OPEN ? into : LIST;
        places[depth] = place;
        if (place >= 0) steps[depth] = keys.first(place);
        opened = true;
        at += 1;
      } else {
        at = code === MINUS || (code >= 0x30 && code <= 0x39) ? numberEnd(bytes, at, end) : wordEnd(bytes, at, end);
        if (at === NONE) return false;
        if (into !== NONE) {
          kinds[into] = code === 0x74 ? KIND.yes : code === 0x66 ? KIND.no : code === 0x6e ? KIND.nothing : KIND.number;
          ends[into] = at;
        }
      }

      // Behind a value, or behind an opening bracket: on to the next value, closing what ends here.
      for (;;) {
        if (at < end && (code = bytes[at] as number) <= SPACE) {
          at = spaceEnd(bytes, at, end);
          code = bytes[at] as number;
        }
        if (at >= end) return depth === 0;
        if (depth === 0) return false;
        if (code === (place === LIST ? CLOSE_LIST : CLOSE)) {
          at += 1;
          const owner = owners[depth] as number;
          if (owner !== NONE) {
            kinds[owner] = KIND.nested;
            ends[owner] = at;
          }
          depth -= 1;
          place = places[depth] as number;
          opened = false;
          continue;
        }
        if (!opened) {
          if (code !== COMMA) return false;
          at += 1;
          if (at >= end) return false;
          if ((code = bytes[at] as number) <= SPACE) {
            at = spaceEnd(bytes, at, end);
            if (at >= end) return false;
            code = bytes[at] as number;
          }
        }
        if (place === LIST) {
          into = NONE;
          break;
        }
        if (code !== QUOTE) return false;
        at += 1;
        const step = place !== NONE && at < guessable ? keys.guess(place, steps[depth] as number, view, shift + at) : -1;
        if (step !== -1) {
          at += lengths[step] as number;
          if (at > end) return false;
          steps[depth] = step;
          into = children[step] as number;
        } else {
          const key = at;
          let escaped = false;
          for (;;) {
            if (at > lastQuote) return false;
            while ((CLASS[bytes[at] as number] as number) < 2) at += 1;
            code = bytes[at] as number;
            if (code === QUOTE) break;
            if (code !== BACKSLASH) return false;
            at = escapeEnd(bytes, at, end);
            if (at === NONE) return false;
            escaped = true;
          }
          if (place === NONE) into = NONE;
          else if (escaped) return false;
          else if (at - key < LONGEST_KEY && key < guessable) {
            const found = keys.find(place, steps[depth] as number, bytes, view, key, at);
            steps[depth] = found;
            into = children[found] as number;
          } else into = trie.child(place, bytes, key, at);
          at += 1;
        }
        if (at < end && bytes[at] === COLON) at += 1;
        else {
          at = spaceEnd(bytes, at, end);
          if (at >= end || bytes[at] !== COLON) return false;
          at += 1;
        }
        if (at < end && (bytes[at] as number) <= SPACE) at = spaceEnd(bytes, at, end);
        break;
      }
    }
  }

  return { scan: (bytes, start, end) => (scan(bytes, start, end) ? slots.view : undefined) };
}

/** How many bytes from `from` are plain characters of a string: ASCII, no quote, backslash or control character. There has to be one that is not. */
function plainLength(view: DataView, from: number): number {
  for (let at = from; ; at += 4) {
    const word = view.getInt32(at, true);
    // A byte's highest bit comes out set where the byte is a quote, a backslash, below 0x20 or not ASCII; above the first such, it may be wrong.
    const quote = (word ^ 0x2222_2222) - 0x0101_0101;
    const backslash = (word ^ 0x5c5c_5c5c) - 0x0101_0101;
    const stop = (quote | backslash | (word - 0x2020_2020) | word) & 0x8080_8080;
    if (stop !== 0) return at - from + ((31 - Math.clz32(stop & -stop)) >> 3);
  }
}

/** Behind white space. */
function spaceEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (; at < end; at += 1) {
    const code = bytes[at] as number;
    if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
  }
  return at;
}

function lastQuoteOf(bytes: Uint8Array, start: number, end: number): number {
  let at = end - 1;
  while (at >= start && bytes[at] !== QUOTE) at -= 1;
  return at;
}

/** Behind the escape whose backslash is at `at`; NONE if it is none. */
function escapeEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + 1 >= end) return NONE;
  const kind = ESCAPE[bytes[at + 1] as number] as number;
  if (kind === 1) return at + 2;
  if (kind === 0 || at + 6 > end) return NONE;
  for (let digit = at + 2; digit < at + 6; digit += 1) if (HEX[bytes[digit] as number] === 0) return NONE;
  return at + 6;
}
