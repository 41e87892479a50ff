/** Durable state in one SQLite file, for one machine and any number of its processes. The format is in docs/storage-schema.md. */
import type { SqliteStateConfig } from '../config/index.ts';
import { KeywheelError } from '../errors.ts';
import { openSqlite } from '../sqlite.ts';
import type { SqliteFile, SqliteOptions, Tx } from '../sqlite.ts';
import type { StateDeps } from './open.ts';
import type { State, StateRevision, Stored, Write } from './port.ts';
import * as leases from './sqlite/leases.ts';
import {
  deleteRecord,
  dropExpired,
  findRecord,
  live,
  nextRevision,
  readInstallation,
  saveMeta,
  saveRecord,
  scanRecords,
} from './sqlite/rows.ts';
import type { RecordRow } from './sqlite/rows.ts';
import { SQLITE_STATE_FILE } from './sqlite/schema.ts';

const MOST_WRITES = 25; // as the clouds' stores: a caller that fits here fits there
const PAGE = 256;

/**
 * Opens the state, or makes it (0600, in a 0700 directory) where there is none.
 * ERR_STATE_CORRUPT, ERR_STATE_NEWER, ERR_STATE_FULL, ERR_STATE_UNAVAILABLE.
 */
export function openSqliteState(config: SqliteStateConfig, deps: StateDeps, options: SqliteOptions = {}): State {
  const hex = (length: number) => Buffer.from(deps.random.bytes(length)).toString('hex');
  const file = openSqlite(
    SQLITE_STATE_FILE,
    config.path,
    { fill: (tx) => fill(tx, hex(16)), nonce: hex(8), rehearsing: false },
    options,
  );
  const now = () => Math.trunc(deps.clock.now());
  const write = async <T>(work: (tx: Tx) => T): Promise<T> => file.write(work);

  return {
    kind: 'sqlite',
    installation: async () => file.read((tx) => readInstallation(file, tx)),
    get: async <T>(key: string) => {
      const row = file.read((tx) => findRecord(file, tx, key, now()));
      return row === undefined ? undefined : stored<T>(row);
    },
    getMany: async <T>(keys: readonly string[]) => {
      const unique = [...new Set(keys)];
      const rows = file.read((tx) => unique.map((key) => findRecord(file, tx, key, now())));
      return rows.filter((row) => row !== undefined).map((row) => stored<T>(row));
    },
    list: <T>(prefix: string) => list<T>(file, prefix, now),
    put: async (one) => {
      const [revision = ''] = await write((tx) => apply(file, tx, prepare([one]), now()));
      return revision;
    },
    transact: async (writes) => {
      const prepared = prepare(writes);
      return prepared.length === 0 ? [] : write((tx) => apply(file, tx, prepared, now()));
    },
    acquire: async (key, holder, ttl, isDead) => {
      checkText('lease key', key);
      checkText('lease holder', holder);
      checkTtl(key, ttl);
      return write((tx) => leases.acquire(file, tx, { key, holder, now: now(), expiresAt: now() + Math.ceil(ttl), isDead }));
    },
    renew: async (lease, ttl) => {
      checkTtl(lease.key, ttl);
      return write((tx) => leases.renew(file, tx, lease, now() + Math.ceil(ttl)));
    },
    release: async (lease) => write((tx) => leases.release(file, tx, lease)),
    close: async () => file.close(),
  };
}

function fill(tx: Tx, installation: string): void {
  saveMeta(tx, 'installation', installation);
  saveMeta(tx, 'sequence', 0);
}

/** In pages, so that no snapshot is held open while the caller works. */
async function* list<T>(file: SqliteFile, prefix: string, now: () => number): AsyncGenerator<Stored<T>> {
  let from = prefix;
  for (let after = false; ; after = true) {
    const page = file.read((tx) => scanRecords(file, tx, from, after, PAGE));
    for (const row of page) {
      if (!row.key.startsWith(prefix)) return;
      if (live(row, now()) !== undefined) yield stored<T>(row);
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    from = last.key;
  }
}

interface Prepared extends Write {
  /** JSON; undefined deletes. */
  readonly text: string | undefined;
}

/** What cannot be written by any store is refused before anything is. */
function prepare(writes: readonly Write[]): Prepared[] {
  if (writes.length > MOST_WRITES) throw misuse(`${writes.length} writes at once are more than ${MOST_WRITES}`);
  const keys = new Set(writes.map(({ key }) => key));
  if (keys.size < writes.length) throw misuse('one key is written twice in one transaction');
  return writes.map((write) => {
    checkText('record key', write.key);
    if (write.ttl !== undefined) checkTtl(write.key, write.ttl);
    return { ...write, text: write.value === undefined ? undefined : encode(write) };
  });
}

function apply(file: SqliteFile, tx: Tx, writes: readonly Prepared[], now: number): StateRevision[] {
  for (const { key, expected } of writes) {
    const found = findRecord(file, tx, key, now);
    if ((found === undefined ? null : String(found.revision)) !== expected) throw conflict(key, expected, found);
  }
  const revisions = writes.map(({ key, text, ttl }) => {
    const revision = nextRevision(file, tx);
    if (text === undefined) deleteRecord(tx, key);
    else saveRecord(tx, { key, revision, value: text, expiresAt: ttl === undefined ? null : now + Math.ceil(ttl) });
    return String(revision);
  });
  dropExpired(tx, now);
  return revisions;
}

function stored<T>(row: RecordRow): Stored<T> {
  return { key: row.key, value: JSON.parse(row.value) as T, revision: String(row.revision) };
}

function encode({ key, value }: Write): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) return text;
  } catch {
    // A cycle or a bigint; the engine's message would quote the value.
  }
  throw misuse(`the value of ${key} is not JSON-representable`);
}

function checkText(what: string, text: string): void {
  if (text === '' || !text.isWellFormed()) throw misuse(`${what} ${JSON.stringify(text)} is empty or not well-formed text`);
}

function checkTtl(key: string, ttl: number): void {
  if (!(ttl > 0 && Number.isSafeInteger(Math.ceil(ttl))))
    throw misuse(`the time to live of ${key} is ${ttl}, not a positive number`);
}

function conflict(key: string, expected: StateRevision | null, found: RecordRow | undefined): KeywheelError {
  const wanted = expected === null ? 'absent' : `at revision ${expected}`;
  const is = found === undefined ? 'absent' : `at revision ${found.revision}`;
  return new KeywheelError('ERR_STATE_CONFLICT', `state record ${key} was not changed, because it is ${is} and not ${wanted}`, {
    hint: 'another worker was first; read it again',
    subject: key,
  });
}

function misuse(why: string): KeywheelError {
  return new KeywheelError('ERR_INTERNAL', `state was not changed, because ${why}`);
}
