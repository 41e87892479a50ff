/** Compare-and-set on records: read, compare, and commit on condition that nothing has changed since. */
import { setTimeout as pause } from 'node:timers/promises';
import { KeywheelError } from '../../errors.ts';
import type { Random } from '../../deps.ts';
import type { StateRevision, Write } from '../port.ts';
import type { Change, Documents } from './documents.ts';
import { contended } from './errors.ts';
import { fits, idOf } from './ids.ts';
import { live, recordFields, recordOf } from './records.ts';
import type { RecordDocument } from './records.ts';

const MOST_WRITES = 25; // as the other clouds' stores: a caller that fits here fits there
const MOST_ATTEMPTS = 6;
// https://cloud.google.com/firestore/quotas: a document up to 1 MiB, a request up to 10 MiB. Names and fields take their part.
const DOCUMENT_BYTES = 2 ** 20 - 1024;
const REQUEST_BYTES = 10 * 2 ** 20 - 2 ** 17;

export interface Prepared {
  readonly write: Write;
  readonly id: string;
  /** JSON; undefined deletes. */
  readonly text: string | undefined;
}

/** What cannot be written by any store is refused before anything is, and what Firestore has no room for. */
export function prepare(writes: readonly Write[]): Prepared[] {
  if (writes.length > MOST_WRITES) throw misuse(`${writes.length} writes at once are more than ${MOST_WRITES}`);
  const keys = new Set(writes.map(({ key }) => key));
  if (keys.size < writes.length) throw misuse('one key is written twice in one transaction');
  let total = 0;
  return writes.map((write) => {
    const id = checkKey('record key', 'record', write.key);
    if (write.ttl !== undefined) checkTtl(write.key, write.ttl);
    const text = write.value === undefined ? undefined : encode(write);
    const bytes = Buffer.byteLength(text ?? '') + 2 * Buffer.byteLength(id);
    total += bytes;
    if (bytes > DOCUMENT_BYTES) throw full(write.key, `its value takes ${bytes} bytes, more than one document holds`);
    if (total > REQUEST_BYTES)
      throw full(write.key, `with the records before it in one transaction it is more than one request holds`);
    return { write, id, text };
  });
}

/** ERR_STATE_CONFLICT names the first that is not as expected. Returns the new revisions, in order. */
export async function apply(
  documents: Documents,
  writes: readonly Prepared[],
  now: () => number,
  random: Random,
): Promise<StateRevision[]> {
  const subject = writes[0]?.write.key;
  // Not the update time: a write that changes nothing keeps it, and a revision may never be given twice.
  const revisions = writes.map(() => Buffer.from(random.bytes(16)).toString('hex'));
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const found = await documents.read(
      writes.map(({ id }) => id),
      subject,
    );
    const time = now();
    const changes = writes.map(({ write, id, text }, n): Change => {
      const at = found.get(id);
      const record = at === undefined ? undefined : recordOf(at);
      const is = live(record, time);
      if ((is?.revision ?? null) !== write.expected) throw conflict(write, is);
      if (text === undefined) return { id, at, fields: undefined };
      const expiresAt = write.ttl === undefined ? null : time + Math.ceil(write.ttl);
      return { id, at, fields: recordFields({ key: write.key, revision: revisions[n] ?? '', value: text, expiresAt }) };
    });
    const outcome = await documents.commit(changes, subject);
    if (outcome === 'done') return revisions;
    // `changed`: the next read tells who was first, or that only an expired record went away.
    if (outcome === 'contended') await backOff(attempt, random);
  }
  throw contended(subject);
}

export function backOff(attempt: number, random: Random): Promise<void> {
  return pause(25 * 2 ** attempt * (0.5 + random.uniform()));
}

export function checkKey(what: string, kind: 'record' | 'lease', key: string): string {
  checkText(what, key);
  const id = idOf(kind, key);
  if (!fits(id)) throw misuse(`${what} ${key.slice(0, 80)}… is longer than a document id of Firestore may be`);
  return id;
}

export function checkText(what: string, text: string): void {
  if (text === '' || !text.isWellFormed()) throw misuse(`${what} ${JSON.stringify(text)} is empty or not well-formed text`);
}

export function checkTtl(key: string, ttl: number): void {
  if (!(ttl > 0 && Number.isSafeInteger(Math.ceil(ttl))))
    throw misuse(`the time to live of ${key} is ${ttl}, not a positive number`);
}

function encode({ key, value }: Write): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) return text;
  } catch {
    // A cycle or a bigint; the engine's message would quote the value.
  }
  throw misuse(`the value of ${key} is not JSON-representable`);
}

function conflict({ key, expected }: Write, found: RecordDocument | undefined): KeywheelError {
  const wanted = expected === null ? 'absent' : `at revision ${expected}`;
  const is = found === undefined ? 'absent' : `at revision ${found.revision}`;
  return new KeywheelError('ERR_STATE_CONFLICT', `state record ${key} was not changed, because it is ${is} and not ${wanted}`, {
    hint: 'another worker was first; read it again',
    subject: key,
  });
}

function full(key: string, why: string): KeywheelError {
  return new KeywheelError('ERR_STATE_FULL', `state record ${key} was not changed, because ${why} of Firestore`, {
    hint: 'keep less in one record',
    subject: key,
  });
}

function misuse(why: string): KeywheelError {
  return new KeywheelError('ERR_INTERNAL', `state was not changed, because ${why}`);
}
