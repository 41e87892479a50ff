/**
 * Bytes, piece by piece, to the items at their top: lines of NDJSON, values one behind the other, elements of a list, or of a list in an object
 * (`Records` of a CloudTrail file), however large that is. Items are found by newlines, quotes and brackets; none is parsed.
 *
 * What is broken costs itself and no more: it is told, and reading goes on at the next line, or at the next element.
 */
import {
  BROKEN,
  CLOSE,
  CLOSE_LIST,
  COMMA,
  MORE,
  NEWLINE,
  OPEN,
  OPEN_LIST,
  QUOTE,
  SEAM,
  createFinder,
  isJson,
  isSpace,
  keyAt,
  spaceEnd,
} from './json-bytes.ts';
import type { Limits, ProblemKind } from './limits.ts';
import { sniff } from './sniff.ts';
import { beginsAsRecord, isList } from './words.ts';

export interface SplitterDeps {
  readonly limits: Limits;
  /** A complete item: an object, a string, or something that is neither. May be longer than a record's limit. `bytes` are not written to again. */
  readonly item: (bytes: Buffer, start: number, end: number) => void;
  readonly problem: (kind: ProblemKind, message: string) => void;
}

export interface Splitter {
  push(chunk: Buffer): void;
  /** Nothing comes after this. */
  end(): void;
  /** The line at which the item or problem begins, from 1. */
  line(): number;
}

/** Above so many bytes that are still needed, more room than needed is taken. */
const ROOMY = 1 << 17;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

type Mode = 'top' | 'list' | 'members' | 'skip-line' | 'skip-element';

