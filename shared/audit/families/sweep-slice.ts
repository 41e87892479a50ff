/** What the sweep detectors remember of a principal. */
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';

interface Recent {
  /** Last read, milliseconds. */
  time: number;
  novel: boolean;
}

export interface Sweep {
  /** Distinct secrets of the last ten minutes, by hash. */
  readonly recent: Map<number, Recent>;
  /** New secrets of the last seven days: hash and time, in turn. */
  novel: number[];
  /** Secrets reached without a name lately: time and how many, in turn. */
  unnamed: number[];
  /** How many distinct secrets a ten-minute window has held, by power of two: windows that were over. */
  readonly sizes: number[];
  /** The window that is counted, by number, and the most distinct secrets in it. */
  window: number;
  most: number;
  /** When secrets were last listed, and on how many days before. */
  listed: number;
  listDays: number;
  listDay: number;
  /** Reads of what does not exist, and all reads, in the window of `missWindow`. */
  missWindow: number;
  misses: number;
  tries: number;
  /** The last name read, and how many new names in a row came in order. */
  lastName: string;
  inOrder: number;
  /** When the last new name was read. */
  orderTime: number;
  /** When so many were new that it was told. What came before is not told again once it was quiet for hours. */
  told: number;
  /** Accounts and regions read in lately: hash and time, in turn. */
  places: number[];
  /** Versions of one secret asked for lately: the secret's hash, then version hash and time, in turn. */
  versions: number[];
  /** Readers that all new secrets so far have in common, by hash; undefined before the first. */
  peers: number[] | undefined;
}

const BUCKETS = 10;

export const SWEEP: Slot<Sweep> = {
  index: SLOT.sweep,
  name: 'sweep',
  fresh: () => ({
    recent: new Map(),
    novel: [],
    unnamed: [],
    sizes: Array.from({ length: BUCKETS }, () => 0),
    window: -1,
    most: 0,
    listed: 0,
    listDays: 0,
    listDay: 0,
    missWindow: 0,
    misses: 0,
    tries: 0,
    lastName: '',
    inOrder: 0,
    orderTime: 0,
    told: 0,
    places: [],
    versions: [],
    peers: undefined,
  }),
  pack: (s) => [
    [...s.recent].sort(([a], [b]) => a - b).flatMap(([hash, { time, novel }]) => [hash, time, novel ? 1 : 0]),
    s.novel,
    s.unnamed,
    s.sizes,
    [s.window, s.most, s.listed, s.listDays, s.listDay, s.missWindow, s.misses, s.tries, s.inOrder, s.orderTime, s.told],
    s.lastName,
    s.places,
    s.versions,
    s.peers ?? 0,
  ],
  unpack(packed) {
    if (!Array.isArray(packed) || packed.length !== 9) return undefined;
    const [recent, novel, unnamed, sizes, numbers, lastName, places, versions, peers] = packed as unknown[];
    const all = [recent, novel, unnamed, sizes, numbers, places, versions, peers === 0 ? [] : peers];
    if (!all.every((list) => Array.isArray(list) && list.every(Number.isFinite)) || typeof lastName !== 'string')
      return undefined;
    const [
      window = -1,
      most = 0,
      listed = 0,
      listDays = 0,
      listDay = 0,
      missWindow = 0,
      misses = 0,
      tries = 0,
      inOrder = 0,
      orderTime = 0,
      told = 0,
    ] = numbers as number[];
    const slice: Sweep = {
      ...SWEEP.fresh(),
      novel: novel as number[],
      unnamed: unnamed as number[],
      sizes: sizes as number[],
      window,
      most,
      listed,
      listDays,
      listDay,
      missWindow,
      misses,
      tries,
      lastName,
      inOrder,
      orderTime,
      told,
      places: places as number[],
      versions: versions as number[],
      peers: peers === 0 ? undefined : (peers as number[]),
    };
    const flat = recent as number[];
    for (let at = 0; at + 2 < flat.length; at += 3) {
      slice.recent.set(flat[at] ?? 0, { time: flat[at + 1] ?? 0, novel: flat[at + 2] === 1 });
    }
    return slice;
  },
};

/** The size that 95 % of the windows stayed within; undefined while there were too few to say. */
export function usualSize(sizes: readonly number[], least = 5): number | undefined {
  const all = sizes.reduce((sum, each) => sum + each, 0);
  if (all < least) return undefined;
  let rest = all * 0.95;
  for (const [bucket, count] of sizes.entries()) {
    rest -= count;
    if (rest <= 0) return 2 ** bucket;
  }
  return 2 ** sizes.length;
}

/** 1 → 0, 2 → 1, 3-4 → 2, 5-8 → 3, … */
export const bucketOf = (size: number): number => Math.min(BUCKETS - 1, Math.ceil(Math.log2(Math.max(1, size))));
