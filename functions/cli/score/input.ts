/** One input of audit records, read only as fast as its events are taken. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { isEvent, readRecords, type AuditEvent, type Parsed, type Problem } from '../../../shared/audit/index.ts';

import { KeywheelError } from '../../../shared/errors.ts';
import type { Counts } from './counts.ts';

/** Records arrive out of order by so much; CloudTrail and Vault behind load balancers among them. */
const LATENESS = 15 * 60_000;
/** Events that are read ahead of those who take them: of all inputs together, and of each. */
const AHEAD_OF_ALL = 50_000;
const AHEAD_MOST = 4096;
const AHEAD_LEAST = 64;
/** A CloudTrail file is named for its delivery; its events are a quarter of an hour old, or more. */
const DELIVERY = 2 * 3_600_000;

type Parse = (bytes: Buffer, start: number, end: number) => Parsed;

export interface Input {
  readonly name: string;
  /** No event before this is still to come; infinite once it is read. */
  frontier(): number;
  /** Reads on: what has come since the last call, once there is something. Empty at the end. */
  next(): Promise<AuditEvent[]>;
  /** Bytes read, of all that there are (0: not known). */
  progress(): { readonly read: number; readonly size: number };
}

export interface InputOptions {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly parse: Parse;
  readonly counts: Counts;
  readonly tell: (problem: Problem) => void;
  /** How many inputs there are. */
  readonly of: number;
}

/**
 * The least time that a file's events can have, by its name, so that of thousands of files only those are open whose time has come.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html
 */
export function namedTime(name: string): number {
  const found = /_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_[^/]*$/.exec(name);
  if (found === null) return Number.NEGATIVE_INFINITY;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = found.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute) - DELIVERY;
}

/** `-` is stdin. Opened by the first `next`. ERR_USAGE when there is no such file. */
export async function openInput(name: string, { stdin, parse, counts, tell, of }: InputOptions): Promise<Input> {
  const size = name === '-' ? 0 : await sizeOf(name);
  const ahead = Math.max(AHEAD_LEAST, Math.min(AHEAD_MOST, Math.floor(AHEAD_OF_ALL / of)));
  let read = 0;
  async function* bytes(): AsyncGenerator<Buffer> {
    const source = name === '-' ? stdin : createReadStream(name, { highWaterMark: 1 << 18 });
    for await (const chunk of source) {
      const buffer = typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      read += buffer.length;
      yield buffer;
    }
  }
  let ready: AuditEvent[] = [];
  let newest = Number.NEGATIVE_INFINITY;
  let begun = false;
  /** One object, since the reading ends it while `next` waits. */
  const reading = { ended: false };
  let failure: unknown;
  let paused: Promise<void> | undefined;
  let taken: (() => void) | undefined;
  let arrived: (() => void) | undefined;
  const wake = (): void => {
    arrived?.();
    arrived = undefined;
  };
  const visit = (buffer: Buffer, start: number, end: number): Promise<void> | undefined => {
    counts.records += 1;
    const parsed = parse(buffer, start, end);
    if (isEvent(parsed)) {
      counts.parsed += 1;
      ready.push(parsed);
      // One record from the future must not make all others late.
      if (parsed.time > newest && (newest === Number.NEGATIVE_INFINITY || parsed.time - newest < 30 * 86_400_000)) {
        newest = parsed.time;
      }
    } else if (parsed.skip === 'malformed') counts.malformed += 1;
    else counts.ignored += 1;
    if (ready.length < ahead) return undefined;
    wake();
    // A chunk may hold many more: all of them wait for the same.
    paused ??= new Promise((resolve) => (taken = resolve));
    return paused;
  };
  const begin = (): void => {
    begun = true;
    void readRecords(bytes(), { tell }, visit)
      .catch((error: unknown) => (failure = error))
      .finally(() => {
        reading.ended = true;
        wake();
      });
  };
  const earliest = namedTime(name);
  return {
    name,
    frontier: () => (reading.ended && ready.length === 0 ? Number.POSITIVE_INFINITY : begun ? newest - LATENESS : earliest),
    progress: () => ({ read, size }),
    async next() {
      if (!begun) begin();
      while (ready.length < ahead && !reading.ended) await new Promise<void>((resolve) => (arrived = resolve));
      if (failure !== undefined) throw unreadable(name, failure);
      const events = ready;
      ready = [];
      taken?.();
      taken = undefined;
      paused = undefined;
      return events;
    },
  };
}

async function sizeOf(name: string): Promise<number> {
  try {
    const found = await stat(name);
    if (found.isDirectory())
      throw new KeywheelError('ERR_USAGE', `${name} is a directory`, { hint: `name its files: ${name}/*` });
    return found.size;
  } catch (error) {
    if (error instanceof KeywheelError) throw error;
    throw unreadable(name, error);
  }
}

function unreadable(name: string, error: unknown): KeywheelError {
  const code = (error as NodeJS.ErrnoException).code ?? (error instanceof Error ? error.name : 'unknown');
  const why = code === 'ENOENT' ? 'there is no such file' : `it could not be read (${code})`;
  return new KeywheelError('ERR_USAGE', `${name} was not scored, because ${why}`, {
    hint: 'name files of audit records, or - for stdin',
  });
}
