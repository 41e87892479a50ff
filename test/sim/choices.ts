/**
 * Every choice of a simulation, derived from one seed by name and not by order, so that leaving one choice out (shrinking does) does not
 * change the others.
 */

/** A well-mixed 32-bit hash of a seed and up to four words (murmur3's rounds and finaliser). */
export function hash(seed: number, a: number, b = 0, c = 0): number {
  let h = seed | 0;
  h = round(h, a);
  h = round(h, b);
  h = round(h, c);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function round(h: number, word: number): number {
  let k = Math.imul(word | 0, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const mixed = h ^ Math.imul(k, 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

/** The kinds of choices; the number is part of the hash, so entries are only ever added at the end. */
const KINDS = [
  'scenario',
  'cycle',
  'fault',
  'pause',
  'latency',
  'duplicate',
  'operator',
  'operator-kind',
  'operator-when',
  'consumer',
  'consumer-when',
  'consumer-what',
  'lag',
  'uniform',
  'worker',
  'sweep',
  'blackout',
  'late',
  'resume',
] as const;
export type Kind = (typeof KINDS)[number];
const NUMBER = Object.fromEntries(KINDS.map((kind, index) => [kind, index + 1])) as Record<Kind, number>;

export class Choices {
  readonly seed: number;
  /** Names of everything that was injected, in order; shrinking picks from it. */
  readonly injected: string[] = [];
  private readonly only: ReadonlySet<string> | undefined;

  constructor(seed: number, only?: ReadonlySet<string>) {
    this.seed = seed;
    this.only = only;
  }

  /** In [0, 1). */
  unit(kind: Kind, a = 0, b = 0): number {
    return hash(this.seed, NUMBER[kind], a, b) / 4_294_967_296;
  }

  below(limit: number, kind: Kind, a = 0, b = 0): number {
    return Math.floor(this.unit(kind, a, b) * limit);
  }

  /** Is the thing of this name, which chance has chosen, also allowed by the shrinker? Records it when it is. */
  inject(kind: Kind, a: number, b = 0): boolean {
    const name = `${kind}:${a}:${b}`;
    if (this.only !== undefined && !this.only.has(name)) return false;
    this.injected.push(name);
    return true;
  }
}
