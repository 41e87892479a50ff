/**
 * Document ids of a Firestore state. A key becomes printable ASCII that is never a forbidden id, injectively, and such that ids sort
 * (by their bytes, as Firestore sorts `__name__`) exactly as the UTF-8 bytes of their keys do, so that a list needs no index of its own.
 *
 * Forbidden are: a slash, `.`, `..`, `__.*__`, and more than 1,500 bytes (https://cloud.google.com/firestore/quotas#collections_documents_and_fields).
 * `.` and `/` become `.-` and `._`; control characters and space begin with a space; from `}` on, a code point is `}` and six hex digits.
 */
export type IdKind = 'record' | 'lease' | 'meta';

const PREFIX: Record<IdKind, string> = { record: 'r:', lease: 'l:', meta: 'm:' };
const MOST_BYTES = 1500;
const PAST_EVERY_ID = '~'; // no id contains it, and it sorts after everything that ids contain

export function idOf(kind: IdKind, key: string): string {
  return PREFIX[kind] + Array.from(key, encode).join('');
}

/** The ids of records whose key begins with `prefix` are those from `from` up to, not including, `until`. */
export function idRange(prefix: string): { readonly from: string; readonly until: string } {
  const from = idOf('record', prefix);
  return { from, until: from + PAST_EVERY_ID };
}

export function fits(id: string): boolean {
  return id.length <= MOST_BYTES; // ASCII: one byte each
}

function encode(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return ` ${String.fromCodePoint(code + 0x40)}`;
  if (character === ' ') return ' `'; // sorts after the letter of every control character
  if (character === '.') return '.-';
  if (character === '/') return '._';
  if (code >= 0x7d) return `}${code.toString(16).padStart(6, '0')}`;
  return character;
}
