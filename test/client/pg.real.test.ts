/** A pg pool over the client, under load, while the real engine rotates a real PostgreSQL's account pair over the local store. */
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  clientOver,
  openClient,
  pgPool,
  type ClientEvent,
  type ClientOptions,
  type SecretClient,
  type SecretReader,
} from '../../shared/client/index.ts';
import type { LocalStoreConfig } from '../../shared/config/index.ts';
import { journalKey, type SecretJournal } from '../../shared/rotation/index.ts';
import { openReader } from '../../shared/stores/index.ts';
import { leakForms } from '../contract/harness.ts';
import { prepareRoom, type Room } from '../e2e/helpers/room.ts';
import { startPostgres, until, type Postgres } from '../helpers/postgres.ts';

const SECRET = 'app/db';
let server: Postgres;
let rooms = 0;
let room: Room;
let client: SecretClient;
let pool: pg.Pool;
let events: ClientEvent[];

beforeAll(async () => {
  server = await startPostgres({ settings: { log_connections: 'on' } });
});
afterAll(() => server?.stop());

/** `storeDelay`: what each read of the store takes, as one over a network does. */
async function begin(
  timing: { maxCacheAge: string; grace: string },
  options: ClientOptions,
  config: pg.PoolConfig = {},
  storeDelay = 0,
): Promise<void> {
  rooms += 1;
  const { createAccountPair } = await import('../helpers/account-pair.ts');
  const pair = await createAccountPair(server, { name: `client${rooms}` });
  room = await prepareRoom(server, { secrets: [SECRET], pairs: { [SECRET]: pair }, put: 'port', ...timing });
  events = [];
  const store = { kind: 'local', path: room.file('store.db'), keyFile: room.file('store.key') } as const;
  const given: ClientOptions = { onEvent: (event) => events.push(event), ...options };
  client = storeDelay === 0 ? openClient(store, given) : clientOver(() => slowReader(store, storeDelay), given);
  pool = pgPool(client, SECRET, pg, {
    host: server.host,
    port: server.port,
    database: pair.database,
    max: 6,
    application_name: 'client-test',
    connectionTimeoutMillis: 10_000,
    ...config,
  });
}

async function slowReader(store: LocalStoreConfig, ms: number): Promise<SecretReader> {
  const reader = await openReader(store);
  return { ...reader, current: (name, signal) => delay(ms).then(() => reader.current(name, signal)) };
}

beforeEach(() => {
  events = [];
});
afterEach(async () => {
  await pool.end();
  await client.close();
  await room.close();
});

interface Load {
  readonly failures: string[];
  readonly queries: () => number;
  /** When each account was last seen by a query that began then. */
  readonly last: Map<string, number>;
  stop(): Promise<void>;
}

