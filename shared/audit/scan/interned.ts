/**
 * Strings from bytes, where the same ones come again and again: principals, regions, operations, user agents. A string that was seen is given
 * again, so that nothing is allocated and a Map that it is looked up in finds its hash ready. Bounded; a string holds nothing else alive.
 */
import { latin1 } from './text.ts';

/** Longer ones are not kept. */
const LONGEST = 128;
const PLACES = 4096;

export interface Interned {
  /** The text of `bytes[start, end)`, which are ASCII. `view` is over the same memory. `field`: whose text it is; the last one of each is tried first. */
  get(field: number, bytes: Buffer, view: DataView, start: number, end: number): string;
  /** Whether the last answer was one that was kept. */
  readonly hit: () => boolean;
}

/** `fields`: how many there are. */
export function createInterned(fields: number): Interned {
  const places = PLACES + fields;
  const pool = new DataView(new ArrayBuffer(places * LONGEST));
  const lengths = new Uint8Array(places);
  const texts: string[] = Array.from({ length: places }, () => '');
  let hit = false;

  /** Where a text of `length` is kept: by its length, its first, middle and last four bytes. `at`: where it is in `view`. */
  const placeOf = (view: DataView, at: number, length: number): number => {
    let mixed = Math.imul(view.getInt32(at, true), 0x85eb_ca6b) ^ length;
    mixed = Math.imul(mixed ^ (mixed >>> 15) ^ view.getInt32(at + (length >> 1) - 2, true), 0xc2b2_ae35);
    mixed = Math.imul(mixed ^ (mixed >>> 13) ^ view.getInt32(at + length - 4, true), 0x9e37_79b1);
    return mixed >>> 20;
  };

  // Four bytes at a time, the last four once more where the length is no multiple of four.
  const isAt = (place: number, view: DataView, from: number, length: number): boolean => {
    if (lengths[place] !== length) return false;
    const kept = place * LONGEST;
    const tail = length - 4;
    if (view.getInt32(from + tail, true) !== pool.getInt32(kept + tail, true)) return false;
    for (let at = 0; at < tail; at += 4) if (view.getInt32(from + at, true) !== pool.getInt32(kept + at, true)) return false;
    return true;
  };
  const keep = (place: number, view: DataView, from: number, length: number, text: string): void => {
    const kept = place * LONGEST;
    const tail = length - 4;
    lengths[place] = length;
    for (let at = 0; at < tail; at += 4) pool.setInt32(kept + at, view.getInt32(from + at, true), true);
    pool.setInt32(kept + tail, view.getInt32(from + tail, true), true);
    texts[place] = text;
  };

  return {
    hit: () => hit,
    get(field, bytes, view, start, end) {
      const length = end - start;
      hit = false;
      if (length < 4 || length > LONGEST) return latin1(bytes, start, end);
      const from = bytes.byteOffset + start;
      const last = PLACES + field;
      hit = isAt(last, view, from, length);
      if (hit) return texts[last] as string;
      const place = placeOf(view, from, length);
      hit = isAt(place, view, from, length);
      const text = hit ? (texts[place] as string) : latin1(bytes, start, end);
      if (!hit) keep(place, view, from, length, text);
      keep(last, view, from, length, text);
      return text;
    },
  };
}
