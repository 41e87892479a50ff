/**
 * Which key comes next. Records of one writer name their keys in one order, so the key that came last time after the same key is compared first,
 * four bytes at a time; a hit needs neither the search for the closing quote nor a look-up. What is remembered is only ever a guess.
 */
import { NONE, type Trie } from './trie.ts';

const PLACES = 1024;
/** Words of four bytes that a key and its closing quote may take to be remembered. */
const WORDS = 12;
export const LONGEST_KEY = WORDS * 4;

export interface Keys {
  /** By step: the bytes of the key and its closing quote. */
  readonly lengths: Uint8Array;
  /** By step: the key's node, or NONE. */
  readonly children: Int32Array;
  /** The step before an object's first key. */
  first(place: number): number;
  /** The step of the key at `at`, when it is the one that followed `before` the last time; else -1. Reads up to LONGEST_KEY bytes from `at`. */
  guess(place: number, before: number, view: DataView, at: number): number;
  /** The step of the key `bytes[start, end)`, without escapes, `bytes[end]` being its closing quote; -1: not to be remembered. */
  find(place: number, before: number, bytes: Uint8Array, view: DataView, start: number, end: number): number;
}

export function createKeys(trie: Trie): Keys {
  const lengths = new Uint8Array(PLACES);
  const children = new Int32Array(PLACES).fill(NONE);
  const owners = new Int32Array(PLACES).fill(NONE);
  const words = new Int32Array(PLACES * WORDS);
  const following = new Int32Array(PLACES + trie.size);

  /** Of the last word, only the bytes that belong to the key and its quote. */
  const masked = (word: number, length: number): number => {
    const rest = length & 3;
    return rest === 0 ? word : word & ((1 << (rest << 3)) - 1);
  };
  const same = (step: number, place: number, view: DataView, at: number): boolean => {
    if (owners[step] !== place) return false;
    const length = lengths[step] as number;
    const whole = length >> 2;
    let word = step * WORDS;
    let from = at;
    for (const last = word + whole; word < last; word += 1, from += 4)
      if (words[word] !== view.getInt32(from, true)) return false;
    return (length & 3) === 0 || words[word] === masked(view.getInt32(from, true), length);
  };

  return {
    lengths,
    children,
    first: (place) => PLACES + place,
    guess(place, before, view, at) {
      const step = following[before] as number;
      return same(step, place, view, at) ? step : -1;
    },
    find(place, before, bytes, view, start, end) {
      const length = end + 1 - start;
      const at = bytes.byteOffset + start;
      const mixed = Math.imul(
        (bytes[start] as number) + ((bytes[start + (length >> 1)] as number) << 8) + ((bytes[end - 1] as number) << 16),
        0x85eb_ca6b,
      );
      const step = Math.imul(mixed ^ (mixed >>> 15) ^ (length + (place << 8)), 0x9e37_79b1) >>> 22;
      if (!(lengths[step] === length && same(step, place, view, at))) {
        owners[step] = place;
        lengths[step] = length;
        children[step] = trie.child(place, bytes, start, end);
        for (let word = 0; word << 2 < length; word += 1) {
          const left = length - (word << 2);
          const read = view.getInt32(at + (word << 2), true);
          words[step * WORDS + word] = left < 4 ? masked(read, left) : read;
        }
      }
      following[before] = step;
      return step;
    },
  };
}
