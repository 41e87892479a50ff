/**
 * Items of the table; docs/storage-schema.md tells them. Records are one partition, so that one Query lists them in key order (DynamoDB
 * orders string sort keys by their UTF-8 bytes); a partition takes 1,000 writes a second. Each lease is a partition of its own.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
 */
import { KeywheelError } from '../../errors.ts';
import type { Lease, Stored } from '../port.ts';
import type { Item } from './table.ts';

/** A record with a higher number was written by a newer keywheel. */
const FORMAT = 1;
/**
 * DynamoDB deletes an item some time after its `ttl`, by its own clock; ours may be behind it. What counts is `expires`, to the millisecond.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html
 */
const TTL_PADDING_SECONDS = 3600;

export const RECORDS = 'record';
export const recordKey = (key: string): Item => ({ pk: { S: RECORDS }, sk: { S: key } });
export const leaseKey = (key: string): Item => ({ pk: { S: `lease#${key}` }, sk: { S: 'lease' } });
export const INSTALLATION_KEY: Item = { pk: { S: 'meta' }, sk: { S: 'installation' } };

export function recordItem(key: string, revision: string, text: string, expires: number | undefined): Item {
  const end =
    expires === undefined
      ? {}
      : { expires: { N: String(expires) }, ttl: { N: String(Math.ceil(expires / 1000) + TTL_PADDING_SECONDS) } };
  return { ...recordKey(key), format: { N: String(FORMAT) }, revision: { S: revision }, value: { S: text }, ...end };
}

/** Undefined for an item whose time is over at `now`. ERR_STATE_CORRUPT, ERR_STATE_NEWER. */
export function storedOf<T>(item: Item, now: number): Stored<T> | undefined {
  const key = item['sk']?.S ?? '';
  const format = Number(item['format']?.N ?? Number.NaN);
  if (format > FORMAT) {
    const message = `state record ${key} has format ${format}, newer than ${FORMAT}, which this keywheel knows`;
    throw new KeywheelError('ERR_STATE_NEWER', message, { hint: 'use the newer keywheel that wrote it', subject: key });
  }
  const revision = item['revision']?.S;
  const text = item['value']?.S;
  if (Number.isNaN(format) || revision === undefined || text === undefined) throw corrupt(`record ${key}`, key);
  if (!isLive(item, now)) return undefined;
  try {
    return { key, value: JSON.parse(text) as T, revision };
  } catch {
    throw corrupt(`record ${key}`, key);
  }
}

export const revisionOf = (item: Item | undefined): string | undefined => item?.['revision']?.S;

export function isLive(item: Item, now: number): boolean {
  const expires = item['expires']?.N;
  return expires === undefined || Number(expires) > now;
}

export interface LeaseRow {
  readonly fence: number;
  /** Undefined once it was released. */
  readonly holder: string | undefined;
  readonly expires: number | undefined;
  /** Names the call that acquired it, so that a call whose answer was lost knows its own. */
  readonly nonce: string | undefined;
}

/** A lease has no ttl: its fence must only ever grow. */
export function leaseItem({ key, holder, fence, expiresAt }: Lease, nonce: string): Item {
  const numbers = { fence: { N: String(fence) }, expires: { N: String(expiresAt) } };
  return { ...leaseKey(key), ...numbers, holder: { S: holder }, nonce: { S: nonce } };
}

export function leaseOf(item: Item | undefined, key: string): LeaseRow | undefined {
  if (item === undefined) return undefined;
  const fence = Number(item['fence']?.N ?? Number.NaN);
  if (!Number.isSafeInteger(fence)) throw corrupt(`lease ${key}`, key);
  const expires = item['expires']?.N;
  return {
    fence,
    holder: item['holder']?.S,
    expires: expires === undefined ? undefined : Number(expires),
    nonce: item['nonce']?.S,
  };
}

function corrupt(what: string, subject: string): KeywheelError {
  return new KeywheelError('ERR_STATE_CORRUPT', `state cannot be trusted, because ${what} is not as keywheel writes it`, {
    hint: 'restore the table from its point-in-time backup',
    subject,
  });
}
