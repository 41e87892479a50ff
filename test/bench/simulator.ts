/** How fast the simulator (test/sim) lives through virtual time. Its own clock is the baseline: a year of it beside a minute of ours. */
import { median } from './rival.ts';

export interface SimulatorSpeed {
  /** The median over seeds. */
  readonly yearsPerMinute: number;
  /** Virtual time over real time. */
  readonly timesRealTime: number;
  readonly seeds: number;
  readonly years: number;
  readonly rotations: number;
  /** Seeds that broke an invariant. Such a seed ends early and counts for the years that it got to. */
  readonly violations: number;
}

const MINUTES_A_YEAR = 365.25 * 24 * 60;

/** One process, one core. The first seed only warms up. */
export async function measureSimulator(seeds: number, yearsPerSeed: number): Promise<SimulatorSpeed> {
  const [{ cyclesOf, simulate }, { CYCLES_A_YEAR }] = await Promise.all([
    import('../sim/simulate.ts'),
    import('../sim/scenario.ts'),
  ]);
  const cycles = cyclesOf(yearsPerSeed);
  simulate({ seed: 0, cycles });
  const speeds: number[] = [];
  let [years, rotations, violations] = [0, 0, 0];
  for (let seed = 1; seed <= seeds; seed++) {
    const from = performance.now();
    const result = simulate({ seed, cycles });
    const minutes = (performance.now() - from) / 60_000;
    const lived = result.cycles / CYCLES_A_YEAR;
    speeds.push(lived / minutes);
    years += lived;
    rotations += result.rotations;
    if (result.violation !== undefined) violations++;
  }
  const yearsPerMinute = median(speeds);
  return { yearsPerMinute, timesRealTime: yearsPerMinute * MINUTES_A_YEAR, seeds, years, rotations, violations };
}
