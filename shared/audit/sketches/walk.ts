/**
 * The threshold random walk: failures in a row, against successes that push back. Jung, Paxson, Berger and Balakrishnan, Fast Portscan Detection
 * Using Sequential Hypothesis Testing, IEEE S&P 2004. In bits, never below 0, and old steps fade, so that it can start at any time.
 */

export interface Steps {
  /** Of a failure, in bits. */
  readonly up: number;
  /** Of a success, in bits. */
  readonly down: number;
  /** From here on it is no benign source, but with the chance `alpha`. */
  readonly alarm: number;
}

const MINUTE = 60_000;
/** Steps that are closer than this fade not at all. */
const FRESH = 5 * MINUTE;
const HALF_LIFE = 60 * MINUTE;
const cached = new WeakMap<object, Steps>();

const within = (value: number | undefined, fallback: number): number => Math.min(0.999, Math.max(1e-9, value ?? fallback));

/** `theta0`, `theta1`: the chance that an attempt succeeds, of a benign and of a guessing source; `alpha`, `beta`: of a false alarm and of a miss. */
export function stepsOf(params: Readonly<Record<string, number>>): Steps {
  const found = cached.get(params);
  if (found !== undefined) return found;
  const theta0 = within(params['theta0'], 0.85);
  const theta1 = Math.min(within(params['theta1'], 0.2), theta0 * 0.99);
  const steps = {
    up: Math.log2((1 - theta1) / (1 - theta0)),
    down: Math.log2(theta0 / theta1),
    alarm: Math.log2((1 - within(params['beta'], 0.01)) / within(params['alpha'], 0.00001)),
  };
  cached.set(params, steps);
  return steps;
}

/** The highest that the walk stands at `from` or later. Both lists are ascending times in milliseconds; at equal times the failure counts last. */
export function walk(fails: readonly number[], oks: readonly number[], from: number, { up, down }: Steps): number {
  let value = 0;
  let highest = 0;
  let last = Number.NaN;
  let fail = 0;
  let ok = 0;
  while (fail < fails.length || ok < oks.length) {
    const failAt = fails[fail] ?? Number.POSITIVE_INFINITY;
    const okAt = oks[ok] ?? Number.POSITIVE_INFINITY;
    const at = Math.min(failAt, okAt);
    if (at - last > FRESH) value *= 2 ** ((FRESH - (at - last)) / HALF_LIFE);
    last = at;
    if (okAt <= failAt) {
      value = Math.max(0, value - down);
      ok += 1;
    } else {
      value += up;
      fail += 1;
    }
    if (at >= from && value > highest) highest = value;
  }
  return highest;
}

/** The coefficient of variation of the gaps between ascending times: 0 for a clock, about 1 for chance. Infinite for fewer than `least` gaps. */
export function variation(times: readonly number[], least: number): number {
  const gaps = times.length - 1;
  if (gaps < least) return Number.POSITIVE_INFINITY;
  const mean = ((times[gaps] ?? 0) - (times[0] ?? 0)) / gaps;
  if (mean <= 0) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let at = 1; at <= gaps; at += 1) sum += ((times[at] ?? 0) - (times[at - 1] ?? 0) - mean) ** 2;
  return Math.sqrt(sum / gaps) / mean;
}

/** Puts a time into an ascending list of at most `limit`; the oldest goes. */
export function insertTime(times: number[], at: number, limit: number): void {
  let place = times.length;
  while (place > 0 && (times[place - 1] ?? 0) > at) place -= 1;
  if (place === times.length) times.push(at);
  else times.splice(place, 0, at);
  if (times.length > limit) times.shift();
}
