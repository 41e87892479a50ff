/** Finding one's way in JSON by its bytes: quotes and brackets only, nothing is checked or built. Pure. */

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
const BACKSLASH = 0x5c;
export const OPEN_LIST = 0x5b;
export const CLOSE_LIST = 0x5d;
export const OPEN = 0x7b;
export const CLOSE = 0x7d;
export const NEWLINE = 0x0a;
/** Between two objects, one behind the other; or inside of a string. */
export const SEAM = Buffer.from('}{');

/** More bytes are needed. */
export const MORE = -1;
/** No JSON, whatever comes. */
export const BROKEN = -2;

export const isSpace = (code: number | undefined): boolean => code === 0x20 || code === NEWLINE || code === 0x0d || code === 0x09;

export function spaceEnd(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && isSpace(bytes[at])) at += 1;
  return at;
}

/** Outside of strings: 1 a quote, 2 opens, 3 closes. Inside: 4 a backslash, a newline or a carriage return, besides the quote. */
const OUTSIDE = new Uint8Array(256);
OUTSIDE[QUOTE] = 1;
OUTSIDE[OPEN] = 2;
OUTSIDE[OPEN_LIST] = 2;
OUTSIDE[CLOSE] = 3;
OUTSIDE[CLOSE_LIST] = 3;
const INSIDE = new Uint8Array(256);
INSIDE[QUOTE] = 1;
INSIDE[BACKSLASH] = 4;
INSIDE[NEWLINE] = 4;

/**
 * Deeper is taken for lines that were cut and lie one behind the other. Vault and OpenBao take requests of up to 300
 * (https://developer.hashicorp.com/vault/docs/configuration/listener/tcp, `max_json_depth`), and their records hold the request.
 */
const DEEPEST = 400;

export interface Finder {
  /** A value begins at `at`. */
  start(at: number): void;
  /** The bytes moved: what was at `by` is at 0 now. */
  shift(by: number): void;
  /** Behind the value, MORE or BROKEN. Goes on where it stopped. */
  find(bytes: Uint8Array, end: number, last: boolean): number;
}

/** Finds where a value ends, also when it comes piece by piece. A line break inside a string is no JSON: the string was cut. */
export function createFinder(): Finder {
  let reached = 0;
  let open = 0;
  let inside = false;
  let kind: 'unknown' | 'word' | 'value' = 'unknown';
  let known: Uint8Array = new Uint8Array();
  let knownEnd = -1;
  let lastQuote = -1;

  /** Keeps the state for the next piece. */
  const pause = (at: number, depth: number, quoted: boolean): typeof MORE => {
    reached = at;
    open = depth;
    inside = quoted;
    return MORE;
  };
  /** A number or a word ends before what cannot be part of it. */
  const wordEnd = (bytes: Uint8Array, end: number, last: boolean): number => {
    let at = reached;
    while (at < end && !isSpace(bytes[at]) && bytes[at] !== COMMA && OUTSIDE[bytes[at] as number] === 0) at += 1;
    reached = at;
    return at < end || last ? at : MORE;
  };

  return {
    start(from) {
      reached = from;
      open = 0;
      inside = false;
      kind = 'unknown';
    },
    shift(by) {
      reached -= by;
    },
    find(bytes, end, last) {
      if (kind === 'unknown' && reached < end) {
        const first = OUTSIDE[bytes[reached] as number];
        if (first === 3) return BROKEN;
        kind = first === 0 ? 'word' : 'value';
      }
      if (kind === 'word') return wordEnd(bytes, end, last);
      // Before the last quote, a string's end need not be looked for together with the end of the bytes.
      if (bytes !== known || end !== knownEnd) {
        known = bytes;
        knownEnd = end;
        lastQuote = bytes.lastIndexOf(QUOTE, end - 1);
      }
      let at = reached;
      let depth = open;
      let quoted = inside;
      for (;;) {
        if (quoted) {
          if (at <= lastQuote) while (INSIDE[bytes[at] as number] === 0) at += 1;
          else while (at < end && INSIDE[bytes[at] as number] === 0) at += 1;
          if (at >= end) return pause(at, depth, true);
          const code = bytes[at] as number;
          if (code === NEWLINE) return BROKEN;
          if (code === BACKSLASH) {
            if (at + 1 >= end) return pause(at, depth, true);
            at += 2;
            continue;
          }
          quoted = false;
          at += 1;
          if (depth === 0) return at;
        }
        while (at < end && OUTSIDE[bytes[at] as number] === 0) at += 1;
        if (at >= end) return pause(at, depth, false);
        const found = OUTSIDE[bytes[at] as number];
        at += 1;
        if (found === 1) quoted = true;
        else if (found === 2) {
          depth += 1;
          if (depth > DEEPEST) return BROKEN;
        } else {
          depth -= 1;
          if (depth === 0) return at;
        }
      }
    },
  };
}

export function isJson(bytes: Buffer, start: number, end: number): boolean {
  try {
    JSON.parse(bytes.toString('utf8', start, end));
    return true;
  } catch {
    return false;
  }
}

/** One member of an object: where its key (without quotes) and its value are. */
export interface Member {
  keyStart: number;
  keyEnd: number;
  valueStart: number;
  valueEnd: number;
}

const finder = createFinder();

/** Calls `each` for the members of the object that begins at `start`, until it answers false. False when the object is broken or cut before that. */
export function members(bytes: Buffer, start: number, end: number, each: (member: Member) => boolean): boolean {
  const member: Member = { keyStart: 0, keyEnd: 0, valueStart: 0, valueEnd: 0 };
  let at = spaceEnd(bytes, start, end);
  if (bytes[at] !== OPEN) return false;
  at = spaceEnd(bytes, at + 1, end);
  if (bytes[at] === CLOSE) return true;
  for (;;) {
    if (at >= end || bytes[at] !== QUOTE) return false;
    finder.start(at);
    member.keyStart = at + 1;
    at = finder.find(bytes, end, true);
    if (at < 0) return false;
    member.keyEnd = at - 1;
    at = spaceEnd(bytes, at, end);
    if (at >= end || bytes[at] !== COLON) return false;
    at = spaceEnd(bytes, at + 1, end);
    member.valueStart = at;
    finder.start(at);
    at = finder.find(bytes, end, true);
    if (at < 0) return false;
    member.valueEnd = at;
    if (!each(member)) return true;
    at = spaceEnd(bytes, at, end);
    if (at >= end) return false;
    if (bytes[at] === CLOSE) return true;
    if (bytes[at] !== COMMA) return false;
    at = spaceEnd(bytes, at + 1, end);
  }
}

/** The key at the quote `at`: its closing quote and where its value may begin; MORE or BROKEN. */
export function keyAt(bytes: Buffer, at: number): { readonly end: number; readonly value: number } | typeof MORE | typeof BROKEN {
  if (bytes[at] !== QUOTE) return BROKEN;
  finder.start(at);
  const end = finder.find(bytes, bytes.length, false);
  if (end === MORE || end === BROKEN) return end;
  const colon = spaceEnd(bytes, end, bytes.length);
  if (colon >= bytes.length) return MORE;
  return bytes[colon] === COLON ? { end: end - 1, value: colon + 1 } : BROKEN;
}
