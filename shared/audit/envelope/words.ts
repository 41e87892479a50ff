/** Sets of keys that are looked for in bytes. */
import { NONE, trieOf, type Trie } from '../scan/trie.ts';
import { plan } from '../view.ts';
import { COLON, COMMA, OPEN, QUOTE, spaceEnd } from './json-bytes.ts';

export interface Words {
  /** The index of the word `bytes[start, end)`, the bytes of a key between its quotes; -1 if it is none of them. */
  indexOf(bytes: Buffer, start: number, end: number): number;
}

/** `words` are plain ASCII. */
export function wordsOf(words: readonly string[]): Words {
  const of = plan(Object.fromEntries(words.map((word) => [word, [word]])));
  const trie = trieOf(of) as Trie;
  const index = new Int32Array(trie.size).fill(-1);
  for (const [field, name] of of.names.entries()) index[trie.nodeOf[field] as number] = words.indexOf(name);
  return {
    indexOf(bytes, start, end) {
      const node = trie.child(0, bytes, start, end);
      return node === NONE ? -1 : (index[node] as number);
    },
  };
}

/** What records of the four sources begin with: such an object is no envelope. One that begins otherwise is looked through; this saves most the work. */
const FIRST = wordsOf(['eventVersion', 'protoPayload', 'insertId', 'logName', 'request', 'auth', 'userIdentity', 'resourceId']);
/** Vault's and Azure's begin with `time`, which events have too: what comes next tells. */
const TIME = wordsOf(['time']);
const SECOND = wordsOf(['auth', 'request', 'resourceId', 'category', 'operationName', 'operationVersion', 'systemId']);
const VAULT_TYPE = Buffer.from('"type":"re');
/** A first key that is not there within so many bytes is none of them. */
const WITHIN = 64;

/** Whether the object at `at` begins as a record does; undefined when more bytes are needed to say. */
export function beginsAsRecord(bytes: Buffer, at: number, end: number): boolean | undefined {
  const first = firstOf(FIRST, bytes, at, end);
  return first === false && firstOf(TIME, bytes, at, end) === true ? isTimedRecord(bytes, at, end) : first;
}

/** Of an object that begins with `time`, as compactly as the vendors write. */
function isTimedRecord(bytes: Buffer, at: number, end: number): boolean {
  const comma = bytes.indexOf(COMMA, at);
  const key = spaceEnd(bytes, comma + 1, end);
  if (comma === -1 || key + WITHIN > end || bytes[key] !== QUOTE) return false;
  if (bytes.compare(VAULT_TYPE, 0, VAULT_TYPE.length, key, key + VAULT_TYPE.length) === 0) return true;
  const close = bytes.indexOf(QUOTE, key + 1);
  return close !== -1 && close < end && SECOND.indexOf(bytes, key + 1, close) !== -1;
}

function firstOf(words: Words, bytes: Buffer, at: number, end: number): boolean | undefined {
  if (bytes[at] !== OPEN) return false;
  const stop = Math.min(end, at + WITHIN);
  const quote = spaceEnd(bytes, at + 1, stop);
  let close = quote + 1;
  if (quote < stop && bytes[quote] !== QUOTE) return false;
  while (close < stop && bytes[close] !== QUOTE) close += 1;
  if (close >= stop) return stop === at + WITHIN ? false : undefined;
  return words.indexOf(bytes, quote + 1, close) !== -1;
}

/** S3's notifications begin as CloudTrail's records do, with an `eventVersion` of 2; CloudTrail's is 1. True means that it may be one. */
export function beginsAsNotification(bytes: Buffer, at: number, end: number): boolean {
  const colon = bytes.indexOf(COLON, at);
  const value = spaceEnd(bytes, colon + 1, end);
  return colon !== -1 && value + 2 < end && bytes[value + 1] === 0x32 && bytes[value + 2] === 0x2e;
}

/** A log subscription's payload: it is parsed as a whole, as all of it is text in text. */
const LOGS = wordsOf(['messageType', 'owner', 'logGroup', 'logStream', 'subscriptionFilters', 'logEvents']);

export const beginsAsLogs = (bytes: Buffer, at: number, end: number): boolean => firstOf(LOGS, bytes, at, end) === true;

const LISTS = wordsOf(['Records', 'records', 'Events', 'logEvents', 'value', 'entries']);

/** Whether a list under this key holds records or envelopes, when the object is none itself. */
export const isList = (bytes: Buffer, start: number, end: number): boolean => LISTS.indexOf(bytes, start, end) !== -1;
