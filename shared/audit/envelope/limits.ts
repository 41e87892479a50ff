/** What an input may cost, and what is told of one that is not as it should be. Never fatal: whatever else arrived goes on. */

export interface Limits {
  /** Bytes of one record. */
  readonly record: number;
  /** Bytes that one payload of a function, and each payload packed inside anything, may take unpacked. A file is read as a stream and has no such limit. */
  readonly payload: number;
  /** Records of one payload of a function. */
  readonly records: number;
  /** Payloads inside payloads: an SQS message of an SNS message of an event is three. */
  readonly nesting: number;
  /** A file whose last `window` unpacked bytes came of less than a `ratio`-th of it is a bomb. Logs pack 10 to 40 times, zeros 1,030 times. */
  readonly ratio: number;
  readonly window: number;
}

const MIB = 1024 * 1024;

export const LIMITS: Limits = { record: MIB, payload: 10 * MIB, records: 100_000, nesting: 8, ratio: 400, window: 64 * MIB };

export type ProblemKind =
  | 'malformed' // no JSON, or not what its envelope says
  | 'oversize' // a record over the limit
  | 'truncated' // ends in the middle
  | 'corrupt' // gzip or base64 that does not unpack
  | 'bomb' // unpacks to more than it may
  | 'records' // more records than one payload may have
  | 'nesting'
  | 'empty'
  | 'control'; // no problem: a probe of the delivery itself, which carries no records

export interface Problem {
  readonly kind: ProblemKind;
  /** For people. Holds nothing of the input. */
  readonly message: string;
  /** Where: `line 12`, `record 5`, `message ID, record 2`. */
  readonly address: string;
  /** Of the Kinesis record or message that it is in: what the host reports as failed, where it reports such. */
  readonly id?: string;
}

export type Tell = (problem: Problem) => void;
