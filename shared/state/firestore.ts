/**
 * Durable state in one collection of a Firestore database in native mode. The documents are in docs/storage-schema.md.
 * Every write is one atomic Commit with preconditions on what was read just before; there are no locks.
 */
import type { FirestoreStateConfig } from '../config/index.ts';
import type { StateDeps } from './open.ts';
import type { State, Stored } from './port.ts';
import { openDocuments } from './firestore/documents.ts';
import type { FirestoreOptions } from './firestore/client.ts';
import type { Documents } from './firestore/documents.ts';
import { fits, idOf, idRange } from './firestore/ids.ts';
import { findInstallation, makeInstallation } from './firestore/installation.ts';
import * as leases from './firestore/leases.ts';
import { corrupt, live, recordOf } from './firestore/records.ts';
import type { RecordDocument } from './firestore/records.ts';
import { apply, checkKey, checkText, checkTtl, prepare } from './firestore/writes.ts';

const PAGE = 100;

/**
 * Makes no request: the first call does. The credential is found by Application Default Credentials; FIRESTORE_EMULATOR_HOST points
 * the vendor's client elsewhere. ERR_STATE_LOGIN, _FORBIDDEN, _THROTTLED, _UNAVAILABLE, _FAILED, _FULL, _CORRUPT, _NEWER.
 */
export async function openFirestoreState(
  config: FirestoreStateConfig,
  deps: StateDeps,
  options: FirestoreOptions = {},
): Promise<State> {
  const documents = await openDocuments(config, options);
  const now = () => Math.trunc(deps.clock.now());
  const context: leases.LeaseContext = { documents, random: deps.random, now };
  let installation: string | undefined;

  return {
    kind: 'firestore',
    installation: async () => (installation ??= await makeInstallation(documents, deps.random)),
    installationIfAny: async () => (installation ??= await findInstallation(documents)),
    get: async <T>(key: string) => (await readMany<T>(documents, [key], now))[0],
    getMany: async <T>(keys: readonly string[]) => readMany<T>(documents, keys, now),
    list: <T>(prefix: string) => list<T>(documents, prefix, now),
    put: async (write) => {
      const [revision = ''] = await apply(documents, prepare([write]), now, deps.random);
      return revision;
    },
    transact: async (writes) => {
      const prepared = prepare(writes);
      return prepared.length === 0 ? [] : apply(documents, prepared, now, deps.random);
    },
    acquire: async (key, holder, ttl, isDead) => {
      checkKey('lease key', 'lease', key);
      checkText('lease holder', holder);
      checkTtl(key, ttl);
      return leases.acquire(context, { key, holder, ttl, isDead });
    },
    renew: async (lease, ttl) => {
      checkKey('lease key', 'lease', lease.key);
      checkTtl(lease.key, ttl);
      return leases.renew(context, lease, ttl);
    },
    release: async (lease) => {
      checkKey('lease key', 'lease', lease.key);
      return leases.release(context, lease);
    },
    close: () => documents.close(),
  };
}

async function readMany<T>(documents: Documents, keys: readonly string[], now: () => number): Promise<Stored<T>[]> {
  // A key that is too long for Firestore was never written.
  const ids = [...new Set(keys)].map((key) => idOf('record', key)).filter(fits);
  const found = await documents.read(ids, keys.length === 1 ? keys[0] : undefined);
  const rows = [...found.values()].map((one) => live(recordOf(one), now()));
  return rows.filter((row) => row !== undefined).map((row) => stored<T>(row));
}

/** In pages, so that the caller may take its time and may write meanwhile. */
async function* list<T>(documents: Documents, prefix: string, now: () => number): AsyncGenerator<Stored<T>> {
  const { from, until } = idRange(prefix);
  if (!fits(until)) return;
  let start = from;
  for (let after = false; ; after = true) {
    const page = await documents.page(start, after, until, PAGE);
    for (const found of page) {
      const row = live(recordOf(found), now());
      if (row !== undefined) yield stored<T>(row);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    start = last.id;
  }
}

function stored<T>({ key, value, revision }: RecordDocument): Stored<T> {
  try {
    return { key, value: JSON.parse(value) as T, revision };
  } catch {
    throw corrupt(key);
  }
}
