import { describe, expect, it } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { CYCLES_A_YEAR, STRATEGIES } from './scenario.ts';
import { shrink } from './shrink.ts';
import { simulate } from './simulate.ts';

/** A fixed budget: the same seeds in every run of the tests. More: `npm run simulate -- --seed N --seeds K --years Y`. */
const SEEDS = 40;
const CYCLES = 18;

describe('simulation', () => {
  it.each(STRATEGIES)('keeps every invariant at every instant and converges: %s', (strategy) => {
    // Prepare
    const began = performance.now();
    const broken: string[] = [];
    let [cycles, calls, rotations, injected] = [0, 0, 0, 0];
    // Act
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const result = simulate({ seed, cycles: CYCLES, strategy });
      cycles += result.cycles;
      calls += result.calls;
      rotations += result.rotations;
      injected += result.injected.length;
      const { violation } = result;
      if (violation !== undefined) broken.push(`seed ${seed}, cycle ${violation.cycle}: ${violation.code}: ${violation.message}`);
    }
    // Assess
    const years = cycles / CYCLES_A_YEAR;
    const rate = Math.round(years / ((performance.now() - began) / 60_000));
    console.log(
      `simulated ${strategy}: ${years} years, ${calls} calls, ${rotations} rotations, ${injected} faults and acts, ${broken.length} violations, ${rate} years a minute`,
    );
    expect(broken).toEqual([]);
    expect(rotations).toBeGreaterThanOrEqual(SEEDS * CYCLES);
    expect(injected).toBeGreaterThan(cycles);
  });

  it('replays a seed byte for byte, and another seed is another history', () => {
    const [lines, again]: [string[], string[]] = [[], []];
    const first = simulate({ seed: 77, cycles: 6, trace: (line) => lines.push(line) });
    const second = simulate({ seed: 77, cycles: 6, trace: (line) => again.push(line) });
    const other = simulate({ seed: 81, cycles: 6 });
    expect(second.digest).toBe(first.digest);
    expect(again).toEqual(lines);
    expect(lines.length).toBeGreaterThan(first.calls);
    expect(other.digest).not.toBe(first.digest);
  });

  it('leaves out what the shrinker leaves out, and rotates once a cycle in a world without trouble', () => {
    const result = simulate({ seed: 5, cycles: 12, only: new Set() });
    expect(result.injected).toEqual([]);
    expect(result.rotations).toBe(12);
    expect(result.violation).toBeUndefined();
  });

  it('shrinks a broken history to the few injections that it needs', () => {
    const mutant = MUTANTS.find((each) => each.name === 'publish without compare-and-set');
    if (mutant === undefined) throw new Error('no such mutant');
    const options = { seed: 0, cycles: 24, strategy: 'dual-account', mutant } as const;
    const found = simulate(options);
    const short = shrink(options, found);
    expect(found.violation?.code).toBe('edit-overwritten');
    expect(short.result.violation?.code).toBe('edit-overwritten');
    // One edit by hand is all that it takes.
    expect(short.only).toEqual([expect.stringMatching(/^operator:/)]);
    expect(short.history.at(-1)).toContain('VIOLATION edit-overwritten');
    expect(short.history.length).toBeLessThan(120);
  });
});

describe('a deliberate bug is caught by the simulator', () => {
  const cases = MUTANTS.filter((mutant) => mutant.onlyExhaustive !== true).flatMap((mutant) =>
    mutant.strategies.map((strategy) => ({ name: mutant.name, strategy, mutant })),
  );

  it.each(cases)('$name ($strategy)', ({ mutant, strategy }) => {
    let caught: string | undefined;
    for (let seed = 0; seed < 40 && caught === undefined; seed += 1) {
      caught = simulate({ seed, cycles: 24, strategy, mutant }).violation?.code;
    }
    expect(mutant.caughtAs).toContain(caught);
  });
});
