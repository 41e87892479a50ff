/** The file of a local store. Every table, column and promise is in docs/storage-schema.md. */
import type { SqliteKind, Tx } from '../../sqlite.ts';

export const LOCAL_STORE_FILE: SqliteKind = {
  noun: 'store',
  applicationId: 0x4b_57_53_31, // "KWS1"
  schemaVersion: 1,
  codes: { corrupt: 'ERR_STORE_CORRUPT', full: 'ERR_STORE_FULL', unavailable: 'ERR_STORE_UNAVAILABLE' },
  schema: [
    'CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID',
    `CREATE TABLE secrets (name TEXT PRIMARY KEY, revision INTEGER NOT NULL, current TEXT NOT NULL, previous TEXT, pending TEXT,
      seal BLOB NOT NULL) STRICT, WITHOUT ROWID`,
    `CREATE TABLE versions (seq INTEGER PRIMARY KEY, secret TEXT NOT NULL, id TEXT NOT NULL, rotation_id TEXT, created_at INTEGER NOT NULL,
      fate TEXT NOT NULL, value BLOB, seal BLOB NOT NULL, UNIQUE (secret, id), UNIQUE (secret, rotation_id)) STRICT`,
  ],
};

/** Unlabelled versions that are kept for each secret; what is older is collected. */
export const KEPT_UNLABELLED = 20;

/**
 * staged: never current. published: is or was current. discarded and collected: the value is gone, and the row stays so that its
 * rotation id is never used for another version.
 */
export type Fate = 'staged' | 'published' | 'discarded' | 'collected';

export interface SecretRow {
  readonly name: string;
  /** Counts the moves of `current`. */
  readonly revision: number;
  readonly current: string;
  readonly previous: string | null;
  readonly pending: string | null;
}

export interface VersionRow {
  readonly secret: string;
  readonly id: string;
  readonly rotationId: string | null;
  readonly createdAt: number;
  readonly fate: Fate;
  /** Encrypted; null once it is discarded or collected. */
  readonly value: Uint8Array | null;
}

export function readMeta(tx: Tx, key: string): unknown {
  return tx.get('SELECT value FROM meta WHERE key = ?', key)?.['value'];
}
