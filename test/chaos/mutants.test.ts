/** Tests of the test: a deliberate bug in what the engine does must show in the matrix. */
import { describe, expect, it } from 'vitest';
import { KEYS, SCENARIOS } from './cell.ts';
import { openFakeWorld } from './fake-world.ts';
import { runMatrix } from './matrix.ts';
import * as mutants from './mutants.ts';

const fake = { kind: 'fake', open: openFakeWorld };
const scenario = (name: string) =>
  [...SCENARIOS, ...KEYS].find((each) => each.name === name) ?? { name, strategy: 'dual-account' as const };
const dead = /current \(\S+\) does not authenticate/;

describe('deliberate bugs are found', () => {
  it.each([
    { bug: 'revoke before publish', mutant: mutants.revokeBeforePublish, in: 'dual-account', found: dead },
    {
      bug: 'publish without compare-and-set',
      mutant: mutants.publishWithoutCompareAndSet,
      in: 'withdraw',
      found: /the edit by hand was overwritten/,
    },
    { bug: 'delete by age', mutant: mutants.retireTheOldest, in: 'withdraw', found: dead },
    { bug: 'delete the other one', mutant: mutants.retireTheOtherOne, in: 'withdraw', found: dead },
    { bug: 'a target without fences', mutant: mutants.ignoreFences, in: 'withdraw', found: /live/ },
    { bug: 'lost keys are not looked for', mutant: mutants.findNothing, in: 'overlap', found: /live/ },
    { bug: 'apply before staging', mutant: mutants.applyBeforeStaging, in: 'in-place', found: dead },
  ])(
    '$bug, in $in',
    async ({ mutant, in: name, found }) => {
      // Act
      const tally = await runMatrix(fake, scenario(name), { mutant });
      // Assess
      expect(tally.violations.filter((each) => found.test(each)).slice(0, 3)).not.toEqual([]);
    },
    60_000,
  );

  it('a target without fences shows only where a worker slept', async () => {
    const { violations } = await runMatrix(fake, scenario('withdraw'), { mutant: mutants.ignoreFences });
    const faults = [...new Set(violations.map((each) => each.split(' @ ')[0] ?? ''))];
    expect(faults).toContain('stale, others at the end');
    expect(faults.filter((each) => /^(clean|crash|throttle|lost)/.test(each))).toEqual([]);
  }, 60_000);
});
