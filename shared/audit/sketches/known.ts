/**
 * What an entity has been seen with (secrets, networks, readers), and how surprising something new is: the Good-Turing estimate of the unseen mass.
 * Bounded: up to a limit it is exact; beyond, the oldest that were seen once go first, and what was forgotten is counted.
 */

const DAY = 86_400_000;
/** A value that was not seen for so long is new again. */
const FORGET = 90 * DAY;

interface Seen {
  count: number;
  first: number;
  last: number;
}

export interface Known {
  /** By hash. */
  readonly seen: Map<number, Seen>;
  /** Observations, decayed when values are dropped. */
  n: number;
  /** Values that were seen exactly once. */
  singles: number;
  /** Values dropped for room. */
  dropped: number;
}

export const freshKnown = (): Known => ({ seen: new Map(), n: 0, singles: 0, dropped: 0 });

export function knows(known: Known | undefined, value: number, now: number): boolean {
  const found = known?.seen.get(value);
  return found !== undefined && now - found.last < FORGET;
}

/** True when it is known from before `before`. */
export function knewBefore(known: Known | undefined, value: number, before: number): boolean {
  const found = known?.seen.get(value);
  return found !== undefined && found.first < before;
}

/** The probability that the next observation is of something new. `tau`: what a newcomer is believed to have seen already without anything new. */
function chanceOfNew({ n, singles }: Known, tau: number): number {
  return Math.min(1, (singles + 0.5) / (n + 1 + tau));
}

export const bitsOfNew = (known: Known, tau: number): number => -Math.log2(chanceOfNew(known, tau));

/**
 * How surprising another value is where values stay for days, such as networks: what was there on the first day is the start, and each that came later a
 * change. Singles say nothing here, since each is soon seen again.
 */
export function bitsOfChange(known: Known, tau: number): number {
  let start = Infinity;
  for (const { first } of known.seen.values()) start = Math.min(start, first);
  let changes = known.dropped;
  for (const { first } of known.seen.values()) if (first > start + DAY) changes += 1;
  return -Math.log2(Math.min(1, (changes + 0.5) / (known.n + 1 + tau)));
}

/**
 * Keeps at most `limit` values exactly. What follows on the same value within `gap` milliseconds is the same observation: a thousand reads from one
 * address in an hour say no more of addresses than one does.
 */
export function remember(known: Known, value: number, at: number, limit: number, gap = 0): void {
  const found = known.seen.get(value);
  if (found !== undefined && gap > 0 && at >= found.last && at - found.last < gap) {
    found.last = at;
    return;
  }
  known.n += 1;
  if (found !== undefined) {
    if (found.count === 1) known.singles -= 1;
    found.count += 1;
    if (at < found.first) found.first = at;
    if (at > found.last) found.last = at;
    return;
  }
  if (known.seen.size >= limit) drop(known);
  known.singles += 1;
  known.seen.set(value, { count: 1, first: at, last: at });
}

/** Makes room for an eighth of all at once, so that a full one costs little for each: the least counted, of them the longest unseen. */
function drop(known: Known): void {
  const order = [...known.seen].sort(([a, x], [b, y]) => x.count - y.count || x.last - y.last || a - b);
  for (const [value, { count }] of order.slice(0, Math.max(1, order.length >> 3))) {
    known.seen.delete(value);
    known.dropped += 1;
    if (count === 1) known.singles -= 1;
  }
}

const FORMAT = 1;

/** Times in milliseconds: [format, n, singles, dropped, hash, count, first, last - first, …], in the order of hashes. */
export function packKnown({ seen, n, singles, dropped }: Known): number[] {
  const packed = [FORMAT, n, singles, dropped];
  for (const [value, one] of [...seen].sort(([a], [b]) => a - b)) {
    packed.push(value, one.count, one.first, one.last - one.first);
  }
  return packed;
}

export function unpackKnown(packed: unknown): Known | undefined {
  if (!Array.isArray(packed) || packed[0] !== FORMAT || packed.length % 4 !== 0 || !packed.every(Number.isFinite))
    return undefined;
  const numbers = packed as number[];
  const [, n = 0, singles = 0, dropped = 0] = numbers;
  const known: Known = { seen: new Map(), n, singles, dropped };
  for (let at = 4; at < numbers.length; at += 4) {
    const [value = 0, count = 0, first = 0, span = 0] = numbers.slice(at, at + 4);
    known.seen.set(value, { count, first, last: first + span });
  }
  return known;
}
