/**
 * Resource names and the rules for what may be in them:
 * https://cloud.google.com/firestore/quotas#collections_documents_and_fields (in the order of the tests beneath).
 */
import { RpcError } from './wire.ts';

const MOST_BYTES = 1500;
const MOST_SUBCOLLECTIONS = 100;

/** `projects/P/databases/D`, else INVALID_ARGUMENT. */
export function checkDatabase(name: string): string {
  if (!/^projects\/[^/]+\/databases\/[^/]+$/.test(name))
    throw new RpcError('INVALID_ARGUMENT', `Invalid database name: "${name}".`);
  return name;
}

/** A document of `database`: its collections and ids alternate, and each may be what it is. */
export function checkDocumentName(database: string, name: string): string {
  const root = `${database}/documents/`;
  if (!name.startsWith(root)) throw new RpcError('INVALID_ARGUMENT', `Document name "${name}" is not in database "${database}".`);
  const segments = name.slice(root.length).split('/');
  if (segments.length % 2 !== 0) throw new RpcError('INVALID_ARGUMENT', `Document name "${name}" lacks an id.`);
  if (segments.length / 2 > MOST_SUBCOLLECTIONS) throw new RpcError('INVALID_ARGUMENT', `Document name "${name}" is too deep.`);
  for (const segment of segments) checkId(segment);
  return name;
}

export function checkId(id: string): void {
  const wrong = (why: string) => new RpcError('INVALID_ARGUMENT', `Resource id "${id.slice(0, 100)}" ${why}.`);
  if (id === '') throw wrong('is empty');
  if (!id.isWellFormed()) throw wrong('is not valid UTF-8');
  if (Buffer.byteLength(id) > MOST_BYTES) throw wrong('is longer than 1500 bytes');
  if (id.includes('/')) throw wrong('contains a slash');
  if (id === '.' || id === '..') throw wrong('is only periods');
  if (/^__.*__$/s.test(id)) throw wrong('is invalid because it is reserved');
}

/** Documents are ordered by the UTF-8 bytes of each part of their name: https://cloud.google.com/firestore/docs/concepts/data-types */
export function compareNames(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let n = 0; n < Math.min(left.length, right.length); n += 1) {
    const order = Buffer.compare(Buffer.from(left[n] ?? ''), Buffer.from(right[n] ?? ''));
    if (order !== 0) return order;
  }
  return left.length - right.length;
}
