/** The states that were reached, packed: some millions fit into memory. */
export const ACTIONS = [
  'begin',
  'begin0',
  'begin1',
  'step0',
  'step1',
  'crash-after0',
  'crash-after1',
  'lost0',
  'lost1',
  'fresh',
  'field',
  'back',
  'login',
  'leave',
  'tick',
] as const;

export interface Packed {
  readonly world: number;
  /** The two workers' nodes; 0 when idle. */
  readonly first: number;
  readonly second: number;
  readonly callsFirst: number;
  readonly callsSecond: number;
  readonly faults: number;
  readonly edits: number;
  readonly logins: number;
  readonly ticks: number;
  /** What led here first. */
  readonly action: (typeof ACTIONS)[number];
}

const WORDS = 6;
const CHUNK = 1 << 20;
const NODES = 2 ** 20;

export class States {
  count = 0;
  transitions = 0;
  private chunks: Int32Array[] = [];
  /** One set for each combination of what may yet happen. A set holds at most 2^24 entries, so each is split by world. */
  private readonly seen = new Map<number, Set<number>>();

  reach(state: Packed, parent: number): void {
    this.transitions += 1;
    const rest = restOf(state);
    const place = rest * 64 + (state.world & 63);
    let seen = this.seen.get(place);
    if (seen === undefined) this.seen.set(place, (seen = new Set()));
    // World, node and node: 53 bits, so the sum is exact.
    const key = ((state.world >> 6) * NODES + state.first) * NODES + state.second;
    if (seen.has(key)) return;
    seen.add(key);
    const [chunk, base] = this.place(this.count);
    chunk[base] = state.world;
    chunk[base + 1] = state.first;
    chunk[base + 2] = state.second;
    chunk[base + 3] = rest;
    chunk[base + 4] = parent;
    chunk[base + 5] = ACTIONS.indexOf(state.action);
    this.count += 1;
  }

  get(index: number): Packed {
    const [chunk, base] = this.place(index);
    const rest = chunk[base + 3] ?? 0;
    return {
      world: chunk[base] ?? 0,
      first: chunk[base + 1] ?? 0,
      second: chunk[base + 2] ?? 0,
      callsFirst: rest & 7,
      callsSecond: (rest >> 3) & 7,
      faults: (rest >> 6) & 3,
      edits: (rest >> 8) & 1,
      logins: (rest >> 9) & 3,
      ticks: (rest >> 11) & 3,
      action: ACTIONS[chunk[base + 5] ?? 0] ?? 'begin',
    };
  }

  /** What led to a state, first act first. */
  history(index: number, tell: (before: Packed, action: Packed['action']) => string): string[] {
    const lines: string[] = [];
    for (let at = index; at > 0;) {
      const [chunk, base] = this.place(at);
      const parent = chunk[base + 4] ?? 0;
      lines.unshift(tell(this.get(parent), this.get(at).action));
      at = parent;
    }
    return lines;
  }

  private place(index: number): [Int32Array, number] {
    const number = Math.floor(index / CHUNK);
    const chunk = (this.chunks[number] ??= new Int32Array(CHUNK * WORDS));
    return [chunk, (index % CHUNK) * WORDS];
  }
}

function restOf(state: Packed): number {
  return (
    state.callsFirst |
    (state.callsSecond << 3) |
    (state.faults << 6) |
    (state.edits << 8) |
    (state.logins << 9) |
    (state.ticks << 11)
  );
}
