/**
 * The kill storm: real processes rotate real accounts and are killed by SIGKILL at random moments, while consumers log in with what `current`
 * says all the time. KEYWHEEL_STORM_SEED replays the choices (not the scheduling of the machine).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  historyKey,
  journalKey,
  leaseKey,
  PHASES,
  type RotationRecord,
  type SecretJournal,
} from '../../shared/rotation/index.ts';
import type { State } from '../../shared/state/index.ts';
import type { SecretStore } from '../../shared/stores/index.ts';
import { parseComment } from '../../shared/targets/postgres/mark.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { chanceFrom } from './helpers/chance.ts';
import { startConsumers, type Consumers } from './helpers/consumers.ts';
import { loginAt, prepareRoom, type Room } from './helpers/room.ts';
import { newTally, stormOnce } from './helpers/storm.ts';

const SEED = Number(process.env['KEYWHEEL_STORM_SEED'] ?? 20_261_123);
const SECRETS = ['storm/a', 'storm/b', 'storm/c', 'storm/d'] as const;
const KILLED_ROTATIONS = 100;
/** Where luck leaves a phase of a few milliseconds out, it goes on for this many more rotations. */
const MORE = 40;
const CACHE = { keep: 150, promised: 300 };
const OPEN_PHASES = PHASES.filter((phase) => phase !== 'closed');

let server: Postgres;
let room: Room;
let store: SecretStore;
let state: State;
const tally = newTally();
const consumers = new Map<string, Consumers>();
let fences: { stop(): Promise<ReadonlyMap<string, readonly number[]>> };

/** Reads the fence of every account's mark again and again. */
function watchFences(): typeof fences {
  const seen = new Map<string, number[]>();
  const stopping = new AbortController();
  const watching = (async () => {
    const client = await server.connect(server.superuser.username, server.superuser.password);
    while (!stopping.signal.aborted) {
      const { rows } = await client.query<{ role: string; comment: string | null }>(
        `SELECT rolname AS role, shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname LIKE 'storm\\__\\__'`,
      );
      for (const { role, comment } of rows) {
        const fence = parseComment(role, comment).mark?.fence;
        const before = seen.get(role) ?? [];
        if (fence !== undefined && before.at(-1) !== fence) seen.set(role, [...before, fence]);
      }
      await delay(50);
    }
    await client.end();
  })();
  return {
    async stop() {
      stopping.abort();
      await watching;
      return seen;
    },
  };
}

async function historyOf(secret: string): Promise<RotationRecord[]> {
  const records: RotationRecord[] = [];
  for await (const { key, value } of state.list<RotationRecord>(historyKey(secret, ''))) {
    expect(key).toBe(historyKey(secret, value.rotationId));
    records.push(value);
  }
  return records;
}

beforeAll(async () => {
  server = await startPostgres({ settings: { max_connections: '60' } });
  room = await prepareRoom(server, { secrets: SECRETS, maxCacheAge: `${CACHE.promised}ms`, grace: `${CACHE.promised}ms` });
  store = await room.openStore();
  state = await room.openState();
});
afterAll(async () => {
  await state?.close();
  await room?.close();
  await server?.stop();
});

