/** The file stores under several processes, SIGKILL and full disks. */
import { execFile, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGate } from '../../shared/deps.ts';
import { openSqliteState } from '../../shared/state/sqlite.ts';
import { createLocalStoreKey } from '../../shared/stores/index.ts';
import { openLocalStore } from '../../shared/stores/local.ts';
import { all, manualClock, realRandom, scratch } from './harness.ts';

const WORKER = path.join(import.meta.dirname, 'workers/storage.ts');
const run = promisify(execFile);

let directory: ReturnType<typeof scratch>;
beforeEach(() => {
  directory = scratch();
  createLocalStoreKey(path.join(directory.path, 'key'));
});
afterEach(() => directory.remove());

const deps = { clock: manualClock(), random: realRandom, gate: openGate() };
const state = () => openSqliteState({ kind: 'sqlite', path: path.join(directory.path, 'state.db') }, deps);
const store = () =>
  openLocalStore({ kind: 'local', path: path.join(directory.path, 'store.db'), keyFile: path.join(directory.path, 'key') }, deps);

async function seed(): Promise<void> {
  const [on, secrets] = [state(), store()];
  await secrets.put('s', { password: 'seed' });
  secrets.close();
  await on.close();
}

/** Every line that the worker said. Its stderr must be empty: no warning of Node's reaches a user's terminal. */
async function work(task: string, argument: unknown, limit: readonly string[] = []): Promise<unknown[]> {
  const [command, ...rest] = [...limit, process.execPath, WORKER, task, directory.path, String(argument)];
  const { stdout, stderr } = await run(command, rest);
  expect(stderr).toBe('');
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));
}

const four = (task: string, argument: (n: number) => unknown) => Promise.all([0, 1, 2, 3].map((n) => work(task, argument(n))));

describe('four processes at once', () => {
  it('make one store and one state between them, and lose nothing', async () => {
    const ids = (await four('open', (n) => n)).flat();
    const on = state();
    expect(new Set(ids)).toEqual(new Set([await on.installation()]));
    await on.close();
    const secrets = store();
    expect((await all(secrets.list())).map((secret) => secret.name)).toEqual(['from/0', 'from/1', 'from/2', 'from/3']);
    secrets.close();
    expect(readdirSync(directory.path).toSorted()).toEqual(['key', 'state.db', 'store.db']);
  });

  it('count to an exact number by compare-and-set', async () => {
    await four('count', () => 60);
    const on = state();
    expect((await on.get('counter'))?.value).toBe(240);
    await on.close();
  });

  it('hold a lease one at a time, each time with a higher fence', async () => {
    const fences = (await four('lease', () => 15)) as number[][];
    for (const own of fences) expect(own).toEqual(own.toSorted((a, b) => a - b));
    expect(fences.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
  });

  it('publish against each other, and each publish that was not refused counts', async () => {
    await seed();
    const won = (await four('rotate', () => 25)).flat() as number[];
    const secrets = store();
    const { revision = '', labels } = (await secrets.describe('s')) ?? {};
    const total = won.reduce((sum, one) => sum + one, 0);
    expect(total).toBeGreaterThan(0);
    expect(revision).toBe(`${1 + total}.${labels?.current?.id}`);
    expect(labels?.pending).toBeUndefined();
    expect((await secrets.read('s', 'current'))?.value).toEqual({ password: labels?.current?.rotationId });
    secrets.close();
  });
});

describe('SIGKILL during writes', () => {
  it('loses nothing that was said to be done, and leaves nothing half done', async () => {
    await seed();
    let done = 0;
    for (let round = 0; round < 12; round += 1) {
      done = await churnUntilKilled(done + 1, 1 + ((round * 7) % 11), round % 4);
      const [on, secrets] = [state(), store()];
      const [a, b] = (await on.getMany<number>(['a', 'b'])).map((record) => record.value);
      expect(a).toBe(b);
      expect([done, done + 1]).toContain(a);
      const current = await secrets.read('s', 'current');
      expect([`p-${done}`, `p-${done + 1}`]).toContain(current?.value['password']);
      expect(current?.rotationId).toBe(`r-${String(current?.value['password']).slice(2)}`);
      done = Number(String(current?.value['password']).slice(2)); // the next worker takes up what was left behind
      secrets.close();
      await on.close();
    }
    expect(done).toBeGreaterThan(12);
  });

  /** Kills the worker `extra` milliseconds after it said `lines` numbers; returns the last number it said. */
  async function churnUntilKilled(from: number, lines: number, extra: number): Promise<number> {
    const child = spawn(process.execPath, [WORKER, 'churn', directory.path, String(from)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let last = from - 1;
    let said = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      last = Number(line);
      said += 1;
      if (said === lines) setTimeout(() => child.kill('SIGKILL'), extra);
    }
    return last;
  }
});

describe('a full disk', () => {
  it('is said as FULL, keeps what was written, and is over when there is room', async () => {
    await seed();
    const [said] = (await work('fill', '', ['prlimit', '--fsize=300000'])) as [Record<string, unknown>];
    expect(said).toMatchObject({ codes: ['ERR_STATE_FULL', 'ERR_STORE_FULL'] });
    expect(said['records']).toBeGreaterThan(5);
    expect(said['readable']).toBe(said['records']);
    expect(said['last']).toBe(`p-${Number(said['puts']) - 1}`);
    const [on, secrets] = [state(), store()];
    expect(await all(on.list('fill/'))).toHaveLength(Number(said['records']));
    expect((await secrets.read('s', 'current'))?.value['password']).toBe(said['last']);
    await on.put({ key: 'fill/more', value: 1, expected: null });
    await secrets.put('s', { password: 'more' });
    secrets.close();
    await on.close();
  });

  it('with not one byte left still gives current to its readers', async () => {
    await seed();
    const [said] = await work('starve', '', ['prlimit', '--fsize=0']);
    expect(said).toMatchObject({ value: 'seed', code: 'ERR_STORE_FULL', error: expect.stringContaining('could not be written') });
  });
});
