/** What is refused before anything is sent. Pure. */
import { KeywheelError } from '../../errors.ts';
import type { Write } from '../port.ts';

const MOST_WRITES = 25;
/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const LONGEST_KEY = 1024;
const LARGEST_ITEM = 400 * 1024;
const LARGEST_TRANSACTION = 4 * 1024 * 1024;
/** The key and the value are counted; this is for the names and values of the other attributes. */
const ROOM_FOR_THE_REST = 256;

export interface Prepared extends Write {
  /** JSON; undefined deletes. */
  readonly text: string | undefined;
}

/** ERR_INTERNAL for what no state takes, ERR_STATE_FULL for what is too large here. */
export function prepare(writes: readonly Write[]): Prepared[] {
  if (writes.length > MOST_WRITES) throw misuse(`${writes.length} writes at once are more than ${MOST_WRITES}`);
  if (new Set(writes.map(({ key }) => key)).size < writes.length) throw misuse('one key is written twice in one transaction');
  let total = 0;
  const prepared = writes.map((write) => {
    checkKey('record key', write.key);
    if (write.ttl !== undefined) checkTtl(write.key, write.ttl);
    const text = write.value === undefined ? undefined : encode(write);
    const size = Buffer.byteLength(write.key) + Buffer.byteLength(text ?? '') + ROOM_FOR_THE_REST;
    if (size > LARGEST_ITEM) throw full(write.key, `record ${write.key} takes ${size} bytes and DynamoDB takes ${LARGEST_ITEM}`);
    total += size;
    return { ...write, text };
  });
  if (total > LARGEST_TRANSACTION) {
    const first = writes[0]?.key ?? '';
    throw full(first, `${writes.length} records take ${total} bytes and one transaction takes ${LARGEST_TRANSACTION}`);
  }
  return prepared;
}

export function checkKey(what: string, text: string): void {
  if (text === '' || !text.isWellFormed()) throw misuse(`${what} ${JSON.stringify(text)} is empty or not well-formed text`);
  if (Buffer.byteLength(text) > LONGEST_KEY) throw misuse(`${what} ${text.slice(0, 80)}… is longer than ${LONGEST_KEY} bytes`);
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

const full = (key: string, why: string): KeywheelError =>
  new KeywheelError('ERR_STATE_FULL', `state was not changed, because ${why}`, {
    hint: 'the record has grown too large; report what it holds a lot of',
    subject: key,
  });

const misuse = (why: string): KeywheelError => new KeywheelError('ERR_INTERNAL', `state was not changed, because ${why}`);
