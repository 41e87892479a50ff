/**
 * Profiles in this process's memory: those in use as they are, the others packed, which takes a tenth. What is in use is told by two
 * generations: a profile that was not asked for while the younger one filled up is packed.
 */
import { freshProfile, type EntityKind, type Profile } from '../profiles/profile.ts';
import { compact, expand } from './compact.ts';
import { byIndex, packProfile, unpackProfile, type Slots } from './codec.ts';
import type { ProfileStore } from './profiles.ts';

interface Shelf {
  young: Map<string, Profile>;
  old: Map<string, Profile>;
  readonly packed: Map<string, string>;
}

export interface MemoryOptions {
  /** How many profiles of each kind are kept ready for use, twice at most. */
  readonly live?: number;
}

const LIVE = 2048;
/** One event has at most 100 secrets: all of its profiles stay in use while it is looked at. */
const LEAST_LIVE = 256;

export function openMemoryProfiles(slots: Slots, options: MemoryOptions = {}): ProfileStore {
  const table = byIndex(slots);
  const live = Math.max(LEAST_LIVE, options.live ?? LIVE);
  const shelf = (): Shelf => ({ young: new Map(), old: new Map(), packed: new Map() });
  const shelves: Readonly<Record<EntityKind, Shelf>> = { principal: shelf(), secret: shelf(), network: shelf(), tenant: shelf() };

  const unpack = (text: string): Profile | undefined => unpackProfile(expand(text), table);

  const age = (on: Shelf): void => {
    for (const [key, profile] of on.old) {
      if (on.young.has(key) || !profile.dirty) continue;
      profile.dirty = false;
      on.packed.set(key, compact(packProfile(profile, table)));
    }
    on.old = on.young;
    on.young = new Map();
  };
  const fetched = (on: Shelf, kind: EntityKind, key: string): Profile => {
    let profile = on.old.get(key);
    if (profile === undefined) {
      const text = on.packed.get(key);
      profile = (text === undefined ? undefined : unpack(text)) ?? freshProfile(kind, key);
    }
    if (on.young.size >= live) age(on);
    on.young.set(key, profile);
    return profile;
  };

  return {
    durable: false,
    load: () => undefined,
    reload: () => undefined,
    get(kind, key) {
      const on = shelves[kind];
      return on.young.get(key) ?? fetched(on, kind, key);
    },
    async find(kind, key) {
      const on = shelves[kind];
      const known = on.old.has(key) || on.packed.has(key);
      return on.young.get(key) ?? (known ? fetched(on, kind, key) : undefined);
    },
    copy: (profile) =>
      unpackProfile(structuredClone(packProfile(profile, table)), table) ?? freshProfile(profile.kind, profile.key),
    save: () => undefined,
    drop() {
      // What is in memory is all there is.
    },
    size() {
      let [inUse, packed, characters] = [0, 0, 0];
      for (const each of Object.values(shelves)) {
        inUse += each.young.size + [...each.old.keys()].filter((key) => !each.young.has(key)).length;
        packed += each.packed.size;
        for (const text of each.packed.values()) characters += text.length;
      }
      return { live: inUse, packed, characters };
    },
  };
}
