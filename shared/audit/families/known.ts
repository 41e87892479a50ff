/** What a principal and a secret are known for: the sets that novelty, sweep, authentication and others ask. One slot on each. */
import type { Profile } from '../profiles/profile.ts';
import { sliceIfAny } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import { hash48 } from '../sketches/hash.ts';
import { freshKnown, knewBefore, packKnown, unpackKnown, type Known } from '../sketches/known.ts';

/** Relations of a principal, in the order in which they are written. */
const RELATIONS = ['secrets', 'prefixes', 'wides', 'clients', 'places', 'verbs', 'shapes', 'regions'] as const;
export type Relation = (typeof RELATIONS)[number];

/** The most values of each that are kept exactly. */
export const LIMIT: Readonly<Record<Relation, number>> = {
  secrets: 512,
  prefixes: 64,
  wides: 32,
  clients: 16,
  places: 32,
  verbs: 24,
  shapes: 32,
  regions: 32,
};

export type Habits = { [R in Relation]: Known | undefined };

export const HABITS: Slot<Habits> = {
  index: SLOT.known,
  name: 'known',
  fresh: () => ({
    secrets: undefined,
    prefixes: undefined,
    wides: undefined,
    clients: undefined,
    places: undefined,
    verbs: undefined,
    shapes: undefined,
    regions: undefined,
  }),
  pack: (habits) => RELATIONS.map((relation) => (habits[relation] === undefined ? 0 : packKnown(habits[relation]))),
  unpack(packed) {
    if (!Array.isArray(packed) || packed.length !== RELATIONS.length) return undefined;
    const habits = HABITS.fresh();
    RELATIONS.forEach((relation, at) => (habits[relation] = unpackKnown(packed[at])));
    return habits;
  },
};

export function relation(habits: Habits, name: Relation): Known {
  return (habits[name] ??= freshKnown());
}

/** True when this principal has read this secret before, with success. */
export function knowsSecret(principal: Profile, secretKey: string): boolean {
  const known = sliceIfAny(principal, HABITS)?.secrets;
  return known !== undefined && known.seen.has(hash48(secretKey));
}

/** What a secret is known for. */
export interface Readership {
  /** Principals, by hash, and their groups. */
  readonly readers: Known;
  /** Groups of the readers. */
  readonly groups: Known;
  /** Reads that were learned. */
  reads: number;
  lastRead: number;
  /** When its creation was seen; 0: never. */
  created: number;
  /** Who created or last wrote it, by hash. */
  writer: number;
}

export const READERS_LIMIT = 48;

export const READERSHIP: Slot<Readership> = {
  index: SLOT.readers,
  name: 'readers',
  fresh: () => ({ readers: freshKnown(), groups: freshKnown(), reads: 0, lastRead: 0, created: 0, writer: 0 }),
  pack: ({ readers, groups, reads, lastRead, created, writer }) => [
    packKnown(readers),
    packKnown(groups),
    reads,
    lastRead,
    created,
    writer,
  ],
  unpack(packed) {
    if (!Array.isArray(packed) || packed.length !== 6) return undefined;
    const readers = unpackKnown(packed[0]);
    const groups = unpackKnown(packed[1]);
    const rest = packed.slice(2) as number[];
    if (readers === undefined || groups === undefined || !rest.every(Number.isFinite)) return undefined;
    const [reads = 0, lastRead = 0, created = 0, writer = 0] = rest;
    return { readers, groups, reads, lastRead, created, writer };
  },
};

/** Hashes of short words that come again and again: families of clients, places, verbs. */
const words = new Map<string, number>();

export function wordHash(word: string): number {
  const found = words.get(word);
  if (found !== undefined) return found;
  const made = hash48(word);
  if (words.size >= 4096) words.clear();
  words.set(word, made);
  return made;
}

/** New to this set at `time`: never seen, or seen only in quarantine. */
export const isNew = (known: Known | undefined, value: number, time: number): boolean => !knewBefore(known, value, time);
