/** Which records can concern a secret store, by their bytes. */

const SERVICES: readonly string[] = [
  'secretmanager.googleapis.com',
  'cloudkms.googleapis.com',
  'iamcredentials.googleapis.com',
  'iam.googleapis.com',
  'sts.googleapis.com',
  'cloudresourcemanager.googleapis.com',
  'logging.googleapis.com',
  'pubsub.googleapis.com',
  'parametermanager.googleapis.com',
];
const NAMES = SERVICES.map((name) => Buffer.from(`${name}"`));
const KEY = Buffer.from('"serviceName"');
const ESCAPE = Buffer.from('\\u00');
const [QUOTE, BACKSLASH, COLON, SPACE] = [0x22, 0x5c, 0x3a, 0x20];

/** Every `serviceName` is looked at, since nested ones come first as often as not; a letter that is escaped anywhere decides for parsing. */
export function mayConcern(bytes: Buffer, start: number, end: number): boolean {
  const record = bytes.subarray(start, end);
  for (let at = record.indexOf(KEY); at !== -1; at = record.indexOf(KEY, at + KEY.length)) {
    if (isOurs(record, at + KEY.length)) return true;
  }
  return hasEscapedLetter(record);
}

function isOurs(record: Buffer, from: number): boolean {
  let at = from;
  while (isSpace(record[at])) at += 1;
  if (record[at] !== COLON) return false;
  at += 1;
  while (isSpace(record[at])) at += 1;
  if (record[at] !== QUOTE) return false;
  at += 1;
  for (const name of NAMES) {
    if (record[at] === name[0] && name.compare(record, at, at + name.length) === 0) return true;
  }
  // A value with an escape is somebody's odd spelling.
  for (; at < record.length && record[at] !== QUOTE; at += 1) if (record[at] === BACKSLASH) return true;
  return false;
}

const isSpace = (byte: number | undefined): boolean => byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** `\u0073` for a letter, digit, dot or dash: Google escapes only what HTML needs (`\u003c`), so that nobody writes a name in this way by habit. */
function hasEscapedLetter(record: Buffer): boolean {
  for (let at = record.indexOf(ESCAPE); at !== -1; at = record.indexOf(ESCAPE, at + 1)) {
    const high = record[at + 4] ?? 0;
    // 0x2d and 0x2e, 0x30-0x39, 0x41-0x5a and 0x61-0x7a; the few signs between them do no harm.
    const low = String.fromCharCode(record[at + 5] ?? 0).toLowerCase();
    if (high === 0x32 ? low === 'd' || low === 'e' : high === 0x33 ? low <= '9' : high >= 0x34 && high <= 0x37) return true;
  }
  return false;
}
