/** Whose record it is, by the keys at its top. Pure. */
import { members, QUOTE } from './json-bytes.ts';
import { wordsOf } from './words.ts';

/** Vault and OpenBao write alike: both are `vault` here. */
export type SniffedSource = 'aws' | 'gcp' | 'azure' | 'vault';

const SOURCES: readonly SniffedSource[] = ['aws', 'gcp', 'azure', 'vault'];

// Keys that no other source has at the top. `time`, `type`, `error`, `resource` and `labels` say little.
const TELLING: Readonly<Record<SniffedSource, readonly string[]>> = {
  aws: [
    'eventSource',
    'eventVersion',
    'userIdentity',
    'eventName',
    'awsRegion',
    'eventID',
    'recipientAccountId',
    'sourceIPAddress',
  ],
  gcp: ['protoPayload', 'logName', 'insertId', 'receiveTimestamp'],
  azure: ['operationName', 'resourceId', 'operationVersion', 'callerIpAddress', 'resultType', 'resultSignature', 'category'],
  vault: ['request', 'response', 'type', 'auth', 'forwarded_from'],
};
/** All of one row, and it is decided. */
const DECISIVE: readonly (readonly [SniffedSource, readonly string[]])[] = [
  ['aws', ['eventSource']],
  ['gcp', ['protoPayload']],
  ['azure', ['operationName', 'resourceId']],
  ['vault', ['request', 'type']],
  ['vault', ['response', 'type']],
];
/** So many telling keys of one source and none of another: enough. */
const ENOUGH = 3;

const WORDS = SOURCES.flatMap((source) => TELLING[source]);
const LOOKED_FOR = wordsOf(WORDS);
const bitsOf = (words: readonly string[]): number => words.reduce((bits, word) => bits | (1 << WORDS.indexOf(word)), 0);
const MASKS = SOURCES.map((source) => bitsOf(TELLING[source]));
const RULES = DECISIVE.map(([source, words]) => [source, bitsOf(words)] as const);

const EVENT_SOURCE = WORDS.indexOf('eventSource');
/** What S3, SQS and Kinesis hand to a function has most keys of a CloudTrail record, but a source such as `aws:s3` and not `s3.amazonaws.com`. */
const DELIVERY = Buffer.from('"aws:');
const isDelivery = (bytes: Buffer, at: number): boolean =>
  bytes.compare(DELIVERY, 0, DELIVERY.length, at, Math.min(at + DELIVERY.length, bytes.length)) === 0;

/** The source of the record `bytes[start, end)`; undefined where it looks like none, or like several and what is in it does not decide. Broken bytes may have one. */
export function sniff(bytes: Buffer, start: number, end: number): SniffedSource | undefined {
  return byBeginning(bytes, start, end) ?? byKeys(bytes, start, end);
}

// As the vendors write them, the first two keys tell: most records need no more.
const AWS = [Buffer.from('{"eventVersion":"1.'), Buffer.from('","userIdentity":{')] as const;
const GCP = Buffer.from('{"protoPayload":{');
const TIME = Buffer.from('{"time":"');
const VAULT = [Buffer.from('","type":"request","'), Buffer.from('","type":"response","')] as const;
const AZURE = Buffer.from('","resourceId":"/');
/** No version and no time is longer. */
const LONGEST_VALUE = 40;

function byBeginning(bytes: Buffer, start: number, end: number): SniffedSource | undefined {
  if (isAt(bytes, start, end, AWS[0]))
    return isAt(bytes, quoteAt(bytes, start + AWS[0].length, end), end, AWS[1]) ? 'aws' : undefined;
  if (isAt(bytes, start, end, GCP)) return 'gcp';
  if (!isAt(bytes, start, end, TIME)) return undefined;
  const behind = quoteAt(bytes, start + TIME.length, end);
  if (isAt(bytes, behind, end, VAULT[0]) || isAt(bytes, behind, end, VAULT[1])) return 'vault';
  return isAt(bytes, behind, end, AZURE) ? 'azure' : undefined;
}

function isAt(bytes: Uint8Array, start: number, end: number, wanted: Uint8Array): boolean {
  const { length } = wanted;
  if (start + length > end) return false;
  for (let at = 0; at < length; at += 1) if (bytes[start + at] !== wanted[at]) return false;
  return true;
}

function quoteAt(bytes: Uint8Array, from: number, end: number): number {
  const stop = Math.min(end, from + LONGEST_VALUE);
  let at = from;
  while (at < stop && bytes[at] !== QUOTE) at += 1;
  return at;
}

function byKeys(bytes: Buffer, start: number, end: number): SniffedSource | undefined {
  let found = 0;
  let early: SniffedSource | undefined;
  let delivery = false;
  const whole = members(bytes, start, end, ({ keyStart, keyEnd, valueStart }) => {
    const word = LOOKED_FOR.indexOf(bytes, keyStart, keyEnd);
    if (word === -1) return true;
    if (word === EVENT_SOURCE && isDelivery(bytes, valueStart)) {
      delivery = true;
      return false;
    }
    found |= 1 << word;
    early = only(found, ENOUGH);
    if (early === 'aws' && (found & (1 << EVENT_SOURCE)) === 0) early = undefined;
    return early === undefined;
  });
  if (delivery) return undefined;
  if (early !== undefined) return early;
  const decided = new Set(RULES.filter(([, bits]) => (found & bits) === bits).map(([source]) => source));
  if (decided.size > 1) return whole ? byValues(bytes, start, end, decided) : undefined;
  const [one] = decided;
  return one ?? only(found, 2);
}

/** The one source that has so many of the keys, when no other has any. */
function only(found: number, least: number): SniffedSource | undefined {
  let source: SniffedSource | undefined;
  for (let at = 0; at < SOURCES.length; at += 1) {
    const bits = found & (MASKS[at] as number);
    if (bits === 0) continue;
    if (source !== undefined || count(bits) < least) return undefined;
    source = SOURCES[at];
  }
  return source;
}

function count(bits: number): number {
  let left = bits;
  let many = 0;
  for (; left !== 0; left &= left - 1) many += 1;
  return many;
}

function byValues(bytes: Buffer, start: number, end: number, among: ReadonlySet<SniffedSource>): SniffedSource | undefined {
  let record: Readonly<Record<string, unknown>>;
  try {
    record = JSON.parse(bytes.toString('utf8', start, end)) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
  const isObject = (key: string): boolean =>
    typeof record[key] === 'object' && record[key] !== null && !Array.isArray(record[key]);
  const isText = (...keys: readonly string[]): boolean =>
    keys.every((key) => typeof record[key] === 'string' && record[key] !== '');
  const holds: Readonly<Record<SniffedSource, boolean>> = {
    aws: isText('eventSource', 'eventName', 'eventTime'),
    gcp: isObject('protoPayload') && isText('logName'),
    azure: isText('operationName', 'resourceId', 'time'),
    vault: (isObject('request') || isObject('response')) && isText('type', 'time'),
  };
  const left = [...among].filter((source) => holds[source]);
  return left.length === 1 ? left[0] : undefined;
}
