/** What the SecretStore port promises, as transactions on a local store's rows. The same code runs for real and in a rehearsal. */
import { KeywheelError } from '../../errors.ts';
import type { Tx } from '../../sqlite.ts';
import type { Label, Revision, SecretState, SecretSummary, SecretValue, SecretVersion, VersionRef } from '../port.ts';
import {
  addVersion,
  allSecrets,
  collect,
  findByRotation,
  findSecret,
  findVersion,
  labelled,
  openValue,
  saveSecret,
  setFate,
} from './rows.ts';
import type { RowContext } from './rows.ts';
import type { SecretRow, VersionRow } from './schema.ts';

/** The id of the version that a rotation stages: known before it is staged, so that a rehearsal can print it. */
export const versionIdOf = (rotationId: string): string => `v-${rotationId}`;

export function describe(context: RowContext, tx: Tx, name: string): SecretState | undefined {
  const row = findSecret(context, tx, name);
  return row === undefined ? undefined : stateOf(context, tx, row);
}

export function read(
  context: RowContext,
  tx: Tx,
  name: string,
  at: Label | { readonly version: string },
): SecretVersion | undefined {
  const row = findSecret(context, tx, name);
  if (row === undefined) return undefined;
  const id = typeof at === 'string' ? row[at] : at.version;
  if (id === null) return undefined;
  const version = typeof at === 'string' ? labelled(context, tx, name, id) : findVersion(context, tx, name, id);
  if (version === undefined) return undefined;
  const value = openValue(context, version);
  return value === undefined ? undefined : { ...refOf(version), value };
}

export function list(context: RowContext, tx: Tx, prefix: string): SecretSummary[] {
  return allSecrets(context, tx, prefix).map((row) => ({ name: row.name, labels: labelsOf(context, tx, row) }));
}

export function stage(
  context: RowContext,
  tx: Tx,
  name: string,
  value: SecretValue,
  rotationId: string,
  now: number,
): VersionRef {
  const row = need(context, tx, name);
  const mine = findByRotation(context, tx, name, rotationId);
  if (mine?.fate === 'discarded') {
    throw conflict(name, `version ${mine.id} of rotation ${rotationId} was discarded`, 'start a new rotation');
  }
  // `pending` and not published: the usual retry. `published` and `collected`: it is done with, and stays the same version.
  if (mine !== undefined && (mine.fate !== 'staged' || row.pending === mine.id)) return refOf(mine);
  if (row.pending !== null) {
    throw conflict(name, `version ${row.pending} is pending`, 'let the rotation that staged it finish, or abandon it');
  }
  const id = versionIdOf(rotationId);
  const staged = mine ?? addVersion(context, tx, { secret: name, id, rotationId, createdAt: now, fate: 'staged' }, value);
  saveSecret(context, tx, { ...row, pending: staged.id });
  return refOf(staged);
}

export function publish(context: RowContext, tx: Tx, name: string, version: string, expected: Revision): SecretState {
  const row = need(context, tx, name);
  if (row.current === version) return stateOf(context, tx, row); // also when another rotation is pending by now
  refuseMoved(row, expected);
  const next = findVersion(context, tx, name, version);
  if (next === undefined || next.value === null) {
    throw conflict(name, `version ${version} is not in the store any more`, 'start a new rotation');
  }
  setFate(context, tx, next, 'published');
  return move(context, tx, { ...row, current: version, previous: row.current, pending: null, revision: row.revision + 1 });
}

export function discard(context: RowContext, tx: Tx, name: string, version: string): void {
  const row = findSecret(context, tx, name);
  if (row === undefined) return;
  if (row.current === version || row.previous === version) {
    const label = row.current === version ? 'current' : 'previous';
    throw conflict(name, `version ${version} is ${label} and cannot be discarded`, 'publish another version first');
  }
  const found = findVersion(context, tx, name, version);
  if (found?.fate !== 'staged') return; // gone, or history that was current once
  setFate(context, tx, found, 'discarded');
  if (row.pending === version) saveSecret(context, tx, { ...row, pending: null });
}

export function put(
  context: RowContext,
  tx: Tx,
  name: string,
  value: SecretValue,
  expected: Revision | null | undefined,
  made: { readonly id: string; readonly now: number },
): SecretState {
  const row = findSecret(context, tx, name);
  if (expected === null && row !== undefined) {
    throw conflict(name, 'it exists already', 'choose another name, or replace the value that is there');
  }
  if (typeof expected === 'string') {
    if (row === undefined) throw conflict(name, 'there is no such secret any more', 'look again and repeat the change');
    refuseMoved(row, expected);
  }
  addVersion(context, tx, { secret: name, id: made.id, rotationId: null, createdAt: made.now, fate: 'published' }, value);
  return move(context, tx, {
    name,
    current: made.id,
    previous: row?.current ?? null,
    pending: row?.pending ?? null, // its rotation finds at publish that current has moved
    revision: (row?.revision ?? 0) + 1,
  });
}

function move(context: RowContext, tx: Tx, row: SecretRow): SecretState {
  saveSecret(context, tx, row);
  collect(context, tx, row);
  return stateOf(context, tx, row);
}

/** The count says that `current` moved, also there and back; the id says so when the file was restored from a backup meanwhile. */
function revisionOf(row: SecretRow): Revision {
  return `${row.revision}.${row.current}`;
}

function refuseMoved(row: SecretRow, expected: Revision): void {
  if (revisionOf(row) === expected) return;
  const why = `current moved from revision ${expected} to ${revisionOf(row)}`;
  throw conflict(row.name, why, 'look at what changed it; the change was kept');
}

function need(context: RowContext, tx: Tx, name: string): SecretRow {
  const row = findSecret(context, tx, name);
  if (row !== undefined) return row;
  throw new KeywheelError('ERR_SECRET_NOT_FOUND', `secret ${name} is not in the local store`, {
    hint: `write its first value with \`keywheel put ${name}\``,
    subject: name,
  });
}

function stateOf(context: RowContext, tx: Tx, row: SecretRow): SecretState {
  return { name: row.name, revision: revisionOf(row), labels: labelsOf(context, tx, row) };
}

function labelsOf(context: RowContext, tx: Tx, row: SecretRow): SecretState['labels'] {
  const ref = (id: string) => refOf(labelled(context, tx, row.name, id));
  return {
    current: ref(row.current),
    ...(row.previous === null ? {} : { previous: ref(row.previous) }),
    ...(row.pending === null ? {} : { pending: ref(row.pending) }),
  };
}

function refOf(row: VersionRow): VersionRef {
  return { id: row.id, createdAt: row.createdAt, ...(row.rotationId === null ? {} : { rotationId: row.rotationId }) };
}

function conflict(name: string, why: string, hint: string): KeywheelError {
  return new KeywheelError('ERR_STORE_CONFLICT', `secret ${name} was not changed, because ${why}`, { hint, subject: name });
}
