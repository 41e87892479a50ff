/** The ids of the newest events, in memory: exact to 48 bits, bounded, without an allocation for each. */
import { hash48 } from '../sketches/hash.ts';

export interface Recent {
  /** True when the id was added before; adds it otherwise. */
  has(id: string): boolean;
}

const LEAST = 1 << 12;

/**
 * Remembers at least the last `most` ids (rounded up to a power of two) and at most twice as many: two generations, of which the older is
 * dropped when the younger is full. Takes 16 bytes for each of `most`, twice; a small set takes little.
 */
export function openRecent(most = 1 << 18): Recent {
  let young = new Float64Array(2 * LEAST);
  let old = new Float64Array(0);
  let count = 0;

  const grow = (): void => {
    if (count < most) {
      const wider = new Float64Array(young.length * 2);
      for (const value of young) if (value !== 0) wider[slotOf(wider, value)] = value;
      young = wider;
      return;
    }
    const spare = old.length === young.length ? old.fill(0) : new Float64Array(young.length);
    old = young;
    young = spare;
    count = 0;
  };

  return {
    has(id) {
      // 0 marks a free place.
      const value = hash48(id) + 1;
      const at = slotOf(young, value);
      if (young[at] === value) return true;
      const before = old.length > 0 && old[slotOf(old, value)] === value;
      young[at] = value;
      count += 1;
      if (2 * count >= young.length) grow();
      return before;
    },
  };
}

/** Where the value is, or where it may be put. */
function slotOf(table: Float64Array, value: number): number {
  const mask = table.length - 1;
  let at = (value >>> 0) & mask;
  for (let found = table[at]; found !== 0 && found !== value; found = table[at]) at = (at + 1) & mask;
  return at;
}
