/** Rows of a SQLite state, each with a checksum: a flipped bit in a fence or a journal must stop a rotation, not steer it. */
import { createHash } from 'node:crypto';
import { KeywheelError } from '../../errors.ts';
import type { Tx } from '../../sqlite.ts';
import { RECORD_FORMAT } from './schema.ts';

export interface RecordRow {
  readonly key: string;
  readonly revision: number;
  /** JSON. */
  readonly value: string;
  readonly expiresAt: number | null;
}

export interface LeaseRow {
  readonly key: string;
  readonly fence: number;
  /** Null once it was released. */
  readonly holder: string | null;
  readonly expiresAt: number | null;
}

export interface RowContext {
  corrupt(what: string): KeywheelError;
}

type Raw = NonNullable<ReturnType<Tx['get']>>;

/** Undefined when there is none, or when its time to live has passed at `now`. */
export function findRecord(context: RowContext, tx: Tx, key: string, now: number): RecordRow | undefined {
  const raw = tx.get('SELECT * FROM records WHERE key = ?', key);
  return raw === undefined ? undefined : live(recordRow(context, raw), now);
}

/** Up to `limit` records from `from` on (`after`: without it), in the order of their keys' UTF-8 bytes, dead ones too. */
export function scanRecords(context: RowContext, tx: Tx, from: string, after: boolean, limit: number): RecordRow[] {
  const rows = tx.all(`SELECT * FROM records WHERE key ${after ? '>' : '>='} ? ORDER BY key LIMIT ?`, from, limit);
  return rows.map((raw) => recordRow(context, raw));
}

export function live<R extends { readonly expiresAt: number | null }>(row: R, now: number): R | undefined {
  return row.expiresAt !== null && row.expiresAt <= now ? undefined : row;
}

export function saveRecord(tx: Tx, row: RecordRow): void {
  tx.run(
    'INSERT OR REPLACE INTO records (key, format, revision, value, expires_at, checksum) VALUES (?, ?, ?, ?, ?, ?)',
    row.key,
    RECORD_FORMAT,
    row.revision,
    row.value,
    row.expiresAt,
    recordSum(RECORD_FORMAT, row),
  );
}

export function deleteRecord(tx: Tx, key: string): void {
  tx.run('DELETE FROM records WHERE key = ?', key);
}

export function dropExpired(tx: Tx, now: number): void {
  tx.run('DELETE FROM records WHERE expires_at <= ?', now);
}

export function readInstallation(context: RowContext, tx: Tx): string {
  return String(readMeta(context, tx, 'installation'));
}

/** The next revision: it never repeats in one file, so a record that was deleted and made again is told from the first. */
export function nextRevision(context: RowContext, tx: Tx): number {
  const next = Number(readMeta(context, tx, 'sequence')) + 1;
  saveMeta(tx, 'sequence', next);
  return next;
}

export function saveMeta(tx: Tx, key: 'installation' | 'sequence', value: string | number): void {
  tx.run('INSERT OR REPLACE INTO meta (key, value, checksum) VALUES (?, ?, ?)', key, value, sum([key, value]));
}

function readMeta(context: RowContext, tx: Tx, key: 'installation' | 'sequence'): unknown {
  const row = tx.get('SELECT value, checksum FROM meta WHERE key = ?', key);
  if (row?.['checksum'] !== sum([key, row?.['value']])) throw context.corrupt(`its ${key} is missing or fails its checksum`);
  return row['value'];
}

export function findLease(context: RowContext, tx: Tx, key: string): LeaseRow | undefined {
  const raw = tx.get('SELECT * FROM leases WHERE key = ?', key);
  return raw === undefined ? undefined : leaseRow(context, raw);
}

export function saveLease(tx: Tx, row: LeaseRow): void {
  tx.run(
    'INSERT OR REPLACE INTO leases (key, fence, holder, expires_at, checksum) VALUES (?, ?, ?, ?, ?)',
    row.key,
    row.fence,
    row.holder,
    row.expiresAt,
    leaseSum(row),
  );
}

function recordRow(context: RowContext, raw: Raw): RecordRow {
  const row: RecordRow = {
    key: String(raw['key']),
    revision: Number(raw['revision']),
    value: String(raw['value']),
    expiresAt: numberOrNull(raw['expires_at']),
  };
  const format = Number(raw['format']);
  if (format > RECORD_FORMAT) {
    const message = `state record ${row.key} has format ${format}, newer than ${RECORD_FORMAT}, which this keywheel knows`;
    throw new KeywheelError('ERR_STATE_NEWER', message, { hint: 'use the newer keywheel that wrote it', subject: row.key });
  }
  if (raw['checksum'] !== recordSum(format, row)) throw context.corrupt(`record ${row.key} fails its checksum`);
  return row;
}

function leaseRow(context: RowContext, raw: Raw): LeaseRow {
  const row: LeaseRow = {
    key: String(raw['key']),
    fence: Number(raw['fence']),
    holder: raw['holder'] === null ? null : String(raw['holder']),
    expiresAt: numberOrNull(raw['expires_at']),
  };
  if (raw['checksum'] !== leaseSum(row)) throw context.corrupt(`lease ${row.key} fails its checksum`);
  return row;
}

function recordSum(format: number, row: RecordRow): string {
  return sum([row.key, format, row.revision, row.value, row.expiresAt]);
}

function leaseSum(row: LeaseRow): string {
  return sum([row.key, row.fence, row.holder, row.expiresAt]);
}

function sum(fields: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex').slice(0, 16);
}

function numberOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
