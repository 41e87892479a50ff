/** What the detectors of time remember: of a person the hours, of each group of people theirs, of a principal its pace. */
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import { freshHours, packHours, unpackHours, type Hours } from '../sketches/hours.ts';
import type { Days } from './days.ts';

const FORMAT = 1;

export const HOURS: Slot<Hours> = { index: SLOT.time, name: 'hours', fresh: freshHours, pack: packHours, unpack: unpackHours };

/** By the hash of the group; up to MOST_GROUPS. */
export type GroupHours = Map<number, Hours>;
export const MOST_GROUPS = 16;

export const GROUP_HOURS: Slot<GroupHours> = {
  index: SLOT.tenantTime,
  name: 'group-hours',
  fresh: () => new Map(),
  pack: (groups) => [FORMAT, ...[...groups].sort(([a], [b]) => a - b).map(([group, hours]) => [group, packHours(hours)])],
  unpack(packed) {
    if (!Array.isArray(packed) || packed[0] !== FORMAT || packed.length > MOST_GROUPS + 1) return undefined;
    const groups: GroupHours = new Map();
    for (const entry of packed.slice(1) as unknown[]) {
      if (!Array.isArray(entry) || entry.length !== 2 || !Number.isSafeInteger(entry[0])) return undefined;
      const hours = unpackHours(entry[1]);
      if (hours === undefined) return undefined;
      groups.set(entry[0] as number, hours);
    }
    return groups;
  },
};

export interface Pace {
  /** Of the last reads of a person: times, ascending, up to MOST_READS. */
  readonly reads: number[];
  /** On which days a person was as fast as a machine. */
  readonly fast: Days;
  /** The last beats of a machine: times, ascending, up to MOST_BEATS. Reads that come together are one. */
  readonly beats: number[];
  /** Gaps between beats that were learned, up to MOST_GAPS; their mean and variance in milliseconds. */
  gaps: number;
  mean: number;
  variance: number;
}

export const MOST_READS = 48;
export const MOST_BEATS = 8;
export const MOST_GAPS = 50;

export const PACE: Slot<Pace> = {
  index: SLOT.pace,
  name: 'pace',
  fresh: () => ({ reads: [], fast: { day: -1, mask: 0 }, beats: [], gaps: 0, mean: 0, variance: 0 }),
  pack: ({ reads, fast, beats, gaps, mean, variance }) => [
    FORMAT,
    fast.day,
    fast.mask,
    gaps,
    mean,
    variance,
    reads.length,
    ...spread(reads),
    ...spread(beats),
  ],
  unpack(packed) {
    if (!Array.isArray(packed) || packed[0] !== FORMAT || packed.length < 7 || !packed.every(Number.isFinite)) return undefined;
    const [, day = 0, mask = 0, gaps = 0, mean = 0, variance = 0, count = 0, ...times] = packed as number[];
    if (![day, mask, gaps, count].every(Number.isSafeInteger) || count < 0 || count > MOST_READS) return undefined;
    if (times.length < count || times.length - count > MOST_BEATS || mean < 0 || variance < 0 || gaps < 0) return undefined;
    if (!times.every(Number.isSafeInteger)) return undefined;
    return {
      reads: gathered(times.slice(0, count)),
      fast: { day, mask },
      beats: gathered(times.slice(count)),
      gaps,
      mean,
      variance,
    };
  },
};

/** The first, then the gaps: shorter to write. */
const spread = (times: readonly number[]): number[] => times.map((time, at) => time - (times[at - 1] ?? 0));

function gathered(gaps: readonly number[]): number[] {
  let time = 0;
  return gaps.map((gap) => (time += gap));
}