describe(`the kill storm (seed ${SEED})`, () => {
  let fenceLog: ReadonlyMap<string, readonly number[]>;
  let seconds = 0;

  it(
    `kills the processes of ${KILLED_ROTATIONS} rotations and more, and every rotation converges`,
    { timeout: 300_000 },
    async () => {
      for (const secret of SECRETS) {
        const { database } = room.pair(secret);
        consumers.set(secret, startConsumers(server, database, store, secret, { ...CACHE, workers: 2, pauseMs: 50 }));
      }
      fences = watchFences();
      const startedAt = performance.now();
      const enough = (): boolean =>
        tally.killed.size >= KILLED_ROTATIONS + MORE ||
        (tally.killed.size >= KILLED_ROTATIONS && OPEN_PHASES.every((phase) => tally.byMoment.has(phase)));

      await Promise.all(
        SECRETS.map(async (secret, index) => {
          const chance = chanceFrom(SEED + index);
          const span = { begin: 700, resume: 600 };
          while (!enough()) await stormOnce({ room, secret, state, chance, tally }, span);
        }),
      );

      seconds = (performance.now() - startedAt) / 1000;
      fenceLog = await fences.stop();
      for (const { load } of consumers.values()) await load.stop();
      expect(tally.killed.size).toBeGreaterThanOrEqual(KILLED_ROTATIONS);
      expect(OPEN_PHASES.filter((phase) => !tally.byMoment.has(phase))).toEqual([]);
    },
  );

  it('no consumer ever saw a refused login or a failed query', () => {
    const results = [...consumers.values()].map(({ load }) => load.counts());
    const logins = results.reduce((sum, { queries }) => sum + queries, 0);
    const late = [...consumers.values()].reduce((sum, each) => sum + each.late(), 0);
    const moments = ['none open', ...PHASES].map((moment) => `${moment} ${tally.byMoment.get(moment as never) ?? 0}`);
    process.stdout.write(
      `kill storm: ${tally.killed.size} rotations killed, ${tally.kills} kills, ${tally.processes} processes (${tally.rivals} rivals), ` +
        `${logins} logins, refused ${results.reduce((sum, { failed }) => sum + failed, 0)}, overslept ${late}, ${seconds.toFixed(0)} s\n` +
        `kill storm: by phase: ${moments.join(', ')}\n`,
    );
    for (const [trouble, times] of tally.troubles) process.stdout.write(`kill storm: ${times} x ended with ${trouble}\n`);

    for (const { failed, failures } of results) expect({ failed, failures: [...failures] }).toEqual({ failed: 0, failures: [] });
    expect(logins).toBeGreaterThan(1000);
    // A consumer that sleeps past its promise is no evidence either way; many of them would mean that nothing was tested.
    expect(late).toBeLessThan(logins / 1000);
  });

  it.each(SECRETS)('%s: delivered once more, it finds nothing to do', async (secret) => {
    const before = await store.describe(secret);
    const again = await room.run(['rotate', secret, '--resume', '--wait', '--json']);

    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ results: [{ secret, status: 'idle' }] });
    expect(await store.describe(secret)).toEqual(before);
  });

  it.each(SECRETS)(
    '%s: every rotation closed with proof, one record each, and each began where the last one ended',
    async (secret) => {
      const history = await historyOf(secret);
      const journal = (await state.get<SecretJournal>(journalKey(secret)))?.value;

      expect(history.length).toBeGreaterThan(10);
      for (const [index, record] of history.entries()) {
        expect(record).toMatchObject({ secret, phase: 'closed', outcome: 'rotated', proof: [{ outcome: 'refused' }] });
        expect(record.hold).toBeUndefined();
        if (index > 0) expect(record.from.version).toBe(history[index - 1]?.staged?.version);
        const steps = record.steps.map((step) => step.fence);
        expect(steps).toEqual(steps.toSorted((a, b) => a - b));
      }
      const lasts = history.map((record) => record.steps.at(-1)?.fence ?? 0);
      expect(lasts).toEqual(lasts.toSorted((a, b) => a - b));
      expect(journal?.rotation?.rotationId).toBe(history.at(-1)?.rotationId);
      expect((await store.describe(secret))?.labels.current?.id).toBe(history.at(-1)?.staged?.version);
    },
  );

  it('every rotation that was killed is in the history', async () => {
    const closed = new Set((await Promise.all(SECRETS.map(historyOf))).flat().map((record) => record.rotationId));
    expect([...tally.killed.keys()].filter((id) => !closed.has(id))).toEqual([]);
  });

  it.each(SECRETS)('%s: nothing is orphaned', async (secret) => {
    const pair = room.pair(secret);
    const labels = (await store.describe(secret))?.labels;
    const current = (await store.read(secret, 'current'))?.value ?? {};
    const idle = pair.accounts.find((account) => account !== current['username']) ?? '';
    const used = [...(consumers.get(secret)?.seen.values() ?? [])];
    const others = used.filter(({ password }) => password !== current['password']);

    expect(labels?.pending).toBeUndefined();
    expect(await loginAt(server, pair.database, current)).toBe('ok');
    // Every password that consumers ever held, tried on both accounts: only current is alive.
    expect(others.length).toBeGreaterThan(5);
    for (const { password } of others) {
      for (const username of pair.accounts) {
        expect([username, await loginAt(server, pair.database, { username, password })]).toEqual([username, '28P01']);
      }
    }
    const [{ comment } = { comment: null }] = await server.query<{ comment: string | null }>(
      `SELECT shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname = '${idle}'`,
    );
    expect(parseComment(idle, comment).mark).toMatchObject({ secret, credential: 'none' });
    // Free: whoever asks gets it at once, without having to know that anybody is dead.
    const lease = await state.acquire(leaseKey(secret), 'the test', 1000);
    expect(lease?.fence).toBeGreaterThan(
      Math.max(...(await historyOf(secret)).flatMap((r) => r.steps.map((step) => step.fence))),
    );
  });

  it('no session is left over, neither of a retired account nor of keywheel itself', async () => {
    const left = await server.query(
      `SELECT usename, application_name, state FROM pg_stat_activity WHERE usename LIKE 'storm%' AND backend_type = 'client backend'`,
    );
    expect(left).toEqual([]);
  });

  it.each(SECRETS.flatMap((secret) => ['a', 'b'].map((side) => `${secret.replace('/', '_')}_${side}`)))(
    'the fence of %s only grew',
    (role) => {
      const seen = fenceLog.get(role) ?? [];
      expect(seen.length).toBeGreaterThan(10);
      expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => a - b));
    },
  );
});
