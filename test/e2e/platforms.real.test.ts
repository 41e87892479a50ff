/**
 * An end-to-end for each cloud: real host processes, real or emulated stores, a real PostgreSQL, and an application under load that uses the client
 * library. Its scene is the demo's own. Its workers keep `current` shorter than grace, as they promised; beside them there are such as keep it for an hour.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
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
import { lastRotation } from '../../functions/cli/demo/watch.ts';
import { openClient, pgPool } from '../../shared/client/index.ts';
import { KeywheelError } from '../../shared/errors.ts';
import { peer, peersRequired } from '../peers/index.ts';
import { findLeaks, type Canary } from './helpers/leaks.ts';
import { definitions, openPlatform } from './platforms/index.ts';

const BIN = path.resolve(import.meta.dirname, '../../functions/cli/bin.mjs');
/** What keywheel.yaml promises of every consumer: true of the workers, and deliberately wrong of the others. Milliseconds. */
const PROMISES = { maxCacheAge: 1500, grace: 1500, quiet: 200, samples: 2 };
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

const HOUR = 3_600_000;
const ACCOUNT = 'SELECT session_user AS account FROM orders LIMIT 1';

/** A consumer of this process that keeps `current` for an hour, whatever keywheel.yaml promises, and a clock of its own. */
function openLate({ consumers }: Stage, port: number, idleTimeoutMillis: number) {
  let [ahead, refused] = [0, 0];
  const client = openClient(consumers.store, {
    maxAge: HOUR,
    env: { ...process.env, ...consumers.env },
    onEvent: ({ type }) => void (type === 'refused' && (refused += 1)),
    deps: { now: () => performance.now() + ahead },
  });
  const pool = pgPool(client, SECRET, pg, { host: HOST, port, database: DATABASE, max: 3, idleTimeoutMillis });
  /** The account that a query ran for, or why it failed. */
  const ask = (): Promise<string | undefined> =>
    pool.query<{ account: string }>(ACCOUNT).then(
      ({ rows }) => rows[0]?.account,
      (error: { code?: string }) => error.code ?? 'no code',
    );
  return {
    ask,
    refused: () => refused,
    anHourPasses: () => void (ahead += HOUR),
    /** Until the pool has no connection left. */
    async asleep() {
      while (pool.totalCount > 0) await delay(5);
    },
    async close() {
      await pool.end();
      await client.close();
    },
  };
}

