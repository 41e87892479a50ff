/**
 * Whether a record can concern us, by its bytes. Most of a trail cannot, and this is all that is done to it.
 *
 * It looks at the value of each `"eventSource"` key, nested look-alikes too: one that counts is enough. A key or a value may be written with
 * escapes (`\u0065ventSource`), so a record that escapes a letter is never turned away.
 */
import { escapesLetters, hashOf, HASH_START, keyEnd, keyOf, step, valueAt } from '../common-bytes.ts';
import { SSM_ACTIONS } from './ssm.ts';
import { TRAIL_ACTIONS } from './trail.ts';

const SOURCE = keyOf('event', 'Source');
const NAME = keyOf('event', 'Name');

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DOT = 0x2e;

const ALL: ReadonlySet<number> = new Set(['secretsmanager', 'kms', 'sts', 'iam', 'signin'].map(hashOf));
/** Of these, only some operations. */
const SOME: ReadonlySet<number> = new Set(['ssm', 'cloudtrail', 'logs', 'kinesis', 'firehose', 'events', 's3'].map(hashOf));
const NAMES: ReadonlySet<number> = new Set([...SSM_ACTIONS, ...TRAIL_ACTIONS].map(hashOf));

const NONE = 0;
const PART = 1;
const WHOLE = 2;

/** The service of an event source, which ends at its first dot, looked up. */
function classAt(bytes: Buffer, from: number): 0 | 1 | 2 {
  let hash = HASH_START;
  for (let at = from; at < from + 32; at += 1) {
    const byte = bytes[at];
    if (byte === undefined || byte === QUOTE) return NONE;
    if (byte === BACKSLASH) return WHOLE;
    if (byte === DOT) return ALL.has(hash) ? WHOLE : SOME.has(hash) ? PART : NONE;
    hash = step(hash, byte);
  }
  return NONE;
}

function nameCounts(bytes: Buffer): boolean {
  for (let at = keyEnd(bytes, NAME, 0); at !== -1; at = keyEnd(bytes, NAME, at)) {
    const from = valueAt(bytes, at);
    if (typeof from === 'number' && isNamed(bytes, from)) return true;
  }
  return false;
}

function isNamed(bytes: Buffer, from: number): boolean {
  let hash = HASH_START;
  for (let at = from; at < from + 64; at += 1) {
    const byte = bytes[at];
    if (byte === undefined) return false;
    if (byte === BACKSLASH) return true;
    if (byte === QUOTE) return NAMES.has(hash);
    hash = step(hash, byte);
  }
  return false;
}

export function mayConcern(whole: Buffer, start: number, end: number): boolean {
  // A view costs less than a search that runs on into the records behind.
  const bytes = start === 0 && end === whole.length ? whole : whole.subarray(start, end);
  let some = false;
  for (let at = keyEnd(bytes, SOURCE, 0); at !== -1; at = keyEnd(bytes, SOURCE, at)) {
    const from = valueAt(bytes, at);
    if (typeof from !== 'number') continue;
    const found = classAt(bytes, from);
    if (found === WHOLE) return true;
    if (found === PART) some = true;
  }
  return (some && nameCounts(bytes)) || escapesLetters(bytes);
}
