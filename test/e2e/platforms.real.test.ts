/**
 * An end-to-end for each cloud: real host processes, real or emulated stores, a real PostgreSQL, and an application under load that uses the client
 * library. Its scene is the demo's own. Half of it is a consumer that keeps its promise, half are such as keep `current` longer than grace.
 */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApplication, DATABASE, type Application } from '../../functions/cli/demo/application.ts';
import { removeFolder } from '../../functions/cli/demo/cleanup.ts';
import { HOST, startDatabase, type Database } from '../../functions/cli/demo/database.ts';
import { makeFolder, SECRET, writeProject } from '../../functions/cli/demo/files.ts';
import { PLATFORMS, type Stage } from '../../functions/cli/demo/platform.ts';
import { play, type Played, type PlayPlan } from '../../functions/cli/demo/play.ts';
import { summarize } from '../../functions/cli/demo/timeline.ts';
import { openClient, pgPool } from '../../shared/client/index.ts';
import { KeywheelError } from '../../shared/errors.ts';
import { peer, peersRequired } from '../peers/index.ts';
import { findLeaks, type Canary } from './helpers/leaks.ts';
import { definitions, openPlatform } from './platforms/index.ts';

/** What keywheel.yaml promises of every consumer: true of the first ones, and deliberately wrong of the others. Milliseconds. */
const PROMISES = { maxCacheAge: 1000, grace: 1000, quiet: 200, samples: 2 };
const PLAN: PlayPlan = {
  workers: 2,
  consumer: { maxCacheAge: 700, pool: 3, period: 40, freshEvery: 150 },
  least: 3,
  length: 0,
  kills: [undefined, 'applied', 'grace'],
  warmUp: 500,
  between: 50,
  unattended: 100,
};

async function reasonAgainst(name: (typeof PLATFORMS)[number]): Promise<string | undefined> {
  for (const need of definitions[name].needs) {
    const found = await peer(need);
    if (!found.available) return `needs the peer ${need}: ${found.reason}`;
  }
  return undefined;
}
const missing = new Map(await Promise.all(PLATFORMS.map(async (name) => [name, await reasonAgainst(name)] as const)));

/** Starts the show without a screen. */
async function show(house: Parameters<typeof play>[0], plan: PlayPlan): Promise<Played> {
  const closing: (() => Promise<void>)[] = [];
  const scope = { signal: new AbortController().signal, onClose: (close: () => Promise<void>) => void closing.push(close) };
  try {
    return await play(house, plan, scope, { line: () => undefined, show: () => undefined });
  } finally {
    for (const close of closing.toReversed()) await close();
  }
}

/** A job that works now and then: its pool is empty in between, and its client would not look at the store again for an hour. */
function openSleeper({ consumers }: Stage, port: number) {
  let refused = 0;
  const client = openClient(consumers.store, {
    maxAge: 3_600_000,
    env: { ...process.env, ...consumers.env },
    onEvent: ({ type }) => void (type === 'refused' && (refused += 1)),
  });
  const pool = pgPool(client, SECRET, pg, { host: HOST, port, database: DATABASE, max: 3, idleTimeoutMillis: 1 });
  return {
    refused: () => refused,
    /** Twelve queries at once; the account of each, or why it failed. */
    work: () =>
      Promise.all(
        Array.from({ length: 12 }, () =>
          pool.query<{ account: string }>('SELECT session_user AS account FROM orders LIMIT 1').then(
            ({ rows }) => rows[0]?.account,
            (error: { code?: string }) => error.code,
          ),
        ),
      ),
    asleep: async () => {
      while (pool.totalCount > 0) await delay(5);
    },
    async close() {
      await pool.end();
      await client.close();
    },
  };
}

describe.each(PLATFORMS)('on %s', (name) => {
  const reason = missing.get(name);
  if (reason !== undefined) {
    it.skipIf(!peersRequired())(reason, () => {
      throw new KeywheelError('ERR_MISSING_PEER', `the end-to-end on ${name} ${reason}`, { hint: 'see test/peers/README.md' });
    });
    return;
  }

  let folder: string;
  let database: Database;
  let application: Application;
  let stage: Stage;
  const material: string[] = [];
  beforeAll(async () => {
    folder = await makeFolder();
    database = await startDatabase(folder);
    application = await createApplication(database);
    stage = await openPlatform(name, {
      folder,
      first: { engine: 'postgres', host: HOST, port: database.port, dbname: DATABASE, ...application.first },
      write: (sections) => writeProject(folder, database.port, application.adminPassword, sections, PROMISES),
      watch: () => () => undefined,
    });
  });
  afterAll(async () => {
    await stage?.close();
    await database?.stop();
    await removeFolder(folder);
  });

  it('rotates under load, its processes killed, and no query fails', async () => {
    const played = await show({ database, application, stage }, PLAN);

    const { timeline } = played;
    material.push(...played.material);
    expect(timeline.failures).toEqual([]);
    expect(summarize(timeline)).toMatchObject({ failed: 0, rotations: 3, resumes: 2, refused: 3 });
    expect(summarize(timeline).queries).toBeGreaterThan(200);
    expect(timeline.turns.map(({ refusal }) => refusal?.code)).toEqual(['28P01', '28P01', '28P01']);
    expect(timeline.leaks).toBe(0);
  });

  it('waits for consumers that keep current longer than grace, and one that sleeps through it all logs in again', async () => {
    const sleeper = openSleeper(stage, database.port);
    const [before] = await sleeper.work();
    await sleeper.asleep();

    const late = { ...PLAN.consumer, maxCacheAge: PROMISES.grace * 3 };
    const played = await show({ database, application, stage }, { ...PLAN, consumer: late, least: 1, kills: [undefined] });
    const after = await sleeper.work();
    await sleeper.close();

    material.push(...played.material);
    expect(played.timeline.failures).toEqual([]);
    expect(summarize(played.timeline)).toMatchObject({ failed: 0, rotations: 1, refused: 1 });
    expect(sleeper.refused()).toBeGreaterThan(0);
    const { to = '' } = played.timeline.turns[0]?.record ?? {};
    expect([before, ...after]).toEqual([played.timeline.turns[0]?.old.account, ...after.map(() => to)]);
  });

  it('has written no password down', async () => {
    const output = await stage.output();
    const canaries: Canary[] = [...new Set(material)].map((password, index) => ({
      label: `password ${index + 1}`,
      material: password,
    }));
    const { SECRET_ID: secretId } = stage.consumers.env;
    if (secretId !== undefined) canaries.push({ label: 'the secret id', material: secretId });

    // Four rotations, whose old and new ones overlap, and the admin's.
    expect(canaries.length).toBeGreaterThanOrEqual(6);
    // It is all there to be found: what was killed too.
    expect(output.length).toBeGreaterThanOrEqual(3);
    expect(output.map(({ text }) => text).join('\n')).toMatch(/closed/);
    for (const { where, text } of output) expect(findLeaks(where, text, canaries)).toEqual([]);
  });
});
