/** Records as entities. Every property is text, because numbers of Table Storage are narrower than ours. */
import { createHash } from 'node:crypto';
import { KeywheelError } from '../../errors.ts';
import type { StateRevision } from '../port.ts';
import { decodeKey } from './keys.ts';

/** How an entity's properties are to be read; one with a higher number was written by a newer keywheel. */
const RECORD_FORMAT = 1;
/** All records, so that any of them can be in one transaction: it reaches no further than a partition, which takes 2,000 writes a second. */
export const RECORDS = 'record';
/** A text property takes 64 KiB in UTF-16. https://learn.microsoft.com/azure/storage/tables/scalability-targets */
const PART = 32_000;
/** An entity takes 1 MiB in UTF-16, its names and the rest included. */
export const LONGEST_TEXT = 500_000;

export interface Row {
  readonly key: string;
  /** JSON in ASCII, which may be split anywhere; undefined for what was deleted and is not swept yet. */
  readonly text: string | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** Random for each write: tells whether a write whose answer was lost was made. */
  readonly nonce: string;
  readonly etag: string;
}

export type Entity = Record<string, string> & { readonly partitionKey: string; readonly rowKey: string };

export function entityOf(row: Omit<Row, 'key' | 'etag'>, rowKey: string): Entity {
  const parts = row.text === undefined ? [] : split(row.text);
  return {
    partitionKey: RECORDS,
    rowKey,
    format: String(RECORD_FORMAT),
    nonce: row.nonce,
    expires: row.expiresAt === undefined ? '' : String(row.expiresAt),
    parts: row.text === undefined ? '' : String(parts.length),
    ...Object.fromEntries(parts.map((part, index) => [`v${index}`, part])),
  };
}

export function rowOf(entity: Readonly<Record<string, unknown>>): Row {
  const text = (name: string): string => {
    const value = entity[name];
    return typeof value === 'string' ? value : '';
  };
  const key = decodeKey(text('rowKey'));
  const format = Number(text('format'));
  if (format > RECORD_FORMAT) {
    const message = `state record ${key} has format ${format}, newer than ${RECORD_FORMAT}, which this keywheel knows`;
    throw new KeywheelError('ERR_STATE_NEWER', message, { hint: 'use the newer keywheel that wrote it', subject: key });
  }
  const parts = Array.from({ length: Number(text('parts')) }, (_, index) => entity[`v${index}`]);
  if (format !== RECORD_FORMAT || parts.some((part) => typeof part !== 'string')) throw corrupt(key);
  return {
    key,
    text: parts.length === 0 ? undefined : parts.join(''),
    expiresAt: text('expires') === '' ? undefined : Number(text('expires')),
    nonce: text('nonce'),
    etag: text('etag'),
  };
}

/** Undefined for what was deleted, or whose time to live has passed at `now`. */
export function live(row: Row | undefined, now: number): Row | undefined {
  if (row?.text === undefined || (row.expiresAt !== undefined && row.expiresAt <= now)) return undefined;
  return row;
}

/**
 * The etag, which is a time and so the same for rows of one transaction, with a mark of the key, so that one row's revision fits no other, and what is random. It carries the end of the record's life too, so
 * that a condition on an ended record is refused without asking.
 */
export function revisionOf({ key, etag, nonce, expiresAt }: Pick<Row, 'key' | 'etag' | 'nonce' | 'expiresAt'>): StateRevision {
  return `${markOf(key)}${nonce}!${expiresAt ?? ''}!${etag}`;
}

const markOf = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 8);

/** Undefined for what no revision of a live record can be. */
export function etagOf(revision: StateRevision, key: string, now: number): string | undefined {
  if (!revision.startsWith(markOf(key))) return undefined;
  const [, expires = '', etag] = /^[^!]*!(\d*)!(W\/"[^"]+")$/.exec(revision) ?? [];
  return etag === undefined || (expires !== '' && Number(expires) <= now) ? undefined : etag;
}

/** ERR_STATE_CORRUPT when the row holds no JSON. */
export function valueOf(row: Row): unknown {
  try {
    return JSON.parse(row.text ?? '') as unknown;
  } catch {
    throw corrupt(row.key);
  }
}

function corrupt(key: string): KeywheelError {
  return new KeywheelError(
    'ERR_STATE_CORRUPT',
    `state record ${key} cannot be read, it was not written by keywheel or is damaged`,
    {
      hint: 'restore the table from a copy, or remove the record once you know what it held',
      subject: key,
    },
  );
}

function split(text: string): string[] {
  return Array.from({ length: Math.ceil(text.length / PART) }, (_, index) => text.slice(index * PART, (index + 1) * PART));
}
