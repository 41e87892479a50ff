/**
 * One durable SQLite file: opening, creating, transactions, and errors that people can act on.
 *
 * WAL with synchronous=FULL: a commit is one fsync of the log, so it survives SIGKILL and power loss, and readers never wait for a
 * writer (sqlite.org/wal.html). A file is made complete under another name and linked into place, so a file that is there but
 * empty is always damage, never somebody's half-made one.
 *
 * The file is only ever opened by SQLite, never through node:fs: closing any descriptor of it would drop this process's
 * locks (sqlite.org/howtocorrupt.html section 2.2).
 */
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import type * as sqliteModule from 'node:sqlite';
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { KeywheelError } from './errors.ts';
import { corruptFile, explain, isFull, missingFile, newerFile } from './sqlite-errors.ts';
import type { SqliteKind } from './sqlite-errors.ts';

export type { SqliteKind };

export interface SqliteOptions {
  /** Milliseconds to wait for another process's write. Default 5000. */
  readonly busyTimeout?: number;
  /** The most pages of 4096 bytes that the file may grow to; for quotas and tests. */
  readonly maxPages?: number;
  /** For consumers: nothing is written, and a missing file is not made. */
  readonly readOnly?: boolean;
}

type Row = Record<string, SQLOutputValue>;

/** What runs inside a transaction. Statements are prepared once. */
export interface Tx {
  get(sql: string, ...values: SQLInputValue[]): Row | undefined;
  all(sql: string, ...values: SQLInputValue[]): Row[];
  /** Returns how many rows changed. */
  run(sql: string, ...values: SQLInputValue[]): number;
}

export interface SqliteFile {
  /** One snapshot. */
  read<T>(work: (tx: Tx) => T): T;
  /** All or nothing, serialised with every other writer's (BEGIN IMMEDIATE). */
  write<T>(work: (tx: Tx) => T): T;
  /** As `write`, on temporary twins of the tables in memory; from then on this handle sees the twins, and the file is untouched. */
  rehearse<T>(work: (tx: Tx) => T): T;
  /** What is wrong with the file, as the adapter's error. */
  corrupt(what: string): KeywheelError;
  close(): void;
}

export interface SqliteInit {
  /** Fills a new file, in the transaction that makes it. */
  readonly fill: (tx: Tx) => void;
  /** A suffix that no other process uses now. */
  readonly nonce: string;
  /** True: a missing file is not made; the handle works on an empty one in memory. */
  readonly rehearsing: boolean;
}

/** Opens the file, or makes it with mode 0600 in a directory with mode 0700. Fails fast on what is not a whole file of this kind. */
export function openSqlite(kind: SqliteKind, file: string, init: SqliteInit, options: SqliteOptions = {}): SqliteFile {
  const at = path.resolve(file);
  let handle: Handle | undefined;
  let shadowed = false;

  function connect(): Handle {
    if (handle !== undefined) return handle;
    if (existsSync(at)) handle = openExisting(kind, at, options);
    else if (options.readOnly === true) throw missingFile(kind, at);
    else if (init.rehearsing) handle = createIn(kind, ':memory:', init, options);
    else handle = createFile(kind, at, init, options);
    return handle;
  }

  function transaction<T>(begin: string, work: (tx: Tx) => T): T {
    try {
      return inTransaction(connect(), begin, work);
    } catch (error) {
      throw explain(kind, at, error);
    }
  }

  const opened: SqliteFile = {
    read(work) {
      try {
        return inTransaction(connect(), 'BEGIN', work);
      } catch (error) {
        const still = handle === undefined && isFull(error) ? readUnchanging(kind, at, options, work) : undefined;
        if (still !== undefined) return still.value;
        throw explain(kind, at, error);
      }
    },
    write: (work) => transaction('BEGIN IMMEDIATE', work),
    rehearse(work) {
      if (!shadowed) {
        transaction('BEGIN', (tx) => kind.schema.forEach((create) => shadow(tx, create)));
        shadowed = true;
      }
      return transaction('BEGIN', work); // deferred: writes to temporary tables take no lock on the file
    },
    corrupt: (what) => corruptFile(kind, at, what),
    close() {
      handle?.db.close();
      handle = undefined;
    },
  };
  try {
    connect();
  } catch (error) {
    // A disk with no room for SQLite's own -shm file still gives reads; they and writes say what is wrong when they are asked.
    if (!(isFull(error) && existsSync(at))) throw explain(kind, at, error);
  }
  return opened;
}

interface Handle {
  readonly db: DatabaseSync;
  readonly tx: Tx;
}

function handleOf(db: DatabaseSync): Handle {
  const prepared = new Map<string, StatementSync>();
  function statement(sql: string): StatementSync {
    let found = prepared.get(sql);
    if (found === undefined) prepared.set(sql, (found = db.prepare(sql)));
    return found;
  }
  const tx: Tx = {
    get: (sql, ...values) => statement(sql).get(...values),
    all: (sql, ...values) => statement(sql).all(...values),
    run: (sql, ...values) => Number(statement(sql).run(...values).changes),
  };
  return { db, tx };
}

function inTransaction<T>({ db, tx }: Handle, begin: string, work: (tx: Tx) => T): T {
  db.exec(begin);
  try {
    const value = work(tx);
    db.exec('COMMIT');
    return value;
  } catch (error) {
    try {
      db.exec('ROLLBACK');
    } catch {
      // SQLite has already rolled back, as it does on a full disk.
    }
    throw error;
  }
}

