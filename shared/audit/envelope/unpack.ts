/** gzip, also of several members one behind the other, within limits. */
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import type { Limits, ProblemKind } from './limits.ts';

type Report = (kind: ProblemKind, message: string) => void;

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

/** Unpacked at once; what there is of a truncated one; undefined where there is nothing to read. */
export function unpack(bytes: Buffer, most: number, report: Report): Buffer | undefined {
  const options = { maxOutputLength: most };
  try {
    return gunzipSync(bytes, options);
  } catch (error) {
    if (codeOf(error) === 'Z_BUF_ERROR') {
      report('truncated', 'the gzip ends early');
      try {
        return gunzipSync(bytes, { ...options, finishFlush: constants.Z_SYNC_FLUSH });
      } catch (again) {
        refused(again, most, report);
        return undefined;
      }
    }
    refused(error, most, report);
    return undefined;
  }
}

function refused(error: unknown, most: number, report: Report): void {
  if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') report('bomb', `unpacks to more than ${most} bytes`);
  else report('corrupt', 'the gzip does not unpack');
}

/** Packed bytes that are unpacked in one go: what comes of them, at most 1,032 times as much, is in memory at once. */
const PIECE = 4096;

/** Unpacks a stream with flat memory. Ends with what could be read, and a report, where it is cut, damaged or a bomb. */
export async function* unpackStream(
  input: AsyncIterable<Buffer>,
  { ratio, window }: Pick<Limits, 'ratio' | 'window'>,
  report: Report,
): AsyncGenerator<Buffer> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  let unpacked: Buffer[] = [];
  let failure: unknown;
  gunzip.on('data', (chunk: Buffer) => unpacked.push(chunk));
  gunzip.on('error', (error) => (failure = error));
  // A write that fails is never called back: the stream closes instead.
  let wake = (): void => undefined;
  gunzip.on('close', () => wake());
  const fed = (piece: Buffer): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      gunzip.write(piece, () => resolve());
    });
  const ended = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      gunzip.end();
      gunzip.resume();
    });
  let packedBytes = 0;
  let bytes = 0;
  try {
    for await (const chunk of input) {
      for (let at = 0; at < chunk.length; at += PIECE) {
        const piece = chunk.subarray(at, at + PIECE);
        await fed(piece);
        const ready = unpacked;
        unpacked = [];
        for (const each of ready) {
          bytes += each.length;
          yield each;
        }
        packedBytes += piece.length;
        if (failure !== undefined) return report('corrupt', 'the gzip does not unpack');
        if (bytes < window) continue;
        if (bytes > ratio * packedBytes) return report('bomb', `unpacks to more than ${ratio} times its size`);
        bytes = 0;
        packedBytes = 0;
      }
    }
    await ended();
    yield* unpacked;
    if (failure !== undefined) report(codeOf(failure) === 'Z_BUF_ERROR' ? 'truncated' : 'corrupt', 'the gzip ends early');
  } finally {
    gunzip.destroy();
  }
}
