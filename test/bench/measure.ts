/** Ratios of what was measured in turns: a number of milliseconds says little on a shared machine, what it is beside another one says more. */
import { median } from './rival.ts';

export interface Series {
  readonly name: string;
  readonly medianMs: number;
}

export interface Ratio {
  readonly name: string;
  /** The median of `name` over the median of `baseline`. */
  readonly ratio: number;
  /** The middle half of the rounds' own ratios: what the noise of this machine was. */
  readonly middleHalf: readonly [number, number];
  readonly rounds: number;
  readonly medianMs: number;
  readonly baseline: Series;
}

/** One number for each round, in the same order on both sides: round by round they were measured right after each other. */
export function ratioOf(name: string, ms: readonly number[], baseline: string, baselineMs: readonly number[]): Ratio {
  const each = ms.map((value, round) => value / (baselineMs[round] ?? Number.NaN));
  return {
    name,
    ratio: median(ms) / median(baselineMs),
    middleHalf: [quantile(each, 0.25), quantile(each, 0.75)],
    rounds: ms.length,
    medianMs: median(ms),
    baseline: { name: baseline, medianMs: median(baselineMs) },
  };
}

/** The nearest rank. NaN for no numbers. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Runs every piece once a round, each round beginning with another one, and gives the milliseconds of each piece by round. */
export async function inTurns(pieces: readonly (() => Promise<number>)[], rounds: number): Promise<number[][]> {
  const results: number[][] = pieces.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (let step = 0; step < pieces.length; step++) {
      const index = (round + step) % pieces.length;
      const piece = pieces[index];
      if (piece !== undefined) results[index]?.push(await piece());
    }
  }
  return results;
}
