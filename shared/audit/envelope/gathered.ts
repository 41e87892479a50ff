/** The members of one object that envelopes are told by. */
import { members } from './json-bytes.ts';
import { wordsOf } from './words.ts';

const NAMES = [
  'awslogs',
  'kinesis',
  'Sns',
  'Message',
  'TopicArn',
  's3',
  's3ObjectKey',
  'body',
  'messageId',
  'message_id',
  'detail',
  'detail-type',
  'source',
  'id',
  'CloudTrailEvent',
  'messageType',
  'Event',
  'message',
  'attributes',
  'data',
  'data_base64',
  'specversion',
  'Records',
  'records',
  'Events',
  'logEvents',
  'value',
  'entries',
] as const;

export type Name = (typeof NAMES)[number];

export interface Gathered {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  has(name: Name): boolean;
  /** Whether the value of `name` begins with this byte. */
  is(name: Name, first: number): boolean;
  span(name: Name): readonly [start: number, end: number];
  /** Whether the object under `name` has this key. */
  holds(name: Name, key: string): boolean;
  /** Parsed; undefined when it is absent or no JSON. */
  value(name: Name): unknown;
  /** As `value`; empty when it is no object. */
  object(name: Name): Readonly<Record<string, unknown>>;
  /** The object itself. */
  whole(): Readonly<Record<string, unknown>>;
}

const WORDS = wordsOf(NAMES);
const INDEX = new Map<string, number>(NAMES.map((name, index) => [name, index]));

/** Looks through the object `bytes[start, end)` once. */
export function gathered(bytes: Buffer, start: number, end: number): Gathered {
  const spans: (readonly [number, number] | undefined)[] = [];
  members(bytes, start, end, ({ keyStart, keyEnd, valueStart, valueEnd }) => {
    const word = WORDS.indexOf(bytes, keyStart, keyEnd);
    if (word !== -1) spans[word] = [valueStart, valueEnd];
    return true;
  });
  const spanOf = (name: Name): readonly [number, number] | undefined => spans[INDEX.get(name) as number];
  const parse = (from: number, to: number): unknown => {
    try {
      return JSON.parse(bytes.toString('utf8', from, to));
    } catch {
      return undefined;
    }
  };
  const asObject = (value: unknown): Readonly<Record<string, unknown>> =>
    typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  const found: Gathered = {
    bytes,
    start,
    end,
    has: (name) => spanOf(name) !== undefined,
    is(name, first) {
      const span = spanOf(name);
      return span !== undefined && bytes[span[0]] === first;
    },
    span: (name) => spanOf(name) ?? [0, 0],
    holds: (name, key) => Object.hasOwn(found.object(name), key),
    value(name) {
      const span = spanOf(name);
      return span === undefined ? undefined : parse(...span);
    },
    object: (name) => asObject(found.value(name)),
    whole: () => asObject(parse(start, end)),
  };
  return found;
}
