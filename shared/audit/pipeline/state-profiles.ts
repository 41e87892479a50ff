/** Profiles in durable state: one record for each entity, read once and written once in a batch, each only if nobody else wrote it meanwhile. */
import { createHash } from 'node:crypto';
import { isKeywheelError } from '../../errors.ts';
import { openExpected } from '../../expected/index.ts';
import type { State, StateRevision, Stored, Write } from '../../state/index.ts';
import { freshProfile, type EntityKind, type Profile } from '../profiles/profile.ts';
import { byIndex, packProfile, unpackProfile, type Slots } from './codec.ts';
import type { Acknowledged, Entity, ProfileStore } from './profiles.ts';

const DAY = 86_400_000;
/** Entities that nobody saw for so long are forgotten; the tenant never is. */
const KEPT: Readonly<Record<EntityKind, number | undefined>> = {
  principal: 400 * DAY,
  secret: 400 * DAY,
  network: 120 * DAY,
  tenant: undefined,
};

/** As many as one transaction of any state takes. */
const TOGETHER = 25;
const READ_TOGETHER = 100;
const PARALLEL = 16;

/** The key of an entity's record. Names of secrets and people may be long, and hold what keys may not. */
export function profileKey(tenant: string, kind: EntityKind, key: string): string {
  const hash = createHash('sha256').update(`${tenant}\0${key}`).digest('hex');
  return `audit/profile/${kind}/${hash.slice(0, 32)}`;
}

/** Where a channel's button records who has taken an incident: shared/alerts/acknowledgement.ts. */
const ackKey = (incident: string): string => `audit/ack/${incident}`;

interface Held {
  readonly profile: Profile;
  /** The revision that was read or written; null: there was none. */
  revision: StateRevision | null;
}

export interface StateProfilesOptions {
  readonly tenant: string;
  readonly slots: Slots;
  /**
   * Profiles that stay in memory between batches, for one process that has the state to itself: what another process writes meanwhile is a
   * conflict, which is healed and costs time. Default 0: each batch reads what it needs.
   */
  readonly cache?: number;
  /**
   * How records are written: each by itself, or up to 25 in one transaction. Default: by itself on DynamoDB, where a transaction costs twice as much
   * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-capacity-handling), else together.
   */
  readonly write?: 'single' | 'together';
}

export function openStateProfiles(state: State, options: StateProfilesOptions): ProfileStore {
  const table = byIndex(options.slots);
  const { tenant, cache = 0 } = options;
  const single = (options.write ?? (state.kind === 'dynamodb' ? 'single' : 'together')) === 'single';
  /** By the key of their record, in the order of their first use. */
  let held = new Map<string, Held>();
  /** Keys of records are hashes: each is made once in a batch. */
  let keys: Readonly<Record<EntityKind, Map<string, string>>> = newKeys();

  const keyOf = (kind: EntityKind, key: string): string => {
    const known = keys[kind].get(key);
    if (known !== undefined) return known;
    const made = profileKey(tenant, kind, key);
    keys[kind].set(key, made);
    return made;
  };
  const unpacked = (stored: Stored | undefined, kind: EntityKind, key: string): Held => ({
    profile: (stored === undefined ? undefined : unpackProfile(stored.value, table)) ?? freshProfile(kind, key),
    revision: stored?.revision ?? null,
  });
  const writeOf = (key: string, { profile, revision }: Held): Write => {
    const ttl = KEPT[profile.kind];
    return { key, value: packProfile(profile, table), expected: revision, ...(ttl === undefined ? {} : { ttl }) };
  };

  /** The revision; undefined when somebody else was there before. */
  const writeOne = async (key: string, one: Held): Promise<StateRevision | undefined> => {
    try {
      return await state.put(writeOf(key, one));
    } catch (error) {
      if (isKeywheelError(error, 'ERR_STATE_CONFLICT')) return undefined;
      throw error;
    }
  };
  const writeAll = async (some: readonly (readonly [string, Held])[]): Promise<(StateRevision | undefined)[]> => {
    if (some.length > 1 && !single) {
      try {
        return await state.transact(some.map(([key, one]) => writeOf(key, one)));
      } catch (error) {
        // One conflict refuses all of them, and one transaction may be too large: then each by itself.
        if (!isKeywheelError(error, 'ERR_STATE_CONFLICT') && !isKeywheelError(error, 'ERR_STATE_FULL')) throw error;
      }
    }
    return inParallel(some, ([key, one]) => writeOne(key, one));
  };

  const read = async (entities: Iterable<Entity>): Promise<void> => {
    const missing = new Map<string, readonly [EntityKind, string]>();
    for (const { kind, key } of entities) {
      const record = keyOf(kind, key);
      if (!held.has(record)) missing.set(record, [kind, key]);
    }
    const found = new Map<string, Stored>();
    await inParallel(chunked([...missing.keys()], READ_TOGETHER), async (chunk) => {
      for (const stored of await state.getMany(chunk)) found.set(stored.key, stored);
    });
    for (const [record, [kind, key]] of missing) held.set(record, unpacked(found.get(record), kind, key));
  };

  return {
    durable: true,
    async load(entities) {
      if (held.size > cache) {
        held = new Map();
        keys = newKeys();
      }
      await read(entities());
    },
    reload: read,
    get(kind, key) {
      const record = keyOf(kind, key);
      const one = held.get(record);
      if (one === undefined) throw new TypeError(`the profile of a ${kind} was not loaded`);
      return one.profile;
    },
    async find(kind, key) {
      const record = keyOf(kind, key);
      const stored = await state.get(record);
      if (stored === undefined) return undefined;
      const one = unpacked(stored, kind, key);
      held.set(record, one);
      return one.profile;
    },
    copy: (profile) =>
      unpackProfile(structuredClone(packProfile(profile, table)), table) ?? freshProfile(profile.kind, profile.key),
    async save() {
      const changed = [...held].filter(([, { profile }]) => profile.dirty);
      const conflicts: Profile[] = [];
      const chunks = single ? changed.map((one) => [one]) : chunked(changed, TOGETHER);
      await inParallel(chunks, async (chunk) => {
        const revisions = await writeAll(chunk);
        for (const [index, [key, one]] of chunk.entries()) {
          const revision = revisions[index];
          if (revision === undefined) {
            conflicts.push(one.profile);
            held.delete(key);
          } else {
            one.revision = revision;
            one.profile.dirty = false;
          }
        }
      });
      return { writes: changed.length - conflicts.length, conflicts };
    },
    async acknowledged(ids) {
      const found = await state.getMany<Acknowledged>(ids.map(ackKey));
      return new Map(found.map(({ key, value }) => [key.slice(ackKey('').length), { by: value.by, at: value.at }]));
    },
    expected: openExpected(state),
    drop() {
      held = new Map();
      keys = newKeys();
    },
    size: () => ({ live: held.size, packed: 0, characters: 0 }),
  };
}

const newKeys = (): Record<EntityKind, Map<string, string>> => ({
  principal: new Map(),
  secret: new Map(),
  network: new Map(),
  tenant: new Map(),
});

function chunked<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size));
  return chunks;
}

/** A few at a time. After a failure none is begun, and those that were begun are waited for: nothing is written behind the caller's back. */
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const failures: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const at = next;
      next += 1;
      try {
        results[at] = await work(items[at] as T);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return results;
}
