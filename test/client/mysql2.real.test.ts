/** mysql2 pools over the client, against mysql2's own server side of the protocol, which checks passwords as MySQL does. */
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import callbacks from 'mysql2';
import promises from 'mysql2/promise';
import type { Pool, RowDataPacket } from 'mysql2/promise';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientOver, mysqlPool, type ClientEvent, type ClientOptions, type SecretClient } from '../../shared/client/index.ts';
import type { CurrentSecret } from '../../shared/stores/index.ts';
import { leakForms } from '../contract/harness.ts';
import { until } from '../helpers/postgres.ts';
import { startMysqlServer, type MysqlServer } from './mysql-server.ts';

const SECRET = 'app/db';
const LIMIT = 5;
let server: MysqlServer;
let client: SecretClient;
let pool: Pool;
let current: CurrentSecret;
let events: ClientEvent[];
let reads: number;

/** What a rotator does: a new password for the other account, then `current`. Gives the old account. */
function publish(): string {
  const old = String(current.value['username']);
  const username = old === 'app_a' ? 'app_b' : 'app_a';
  const password = `Pa55word+of/${username}=${crypto.randomUUID()}`;
  server.passwords.set(username, password);
  current = { version: crypto.randomUUID(), value: { username, password } };
  return old;
}

function begin(options: ClientOptions = {}, storeDelay = 0): void {
  client = clientOver(
    async () => ({
      kind: 'fake',
      async current() {
        reads += 1;
        const answer = current;
        await delay(storeDelay);
        return answer;
      },
      close: async () => undefined,
    }),
    { onEvent: (event) => events.push(event), ...options },
  );
  pool = mysqlPool(client, SECRET, promises, { host: '127.0.0.1', port: server.port, connectionLimit: LIMIT });
}

beforeEach(async () => {
  server = await startMysqlServer();
  current = { version: 'v1', value: { username: 'app_a', password: 'first-Pa55word/of+a=' } };
  server.passwords.set('app_a', 'first-Pa55word/of+a=');
  events = [];
  reads = 0;
});
afterEach(async () => {
  await pool?.end();
  await client?.close();
  await server?.stop();
});

const ask = async (): Promise<string> => {
  const [rows] = await pool.query<RowDataPacket[]>('SELECT USER() AS account');
  return String(rows[0]?.['account']);
};
const failuresOf = (settled: readonly PromiseSettledResult<unknown>[]): unknown[] =>
  settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));

describe('a mysql2 pool', () => {
  it('moves under load without a failed query, and its old connections say goodbye', async () => {
    begin({ maxAge: 200 });
    const stopping = new AbortController();
    const failures: unknown[] = [];
    let queries = 0;
    const work = async (): Promise<void> => {
      while (!stopping.signal.aborted) {
        await ask().catch((error: unknown) => failures.push(error));
        queries += 1;
      }
    };
    const running = Promise.all(Array.from({ length: 8 }, work));
    await until('the pool is busy', async () => (queries > 200 ? true : undefined));
    for (let turn = 0; turn < 3; turn += 1) {
      const old = publish();
      await until(`${old} is out of use`, async () => (server.open(old) === 0 ? true : undefined), 3000);
      server.passwords.delete(old);
      await delay(50);
    }
    stopping.abort();
    await running;

    expect(failures).toEqual([]);
    expect(events.filter(({ type }) => type === 'refused')).toEqual([]);
    expect(server.logins.every(({ accepted }) => accepted)).toBe(true);
    expect(server.quits()).toBe(3 * LIMIT);
  });

  it.each([0, 100])('makes a refused login good: no caller sees it (store reads take %i ms)', async (ms) => {
    begin({ maxAge: 600_000 }, ms);
    expect(await ask()).toBe('app_a');
    const held = await pool.getConnection();
    server.passwords.delete(publish());

    const burst = await Promise.allSettled(Array.from({ length: 40 }, ask));

    expect(failuresOf(burst)).toEqual([]);
    expect(server.logins.filter(({ accepted }) => !accepted).length).toBeLessThanOrEqual(LIMIT);
    expect(reads).toBe(2);
    held.release();
    await until('the held connection is closed', async () => (server.open('app_a') === 0 ? true : undefined));
    expect(await ask()).toBe('app_b');
  });

  it('tries a wrong password a few times and no more, and recovers when the store is corrected', async () => {
    begin({ maxAge: 600_000 });
    const right = current;
    current = { version: 'typo', value: { username: 'app_a', password: 'wrong' } };
    const codes = new Set<unknown>();
    const end = Date.now() + 2000;
    while (Date.now() < end) {
      await ask().catch((error: { code?: unknown }) => codes.add(error.code));
      await delay(2);
    }
    const tried = server.logins.length;
    current = right;

    await until('queries succeed', async () => ask().catch(() => undefined), 10_000);

    expect(codes).toEqual(new Set(['ERR_TARGET_REFUSED', 'ER_ACCESS_DENIED_ERROR']));
    expect(tried).toBeLessThanOrEqual(5);
  });

  it('keeps using what it has while new logins are refused', async () => {
    begin({ maxAge: 600_000 });
    await ask();
    server.passwords.set('app_a', 'changed by hand');
    const [first, second] = [await pool.getConnection(), pool.getConnection()];
    await expect(second).rejects.toMatchObject({ code: 'ER_ACCESS_DENIED_ERROR', errno: 1045 });
    await expect(pool.getConnection()).rejects.toMatchObject({ code: 'ERR_TARGET_REFUSED' });
    first.release();

    expect(failuresOf(await Promise.allSettled([ask()]))).toEqual([]);
  });

  it('with callbacks does the same', async () => {
    begin();
    const plain = mysqlPool(client, SECRET, callbacks, { host: '127.0.0.1', port: server.port, connectionLimit: 1 });
    const query = () =>
      new Promise((resolve, reject) =>
        plain.query<RowDataPacket[]>('SELECT USER() AS account', (error, rows) =>
          error ? reject(error) : resolve(rows[0]?.['account']),
        ),
      );
    const before = await query();
    publish();
    await client.refresh(SECRET);
    await until('the idle connection is closed', async () => (server.open('app_a') === 0 ? true : undefined));

    expect([before, await query()]).toEqual(['app_a', 'app_b']);
    await new Promise<void>((resolve) => plain.end(() => resolve()));
  });

  it('prints no password, nor do its connections', async () => {
    begin();
    const password = String(current.value['password']);
    await ask();
    const connection = await pool.getConnection();
    const shown = [pool, pool.pool, connection, client].map((each) => inspect(each, { depth: 12 }));
    connection.release();

    const text = [...shown, JSON.stringify([pool, client])].join('\n');
    expect(text).toContain(SECRET);
    for (const form of leakForms(password)) expect(text).not.toContain(form);
  });
});
