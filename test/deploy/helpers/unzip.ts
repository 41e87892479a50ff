/** Reads a zip by its central directory, as the platforms do. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { crc32, inflateRawSync } from 'node:zlib';

export interface Entry {
  readonly name: string;
  readonly mode: number;
  /** As MS-DOS wrote it: day and month in the low nine bits, years since 1980 above. */
  readonly date: number;
  readonly time: number;
  readonly bytes: Buffer;
}

export function unzip(zip: Buffer): Entry[] {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0) throw new Error('no end of central directory');
  const entries: Entry[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== 0x02014b50) throw new Error('no central file header');
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset)) as [number, number, number];
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    const begin = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = inflateRawSync(zip.subarray(begin, begin + zip.readUInt32LE(at + 20)));
    if (crc32(bytes) !== zip.readUInt32LE(at + 16)) throw new Error(`${name}: wrong checksum`);
    if (bytes.length !== zip.readUInt32LE(at + 24)) throw new Error(`${name}: wrong size`);
    const mode = zip.readUInt32LE(at + 38) >>> 16;
    entries.push({ name, mode, date: zip.readUInt16LE(at + 14), time: zip.readUInt16LE(at + 12), bytes });
    at += 46 + nameLength + extra + comment;
  }
  return entries;
}

export async function extract(zip: Buffer, folder: string): Promise<Entry[]> {
  const entries = unzip(zip);
  for (const { name, bytes } of entries) {
    const file = path.join(folder, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, bytes);
  }
  return entries;
}
