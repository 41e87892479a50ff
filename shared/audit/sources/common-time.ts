/** Times as stores write them. Pure. */

const DASH = 0x2d;
const COLON = 0x3a;
const POINT = 0x2e;
const PLUS = 0x2b;

/** The number at `from`; NaN where a digit is missing, also past the end. */
function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at += 1) {
    const digit = text.charCodeAt(at) - 48;
    if (!(digit >= 0 && digit <= 9)) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

const isMark = (code: number, mark: string): boolean => code === mark.charCodeAt(0) || code === mark.charCodeAt(0) + 32;

/**
 * Milliseconds since the epoch of `2026-11-24T02:03:04.1234567Z`: any length of fraction (cut to milliseconds), `Z`, an offset, or none (then UTC,
 * as some exporters leave it out). Undefined for anything else, a day that no month has, and years before 1970.
 */
export function timeOf(rfc3339: string | undefined): number | undefined {
  if (rfc3339 === undefined || rfc3339.length < 19 || rfc3339.length > 48) return undefined;
  // Stores that tell whole seconds repeat themselves.
  if (rfc3339 !== lastText) {
    lastTime = read(rfc3339);
    lastText = rfc3339;
  }
  return lastTime;
}

let lastText = '';
let lastTime: number | undefined;

function read(rfc3339: string): number | undefined {
  const middle = rfc3339.charCodeAt(10);
  const separated =
    rfc3339.charCodeAt(4) === DASH &&
    rfc3339.charCodeAt(7) === DASH &&
    (isMark(middle, 'T') || middle === 0x20) &&
    rfc3339.charCodeAt(13) === COLON &&
    rfc3339.charCodeAt(16) === COLON;
  if (!separated) return undefined;
  const year = digits(rfc3339, 0, 4);
  const month = digits(rfc3339, 5, 2);
  const day = digits(rfc3339, 8, 2);
  const hour = digits(rfc3339, 11, 2);
  const minute = digits(rfc3339, 14, 2);
  const second = digits(rfc3339, 17, 2);
  // Written so that NaN fails. Second 60 is a leap second.
  const inRange = year >= 1970 && month >= 1 && month <= 12 && day >= 1 && hour <= 23 && minute <= 59 && second <= 60;
  if (!inRange || day > daysIn(year, month)) return undefined;
  const seconds = ((daysSince1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
  let at = 19;
  let millis = 0;
  if (rfc3339.charCodeAt(at) === POINT) {
    let scale = 100;
    for (at += 1; at < rfc3339.length; at += 1) {
      const digit = rfc3339.charCodeAt(at) - 48;
      if (digit < 0 || digit > 9) break;
      if (scale >= 1) millis += digit * scale;
      scale /= 10;
    }
    if (at === 20) return undefined;
  }
  const offset = offsetOf(rfc3339, at);
  return offset === undefined ? undefined : seconds * 1000 + Math.floor(millis) - offset;
}

/** The milliseconds of `Z`, `+02:00` or nothing at `at`. */
function offsetOf(text: string, at: number): number | undefined {
  const rest = text.length - at;
  const sign = text.charCodeAt(at);
  if (rest === 0 || (rest === 1 && isMark(sign, 'Z'))) return 0;
  if ((sign !== PLUS && sign !== DASH) || rest !== 6 || text.charCodeAt(at + 3) !== COLON) return undefined;
  const hours = digits(text, at + 1, 2);
  const minutes = digits(text, at + 4, 2);
  if (!(hours <= 23 && minutes <= 59)) return undefined;
  return (sign === DASH ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
const daysIn = (year: number, month: number): number => (month === 2 && isLeap(year) ? 29 : (LENGTHS[month - 1] ?? 0));
const leapsUntil = (year: number): number => Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400);

const daysSince1970 = (year: number, month: number, day: number): number =>
  (year - 1970) * 365 +
  leapsUntil(year - 1) -
  leapsUntil(1969) +
  (BEFORE[month - 1] ?? 0) +
  (month > 2 && isLeap(year) ? 1 : 0) +
  day -
  1;