/** Callers that query without rest, and try nothing twice. */
function load(workers: number, pause = 0): Load {
  const stopping = new AbortController();
  const failures: string[] = [];
  const last = new Map<string, number>();
  let queries = 0;
  async function work(): Promise<void> {
    while (!stopping.signal.aborted) {
      const began = Date.now();
      try {
        const { rows } = await pool.query<{ account: string }>('SELECT session_user AS account');
        last.set(rows[0]?.account ?? '', began);
      } catch (error) {
        failures.push(String((error as { code?: unknown }).code ?? error));
      }
      queries += 1;
      if (pause > 0 || failures.length > 0) await delay(Math.max(pause, 2));
    }
  }
  const running = Promise.all(Array.from({ length: workers }, work));
  return {
    failures,
    queries: () => queries,
    last,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

async function rotate(): Promise<{ from: string; to: string; steps: Map<string, number> }> {
  const ended = await room.run(['rotate', SECRET, '--wait']);
  expect(ended.code, ended.stderr).toBe(0);
  const state = await room.openState();
  const rotation = (await state.get<SecretJournal>(journalKey(SECRET)))?.value.rotation;
  await state.close();
  expect(rotation).toMatchObject({ phase: 'closed', outcome: 'rotated' });
  return {
    from: rotation?.from.id.slot ?? '',
    to: rotation?.to ?? '',
    steps: new Map(rotation?.steps.map(({ phase, at }) => [phase, at])),
  };
}

const sessions = async (account: string): Promise<number> =>
  (await server.query<{ n: number }>(`SELECT count(*)::int AS n FROM pg_stat_activity WHERE usename = '${account}'`))[0]?.n ?? -1;

describe('a cache that is younger than grace', () => {
  it('no query fails, and the old account is out of use within maxAge, over several rotations', async () => {
    const maxAge = 800;
    await begin({ maxCacheAge: '1200ms', grace: '1500ms' }, { maxAge });
    const running = load(8);
    await until('the pool is busy', async () => (running.queries() > 200 ? true : undefined));

    for (let turn = 0; turn < 3; turn += 1) {
      const { from, to, steps } = await rotate();
      const published = steps.get('published') ?? 0;
      expect(running.last.get(from)).toBeGreaterThan(0);
      expect((running.last.get(from) ?? Infinity) - published).toBeLessThan(maxAge + 250); // and one query's time on a busy machine
      expect(running.last.get(from)).toBeLessThan(steps.get('retired') ?? 0);
      expect(await sessions(from)).toBe(0);
      expect(running.last.get(to)).toBeGreaterThan(steps.get('retired') ?? Infinity);
    }
    await running.stop();

    expect(running.failures).toEqual([]);
    expect(running.queries()).toBeGreaterThan(1000);
    expect(events.filter(({ type }) => type === 'refused')).toEqual([]);
    expect(events.filter(({ type }) => type === 'changed')).toHaveLength(4);
    expect(pool.totalCount).toBeLessThanOrEqual(6);
  });

  it('a connection that is held in a transaction stays until it is given back, and is closed then', async () => {
    await begin({ maxCacheAge: '300ms', grace: '300ms' }, { maxAge: 200 });
    const held = await pool.connect();
    await held.query('BEGIN');
    const [before] = (await held.query<{ account: string }>('SELECT session_user AS account')).rows;
    const other = await pool.connect();
    other.release();
    const rotation = room.start(['rotate', SECRET, '--wait']);
    await until('a new connection has the new account', async () => {
      const { rows } = await pool.query<{ account: string }>('SELECT session_user AS account');
      return rows[0]?.account === before?.account ? undefined : true;
    });

    await held.query('COMMIT');
    held.release();

    expect(await sessions(before?.account ?? '')).toBe(0);
    expect((await rotation.ended).code).toBe(0);
    expect(pool.totalCount).toBe(1);
  });
});

describe('a cache that is older than grace, against the configuration', () => {
  it.each([0, 150])(
    'a login that is refused after the rotation is made good: no caller sees it (store reads take %i ms)',
    async (ms) => {
      await begin({ maxCacheAge: '100ms', grace: '100ms' }, { maxAge: 600_000 }, { idleTimeoutMillis: 50 }, ms);
      for (let turn = 0; turn < 2; turn += 1) {
        const burst = await Promise.allSettled(Array.from({ length: 60 }, () => pool.query('SELECT 1')));
        expect(burst.filter(({ status }) => status === 'rejected')).toEqual([]);
        await until('the pool is empty', async () => (pool.totalCount === 0 ? true : undefined));
        await rotate();
      }

      const burst = await Promise.allSettled(Array.from({ length: 60 }, () => pool.query('SELECT 1')));

      expect(burst.filter(({ status }) => status === 'rejected')).toEqual([]);
      expect(events.filter(({ type }) => type === 'refused').length).toBeGreaterThanOrEqual(2);
      expect(events.filter(({ type }) => type === 'changed')).toHaveLength(3);
    },
  );

  it('under load the rotation waits for the cache, and no query fails', async () => {
    await begin({ maxCacheAge: '100ms', grace: '100ms' }, { maxAge: 3000 });
    const running = load(8);
    await until('the pool is busy', async () => (running.queries() > 200 ? true : undefined));

    const held = await room.run(['rotate', SECRET, '--wait']);
    await until('the cache has run out, and the rotation closes', async () =>
      (await room.run(['rotate', SECRET, '--resume', '--wait'])).code === 0 ? true : undefined,
    );
    await running.stop();

    expect([held.code, held.stderr]).toEqual([5, expect.stringContaining('still runs statements')]);
    expect(running.failures).toEqual([]);
    expect(running.last.size).toBe(2);
  });
});

describe('a wrong password in the store', () => {
  it('is tried a few times and no more, is told clearly, shows itself nowhere, and is over when the store is corrected', async () => {
    await begin({ maxCacheAge: '1s', grace: '1s' }, { maxAge: 600_000 }, { max: 3 });
    const right = await room.get(SECRET);
    const wrong = 'wrong-Pa55word/of+canary=';
    await room.put(SECRET, { ...right, password: wrong });
    await client.refresh(SECRET);
    const running = load(6, 5);

    await delay(2500);
    const refused = `password authentication failed for user "${String(right['username'])}"`;
    const refusals = server.log().split(refused).length - 1;
    const seen = [...new Set(running.failures)];
    const [error] = await Promise.allSettled([pool.query('SELECT 1')]);
    await room.put(SECRET, right);
    await until('queries succeed', async () => (running.last.size > 0 ? true : undefined), 10_000);
    await running.stop();

    expect(seen.toSorted()).toEqual(['28P01', 'ERR_TARGET_REFUSED']);
    expect(running.failures.length).toBeGreaterThan(200);
    expect(refusals).toBeGreaterThan(0);
    expect(refusals).toBeLessThanOrEqual(3 + 3); // one for each connection of the pool, then after 1 and 2 s
    const shown = [error, pool, client, events, pool.options]
      .map((each) => inspect(each, { depth: 9, showHidden: true }))
      .join('\n');
    const json = JSON.stringify([error, pool, client, events]);
    for (const form of [...leakForms(wrong), ...leakForms(String(right['password']))]) {
      expect(shown.includes(form) || json.includes(form)).toBe(false);
    }
  });

  it('a field that is missing is named, without what is in the others', async () => {
    await begin({ maxCacheAge: '1s', grace: '1s' }, {});
    const store = await room.openStore(); // the terminal would refuse this value
    await store.put(SECRET, { user: 'app', password: 'canary-Pa55word' });
    store.close();
    await client.refresh(SECRET);

    await expect(pool.query('SELECT 1')).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: 'secret app/db cannot be used to log in, because its field username is no text',
    });
  });
});

it('connections and the pool print no password', async () => {
  await begin({ maxCacheAge: '1s', grace: '1s' }, {});
  const connection = await pool.connect();
  await connection.query('SELECT 1');
  const password = String((await room.get(SECRET))['password']);

  const shown = [pool, connection, client, await client.get(SECRET)].map((each) =>
    inspect(each, { depth: 12, showHidden: true }),
  );
  connection.release();

  const text = [...shown, JSON.stringify([pool, connection, client, await client.get(SECRET)])].join('\n');
  expect(text).toContain('app/db');
  for (const form of leakForms(password)) expect(text).not.toContain(form);
});
