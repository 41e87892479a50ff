/** Where the last scan found each node of the plan, and the View of it: text is made only of what is asked for. */
import type { View } from '../view.ts';
import type { Interned } from './interned.ts';
import { latin1, utf8 } from './text.ts';
import type { Trie } from './trie.ts';

export const KIND = { ascii: 1, utf8: 2, escaped: 3, number: 4, yes: 5, no: 6, nothing: 7, nested: 8 } as const;

export interface Slots {
  /** By node: the value's bytes, quotes and brackets included. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Of KIND. */
  readonly kinds: Uint8Array;
  /** The mark of the last scan that came by. */
  readonly seen: Int32Array;
  readonly view: View;
  /** Forgets the record before; the mark of the one that begins. */
  next(bytes: Buffer): number;
  /** The memory that the record's bytes are in. */
  memory(): DataView;
}

/** Where a field's texts hardly ever come again (ids, times), keeping them costs more than it saves. */
const LUCK = { most: 64, least: -8, everySo: 31 } as const;

export function createSlots(trie: Trie, interned: Interned): Slots {
  const { size, nodeOf } = trie;
  const starts = new Int32Array(size);
  const ends = new Int32Array(size);
  const kinds = new Uint8Array(size);
  const seen = new Int32Array(size);
  /** By node: the text that was made of it, and the mark under which. */
  const texts: string[] = Array.from({ length: size }, () => '');
  const made = new Int32Array(size);
  const luck = new Int8Array(size).fill(LUCK.most);
  let bytes: Buffer = Buffer.alloc(0);
  let memory: DataView = new DataView(bytes.buffer);
  let mark = 0;

  /** The node of a field that this record has; -1 if it has none. */
  const found = (field: number): number => {
    const node = nodeOf[field];
    return node === undefined || seen[node] !== mark ? -1 : node;
  };
  const plain = (node: number, start: number, end: number): string => {
    const before = luck[node] as number;
    if (before < 0 && (mark & LUCK.everySo) !== 0) return latin1(bytes, start, end);
    const text = interned.get(node, bytes, memory, start, end);
    luck[node] = interned.hit() ? Math.min(before + 1, LUCK.most) : Math.max(before - 1, LUCK.least);
    return text;
  };
  const textOf = (node: number): string | undefined => {
    const kind = kinds[node] as number;
    if (kind > KIND.escaped) return undefined;
    if (made[node] === mark) return texts[node];
    const start = starts[node] as number;
    const end = ends[node] as number;
    let text: string;
    if (kind === KIND.ascii) text = plain(node, start + 1, end - 1);
    else if (kind === KIND.utf8) text = utf8(bytes, start + 1, end - 1);
    else text = JSON.parse(utf8(bytes, start, end)) as string;
    made[node] = mark;
    texts[node] = text;
    return text;
  };
  const numberOf = (node: number): number | undefined =>
    kinds[node] === KIND.number ? Number(latin1(bytes, starts[node] as number, ends[node] as number)) : undefined;

  const view: View = {
    text(field) {
      const node = found(field);
      return node === -1 ? undefined : textOf(node);
    },
    number(field) {
      const node = found(field);
      return node === -1 ? undefined : numberOf(node);
    },
    flag(field) {
      const node = found(field);
      if (node === -1) return undefined;
      const kind = kinds[node];
      return kind === KIND.yes ? true : kind === KIND.no ? false : undefined;
    },
    json(field) {
      const node = found(field);
      if (node === -1) return undefined;
      const kind = kinds[node];
      if (kind === KIND.nested) return JSON.parse(utf8(bytes, starts[node] as number, ends[node] as number));
      if (kind === KIND.nothing) return null;
      if (kind === KIND.yes || kind === KIND.no) return kind === KIND.yes;
      return kind === KIND.number ? numberOf(node) : textOf(node);
    },
    has: (field) => found(field) !== -1,
  };

  return {
    starts,
    ends,
    kinds,
    seen,
    view,
    memory: () => memory,
    next(record) {
      if (record.buffer !== memory.buffer) memory = new DataView(record.buffer);
      bytes = record;
      mark = mark === 0x7fff_ffff ? restart() : mark + 1;
      return mark;
    },
  };

  function restart(): number {
    seen.fill(0);
    made.fill(0);
    return 1;
  }
}
