/** Records of what a platform hands to a function. */
import { LIMITS, type Limits, type Problem } from './limits.ts';
import { createOpener } from './opener.ts';
import type { Reference } from './references.ts';

interface PayloadRecord {
  /** The record is `bytes[start, end)`. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** What a failure is reported with: a Kinesis sequence number, the id of an SQS message. Of other platforms, the message's id, where it has one. */
  readonly id: string | undefined;
  /** For reports of poison records. */
  readonly address: string;
}

export interface Unwrapped {
  /** In the order of the payload. */
  readonly records: readonly PayloadRecord[];
  /** Objects that notifications name, for the host to read with `readRecords`. */
  readonly references: readonly Reference[];
  readonly problems: readonly Problem[];
  /** Probes of the delivery itself. */
  readonly controls: number;
}

/**
 * The records of a payload: the event of a Lambda function (log subscription, Kinesis, SQS, SNS, EventBridge, S3), a CloudEvent or Pub/Sub push,
 * the messages of an Event Hub (a list of Buffers, strings or objects), a body of an HTTP device, or bytes of any format that `readRecords` takes. Never throws.
 */
export function unwrapPayload(payload: unknown, given: Partial<Limits> = {}): Unwrapped {
  const limits: Limits = { ...LIMITS, ...given };
  const records: PayloadRecord[] = [];
  const references: Reference[] = [];
  const problems: Problem[] = [];
  let controls = 0;
  const opener = createOpener({
    limits,
    tell(problem) {
      if (problem.kind === 'control') controls += 1;
      else problems.push(problem);
    },
    record: (bytes, start, end) => records.push({ bytes, start, end, id: opener.id(), address: opener.address() }),
    reference: (reference) => references.push(reference),
    where: () => undefined,
  });
  const one = (part: unknown, name?: string): void => {
    if (part === undefined || part === null || part === '') opener.problem('empty', 'nothing in it');
    else if (typeof part === 'string') opener.payload(Buffer.from(part), name);
    else if (ArrayBuffer.isView(part)) opener.payload(Buffer.from(part.buffer, part.byteOffset, part.byteLength), name);
    else if (typeof part !== 'object') opener.problem('malformed', 'neither an object nor a list');
    else {
      const bytes = written(part);
      if (bytes === undefined) opener.problem('malformed', 'an object that cannot be written as JSON');
      else opener.envelope(bytes, 0, bytes.length, name);
    }
  };
  if (!Array.isArray(payload)) one(payload);
  else if (payload.length === 0) opener.problem('empty', 'nothing in it');
  else for (const [index, part] of payload.entries()) one(part, `message ${index + 1}`);
  return { records, references, problems, controls };
}

function written(part: object): Buffer | undefined {
  try {
    return Buffer.from(JSON.stringify(part));
  } catch {
    return undefined;
  }
}
