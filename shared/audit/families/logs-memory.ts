/** What the tenant remembers of its sources of records: how long each was ever quiet, and what was said of it lately. */
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import type { Days } from './days.ts';

const FORMAT = 1;

/** The longest pause, which fades; `at` is when it was measured. */
export interface Pause {
  length: number;
  at: number;
}

export interface Feed extends Days {
  readonly source: string;
  readonly account: string;
  first: number;
  last: number;
  n: number;
  /** Within working hours of one day. */
  readonly work: Pause;
  /** Over a night, a weekend or a holiday. */
  readonly rest: Pause;
  /** Its present silence was told. */
  said: boolean;
}

/** Something that is wrong with every record of a source is told once in a while. */
interface Note extends Days {
  last: number;
}

export interface Feeds {
  /** Up to FEEDS. */
  readonly feeds: Feed[];
  /** By the hash of what it is about; up to NOTES. */
  readonly notes: Map<number, Note>;
}

export const FEEDS = 16;
export const NOTES = 32;
const NUMBERS = 10;

export const FEED_SLOT: Slot<Feeds> = {
  index: SLOT.logs,
  name: 'feeds',
  fresh: () => ({ feeds: [], notes: new Map() }),
  pack: ({ feeds, notes }) => [
    FORMAT,
    feeds.map(({ source, account, first, last, n, day, mask, work, rest, said }) => [
      source,
      account,
      first,
      last,
      n,
      day,
      mask,
      work.length,
      work.at,
      rest.length,
      rest.at,
      said ? 1 : 0,
    ]),
    [...notes].sort(([a], [b]) => a - b).flatMap(([key, { last, day, mask }]) => [key, last, day, mask]),
  ],
  unpack(packed) {
    if (!Array.isArray(packed) || packed.length !== 3 || packed[0] !== FORMAT) return undefined;
    const [, some, said] = packed as unknown[];
    if (!Array.isArray(some) || some.length > FEEDS || !Array.isArray(said) || said.length > NOTES * 4) return undefined;
    const feeds = some.map(feedOf);
    if (!feeds.every((feed) => feed !== undefined) || said.length % 4 !== 0 || !said.every(Number.isFinite)) return undefined;
    const numbers = said as number[];
    const notes = new Map<number, Note>();
    for (let at = 0; at < numbers.length; at += 4) {
      const [key = 0, last = 0, day = 0, mask = 0] = numbers.slice(at, at + 4);
      notes.set(key, { last, day, mask });
    }
    return { feeds, notes };
  },
};

function feedOf(packed: unknown): Feed | undefined {
  if (!Array.isArray(packed) || packed.length !== 2 + NUMBERS) return undefined;
  const [source, account, ...rest] = packed as unknown[];
  if (typeof source !== 'string' || typeof account !== 'string' || !rest.every(Number.isFinite)) return undefined;
  const [first = 0, last = 0, n = 0, day = 0, mask = 0, work = 0, workAt = 0, quiet = 0, quietAt = 0, said = 0] =
    rest as number[];
  return {
    source,
    account,
    first,
    last,
    n,
    day,
    mask,
    work: { length: work, at: workAt },
    rest: { length: quiet, at: quietAt },
    said: said === 1,
  };
}