/** Has it query all the time. The result ends that, and says which accounts, or failures, there were. */
function keepAsking({ ask }: ReturnType<typeof openLate>): () => Promise<Set<string | undefined>> {
  const stopping = new AbortController();
  const seen = new Set<string | undefined>();
  const asking = (async () => {
    for (; !stopping.signal.aborted; await delay(20)) seen.add(await ask());
  })();
  return async () => {
    stopping.abort();
    await asking;
    return seen;
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

  it('waits for a consumer that keeps current longer than grace, and one that slept through it all logs in again', async () => {
    const [busy, sleeper] = [openLate(stage, database.port, 10_000), openLate(stage, database.port, 1)];
    const old = await sleeper.ask();
    await sleeper.asleep();
    const stop = keepAsking(busy);

    const [played] = await Promise.all([
      show({ database, application, stage }, { ...PLAN, least: 1, kills: [undefined] }),
      expect
        .poll(async () => (await lastRotation({ state: stage.state, secret: SECRET }))?.hold?.code, { timeout: 60_000 })
        .toBe('still-in-use')
        .then(() => busy.anHourPasses()),
    ]);
    const seen = await stop();
    const woken = await Promise.all(Array.from({ length: 12 }, () => sleeper.ask()));
    await Promise.all([busy.close(), sleeper.close()]);

    const { timeline } = played;
    const { to = '' } = timeline.turns[0]?.record ?? {};
    material.push(...played.material);
    expect(timeline.failures).toEqual([]);
    expect(summarize(timeline)).toMatchObject({ failed: 0, rotations: 1, refused: 1 });
    expect(old).toBe(timeline.turns[0]?.old.account);
    expect({ seen, refused: busy.refused() }).toEqual({ seen: new Set([old, to]), refused: 0 });
    expect(woken).toEqual(woken.map(() => to));
    expect(sleeper.refused()).toBeGreaterThan(0);
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

describe('keywheel demo --platform', () => {
  let temporary: string;
  let reports: string;
  beforeAll(async () => {
    [temporary, reports] = await Promise.all([mkdtemp(path.join(tmpdir(), 'kw-')), mkdtemp(path.join(tmpdir(), 'kw-report-'))]);
    // As root the server runs as another user, who must be able to enter.
    await chmod(temporary, 0o755);
  });
  afterAll(() => Promise.all([temporary, reports].map((each) => rm(each, { recursive: true, force: true }))));

  function start(bin: string, ...args: string[]) {
    const env = { ...process.env, TMPDIR: temporary, NO_COLOR: '1' };
    const child = spawn(process.execPath, [bin, 'demo', ...args, '--out', path.join(reports, `${args[1]}.html`)], { env });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (output.stdout += piece));
    child.stderr.setEncoding('utf8').on('data', (piece: string) => (output.stderr += piece));
    const ended = once(child, 'close').then(([code]) => code as number | null);
    return { child, output, ended };
  }

  it.concurrent.each((['aws', 'vault'] as const).filter((name) => missing.get(name) === undefined))(
    'shows the same on %s, with the same figures',
    async (name) => {
      const { output, ended } = start(BIN, '--platform', name, '--json', '--seconds', '1');

      expect(await ended, output.stderr).toBe(0);

      expect(output.stdout.split('\n').filter(Boolean)).toHaveLength(1);
      const summary = JSON.parse(output.stdout) as Record<string, number>;
      expect(Object.keys(summary)).toEqual(['schemaVersion', 'seconds', 'queries', 'failed', 'rotations', 'resumes', 'refused']);
      expect(summary).toMatchObject({ schemaVersion: 1, failed: 0, rotations: 4, resumes: 2, refused: 4 });
      const page = await readFile(path.join(reports, `${name}.html`), 'utf8');
      expect(page).toContain(`<b>keywheel demo</b> on ${name}`);
      expect(page).toContain('all that the hosts wrote was searched');
    },
    300_000,
  );

  it('leaves nothing behind when it is killed itself', async () => {
    const { child, output, ended } = start(BIN, '--platform', 'gcp');
    await expect.poll(() => output.stderr, { timeout: 60_000 }).toContain('planned');

    child.kill('SIGKILL');
    await ended;

    const left = async (): Promise<string[]> => [...(await readdir(temporary)), ...processesNaming(`${temporary}/`)];
    await expect.poll(left, { timeout: 20_000 }).toEqual([]);
  });

  it('says in an installed package that a checkout is needed', async () => {
    const installed = path.join(reports, 'installed');
    const root = path.resolve(import.meta.dirname, '../..');
    for (const part of ['functions', 'shared', 'package.json']) {
      await cp(path.join(root, part), path.join(installed, part), { recursive: true });
    }
    await symlink(path.join(root, 'node_modules'), path.join(installed, 'node_modules'));

    const { output, ended } = start(path.join(installed, 'functions/cli/bin.mjs'), '--platform', 'aws');

    expect(await ended).toBe(2);
    expect(output.stdout).toBe('');
    expect(output.stderr.split('\n')).toEqual([
      expect.stringMatching(/^keywheel: the demo on aws cannot start, its host and servers are in a checkout of Keywheel/),
      'hint: in a checkout: npm ci && npx keywheel demo --platform aws',
      '',
    ]);
  });

  it('names the nearest platform', async () => {
    const { output, ended } = start(BIN, '--platform', 'azrue');

    expect(await ended).toBe(2);
    expect(output.stderr).toContain('keywheel: unknown platform "azrue", did you mean "azure"\n');
  });
});

function processesNaming(text: string): string[] {
  const all = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8', maxBuffer: 1 << 24 });
  return all.split('\n').filter((line) => line.includes(text));
}
