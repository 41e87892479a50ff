/**
 * JSON values as short text of one byte a character, for profiles that wait in memory: hashes and times, which fill them, take 7 bytes and not 16.
 * Never leaves the process. Pure.
 */

// Below 0x80: the number itself.
const WHOLE = 0x80; // and how many bytes follow, 1 to 7
const NEGATIVE = 0x88;
const FLOAT = 0x90;
const NULL = 0x91;
const TRUE = 0x92;
const FALSE = 0x93;
const JSON_TEXT = 0x94; // an object, as JSON
const ARRAY = 0xa0; // and its length, up to 30
const STRING = 0xc0;
const LONG = 31; // the length follows, in 4 bytes

let bytes = Buffer.allocUnsafe(1 << 16);
const scratch = Buffer.alloc(8);

/** What JSON has no words for is as JSON.stringify has it in arrays. */
export function compact(value: unknown): string {
  const end = write(value, 0);
  return bytes.toString('latin1', 0, end);
}

export function expand(text: string): unknown {
  return read({ text, at: 0 });
}

function room(at: number, length: number): void {
  if (at + length <= bytes.length) return;
  const wider = Buffer.allocUnsafe(Math.max(2 * bytes.length, at + length));
  bytes.copy(wider);
  bytes = wider;
}

/** Where the next begins. */
function write(value: unknown, at: number): number {
  room(at, 16);
  if (typeof value === 'number') return writeNumber(value, at);
  if (typeof value === 'string') return writeText(value, STRING, at);
  if (Array.isArray(value)) {
    let next = writeLength(value.length, ARRAY, at);
    for (const each of value) next = write(each, next);
    return next;
  }
  if (typeof value === 'object' && value !== null) {
    bytes[at] = JSON_TEXT;
    return writeText(JSON.stringify(value), STRING, at + 1);
  }
  bytes[at] = value === true ? TRUE : value === false ? FALSE : NULL;
  return at + 1;
}

function writeNumber(value: number, at: number): number {
  if (!Number.isSafeInteger(value)) {
    if (!Number.isFinite(value)) {
      bytes[at] = NULL;
      return at + 1;
    }
    bytes[at] = FLOAT;
    return bytes.writeDoubleLE(value, at + 1);
  }
  if (value >= 0 && value < WHOLE) {
    bytes[at] = value;
    return at + 1;
  }
  let rest = Math.abs(value);
  let next = at + 1;
  for (; rest > 0; next += 1) {
    bytes[next] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[at] = (value < 0 ? NEGATIVE : WHOLE) + next - at - 1;
  return next;
}

function writeLength(length: number, tag: number, at: number): number {
  if (length < LONG) {
    bytes[at] = tag + length;
    return at + 1;
  }
  bytes[at] = tag + LONG;
  return bytes.writeUInt32LE(length, at + 1);
}

function writeText(text: string, tag: number, at: number): number {
  const length = Buffer.byteLength(text);
  const next = writeLength(length, tag, at);
  room(next, length + 16);
  return next + bytes.write(text, next);
}

interface Reader {
  readonly text: string;
  at: number;
}

function read(from: Reader): unknown {
  const tag = from.text.charCodeAt(from.at);
  from.at += 1;
  if (tag < WHOLE) return tag;
  if (tag < NEGATIVE) return whole(from, tag - WHOLE);
  if (tag < FLOAT) return -whole(from, tag - NEGATIVE);
  if (tag >= STRING) return textOf(from, lengthOf(from, tag - STRING));
  if (tag >= ARRAY) {
    const length = lengthOf(from, tag - ARRAY);
    const values: unknown[] = [];
    for (let index = 0; index < length; index += 1) values.push(read(from));
    return values;
  }
  if (tag === FLOAT) {
    for (let index = 0; index < 8; index += 1) scratch[index] = from.text.charCodeAt(from.at + index);
    from.at += 8;
    return scratch.readDoubleLE(0);
  }
  if (tag === JSON_TEXT) return JSON.parse(read(from) as string);
  return tag === NULL ? null : tag === TRUE;
}

function whole(from: Reader, length: number): number {
  const { text, at } = from;
  let value = 0;
  for (let index = at + length - 1; index >= at; index -= 1) value = value * 256 + text.charCodeAt(index);
  from.at = at + length;
  return value;
}

const lengthOf = (from: Reader, length: number): number => (length < LONG ? length : whole(from, 4));

function textOf(from: Reader, length: number): string {
  const raw = from.text.slice(from.at, from.at + length);
  from.at += length;
  for (let at = 0; at < raw.length; at += 1) if (raw.charCodeAt(at) > 0x7f) return Buffer.from(raw, 'latin1').toString('utf8');
  return raw;
}
