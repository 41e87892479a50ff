/** The file of a SQLite state. Every table, column and promise is in docs/storage-schema.md. */
import type { SqliteKind } from '../../sqlite.ts';

/** How a record's columns are to be read; a record with a higher number was written by a newer keywheel. */
export const RECORD_FORMAT = 1;

export const SQLITE_STATE_FILE: SqliteKind = {
  noun: 'state file',
  applicationId: 0x4b_57_54_31, // "KWT1"
  schemaVersion: 1,
  codes: { corrupt: 'ERR_STATE_CORRUPT', full: 'ERR_STATE_FULL', unavailable: 'ERR_STATE_UNAVAILABLE' },
  schema: [
    'CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL, checksum TEXT NOT NULL) STRICT, WITHOUT ROWID',
    `CREATE TABLE records (key TEXT PRIMARY KEY, format INTEGER NOT NULL, revision INTEGER NOT NULL, value TEXT NOT NULL, expires_at INTEGER,
      checksum TEXT NOT NULL) STRICT, WITHOUT ROWID`,
    'CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL',
    `CREATE TABLE leases (key TEXT PRIMARY KEY, fence INTEGER NOT NULL, holder TEXT, expires_at INTEGER,
      checksum TEXT NOT NULL) STRICT, WITHOUT ROWID`,
  ],
};
