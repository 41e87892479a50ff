/**
 * Writes a zip whose bytes depend on its files alone: sorted by name, one fixed time, one mode. Two packages of the same code are then the
 * same package, which a hash can show. The format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipFile {
  /** Relative, with forward slashes. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** The earliest time that the format can tell: 1 January 1980, as MS-DOS wrote it. */
const TIME = 0;
const DATE = (1 << 5) | 1;
const VERSION = 20;
const MADE_BY_UNIX = 3 << 8;
const UTF8_NAMES = 1 << 11;
const DEFLATED = 8;
/** A regular file that its owner may write and everybody may read: Lambda runs as another user than the one that packed. */
const MODE = 0o100644 * 2 ** 16;

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;

/** Fields of two or four bytes, little-endian. */
function record(...fields: readonly (readonly [size: 2 | 4, value: number])[]): Buffer {
  const buffer = Buffer.alloc(fields.reduce((sum, [size]) => sum + size, 0));
  let at = 0;
  for (const [size, value] of fields) at = buffer.writeUIntLE(value, at, size);
  return buffer;
}

export function zip(files: readonly ZipFile[]): Buffer {
  const sorted = files.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const locals: Buffer[] = [];
  const centrals: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of sorted) {
    const path = Buffer.from(name, 'utf8');
    const packed = deflateRawSync(bytes, { level: 9 });
    const common = [
      [2, VERSION],
      [2, UTF8_NAMES],
      [2, DEFLATED],
      [2, TIME],
      [2, DATE],
      [4, crc32(bytes)],
      [4, packed.length],
      [4, bytes.length],
      [2, path.length],
      [2, 0], // no extra field
    ] as const;
    const local = Buffer.concat([record([4, LOCAL], ...common), path, packed]);
    // No comment, disk 0, no internal attributes; then the mode, and where the file begins.
    const central = record([4, CENTRAL], [2, MADE_BY_UNIX | VERSION], ...common, [2, 0], [2, 0], [2, 0], [4, MODE], [4, offset]);
    locals.push(local);
    centrals.push(central, path);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const count = sorted.length;
  const end = record([4, END], [2, 0], [2, 0], [2, count], [2, count], [4, directory.length], [4, offset], [2, 0]);
  return Buffer.concat([...locals, directory, end]);
}
