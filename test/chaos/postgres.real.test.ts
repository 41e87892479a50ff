import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { SCENARIOS, type Scenario } from './cell.ts';
import { FAULTS } from './faults.ts';
import { cleanRun, runMatrix, told } from './matrix.ts';
import * as mutants from './mutants.ts';
import { openLanes, postgresMatrix } from './postgres-world.ts';

const LANES = 6;

/** Every kind of fault once, and the variant that found a lost credential. */
const faultsOf = (scenario: Scenario) =>
  FAULTS.filter((each) => each.variant !== true || (scenario.strategy === 'in-place' && each.name === 'asleep while edited'));

describe('chaos matrix over a real PostgreSQL, local store and SQLite state', () => {
  let server: Postgres;
  let open: Awaited<ReturnType<typeof openLanes>>;

  beforeAll(async () => {
    server = await startPostgres({ settings: { max_connections: '80', scram_iterations: '1' } });
    open = await openLanes(server, LANES);
  });

  afterAll(async () => {
    await open.close();
    await server.stop();
  });

  it.each(SCENARIOS)(
    '$name: every fault at every effect converges and keeps the invariants',
    async (scenario) => {
      const from = performance.now();
      const tally = await runMatrix(postgresMatrix(server, open.lanes), scenario, { lanes: LANES, faults: faultsOf(scenario) });
      console.log(`${told(tally)} in ${Math.round((performance.now() - from) / 100) / 10} s`);
      expect(tally.violations).toEqual([]);
    },
    300_000,
  );

  it.each([
    { bug: 'revoke before publish', mutant: mutants.revokeBeforePublish, scenario: SCENARIOS[0], found: /does not authenticate/ },
    {
      bug: 'publish without compare-and-set',
      mutant: mutants.publishWithoutCompareAndSet,
      scenario: SCENARIOS[2],
      found: /overwritten/,
    },
    { bug: 'delete by age', mutant: mutants.retireTheOldest, scenario: SCENARIOS[2], found: /does not authenticate/ },
  ])('finds a deliberate bug: $bug', async ({ mutant, scenario, found }) => {
    if (scenario === undefined) throw new Error('no such scenario');
    const { violations } = await cleanRun(postgresMatrix(server, open.lanes), scenario, mutant);
    expect(violations.filter((each) => found.test(each))).not.toEqual([]);
  });
});
