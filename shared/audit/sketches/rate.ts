/**
 * How many are usual in a bin of time, and how surprising a count is: an exponentially weighted mean and variance, read as a negative binomial
 * (Poisson where it is not overdispersed). Lambert and Liu, Adaptive Thresholds, 2006. Constant memory, event time.
 */

export interface Rate {
  /** Mean and variance of a full bin. */
  mean: number;
  variance: number;
  /** The number of the bin that is being counted: time / width. */
  bin: number;
  count: number;
  /** Bins learned, empty ones too, up to a limit: how much the mean is worth. */
  bins: number;
  /** The highest full bin, fading by half in thirty days: a nightly job is usual although most bins are empty. */
  peak: number;
}

export const freshRate = (): Rate => ({ mean: 0, variance: 0, bin: -1, count: 0, bins: 0, peak: 0 });

const PEAK_HALF_LIFE = 30 * 86_400_000;
const MOST_BINS = 100_000;

/** The count of this bin, with one more at `time`. */
export function countAt({ bin, count }: Rate, time: number, width: number): number {
  const now = Math.floor(time / width);
  return now === bin ? count : 0;
}

/** What is expected of a full bin at `time`: bins since the last one were empty. */
export function expectedAt(rate: Rate, time: number, width: number, halfLife: number): { mean: number; variance: number } {
  const gap = Math.max(0, Math.floor(time / width) - rate.bin);
  if (gap === 0) return rate;
  const closed = close(rate, halfLife, width);
  const keep = (1 - alpha(halfLife, width)) ** (gap - 1);
  return { mean: closed.mean * keep, variance: closed.variance * keep };
}

/** Counts `amount` at `time`; a bin that is over is learned first. A bin before the present one is counted as part of it. */
export function count(rate: Rate, time: number, amount: number, width: number, halfLife: number): void {
  const now = Math.floor(time / width);
  if (rate.bin === -1) rate.bin = now;
  if (now > rate.bin) {
    const bins = now - rate.bin;
    const { mean, variance } = close(rate, halfLife, width);
    const keep = (1 - alpha(halfLife, width)) ** (bins - 1);
    // Winsorised as well: one burst makes the next one no more usual than twice what was.
    rate.peak = Math.max(rate.peak * 2 ** -((bins * width) / PEAK_HALF_LIFE), Math.min(rate.count, 2 * rate.peak + 10));
    rate.mean = mean * keep;
    rate.variance = variance * keep;
    rate.bins = Math.min(MOST_BINS, rate.bins + bins);
    rate.bin = now;
    rate.count = 0;
  }
  rate.count += amount;
}

/** The first bins count as a plain average, so that a newcomer's mean is not an eternity's. */
function close({ mean, variance, count, bins }: Rate, halfLife: number, width: number): { mean: number; variance: number } {
  const a = Math.max(alpha(halfLife, width), 1 / (bins + 1));
  // Winsorised: a burst moves what is usual by no more than four deviations.
  const x = bins < 3 ? count : Math.min(count, mean + 4 * Math.sqrt(Math.max(variance, 1)));
  const d = x - mean;
  return { mean: mean + a * d, variance: (1 - a) * (variance + a * d * d) };
}

const cached = new Map<number, number>();

function alpha(halfLife: number, width: number): number {
  const ratio = width / halfLife;
  const found = cached.get(ratio) ?? 1 - 2 ** -ratio;
  if (cached.size < 16) cached.set(ratio, found);
  return found;
}

const LOG2E = Math.LOG2E;

/** -log2 P(X >= k) of a count with this mean and variance. 0 for k <= 0; up to 60. */
export function tailBits(k: number, mean: number, variance: number): number {
  if (k <= 0) return 0;
  const m = Math.max(mean, 0.05);
  if (k <= m) return 0;
  const log = variance > m * 1.001 ? negativeBinomialTail(k, m, variance) : poissonTail(k, m);
  return Math.max(0, Math.min(60, -log * LOG2E));
}

/** ln P(X >= k), k > mean: the first term times a series that shrinks. */
function poissonTail(k: number, mean: number): number {
  const first = -mean + k * Math.log(mean) - logGamma(k + 1);
  let term = 1;
  let sum = 1;
  for (let i = 1; i < 500; i += 1) {
    term *= mean / (k + i);
    sum += term;
    if (term < sum * 1e-9) break;
  }
  return first + Math.log(sum);
}

function negativeBinomialTail(k: number, mean: number, variance: number): number {
  const r = (mean * mean) / (variance - mean);
  const q = mean / (r + mean);
  const first = logGamma(k + r) - logGamma(r) - logGamma(k + 1) + r * Math.log(r / (r + mean)) + k * Math.log(q);
  let term = 1;
  let sum = 1;
  for (let i = 0; i < 2000; i += 1) {
    term *= (q * (k + r + i)) / (k + 1 + i);
    sum += term;
    if (term < sum * 1e-9) break;
  }
  return first + Math.log(sum);
}

/** Stirling's series after shifting up: good to 1e-10 for x > 0. */
export function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  while (y < 8) {
    shift -= Math.log(y);
    y += 1;
  }
  const z = 1 / (y * y);
  return shift + (y - 0.5) * Math.log(y) - y + 0.918_938_533_204_672_7 + (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z / 1680))) / y;
}

export const packRate = ({ mean, variance, bin, count, bins, peak }: Rate): number[] => [
  round(mean),
  round(variance),
  bin,
  count,
  bins,
  round(peak),
];

export function unpackRate(packed: unknown): Rate | undefined {
  if (!Array.isArray(packed) || packed.length !== 6 || !packed.every(Number.isFinite)) return undefined;
  const [mean = 0, variance = 0, bin = -1, count = 0, bins = 0, peak = 0] = packed as number[];
  return { mean, variance, bin, count, bins, peak };
}

/** Six digits are enough, and are written the same by every machine. */
const round = (value: number): number => Number(value.toPrecision(6));
