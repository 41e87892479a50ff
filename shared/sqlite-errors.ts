/** What SQLite and the file system say of a file, as errors that people can act on. */
import path from 'node:path';
import { KeywheelError } from './errors.ts';
import type { ErrorCode } from './errors.ts';

/** What kind of file it is; fixed per adapter. */
export interface SqliteKind {
  /** For messages: `store` or `state file`. */
  readonly noun: string;
  /** Kept in the header, so that another program's database is never taken for ours. */
  readonly applicationId: number;
  readonly schemaVersion: number;
  /** CREATE statements, one each; a rehearsal makes temporary twins of the tables. */
  readonly schema: readonly string[];
  readonly codes: { readonly corrupt: ErrorCode; readonly full: ErrorCode; readonly unavailable: ErrorCode };
}

// sqlite.org/rescode.html. Drivers' own texts are never passed on: a statement's text or a value might stand in them.
const BUSY = new Set([5, 6, 15]); // BUSY, LOCKED, PROTOCOL
const CORRUPT = new Set([1, 11, 20, 26, 522, 8202, 8458]); // ERROR (a table is missing), CORRUPT, MISMATCH, NOTADB, SHORT_READ, DATA, CORRUPTFS
// FULL; IOERR_WRITE for EFBIG and EDQUOT; IOERR_SHMOPEN and IOERR_SHMSIZE when the -shm file cannot be given its size.
const FULL = new Set([13, 778, 4618, 4874]);
const FULL_ERRNO = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

function resultCode(error: unknown): number | undefined {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' ? errcode : undefined;
}

export function isFull(error: unknown): boolean {
  return FULL.has(resultCode(error) ?? 0) || FULL_ERRNO.has(String((error as NodeJS.ErrnoException).code));
}

function has(codes: ReadonlySet<number>, code: number): boolean {
  return codes.has(code) || codes.has(code & 0xff);
}

export function explain(kind: SqliteKind, at: string, error: unknown): unknown {
  if (error instanceof KeywheelError) return error;
  const code = resultCode(error);
  const { codes, noun } = kind;
  if (isFull(error)) {
    return new KeywheelError(
      codes.full,
      `${noun} ${at} could not be written, because the disk, a quota or a file size limit is full`,
      {
        hint: 'free some space and run the same command again; nothing is half written',
        subject: at,
      },
    );
  }
  if (code !== undefined && has(BUSY, code)) {
    return new KeywheelError(codes.unavailable, `${noun} ${at} could not be used, because another process holds it locked`, {
      hint: 'try again; if it stays so, look for a process that hangs with the file open',
      retryable: true,
      subject: at,
    });
  }
  if (code !== undefined && has(CORRUPT, code)) return corruptFile(kind, at, `SQLite says it is damaged (code ${code})`);
  const errno = code === undefined ? (error as NodeJS.ErrnoException).code : undefined;
  const driver = code !== undefined ? `SQLite code ${code}` : errno;
  if (driver === undefined || errno?.startsWith('ERR_')) return error; // a programming error, not the file's
  return new KeywheelError(codes.unavailable, `${noun} ${at} could not be opened or used (${driver})`, {
    hint: `check that the file and its directory can be read and written by this user`,
    subject: at,
  });
}

export function corruptFile(kind: SqliteKind, at: string, what: string): KeywheelError {
  return new KeywheelError(kind.codes.corrupt, `${kind.noun} ${at} cannot be trusted, because ${what}`, {
    hint: `restore ${path.basename(at)} from a backup; nothing was changed`,
    subject: at,
  });
}

export function newerFile(kind: SqliteKind, at: string, version: number): KeywheelError {
  const message = `${kind.noun} ${at} has schema version ${version}, newer than ${kind.schemaVersion}, which this keywheel knows`;
  return new KeywheelError('ERR_STATE_NEWER', message, {
    hint: 'use the newer keywheel that wrote it; nothing was changed',
    subject: at,
  });
}

/** Only for those who may not make one. */
export function missingFile(kind: SqliteKind, at: string): KeywheelError {
  return new KeywheelError(kind.codes.unavailable, `${kind.noun} ${at} cannot be read, because there is no such file`, {
    hint: 'check the path; `keywheel put` makes a store with its first value',
    subject: at,
  });
}
