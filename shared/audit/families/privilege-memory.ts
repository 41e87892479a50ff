/** What the detectors of privilege remember: of a principal its acts, of a secret its writers, of the tenant what was just granted. */
import type { Packed, Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import type { Days } from './days.ts';

const FORMAT = 1;

interface Habit extends Days {
  count: number;
}

export interface PrincipalActs {
  /** By the code of the act. */
  readonly acts: Map<number, Habit>;
  /** Of the last destroyed and deleted secrets: the time and the hash of each, up to DESTROYS. */
  readonly destroys: { readonly time: number; readonly secret: number }[];
  /** Values written; those of secrets that were dropped from `written` no longer count. */
  writes: number;
  /** Secrets written, by hash, and how often; up to WRITTEN. */
  readonly written: Map<number, number>;
}

export const DESTROYS = 12;
export const WRITTEN = 24;

export interface Writer extends Days {
  readonly who: number;
  /** The hash of its group; 0: none. */
  readonly group: number;
  count: number;
  /** Seen outside of quarantine, or on three days: it may. */
  sure: boolean;
}

export interface SecretWriters {
  /** Up to WRITERS. */
  readonly writers: Writer[];
  /** The hash of who created it; 0: not seen. */
  creator: number;
  created: number;
  /** Up to READS: more need not be told apart. */
  reads: number;
  /** When the store last said that it starts to rotate it; 0: never. */
  rotating: number;
}

export const WRITERS = 8;
export const READS = 255;

/** Lifetimes of the tokens that one group gets, as binary logarithms of seconds, to three decimals. */
export interface Lifetimes {
  n: number;
  mean: number;
  most: number;
  /** Tokens without an end. */
  endless: number;
}

export interface Change {
  readonly time: number;
  /** A policy change, or a token made for another. */
  readonly token: boolean;
  readonly by: number;
  /** The hash of who was let in; 0: not told. */
  readonly grantee: number;
  /** The secret that it is about; 0: none is named. */
  readonly secret: number;
  /** By who does such a thing now and then. */
  readonly usual: boolean;
}

export interface TenantGrants {
  /** By the hash of a group; up to GROUPS. */
  readonly lifetimes: Map<number, Lifetimes>;
  /** Up to CHANGES, the oldest first. */
  readonly changes: Change[];
  /** Networks from which wrapped secrets were opened, by hash, and how often; up to UNWRAPS. */
  readonly unwraps: Map<number, number>;
  /** Outsiders that were let in, by hash, and the day of the first time; up to GUESTS. */
  readonly guests: Map<number, number>;
}

export const GROUPS = 32;
export const CHANGES = 16;
export const UNWRAPS = 16;
export const GUESTS = 32;

const flat = <V>(map: ReadonlyMap<number, V>, row: (value: V) => readonly number[]): number[] =>
  [...map].sort(([a], [b]) => a - b).flatMap(([key, value]) => [key, ...row(value)]);

/** Rows of `width` numbers each, at most `limit`; undefined when it is anything else. */
function rows(packed: unknown, width: number, limit: number): number[][] | undefined {
  if (!Array.isArray(packed) || packed.length % width !== 0 || packed.length > width * limit) return undefined;
  if (!packed.every(Number.isFinite)) return undefined;
  return Array.from({ length: packed.length / width }, (_, at) => packed.slice(at * width, (at + 1) * width) as number[]);
}

function parts(packed: Packed, length: number): unknown[] | undefined {
  return Array.isArray(packed) && packed.length === length && packed[0] === FORMAT ? (packed as unknown[]) : undefined;
}

const CODES = 32;

export const ACTS: Slot<PrincipalActs> = {
  index: SLOT.privilege,
  name: 'acts',
  fresh: () => ({ acts: new Map(), destroys: [], writes: 0, written: new Map() }),
  pack: ({ acts, destroys, writes, written }) => [
    FORMAT,
    flat(acts, ({ count, day, mask }) => [count, day, mask]),
    destroys.flatMap(({ time, secret }) => [time, secret]),
    writes,
    flat(written, (count) => [count]),
  ],
  unpack(packed) {
    const [, some, gone, writes, wrote] = parts(packed, 5) ?? [];
    const acts = rows(some, 4, CODES);
    const destroys = rows(gone, 2, DESTROYS);
    const written = rows(wrote, 2, WRITTEN);
    if (acts === undefined || destroys === undefined || written === undefined || !Number.isFinite(writes)) return undefined;
    return {
      acts: new Map(acts.map(([code = 0, count = 0, day = 0, mask = 0]) => [code, { count, day, mask }])),
      destroys: destroys.map(([time = 0, secret = 0]) => ({ time, secret })),
      writes: writes as number,
      written: new Map(written.map(([secret = 0, count = 0]) => [secret, count])),
    };
  },
};

export const SECRET_WRITERS: Slot<SecretWriters> = {
  index: SLOT.privilegeSecret,
  name: 'writers',
  fresh: () => ({ writers: [], creator: 0, created: 0, reads: 0, rotating: 0 }),
  pack: ({ writers, creator, created, reads, rotating }) => [
    FORMAT,
    writers.flatMap(({ who, group, count, day, mask, sure }) => [who, group, count, day, mask, sure ? 1 : 0]),
    creator,
    created,
    reads,
    rotating,
  ],
  unpack(packed) {
    const [, some, ...rest] = parts(packed, 6) ?? [];
    const writers = rows(some, 6, WRITERS);
    if (writers === undefined || !rest.every(Number.isFinite)) return undefined;
    const [creator = 0, created = 0, reads = 0, rotating = 0] = rest as number[];
    return {
      writers: writers.map(([who = 0, group = 0, count = 0, day = 0, mask = 0, sure = 0]) => ({
        who,
        group,
        count,
        day,
        mask,
        sure: sure === 1,
      })),
      creator,
      created,
      reads,
      rotating,
    };
  },
};

export const GRANTS: Slot<TenantGrants> = {
  index: SLOT.privilegeTenant,
  name: 'grants',
  fresh: () => ({ lifetimes: new Map(), changes: [], unwraps: new Map(), guests: new Map() }),
  pack: ({ lifetimes, changes, unwraps, guests }) => [
    FORMAT,
    flat(lifetimes, ({ n, mean, most, endless }) => [n, mean, most, endless]),
    changes.flatMap(({ time, token, by, grantee, secret, usual }) => [
      time,
      (token ? 1 : 0) + (usual ? 2 : 0),
      by,
      grantee,
      secret,
    ]),
    flat(unwraps, (count) => [count]),
    flat(guests, (day) => [day]),
  ],
  unpack(packed) {
    const [, some, recent, opened, outsiders] = parts(packed, 5) ?? [];
    const lifetimes = rows(some, 5, GROUPS);
    const changes = rows(recent, 5, CHANGES);
    const unwraps = rows(opened, 2, UNWRAPS);
    const guests = rows(outsiders, 2, GUESTS);
    if (lifetimes === undefined || changes === undefined || unwraps === undefined || guests === undefined) return undefined;
    return {
      lifetimes: new Map(lifetimes.map(([key = 0, n = 0, mean = 0, most = 0, endless = 0]) => [key, { n, mean, most, endless }])),
      changes: changes.map(([time = 0, kind = 0, by = 0, grantee = 0, secret = 0]) => ({
        time,
        by,
        grantee,
        secret,
        token: (kind & 1) !== 0,
        usual: (kind & 2) !== 0,
      })),
      unwraps: new Map(unwraps.map(([key = 0, count = 0]) => [key, count])),
      guests: new Map(guests.map(([key = 0, day = 0]) => [key, day])),
    };
  },
};

/** Drops and gives the entry that is worth least, to make room: of equals the one with the lowest key, so that order does not matter. */
export function dropLeast<V>(map: Map<number, V>, worth: (value: V) => number): V | undefined {
  let least: [number, number] | undefined;
  for (const [key, value] of map) {
    const now = worth(value);
    if (least === undefined || now < least[1] || (now === least[1] && key < least[0])) least = [key, now];
  }
  if (least === undefined) return undefined;
  const dropped = map.get(least[0]);
  map.delete(least[0]);
  return dropped;
}