function shadow(tx: Tx, create: string): void {
  const name = /^CREATE TABLE (\w+)/.exec(create)?.[1];
  if (name === undefined) return; // an index
  tx.run(create.replace('CREATE TABLE', 'CREATE TEMP TABLE'));
  tx.run(`INSERT INTO temp.${name} SELECT * FROM main.${name}`);
}

function configure(db: DatabaseSync, options: SqliteOptions): void {
  // secure_delete zeroes what is deleted; trusted_schema and cell_size_check distrust a file that others may have written.
  db.exec(`PRAGMA busy_timeout = ${options.busyTimeout ?? 5000}; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
    PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA secure_delete = ON`);
  if (options.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${options.maxPages}`);
}

function openExisting(kind: SqliteKind, at: string, options: SqliteOptions): Handle {
  if (statSync(at).size === 0) throw corruptFile(kind, at, 'it is empty');
  const handle = handleOf(new (sqlite().DatabaseSync)(at, { readOnly: options.readOnly === true }));
  try {
    configure(handle.db, options);
    checkHeader(kind, at, handle);
    return handle;
  } catch (error) {
    handle.db.close();
    throw error;
  }
}

function pragma(handle: Handle, name: string): number {
  return Number(handle.tx.get(`PRAGMA ${name}`)?.[name] ?? 0);
}

function checkHeader(kind: SqliteKind, at: string, handle: Handle): void {
  if (pragma(handle, 'application_id') !== kind.applicationId) throw corruptFile(kind, at, `it is not a keywheel ${kind.noun}`);
  const version = pragma(handle, 'user_version');
  if (version > kind.schemaVersion) throw newerFile(kind, at, version);
  if (version < 1) throw corruptFile(kind, at, 'it has no schema version');
  // SQLite reads the missing end of a last page as zeros, and rows in it as absent; it says nothing (sqlite.org/fileformat.html 1.2).
  // A log that is not empty may be about to mend that, so it is copied into the file first.
  const pageSize = pragma(handle, 'page_size');
  const cut = () => statSync(at).size % pageSize !== 0;
  if (cut()) {
    handle.db.exec('PRAGMA wal_checkpoint(PASSIVE)');
    if (cut()) throw corruptFile(kind, at, 'it was cut short');
  }
}

function createIn(kind: SqliteKind, where: string, init: SqliteInit, options: SqliteOptions): Handle {
  const handle = handleOf(new (sqlite().DatabaseSync)(where));
  try {
    configure(handle.db, options);
    inTransaction(handle, 'BEGIN IMMEDIATE', (tx) => {
      for (const create of kind.schema) tx.run(create);
      tx.get(`PRAGMA application_id = ${kind.applicationId}`);
      tx.get(`PRAGMA user_version = ${kind.schemaVersion}`);
      init.fill(tx);
    });
    return handle;
  } catch (error) {
    handle.db.close();
    throw error;
  }
}

function createFile(kind: SqliteKind, at: string, init: SqliteInit, options: SqliteOptions): Handle {
  // SQLite would replay a log that was left behind into the new file.
  for (const suffix of ['-wal', '-journal']) {
    if (existsSync(at + suffix)) throw corruptFile(kind, at, `it is gone, but its ${suffix} file is still there`);
  }
  mkdirSync(path.dirname(at), { recursive: true, mode: 0o700 });
  const made = `${at}.new-${process.pid}-${init.nonce}`;
  closeSync(openSync(made, 'wx', 0o600));
  try {
    const handle = createIn(kind, made, init, options);
    handle.db.exec('PRAGMA journal_mode = WAL');
    handle.db.close();
    try {
      linkSync(made, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error; // another process made it first: theirs counts
    }
  } finally {
    for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(made + suffix, { force: true });
  }
  syncDirectory(path.dirname(at));
  return openExisting(kind, at, options);
}

function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return; // a directory cannot be opened there; NTFS journals the entry itself
  const descriptor = openSync(directory, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/**
 * Reads without the -shm file, when there is no room to make it. Safe only where the log is empty and so nobody has the file
 * open for writing: whoever has, made the -shm file already.
 */
function readUnchanging<T>(kind: SqliteKind, at: string, options: SqliteOptions, work: (tx: Tx) => T): { value: T } | undefined {
  if ((statSync(`${at}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return undefined;
  const url = pathToFileURL(at);
  url.searchParams.set('immutable', '1');
  let handle: Handle | undefined;
  try {
    handle = handleOf(new (sqlite().DatabaseSync)(url, { readOnly: true }));
    configure(handle.db, options);
    checkHeader(kind, at, handle);
    return { value: inTransaction(handle, 'BEGIN', work) };
  } catch (error) {
    throw explain(kind, at, error);
  } finally {
    handle?.db.close();
  }
}

let loaded: typeof sqliteModule | undefined;

/** Loads node:sqlite without its ExperimentalWarning, which Node 22 and early 24 print to stderr. */
function sqlite(): typeof sqliteModule {
  if (loaded !== undefined) return loaded;
  const emitWarning = Reflect.get(process, 'emitWarning') as (...args: unknown[]) => void;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (!(rest[0] === 'ExperimentalWarning' && String(warning).includes('SQLite'))) {
      Reflect.apply(emitWarning, process, [warning, ...rest]);
    }
  };
  try {
    loaded = process.getBuiltinModule('node:sqlite');
  } finally {
    Reflect.set(process, 'emitWarning', emitWarning);
  }
  if (loaded !== undefined) return loaded;
  throw new KeywheelError('ERR_MISSING_PEER', `node:sqlite cannot be loaded, because Node ${process.versions.node} lacks it`, {
    hint: 'use Node 22.13 or later, or Node 24',
  });
}
