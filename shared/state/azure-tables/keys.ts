/**
 * Keys of ours as RowKeys. A RowKey may not hold `/ \ # ?` or control characters, takes 1 KiB in UTF-16, and rows are in the order of its
 * characters: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
 *
 * Byte by byte of the key's UTF-8: letters and digits as they are, any other byte as a mark and two hexadecimal digits. The mark stands in
 * ASCII where the byte stands among letters and digits, so the order of rows is the order of keys.
 */
import { KeywheelError } from '../../errors.ts';

const LONGEST = 512;
const MARKS = '-:_~';

export function encodeKey(key: string): string {
  let row = '';
  for (const byte of Buffer.from(key, 'utf8')) {
    const char = String.fromCharCode(byte);
    row += /[0-9A-Za-z]/.test(char) ? char : `${markOf(byte)}${byte.toString(16).padStart(2, '0')}`;
  }
  return row;
}

export function decodeKey(row: string): string {
  const bytes = Array.from(row.matchAll(/[-:_~]([0-9a-f]{2})|([0-9A-Za-z])/g), ([, hex, char]) =>
    hex === undefined ? (char ?? '').charCodeAt(0) : Number.parseInt(hex, 16),
  );
  return Buffer.from(bytes).toString('utf8');
}

/** `from` is in the range, `until` is not: every row whose key has the prefix. */
export function rangeOf(prefix: string): { readonly from: string; readonly until: string } {
  const from = encodeKey(prefix);
  return { from, until: `${from}~g` }; // `~ff` is the last that a row can go on with
}

export function fits(row: string): boolean {
  return row.length <= LONGEST;
}

/** ERR_CONFIG_INVALID when the key is longer than Table Storage can hold. */
export function rowKey(key: string): string {
  const row = encodeKey(key);
  if (fits(row)) return row;
  throw new KeywheelError(
    'ERR_CONFIG_INVALID',
    `state key ${key.slice(0, 60)}… cannot be used, it takes ${row.length} characters and Table Storage allows ${LONGEST}`,
    { hint: 'give the secret a shorter name, of letters and digits', subject: key },
  );
}

function markOf(byte: number): string {
  return MARKS.charAt(byte < 0x30 ? 0 : byte < 0x41 ? 1 : byte < 0x61 ? 2 : 3);
}
