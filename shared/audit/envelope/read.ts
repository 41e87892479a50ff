/** Records of a file or stream, of any size, in any of the formats, with flat memory. */
import { LIMITS, type Limits, type Tell } from './limits.ts';
import { createOpener } from './opener.ts';
import type { Reference } from './references.ts';
import { createSplitter } from './splitter.ts';
import { isGzip, unpackStream } from './unpack.ts';

/** Where a record is, for those who ask. */
interface Place {
  /** `line 12, record 40`: the line of its file, and which record it is. */
  address(): string;
}

/**
 * One record, a JSON object as far as brackets tell: `bytes[start, end)`. The bytes are not written to again. An answered promise is awaited before
 * more of the input is read.
 */
export type Visit = (bytes: Buffer, start: number, end: number, place: Place) => void | Promise<void>;

export interface ReadOptions {
  readonly limits?: Partial<Limits> | undefined;
  readonly tell?: Tell | undefined;
  /** Notifications of objects, where the input holds such. */
  readonly reference?: ((reference: Reference) => void) | undefined;
}

/**
 * Reads all records of a stream: NDJSON, JSON arrays, `Records` files, log subscription payloads, events, messages, lines of Vault's audit devices,
 * also gzipped, also several values or gzip members one behind the other. What cannot be read is told and costs nothing else; this rejects
 * only when the stream itself, or `visit`, fails.
 */
export async function readRecords(
  stream: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>,
  { limits: given, tell = () => undefined, reference = () => undefined }: ReadOptions,
  visit: Visit,
): Promise<void> {
  const limits: Limits = { ...LIMITS, records: Number.POSITIVE_INFINITY, ...given };
  let waiting: Promise<void>[] = [];
  let any = false;
  const place: Place = { address: () => opener.address() };
  const opener = createOpener({
    limits,
    tell,
    reference,
    where: () => `line ${splitter.line()}`,
    record(bytes, start, end) {
      const answer = visit(bytes, start, end, place);
      if (answer !== undefined) waiting.push(answer);
    },
  });
  const splitter = createSplitter({ limits, item: opener.item, problem: opener.problem });
  const settle = async (): Promise<void> => {
    const all = waiting;
    waiting = [];
    await Promise.all(all);
  };

  for await (const chunk of unpacked(buffers(stream), limits, opener.problem, limits.nesting)) {
    any ||= chunk.length > 0;
    splitter.push(chunk);
    if (waiting.length > 0) await settle();
  }
  if (!any) opener.problem('empty', 'nothing in it');
  splitter.end();
  await settle();
}

async function* buffers(stream: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>): AsyncGenerator<Buffer> {
  for await (const chunk of stream) {
    if (typeof chunk === 'string') yield Buffer.from(chunk);
    else yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
}

/** As the input is, or what it unpacks to; gzip in gzip too. */
async function* unpacked(
  input: AsyncIterable<Buffer>,
  limits: Limits,
  report: (kind: 'truncated' | 'corrupt' | 'bomb', message: string) => void,
  levels: number,
): AsyncGenerator<Buffer> {
  const chunks = input[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < 2) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  const whole = again(head, chunks);
  if (levels > 0 && isGzip(head)) yield* unpacked(unpackStream(whole, limits, report as never), limits, report, levels - 1);
  else yield* whole;
}

async function* again(head: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (head.length > 0) yield head;
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
  } finally {
    await chunks.return?.();
  }
}
