/** What no write may be, refused before anything is asked. */
import { KeywheelError } from '../../errors.ts';
import type { Write } from '../port.ts';
import { fullError } from './errors.ts';
import { rowKey } from './keys.ts';
import { LONGEST_TEXT } from './rows.ts';

const MOST_WRITES = 25; // the port's; Table Storage would take 100
/** A transaction’s body: https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions */
const LARGEST_REQUEST = 4 * 1024 * 1024;
const OVERHEAD = 4096;

export interface Prepared extends Write {
  readonly rowKey: string;
  /** JSON in ASCII; undefined deletes. */
  readonly text: string | undefined;
}

/** ERR_INTERNAL for misuse, ERR_STATE_FULL for what is too large, ERR_CONFIG_INVALID for a key that is too long. */
export function prepare(writes: readonly Write[]): Prepared[] {
  if (writes.length > MOST_WRITES) throw misuse(`${writes.length} writes at once are more than ${MOST_WRITES}`);
  if (new Set(writes.map(({ key }) => key)).size < writes.length) throw misuse('one key is written twice in one transaction');
  let size = 0;
  return writes.map((write) => {
    checkText('record key', write.key);
    if (write.ttl !== undefined) checkTtl(write.key, write.ttl);
    const text = write.value === undefined ? undefined : encode(write);
    if (text !== undefined && text.length > LONGEST_TEXT) throw fullError(write.key, 'it is larger than Table Storage allows');
    size += OVERHEAD + (text === undefined ? 0 : Buffer.byteLength(JSON.stringify(text)));
    if (size > LARGEST_REQUEST) throw fullError(write.key, 'its transaction is larger than Table Storage allows');
    return { ...write, rowKey: rowKey(write.key), text };
  });
}

export function checkText(what: string, text: string): void {
  if (text === '' || !text.isWellFormed()) throw misuse(`${what} ${JSON.stringify(text)} is empty or not well-formed text`);
}

export function checkTtl(key: string, ttl: number): void {
  if (!(ttl > 0 && Number.isSafeInteger(Math.ceil(ttl)))) {
    throw misuse(`the time to live of ${key} is ${ttl}, not a positive number`);
  }
}

function encode({ key, value }: Write): string {
  try {
    const text = JSON.stringify(value) as string | undefined;
    if (text !== undefined) return text.replaceAll(/[^\0-\u007f]/g, escaped);
  } catch {
    // A cycle or a bigint; the engine's message would quote the value.
  }
  throw misuse(`the value of ${key} is not JSON-representable`);
}

/** One half of a character at a time, as JSON has it. */
function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function misuse(why: string): KeywheelError {
  return new KeywheelError('ERR_INTERNAL', `state was not changed, because ${why}`);
}
