/** The most frequent of very many, in bounded memory: exact until it is full; then what was seen least is forgotten, and counts are lower bounds. */

interface Counted {
  name: string;
  kind: string;
  events: number;
  /** Of them, those that scored. */
  unusual: number;
  worst: number;
}

export interface Top {
  add(key: string, name: string, kind: string, score: number): void;
  /** The first by their worst score, then by their events. */
  best(count: number): readonly Readonly<Counted>[];
}

const LONGEST = 200;

export function createTop(limit = 4096): Top {
  const all = new Map<string, Counted>();
  const worth = (one: Counted): number => one.worst * 1e9 + one.events;
  return {
    add(key, name, kind, score) {
      const known = key.length > LONGEST ? key.slice(0, LONGEST) : key;
      let one = all.get(known);
      if (one === undefined) {
        if (all.size >= limit) forget(all, worth);
        one = { name: name.slice(0, LONGEST), kind, events: 0, unusual: 0, worst: 0 };
        all.set(known, one);
      }
      one.events += 1;
      if (score >= UNUSUAL) one.unusual += 1;
      if (score > one.worst) one.worst = score;
    },
    best: (count) => [...all.values()].sort((a, b) => worth(b) - worth(a) || (a.name < b.name ? -1 : 1)).slice(0, count),
  };
}

/** Events of a lower score open no incident. */
export const UNUSUAL = 20;

function forget(all: Map<string, Counted>, worth: (one: Counted) => number): void {
  const least = [...all].sort(([, a], [, b]) => worth(a) - worth(b)).slice(0, all.size >> 1);
  for (const [key] of least) all.delete(key);
}
