/**
 * Whether a record can concern us, by its bytes: by the value of each `"operationName"` key, look-alikes too. A record that escapes a letter, or
 * whose name is an object, is never turned away. See aws/concern.ts.
 */
import { escapesLetters, keyEnd, keyOf, valueAt } from '../common-bytes.ts';

const KEY = keyOf('operation', 'Name');
const SLASH = 0x2f;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Providers of the Activity Log, and how the operations of Key Vault start; all in lower case. */
const PROVIDERS: ReadonlySet<string> = new Set(
  ['keyvault', 'authorization', 'insights', 'eventhub', 'managedidentity'].map((name) => `microsoft.${name}`),
);
const LONGEST = 40;

/** A name without a slash is an operation of some service's own log: which ones are Key Vault's, the parser knows. */
function counts(bytes: Buffer, from: number): boolean {
  for (let at = from; at < from + LONGEST; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) return false;
    if (byte === QUOTE || byte === BACKSLASH) return true;
    if (byte === SLASH) return PROVIDERS.has(bytes.toString('latin1', from, at).toLowerCase());
  }
  return false;
}

export function mayConcern(whole: Buffer, start: number, end: number): boolean {
  const bytes = start === 0 && end === whole.length ? whole : whole.subarray(start, end);
  for (let at = keyEnd(bytes, KEY, 0); at !== -1; at = keyEnd(bytes, KEY, at)) {
    const from = valueAt(bytes, at);
    if (from === 'other' || (from !== 'none' && counts(bytes, from))) return true;
  }
  return escapesLetters(bytes);
}
