/** A plan's paths as a trie over the bytes of their keys, so that the scanner finds a key by its length and three of its bytes. Pure. */
import type { Plan } from '../view.ts';

/** Not a node: below a key that the plan does not name, or inside an array. */
export const NONE = -1;
const BUCKETS = 64;

export interface Trie {
  /** Nodes are numbered from 0, the root. */
  readonly size: number;
  /** The node of each field of the plan. Names with the same path share one. */
  readonly nodeOf: Int32Array;
  /** The child of `node` with the key `bytes[start, end)`, which has no escapes; NONE if there is none. `bytes[end]` is the closing quote. */
  child(node: number, bytes: Uint8Array, start: number, end: number): number;
}

/** The scanner compares bytes, so keys have to be ASCII without characters that JSON escapes. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** Undefined when the plan has a key that is not plain. */
export function trieOf(plan: Plan): Trie | undefined {
  const nodes = [new Map<string, number>()];
  const nodeOf = new Int32Array(plan.paths.length);
  for (const [field, path] of plan.paths.entries()) {
    let at = 0;
    for (const key of path) {
      if (!PLAIN.test(key)) return undefined;
      const children = nodes[at] as Map<string, number>;
      at = children.get(key) ?? nodes.push(new Map()) - 1;
      children.set(key, at);
    }
    nodeOf[field] = at;
  }
  return packed(nodes, nodeOf);
}

function bucketOf(bytes: Uint8Array, start: number, end: number): number {
  // Of an empty key, the quotes around it are looked at.
  const first = bytes[start] as number;
  const middle = bytes[(start + end) >> 1] as number;
  const last = bytes[end - 1] as number;
  return Math.imul(end - start + (first << 7) + (middle << 14) + (last << 21), 0x9e37_79b1) >>> 26;
}

function packed(nodes: readonly ReadonlyMap<string, number>[], nodeOf: Int32Array): Trie {
  const text = Buffer.from(nodes.map((children) => [...children.keys()].map((key) => `"${key}"`).join('')).join(''), 'latin1');
  const starts = new Int32Array(nodes.length);
  const lengths = new Int32Array(nodes.length);
  const heads = new Int32Array(nodes.length * BUCKETS).fill(NONE);
  /** The next node with the same parent and bucket. */
  const next = new Int32Array(nodes.length).fill(NONE);
  let at = 0;
  for (const [parent, children] of nodes.entries()) {
    for (const [key, child] of children) {
      starts[child] = at + 1;
      lengths[child] = key.length;
      const head = parent * BUCKETS + bucketOf(text, at + 1, at + 1 + key.length);
      next[child] = heads[head] as number;
      heads[head] = child;
      at += key.length + 2;
    }
  }

  return {
    size: nodes.length,
    nodeOf,
    child(node, bytes, start, end) {
      const length = end - start;
      let found = heads[node * BUCKETS + bucketOf(bytes, start, end)] as number;
      for (; found !== NONE; found = next[found] as number) {
        if (lengths[found] !== length) continue;
        const from = starts[found] as number;
        let same = 0;
        while (same < length && text[from + same] === bytes[start + same]) same += 1;
        if (same === length) return found;
      }
      return NONE;
    },
  };
}
