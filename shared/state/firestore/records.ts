/** Records and leases as Firestore documents. Every field is in docs/storage-schema.md. */
import { KeywheelError } from '../../errors.ts';
import type { Fields, Found } from './documents.ts';
import { idOf } from './ids.ts';

/** How a document's fields are to be read; a higher number was written by a newer keywheel. */
const FORMAT = 1;
const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59, 999); // of a Firestore timestamp

export interface RecordDocument {
  readonly key: string;
  readonly revision: string;
  /** JSON. A string and not maps: Firestore has no nested arrays, and would index every field of a map. */
  readonly value: string;
  readonly expiresAt: number | null;
}

export interface LeaseDocument {
  readonly key: string;
  readonly fence: number;
  /** Null once it was released. */
  readonly holder: string | null;
  readonly expiresAt: number | null;
}

/** `ttl` is what the vendor's TTL policy looks at; null is for ever (https://cloud.google.com/firestore/docs/ttl). */
export function recordFields({ key, revision, value, expiresAt }: RecordDocument): Fields {
  const ttl = expiresAt === null || expiresAt > LAST_INSTANT ? null : new Date(expiresAt);
  return { format: FORMAT, key, revision, value, ttl };
}

export function recordOf({ id, data }: Found): RecordDocument {
  const { key, revision, value, ttl } = known(id, data, 'record');
  if (typeof revision !== 'string' || typeof value !== 'string' || (ttl !== null && !hasMillis(ttl))) throw corrupt(key);
  return { key, revision, value, expiresAt: ttl === null ? null : ttl.toMillis() };
}

/** Without `ttl`: a lease's document outlives the lease, because its fence must only ever grow. */
export function leaseFields({ key, fence, holder, expiresAt }: LeaseDocument): Fields {
  return { format: FORMAT, key, fence, holder, expiresAt };
}

export function leaseOf({ id, data }: Found): LeaseDocument {
  const { key, fence, holder, expiresAt } = known(id, data, 'lease');
  if (!Number.isSafeInteger(fence) || (holder !== null && typeof holder !== 'string')) throw corrupt(key);
  if (expiresAt !== null && !Number.isSafeInteger(expiresAt)) throw corrupt(key);
  return { key, fence: fence as number, holder, expiresAt: expiresAt as number | null };
}

/** Undefined when its time has passed at `now`: the vendor deletes it up to a day later. */
export function live<D extends { readonly expiresAt: number | null }>(document: D | undefined, now: number): D | undefined {
  return document === undefined || (document.expiresAt !== null && document.expiresAt <= now) ? undefined : document;
}

export function corrupt(key: string): KeywheelError {
  return new KeywheelError('ERR_STATE_CORRUPT', `the Firestore document of ${key} is not as Keywheel writes it`, {
    hint: 'somebody else writes to this collection; restore the document or, if it is not a lease, delete it',
    subject: key,
  });
}

function known(id: string, data: Readonly<Record<string, unknown>>, kind: 'record' | 'lease') {
  const { key, format } = data;
  if (typeof key !== 'string' || idOf(kind, key) !== id || typeof format !== 'number') throw corrupt(id);
  if (format > FORMAT) {
    const message = `state ${kind} ${key} has format ${format}, newer than ${FORMAT}, which this keywheel knows`;
    throw new KeywheelError('ERR_STATE_NEWER', message, { hint: 'use the newer keywheel that wrote it', subject: key });
  }
  return { ...data, key } as Readonly<Record<string, unknown>> & { readonly key: string };
}

function hasMillis(value: unknown): value is { toMillis(): number } {
  return typeof value === 'object' && value !== null && 'toMillis' in value && typeof value.toMillis === 'function';
}
