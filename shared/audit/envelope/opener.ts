/**
 * From items to records: an item that is an envelope is opened, as often as envelopes lie in each other; everything else is a record. Only
 * envelopes are parsed, never records.
 *
 * An envelope that does not hold what it says is told, and the rest goes on. What looks like a record of one of the sources is a record, whatever else
 * is in it.
 */
import { gathered, type Gathered, type Name } from './gathered.ts';
import { CLOSE, OPEN, OPEN_LIST, QUOTE, SEAM } from './json-bytes.ts';
import type { Limits, Problem, ProblemKind, Tell } from './limits.ts';
import { referencesOf, type Reference } from './references.ts';
import { sniff } from './sniff.ts';
import { createSplitter } from './splitter.ts';
import { isGzip, unpack } from './unpack.ts';
import { beginsAsLogs, beginsAsNotification, beginsAsRecord } from './words.ts';

export interface OpenerDeps {
  readonly limits: Limits;
  readonly tell: Tell;
  readonly record: (bytes: Buffer, start: number, end: number) => void;
  readonly reference: (reference: Reference) => void;
  /** Where in the input the item at hand is. */
  readonly where: () => string | undefined;
}

export interface Opener {
  readonly item: (bytes: Buffer, start: number, end: number) => void;
  /** An object that is an envelope even where it begins as a record does. */
  envelope(bytes: Buffer, start: number, end: number, name?: string): void;
  /** Bytes in any of the formats, gzipped or not. `name`: what they are called in addresses. */
  payload(bytes: Buffer, name?: string): void;
  readonly problem: (kind: ProblemKind, message: string) => void;
  /** Where the record at hand is. */
  address(): string;
  /** What a failure of the record at hand is reported with: a Kinesis sequence number, the id of an SQS message, SNS notification, event or Pub/Sub message. */
  id(): string | undefined;
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html: "mainly for checking if the destination is reachable". */
const CONTROL_TEXT = 'CWL CONTROL MESSAGE';

export function createOpener({ limits, tell, record, reference, where }: OpenerDeps): Opener {
  const trail: string[] = [];
  let path = '';
  let id: string | undefined;
  let nesting = 0;
  let count = 0;

  const address = (): string => {
    const at = where();
    return `${at === undefined ? '' : `${at}, `}${path}record ${count + 1}`;
  };
  const enter = (name: string): void => {
    trail.push(name);
    path = `${trail.join(', ')}, `;
  };
  const leave = (): void => {
    trail.pop();
    path = trail.length === 0 ? '' : `${trail.join(', ')}, `;
  };
  const problem = (kind: ProblemKind, message: string): void => {
    const told: Problem = { kind, message, address: address() };
    tell(id === undefined ? told : { ...told, id });
  };
  /** Does `work` for a part of the input with an id, which stays the outermost one: that is what the host retries. */
  const inside = (name: string, key: unknown, work: () => void): void => {
    const outer = id;
    id ??= typeof key === 'string' ? key : undefined;
    enter(typeof key === 'string' ? `${name} ${key.slice(0, 100)}` : name);
    work();
    leave();
    id = outer;
  };
  const one = (bytes: Buffer, start: number, end: number): void => {
    if (end - start > limits.record) problem('oversize', `a record of more than ${limits.record} bytes`);
    else {
      if (count === limits.records) problem('records', `more than ${limits.records} records`);
      if (count < limits.records) record(bytes, start, end);
      count += 1;
    }
  };
  const text = (value: unknown, name: string): void => {
    if (typeof value !== 'string') return problem('malformed', `${name} without its text`);
    const bytes = Buffer.from(value);
    // Most texts are one record: no need to look for more.
    const end = bytes.length;
    if (bytes[end - 1] === CLOSE && beginsAsRecord(bytes, 0, end) === true && !bytes.includes(SEAM))
      return opener.item(bytes, 0, end);
    return opener.payload(bytes);
  };
  const packed = (value: unknown, name: string): void => {
    // What is no base64 at all decodes to nothing; what is partly none is found out by what comes of it.
    const bytes = typeof value === 'string' ? Buffer.from(value, 'base64') : undefined;
    if (bytes === undefined) problem('malformed', `${name} without its data`);
    else if (bytes.length === 0 && value !== '') problem('corrupt', `${name} whose data are not base64`);
    else opener.payload(bytes);
  };
  const references = (found: readonly Reference[] | undefined, name: string): void => {
    if (found === undefined) problem('malformed', `${name} that names no object`);
    else for (const each of found) reference(id === undefined ? each : { ...each, id });
  };

  const opener: Opener = {
    address,
    id: () => id,
    problem,
    item(bytes, start, end) {
      const code = bytes[start];
      if (code === OPEN) {
        if (isRecord(bytes, start, end)) one(bytes, start, end);
        else opener.envelope(bytes, start, end);
      } else if (code === OPEN_LIST) opener.payload(bytes.subarray(start, end));
      else if (code === QUOTE) text(parsed(bytes, start, end), 'a string');
      else problem('malformed', 'neither an object nor a list');
    },
    payload(bytes, name) {
      if (nesting >= limits.nesting) return problem('nesting', `more than ${limits.nesting} envelopes in each other`);
      const unpacked = isGzip(bytes) ? unpack(bytes, limits.payload, problem) : bytes;
      if (unpacked === undefined) return undefined;
      if (unpacked.length === 0) return problem('empty', 'nothing in it');
      nesting += 1;
      if (name !== undefined) enter(name);
      if (isGzip(unpacked)) opener.payload(unpacked);
      else if (!beginsAsLogs(unpacked, 0, unpacked.length) || !logs(parsed(unpacked, 0, unpacked.length))) split(unpacked);
      if (name !== undefined) leave();
      nesting -= 1;
      return undefined;
    },
    envelope(bytes, start, end, name) {
      if (name !== undefined) enter(name);
      if (!open(gathered(bytes, start, end))) one(bytes, start, end);
      if (name !== undefined) leave();
    },
  };

  /** False where it is no envelope. */
  function open(found: Gathered): boolean {
    if (found.is('awslogs', OPEN)) packed(found.object('awslogs')['data'], 'a log subscription');
    else if (found.is('kinesis', OPEN)) {
      const { data, sequenceNumber } = found.object('kinesis');
      inside('Kinesis record', sequenceNumber, () => packed(data, 'a Kinesis record'));
    } else if (found.is('Sns', OPEN)) notification(found.object('Sns'));
    else if (found.is('Message', QUOTE) && found.has('TopicArn')) notification(found.whole());
    else if (found.is('s3', OPEN) || found.has('s3ObjectKey')) references(referencesOf(found.whole()), 'a notification');
    else if (found.is('body', QUOTE) && found.has('messageId')) {
      const { body, messageId } = found.whole();
      inside('message', messageId, () => text(body, 'a message'));
    } else if (found.is('detail', OPEN) && found.has('detail-type')) event(found);
    else if (found.is('CloudTrailEvent', QUOTE)) text(found.value('CloudTrailEvent'), 'an event');
    else if (found.value('messageType') === 'CONTROL_MESSAGE' || found.value('Event') === 's3:TestEvent') {
      problem('control', 'a probe of the delivery');
    } else if (sniff(found.bytes, found.start, found.end) !== undefined) return false;
    else if (found.is('message', OPEN)) message(found.object('message'));
    else if (found.is('message', QUOTE)) logEvent(found.value('message'));
    else if (found.is('data', OPEN) && (found.has('specversion') || found.holds('data', 'message'))) within(found, 'data');
    else if (found.is('data', QUOTE) && (found.has('messageId') || found.has('message_id') || found.has('attributes')))
      message(found.whole());
    else if (found.is('data', QUOTE) && found.has('specversion')) text(found.value('data'), 'an event');
    else if (found.is('data', OPEN_LIST) && found.has('specversion')) within(found, 'data');
    else if (found.is('data_base64', QUOTE)) packed(found.value('data_base64'), 'an event');
    else return lists(found);
    return true;
  }

  /** A log subscription's payload. False where it is none, or more than one. */
  function logs(payload: unknown): boolean {
    const { messageType, logEvents } = (payload ?? {}) as { readonly messageType?: unknown; readonly logEvents?: unknown };
    if (messageType === 'CONTROL_MESSAGE') problem('control', 'a probe of the delivery');
    else if (!Array.isArray(logEvents)) return false;
    else for (const each of logEvents) logEvent((each as { readonly message?: unknown } | null)?.message);
    return true;
  }

  function lists(found: Gathered): boolean {
    let any = false;
    for (const name of ['Records', 'records', 'Events', 'logEvents', 'value', 'entries'] as const) {
      if (!found.is(name, OPEN_LIST)) continue;
      any = true;
      within(found, name);
    }
    return any;
  }

  function split(bytes: Buffer): void {
    const splitter = createSplitter({ limits, item: opener.item, problem });
    splitter.push(bytes);
    splitter.end();
  }

  function within(found: Gathered, name: Name): void {
    const [start, end] = found.span(name);
    opener.payload(found.bytes.subarray(start, end));
  }

  function event(found: Gathered): void {
    inside('event', found.value('id'), () => {
      if (found.value('source') === 'aws.s3') references(referencesOf(found.whole()), 'an event');
      else within(found, 'detail');
    });
  }

  function notification({ Message, MessageId }: Readonly<Record<string, unknown>>): void {
    inside('notification', MessageId, () => text(Message, 'a notification'));
  }

  /** Pub/Sub writes its fields in camel case and, for old clients, again in snake case. */
  function message({ data, messageId, message_id }: Readonly<Record<string, unknown>>): void {
    inside('message', messageId ?? message_id, () => packed(data, 'a message'));
  }

  function logEvent(value: unknown): void {
    if (typeof value === 'string' && value.startsWith(CONTROL_TEXT)) problem('control', 'a probe of the delivery');
    else text(value, 'a log event');
  }

  return opener;
}

function isRecord(bytes: Buffer, start: number, end: number): boolean {
  if (beginsAsRecord(bytes, start, end) === true) return !beginsAsNotification(bytes, start, end);
  return sniff(bytes, start, end) !== undefined;
}

function parsed(bytes: Buffer, start: number, end: number): unknown {
  try {
    return JSON.parse(bytes.toString('utf8', start, end));
  } catch {
    return undefined;
  }
}