export function createSplitter({ limits, item, problem }: SplitterDeps): Splitter {
  let bytes: Buffer = Buffer.alloc(0);
  /** What `bytes` are the end of, up to `filled`; undefined when they are a chunk as it came. */
  let store: Buffer | undefined;
  let filled = 0;
  let at = 0;
  let mode: Mode = 'top';
  /** Whether a list belongs to an object, whose other members follow it. */
  let inObject = false;
  /** Of an object that is looked through: where it begins, until its bytes are let go of; then -1. */
  let object = -1;
  let last = false;
  let begun = false;
  let line = 1;
  /** The first newline that was not yet counted; -1: none in `bytes`; -2: not looked for. */
  let newline = -2;
  /** The first `}{` from `at` on; -1 and -2 as with `newline`. */
  let seam = -2;
  /** A value at `at` is being looked for, and its end is not there yet. */
  let searching = false;
  const finder = createFinder();
  const tooLong = `longer than ${limits.record} bytes`;

  const nextNewline = (from: number): number => {
    if (newline === -2) newline = bytes.indexOf(NEWLINE, at);
    while (newline !== -1 && newline < from) {
      line += 1;
      newline = bytes.indexOf(NEWLINE, newline + 1);
    }
    return newline;
  };
  /** What is before `at` is done with, unless an object is being looked through. */
  const moveTo = (to: number): void => {
    at = to;
    if (object === -1) nextNewline(to);
  };
  const nextSeam = (): number => {
    if (seam === -2 || (seam !== -1 && seam < at)) seam = bytes.indexOf(SEAM, at);
    return seam;
  };
  /** Where the value at `at` ends: MORE, BROKEN, or behind it. */
  const valueEnd = (): number => {
    if (!searching) finder.start(at);
    const end = finder.find(bytes, bytes.length, last);
    searching = end === MORE;
    return end;
  };
  /** One step; false when more bytes are needed. */
  const steps: Readonly<Record<Mode, () => boolean>> = {
    top() {
      const from = spaceEnd(bytes, at, bytes.length);
      moveTo(bytes[from] === COMMA ? from + 1 : from);
      if (at >= bytes.length) return false;
      const code = bytes[at] as number;
      if (code === COMMA || isSpace(code)) return true;
      if (code === OPEN_LIST) {
        const inside = spaceEnd(bytes, at + 1, bytes.length);
        if (inside >= bytes.length && !last) return false;
        // A bracket may also begin the prefix of a line.
        if ('{["]'.includes(String.fromCharCode(bytes[inside] ?? 0x5d))) {
          moveTo(at + 1);
          inObject = false;
          mode = 'list';
          return true;
        }
      }
      if (code !== OPEN) return prefixed();
      const record = beginsAsRecord(bytes, at, bytes.length);
      if (record === undefined && !last) return false;
      const found = record === true || recognised() ? oneLine() : undefined;
      if (found !== undefined) return found;
      object = at;
      moveTo(at + 1);
      mode = 'members';
      return true;
    },
    list() {
      const from = spaceEnd(bytes, at, bytes.length);
      moveTo(from);
      if (at >= bytes.length) return false;
      const code = bytes[at] as number;
      if (code === COMMA || code === CLOSE_LIST) {
        if (code === CLOSE_LIST) mode = inObject ? 'members' : 'top';
        moveTo(at + 1);
        return true;
      }
      const end = valueEnd();
      if (end === MORE) {
        if (bytes.length - at <= limits.payload) return false;
        problem('oversize', tooLong);
        mode = 'skip-element';
        return true;
      }
      if (end === BROKEN && code === CLOSE) {
        problem('malformed', 'a bracket that closes nothing');
        moveTo(at + 1);
        return true;
      }
      if (end === BROKEN) return broken();
      item(bytes, at, end);
      moveTo(end);
      return true;
    },
    members() {
      let next = spaceEnd(bytes, at, bytes.length);
      if (bytes[next] === COMMA) next = spaceEnd(bytes, next + 1, bytes.length);
      if (next >= bytes.length) return enough();
      if (bytes[next] === CLOSE) {
        // Of a line that was cut, the brackets may be closed by some other line: what is between is not given up for it.
        if (object !== -1 && bytes.subarray(object, next).includes(NEWLINE) && !isJson(bytes, object, next + 1)) return broken();
        if (object !== -1) item(bytes, object, next + 1);
        object = -1;
        mode = 'top';
        moveTo(next + 1);
        return true;
      }
      // The key and its value are looked at again from the key when more bytes have come; a long value's search goes on where it was.
      if (!searching) {
        const key = keyAt(bytes, next);
        if (key === MORE) return enough();
        if (key === BROKEN) return broken();
        const value = spaceEnd(bytes, key.value, bytes.length);
        if (value >= bytes.length) return enough();
        if (bytes[value] === OPEN_LIST && isList(bytes, next + 1, key.end)) {
          object = -1;
          inObject = true;
          mode = 'list';
          moveTo(value + 1);
          return true;
        }
        moveTo(value);
      }
      const end = valueEnd();
      if (end === MORE) return enough();
      if (end === BROKEN) return broken();
      moveTo(end);
      return true;
    },
    'skip-line'() {
      const end = nextNewline(at);
      moveTo(end === -1 ? bytes.length : end + 1);
      if (end === -1) return false;
      mode = 'top';
      return true;
    },
    'skip-element'() {
      const end = valueEnd();
      if (end === BROKEN) return broken();
      moveTo(end === MORE ? bytes.length : end);
      if (end === MORE) return false;
      mode = 'list';
      return true;
    },
  };

  /** Whether the line at hand is whole and the record of a source, whatever it begins with. */
  function recognised(): boolean {
    const found = nextNewline(at);
    return found !== -1 && bytes.lastIndexOf(CLOSE, found) > at && sniff(bytes, at, found) !== undefined;
  }

  /** A record that is alone on its line; undefined when it is not. */
  function oneLine(): boolean | undefined {
    const found = nextNewline(at);
    if (found === -1 && !last) {
      if (bytes.length - at <= limits.record) return false;
      // A long line may still be many values, one behind the other.
      return nextSeam() === -1 ? tooLongLine() : undefined;
    }
    const end = found === -1 ? bytes.length : found;
    let behind = end;
    while (behind > at && (isSpace(bytes[behind - 1]) || bytes[behind - 1] === COMMA)) behind -= 1;
    if (bytes[behind - 1] !== CLOSE) return undefined;
    const next = nextSeam();
    if (next !== -1 && next < behind) return undefined;
    item(bytes, at, behind);
    moveTo(found === -1 ? end : end + 1);
    return true;
  }

  /** Lines of Vault's devices may carry a prefix: what comes before the first brace. */
  function prefixed(): boolean {
    const found = nextNewline(at);
    if (found === -1 && !last) return bytes.length - at <= limits.record ? false : tooLongLine();
    const end = found === -1 ? bytes.length : found;
    if (bytes[at] === QUOTE) {
      const quoted = valueEnd();
      searching = false;
      if (quoted > 0 && quoted <= end) {
        item(bytes, at, quoted);
        moveTo(quoted);
        return true;
      }
    }
    const brace = bytes.indexOf(OPEN, at);
    if (brace === -1 || brace >= end) {
      problem('malformed', 'a line without JSON');
      moveTo(found === -1 ? end : end + 1);
    } else moveTo(brace);
    return true;
  }

  function tooLongLine(): boolean {
    problem('oversize', tooLong);
    mode = 'skip-line';
    return true;
  }

  /** More is needed for the object that is looked through, unless it is too long already. */
  function enough(): boolean {
    if (object === -1 || bytes.length - object <= limits.payload) return false;
    problem('oversize', `longer than ${limits.payload} bytes`);
    object = -1;
    searching = false;
    mode = 'skip-line';
    return true;
  }

  function broken(): boolean {
    problem('malformed', 'not valid JSON');
    leave();
    return true;
  }

  /** An object that is still there whole is left at the end of its first line: the lines behind it may be records of their own. */
  function leave(): void {
    searching = false;
    if (object !== -1) at = object;
    object = -1;
    mode = 'skip-line';
  }

  /** Behind what is left. Of something long, room is kept for what follows, so that it is not copied with every chunk; what is given is never written to. */
  function append(chunk: Buffer): void {
    const length = bytes.length + chunk.length;
    if (bytes.length === 0) {
      bytes = chunk;
      store = undefined;
      return;
    }
    if (store === undefined || filled + chunk.length > store.length) {
      store = Buffer.allocUnsafe(bytes.length > ROOMY ? 2 * length : length);
      filled = bytes.copy(store);
    }
    filled += chunk.copy(store, filled);
    bytes = store.subarray(filled - length, filled);
  }

  function run(): void {
    while (steps[mode]());
    const keep = object === -1 ? at : object;
    if (keep === 0) return;
    bytes = bytes.subarray(keep);
    at -= keep;
    if (object !== -1) object = 0;
    finder.shift(keep);
    if (newline >= 0) newline -= keep;
    seam = -2;
  }

  return {
    line: () => line,
    push(chunk) {
      if (chunk.length === 0) return;
      append(chunk);
      if (newline === -1) newline = -2;
      seam = -2;
      if (!begun && bytes.length < BOM.length) return;
      start();
      run();
    },
    end() {
      last = true;
      start();
      run();
      // An object that was begun and does not end: its first line is given up, the lines behind it are read.
      while (object !== -1) {
        problem('truncated', 'the input ends inside of an object');
        leave();
        run();
      }
      if (mode === 'list' || mode === 'members' || mode === 'skip-element')
        problem('truncated', 'the input ends inside of a list');
      bytes = Buffer.alloc(0);
    },
  };

  /** A byte order mark is none of the input. */
  function start(): void {
    if (begun) return;
    begun = true;
    if (bytes.subarray(0, BOM.length).equals(BOM)) at = BOM.length;
  }
}
