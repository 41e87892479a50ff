import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { SCENARIOS } from './cell.ts';
import { runMatrix, told } from './matrix.ts';
import { openLanes, postgresMatrix } from './postgres-world.ts';

const LANES = 6;

describe('chaos matrix over a real PostgreSQL, local store and SQLite state', () => {
  let server: Postgres;
  let open: Awaited<ReturnType<typeof openLanes>>;

  beforeAll(async () => {
    server = await startPostgres({ settings: { max_connections: '80' } });
    open = await openLanes(server, LANES);
  });

  afterAll(async () => {
    await open.close();
    await server.stop();
  });

  it.each(SCENARIOS)('$name: every fault at every effect converges and keeps the invariants', async (scenario) => {
    const from = performance.now();
    const tally = await runMatrix(postgresMatrix(server, open.lanes), scenario, { lanes: LANES });
    console.log(`${told(tally)} in ${Math.round((performance.now() - from) / 100) / 10} s`);
    expect(tally.violations).toEqual([]);
  });
});
