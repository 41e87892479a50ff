import { describe, expect, it } from 'vitest';
import { explore, FULL, QUICK } from './exhaustive.ts';
import { MUTANTS } from './mutants.ts';
import { STRATEGIES } from './scenario.ts';

// In full (every kind of trouble together): npm run simulate -- --exhaustive
describe('exhaustive check', () => {
  it.each(STRATEGIES)(
    'every interleaving of one rotation keeps the invariants and ends: %s',
    (strategy) => {
      const results = quietly(() => QUICK.map((budget) => explore(strategy, budget)));
      const sum = (of: 'states' | 'transitions' | 'worlds' | 'ends'): number => results.reduce((all, each) => all + each[of], 0);
      console.log(
        `exhaustive ${strategy}: ${sum('states')} states, ${sum('transitions')} transitions, ${sum('worlds')} worlds, ${sum('ends')} run to the end alone`,
      );
      expect(results.map((each) => each.violation)).toEqual([undefined, undefined, undefined]);
      expect(results.every((each) => each.complete)).toBe(true);
      expect(sum('states')).toBeGreaterThan(100_000);
    },
    60_000,
  );
});

describe('a deliberate bug is caught by the exhaustive check', () => {
  const names = ['revoke before publish', 'publish without compare-and-set', 'a lost lease goes unnoticed', 'use ignored'];
  const cases = MUTANTS.filter((mutant) => names.includes(mutant.name)).flatMap((mutant) =>
    mutant.strategies.slice(0, 1).map((strategy) => ({ name: mutant.name, strategy, mutant })),
  );

  it.each(cases)('$name ($strategy)', ({ mutant, strategy }) => {
    const edits = mutant.name === 'use ignored' ? [] : FULL.edits;
    const logins = mutant.name === 'use ignored' ? 1 : 0;
    const result = quietly(() => explore(strategy, { ...FULL, faults: 0, edits, logins }, { mutant }));
    expect(mutant.caughtAs).toContain(result.violation?.code);
    expect(result.violation?.history.length).toBeGreaterThan(0);
  });
});

/** Errors are ordinary here, by the million; nobody reads where they were made. */
function quietly<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
