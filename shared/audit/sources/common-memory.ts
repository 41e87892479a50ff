/** A bounded memory of answers: what comes again and again is worked out once, and a flood of what never comes again only empties it. */

export interface Memory<Key, Value> {
  /** What was kept for `key`. */
  get(key: Key): Value | undefined;
  keep(key: Key, value: Value): Value;
}

export function createMemory<Key, Value>(most: number): Memory<Key, Value> {
  const kept = new Map<Key, Value>();
  return {
    get: (key) => kept.get(key),
    keep(key, value) {
      if (kept.size >= most) kept.clear();
      kept.set(key, value);
      return value;
    },
  };
}
