/** Rows of a local store. Each carries a seal, so that a row that was edited, swapped or damaged is refused and not believed. */
import type { KeywheelError } from '../../errors.ts';
import type { Tx } from '../../sqlite.ts';
import type { SecretValue } from '../port.ts';
import { decrypt, encrypt, sameBytes, sealOf } from './cipher.ts';
import type { StoreKeys } from './key.ts';
import { KEPT_UNLABELLED } from './schema.ts';
import type { Fate, SecretRow, VersionRow } from './schema.ts';

/** What rows need besides a transaction. */
export interface RowContext {
  readonly keys: StoreKeys;
  /** Fresh for every value. */
  nonce(): Uint8Array;
  corrupt(what: string): KeywheelError;
}

type Raw = NonNullable<ReturnType<Tx['get']>>;

export function findSecret(context: RowContext, tx: Tx, name: string): SecretRow | undefined {
  const raw = tx.get('SELECT * FROM secrets WHERE name = ?', name);
  return raw === undefined ? undefined : secretRow(context, raw);
}

export function allSecrets(context: RowContext, tx: Tx, prefix: string): SecretRow[] {
  const rows = tx.all('SELECT * FROM secrets WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name', prefix);
  return rows.map((raw) => secretRow(context, raw));
}

export function saveSecret(context: RowContext, tx: Tx, row: SecretRow): void {
  tx.run(
    'INSERT OR REPLACE INTO secrets (name, revision, current, previous, pending, seal) VALUES (?, ?, ?, ?, ?, ?)',
    row.name,
    row.revision,
    row.current,
    row.previous,
    row.pending,
    secretSeal(context, row),
  );
}

export function findVersion(context: RowContext, tx: Tx, secret: string, id: string): VersionRow | undefined {
  const raw = tx.get('SELECT * FROM versions WHERE secret = ? AND id = ?', secret, id);
  return raw === undefined ? undefined : versionRow(context, raw);
}

export function findByRotation(context: RowContext, tx: Tx, secret: string, rotationId: string): VersionRow | undefined {
  const raw = tx.get('SELECT * FROM versions WHERE secret = ? AND rotation_id = ?', secret, rotationId);
  return raw === undefined ? undefined : versionRow(context, raw);
}

/** A version that a label names. It must be there and hold a value: labels and versions change in one transaction. */
export function labelled(context: RowContext, tx: Tx, secret: string, id: string): VersionRow {
  const row = findVersion(context, tx, secret, id);
  if (row === undefined || row.value === null)
    throw context.corrupt(`a label of ${secret} names version ${id}, which is not there`);
  return row;
}

export function addVersion(context: RowContext, tx: Tx, row: Omit<VersionRow, 'value'>, value: SecretValue): VersionRow {
  const full: VersionRow = { ...row, value: encrypt(context.keys.encrypt, context.nonce(), row.secret, row.id, value) };
  tx.run(
    'INSERT INTO versions (secret, id, rotation_id, created_at, fate, value, seal) VALUES (?, ?, ?, ?, ?, ?, ?)',
    full.secret,
    full.id,
    full.rotationId,
    full.createdAt,
    full.fate,
    full.value,
    versionSeal(context, full),
  );
  return full;
}

/** Sets what became of a version. Its value goes with `discarded` and `collected`. */
export function setFate(context: RowContext, tx: Tx, row: VersionRow, fate: Fate): void {
  const next: VersionRow = { ...row, fate, value: fate === 'discarded' || fate === 'collected' ? null : row.value };
  const seal = versionSeal(context, next);
  tx.run(
    'UPDATE versions SET fate = ?, value = ?, seal = ? WHERE secret = ? AND id = ?',
    fate,
    next.value,
    seal,
    row.secret,
    row.id,
  );
}

/** Ends the values of old unlabelled versions. Rows with a rotation id stay as tombstones; hand-written ones go. */
export function collect(context: RowContext, tx: Tx, { name, current, previous, pending }: SecretRow): void {
  const old = tx.all(
    `SELECT * FROM versions WHERE secret = ? AND value IS NOT NULL AND id NOT IN (?, ?, ?)
     ORDER BY seq DESC LIMIT -1 OFFSET ${KEPT_UNLABELLED}`,
    name,
    current,
    previous ?? '',
    pending ?? '',
  );
  for (const raw of old) {
    const row = versionRow(context, raw);
    if (row.rotationId === null) tx.run('DELETE FROM versions WHERE secret = ? AND id = ?', name, row.id);
    else setFate(context, tx, row, 'collected');
  }
}

/** Undefined when the value was discarded or collected. */
export function openValue(context: RowContext, row: VersionRow): SecretValue | undefined {
  if (row.value === null) return undefined;
  const value = decrypt(context.keys.encrypt, row.secret, row.id, row.value);
  if (value === undefined) throw context.corrupt(`the value of ${row.secret} version ${row.id} does not decrypt`);
  return value;
}

function secretRow(context: RowContext, raw: Raw): SecretRow {
  const row: SecretRow = {
    name: String(raw['name']),
    revision: Number(raw['revision']),
    current: String(raw['current']),
    previous: textOrNull(raw['previous']),
    pending: textOrNull(raw['pending']),
  };
  if (!sameBytes(secretSeal(context, row), raw['seal'])) throw context.corrupt(`the labels of ${row.name} fail their seal`);
  return row;
}

function versionRow(context: RowContext, raw: Raw): VersionRow {
  const row: VersionRow = {
    secret: String(raw['secret']),
    id: String(raw['id']),
    rotationId: textOrNull(raw['rotation_id']),
    createdAt: Number(raw['created_at']),
    fate: raw['fate'] as Fate,
    value: raw['value'] instanceof Uint8Array ? raw['value'] : null,
  };
  if (!sameBytes(versionSeal(context, row), raw['seal'])) {
    throw context.corrupt(`the record of ${row.secret} version ${row.id} fails its seal`);
  }
  return row;
}

function secretSeal({ keys }: RowContext, row: SecretRow): Uint8Array {
  return sealOf(keys.seal, ['secret', row.name, row.revision, row.current, row.previous, row.pending]);
}

/** The value's last 16 bytes are its GCM tag, which stands for all of it. */
function versionSeal({ keys }: RowContext, row: VersionRow): Uint8Array {
  const tag = row.value === null ? null : Buffer.from(row.value.subarray(-16)).toString('hex');
  return sealOf(keys.seal, ['version', row.secret, row.id, row.rotationId, row.createdAt, row.fate, tag]);
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
