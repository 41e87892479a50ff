/** A seeded source of randomness: the same seed gives the same tenant. Not for secrets. */

export interface Random {
  /** In [0, 1). */
  unit(): number;
  /** 32 bits. */
  bits(): number;
  /** Whole, from `least` to `most`, both included. */
  whole(least: number, most: number): number;
  between(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** By weight; the weights need not sum to one. */
  weighted<T>(items: readonly (readonly [T, number])[]): T;
  /** `count` different items, or all if there are fewer, in random order. */
  some<T>(items: readonly T[], count: number): T[];
  /** Mean 1. */
  exponential(): number;
  /** Mean 0, deviation 1. */
  normal(): number;
  poisson(mean: number): number;
  /** Lower-case hexadecimal digits. */
  hex(digits: number): string;
  uuid(): string;
  digits(count: number): string;
  /** Letters and digits as in access key ids. */
  base32(count: number): string;
  /** Letters of both cases and digits, as in the suffix of an ARN. */
  base62(count: number): string;
  /** Independent of this one, and of what was drawn from it. */
  child(name: string): Random;
}

const HEX4 = Array.from({ length: 65_536 }, (_, value) => value.toString(16).padStart(4, '0'));
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function seedOf(text: string): [number, number, number, number] {
  let a = 0x9e37_79b9;
  let b = 0x243f_6a88;
  let c = 0xb7e1_5162;
  let d = 0xdead_beef;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x85eb_ca6b);
    b = Math.imul(b ^ a, 0xc2b2_ae35) + code;
    c = Math.imul(c ^ (b >>> 7), 0x27d4_eb2f);
    d = Math.imul(d ^ (c >>> 11), 0x1656_67b1) + a;
  }
  return [a | 0, b | 0, c | 0, d | 0];
}

export function createRandom(seed: string): Random {
  let [a, b, c, d] = seedOf(seed);
  // sfc32: small, fast, and good enough to pass PractRand.
  const bits = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round += 1) bits();
  const unit = (): number => bits() / 0x1_0000_0000;
  const text = (alphabet: string, count: number): string => {
    let made = '';
    for (let at = 0; at < count; at += 1) made += alphabet[Math.floor(unit() * alphabet.length)];
    return made;
  };
  const random: Random = {
    unit,
    bits,
    whole: (least, most) => least + Math.floor(unit() * (most - least + 1)),
    between: (least, most) => least + unit() * (most - least),
    chance: (probability) => unit() < probability,
    pick(items) {
      const item = items[Math.floor(unit() * items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
    weighted(items) {
      let left = unit() * items.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [item, weight] of items) {
        left -= weight;
        if (left < 0) return item;
      }
      return random.pick(items)[0];
    },
    some(items, count) {
      const left = [...items];
      for (let at = 0; at < Math.min(count, left.length); at += 1) {
        const other = random.whole(at, left.length - 1);
        const kept = left[at] as (typeof left)[number];
        left[at] = left[other] as (typeof left)[number];
        left[other] = kept;
      }
      return left.slice(0, count);
    },
    exponential: () => -Math.log(1 - unit()),
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    poisson(mean) {
      if (mean > 60) return Math.max(0, Math.round(mean + Math.sqrt(mean) * random.normal()));
      const least = Math.exp(-mean);
      let count = 0;
      for (let product = unit(); product > least; product *= unit()) count += 1;
      return count;
    },
    hex(digits) {
      let made = '';
      while (made.length + 8 <= digits) {
        const drawn = bits();
        made += (HEX4[drawn & 0xffff] as string) + (HEX4[drawn >>> 16] as string);
      }
      return made.length === digits ? made : made + random.hex(8).slice(0, digits - made.length);
    },
    uuid() {
      const [p, q, r, s] = [bits(), bits(), bits(), bits()];
      const h = (value: number): string => HEX4[value & 0xffff] as string;
      return `${h(p)}${h(p >>> 16)}-${h(q)}-4${h(q >>> 16).slice(1)}-${'89ab'[r & 3]}${h(r >>> 16).slice(1)}-${h(r >>> 2)}${h(s)}${h(s >>> 16)}`;
    },
    digits: (count) => text('0123456789', count),
    base32: (count) => text(BASE32, count),
    base62: (count) => text(BASE62, count),
    child: (name) => createRandom(`${seed}/${name}`),
  };
  return random;
}
