import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgresConnect, startLoad } from '../helpers/load.ts';
import { startPostgres } from '../helpers/postgres.ts';
import type { Postgres } from '../helpers/postgres.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { observeTwoAtOnce } from './rival-observe.ts';
import { median, readStaticCredential, runOpenBaoStaticRole, superuserOf } from './rival.ts';

// What is counted, not how fast: times are the bench's business.
await describeWithPeer('openbao', 'the rival of the bench', (start) => {
  let database: Postgres;
  beforeAll(async () => {
    database = await startPostgres();
    await database.query('create role rival_app login');
  });
  afterAll(() => database.stop());

  it('counts every rotation, and the logins that caching consumers lose to it', async () => {
    const rotations = 3;
    const workers = 2;

    const result = await runOpenBaoStaticRole({
      pg: superuserOf(database),
      account: 'rival_app',
      rotations,
      intervalMs: 300,
      // No cache runs out by itself in this run, so each worker meets each new password by a refused login.
      consumers: { workers, maxCacheAgeMs: 60_000, onRefusal: 'reread', pauseMs: 5 },
    });

    expect(result.rotations).toBe(rotations);
    expect(result.rotationMs).toHaveLength(rotations);
    expect(result.medianMs).toBe(median(result.rotationMs));
    expect(result.medianMs).toBeGreaterThan(0);
    expect(result.failed).toBeGreaterThanOrEqual(rotations * workers);
    expect(result.queries).toBeGreaterThan(result.failed);
    expect([...result.failures.keys()]).toEqual(['28P01']);
    expect(result.failures.get('28P01')).toBe(result.failed);
  });

  it('tells what two rotations at once leave behind, and begins each turn sound', async () => {
    const pg = superuserOf(database);
    await database.query('create role rival_two login');
    const bao = await start({});
    try {
      const aftermath = await observeTwoAtOnce(bao, { pg, account: 'rival_two' }, 2, 0);

      expect(aftermath.turns).toBe(2);
      expect(aftermath.refused).toBeLessThanOrEqual(aftermath.turns);
      expect(aftermath.stillRefused).toBeLessThanOrEqual(aftermath.refused);
      // Whatever it left, one rotation alone puts it right, and the next observation starts from a password that is accepted.
      const session = await postgresConnect(pg)(await readStaticCredential(bao.client));
      await session.close();
    } finally {
      await bao.stop();
    }
  });

  it('counts no failure where nothing rotates: the load itself loses nothing', async () => {
    await database.query("create role calm_app login password 'calm'");
    const load = startLoad({
      readCredential: async () => ({ username: 'calm_app', password: 'calm' }),
      connect: postgresConnect(superuserOf(database)),
      workers: 2,
      maxCacheAgeMs: 20,
    });
    await expect.poll(() => load.counts().queries, { timeout: 10_000 }).toBeGreaterThan(50);

    const result = await load.stop();

    expect(result).toMatchObject({ failed: 0, failures: new Map() });
  });
});
