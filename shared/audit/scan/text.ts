/** Text of bytes. */

/** Buffer's own methods under `toString`, which its types do not name; without the look-up of the encoding's name they take half the time. */
interface Slices {
  latin1Slice(start: number, end: number): string;
  utf8Slice(start: number, end: number): string;
}

/** Of bytes that are ASCII. */
export const latin1 = (bytes: Buffer, start: number, end: number): string => (bytes as Buffer & Slices).latin1Slice(start, end);

/** Invalid UTF-8 becomes U+FFFD. */
export const utf8 = (bytes: Buffer, start: number, end: number): string => (bytes as Buffer & Slices).utf8Slice(start, end);
