/**
 * A real PostgreSQL, the real local store and the real SQLite state. Store and state run on a clock that jumps over waits; the server's clock is
 * the machine's, so grace is short and is waited for.
 */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from 'pg';
import { openGate, systemClock } from '../../shared/deps.ts';
import { DEFAULT_POLICY, enginePorts, factsOf, historyKey, journalKey } from '../../shared/rotation/index.ts';
import type { RotationRecord, SecretJournal } from '../../shared/rotation/index.ts';
import { openSqliteState } from '../../shared/state/sqlite.ts';
import { openLocalStore } from '../../shared/stores/local.ts';
import { createLocalStoreKey } from '../../shared/stores/local/key.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { openPostgresTarget } from '../../shared/targets/postgres.ts';
import { saltOf, scramVerifier } from '../../shared/targets/postgres/scram.ts';
import { realRandom, scratch } from '../contract/harness.ts';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import type { Postgres } from '../helpers/postgres.ts';
import type { Strategy, World } from './world.ts';

const SECRET = 'app/db';
const TIMES = { grace: 300, maxCacheAge: 300, quiet: 50, readLag: 100, samples: 1 };

/** One account pair, its superuser's connection, and what is known of logins. Used by one cell after another. */
interface Lane {
  readonly pair: AccountPair;
  readonly watch: Client;
  readonly first: { readonly password: string; readonly verifier: string };
  /** What a login with this material said while the server had this row for the role: it depends on nothing else. */
  readonly logins: Map<string, boolean>;
  /** Opened once: what is tested is not how often the admin logs in. */
  readonly targets: Readonly<Record<Strategy, PostgresTarget>>;
}

type PostgresTarget = ReturnType<typeof openPostgresTarget>;

export async function openLanes(server: Postgres, count: number): Promise<{ lanes: Lane[]; close(): Promise<void> }> {
  const lanes: Lane[] = [];
  for (let index = 0; index < count; index += 1) {
    const pair = await createAccountPair(server, { name: `chaos${index}` });
    const watch = await server.connect(server.superuser.username, server.superuser.password, pair.database);
    const password = `canary-first-${index}`;
    const verifier = await scramVerifier(password, saltOf('first', pair.accounts[0]), 1);
    const targets = { 'dual-account': openTarget(pair, [...pair.accounts]), 'in-place': openTarget(pair, [pair.accounts[0]]) };
    lanes.push({ pair, watch, first: { password, verifier }, logins: new Map(), targets });
  }
  const opened = [...lanes];
  return {
    lanes,
    async close() {
      for (const { targets, watch } of opened) {
        await Promise.all(Object.values(targets).map((target) => target.close()));
        await watch.end();
      }
    },
  };
}

function openTarget(pair: AccountPair, accounts: string[]): PostgresTarget {
  const adminPassword = async (): Promise<string> => pair.admin.password;
  return openPostgresTarget(pair.config({ accounts }), {
    clock: systemClock,
    random: realRandom,
    gate: openGate(),
    adminPassword,
  });
}

/** A fresh store, state and pair of accounts, over a lane that is given back when it is closed. */
export function postgresMatrix(server: Postgres, lanes: Lane[]) {
  return {
    kind: 'postgres',
    async open(strategy: Strategy): Promise<World> {
      const lane = lanes.shift();
      if (lane === undefined) throw new Error('more cells at once than lanes');
      const world = await openPostgresWorld(server, lane, strategy);
      return { ...world, close: () => world.close().finally(() => lanes.push(lane)) };
    },
  };
}

async function reset(lane: Lane): Promise<void> {
  const [a, b] = lane.pair.accounts;
  await lane.watch.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('${a}', '${b}');
     ALTER ROLE ${a} LOGIN PASSWORD '${lane.first.verifier}';
     ALTER ROLE ${b} LOGIN PASSWORD NULL;
     COMMENT ON ROLE ${a} IS 'Billing''s login';
     COMMENT ON ROLE ${b} IS NULL`,
  );
  lane.logins.clear();
}

async function openPostgresWorld(server: Postgres, lane: Lane, strategy: Strategy): Promise<World> {
  await reset(lane);
  const { pair } = lane;
  const folder = scratch();
  const keyFile = path.join(folder.path, 'key');
  createLocalStoreKey(keyFile);
  let jumped = 0;
  let ahead = 0;
  const clock = { now: () => Date.now() + jumped + ahead };
  const gate = openGate();
  const store = openLocalStore(
    { kind: 'local', path: path.join(folder.path, 'store'), keyFile },
    { clock, random: realRandom, gate },
  );
  const state = openSqliteState({ kind: 'sqlite', path: path.join(folder.path, 'state') }, { clock, random: realRandom });
  const target = lane.targets[strategy];
  await store.put(SECRET, { ...pair.value(), password: lane.first.password }, null);

  const look = async () => {
    const [described, current, previous, pending, journal] = await Promise.all([
      store.describe(SECRET),
      store.read(SECRET, 'current'),
      store.read(SECRET, 'previous'),
      store.read(SECRET, 'pending'),
      state.get<SecretJournal>(journalKey(SECRET)),
    ]);
    if (described === undefined || current === undefined) throw new Error('current is gone');
    const history: RotationRecord[] = [];
    for await (const each of state.list<RotationRecord>(historyKey(SECRET, ''))) history.push(each.value);
    return { state: described, current, previous, pending, journal: journal?.value, history };
  };

  return {
    secret: SECRET,
    strategy,
    policy: { ...DEFAULT_POLICY, ...TIMES, strategy },
    facts: factsOf(target),
    ports: enginePorts({ store, target, state }, clock, realRandom),
    now: () => Date.now() + jumped,
    skew: (milliseconds) => (ahead = milliseconds),
    targetNow: () => Date.now(),
    elapse: async (milliseconds, onTarget) => {
      // A worker whose clock is ahead may have written a time far off: the server's grace is over long before.
      const real = onTarget ? Math.min(milliseconds, TIMES.grace + TIMES.readLag) : 0;
      if (real > 0) await delay(real);
      jumped += Math.ceil(milliseconds - real);
    },
    look,
    accepts: (value) => accepts(server, lane, value),
    strangers: async (known) => strangers(lane, known),
    edit: async (value) => void (await store.put(SECRET, value)),
    close: async () => {
      store.close();
      await state.close();
      folder.remove();
    },
  };
}

/** A login; asked of the server again whenever the role's row has changed. */
async function accepts(server: Postgres, lane: Lane, value: SecretValue): Promise<boolean> {
  const username = String(value['username']);
  const { rows } = await lane.watch.query<{ row: string }>(
    `SELECT concat_ws(' ', rolname, rolcanlogin, rolvaliduntil, rolconnlimit, rolpassword) AS row FROM pg_authid WHERE rolname = $1`,
    [username],
  );
  const key = `${rows[0]?.row ?? ''} ${String(value['password'])}`;
  const known = lane.logins.get(key);
  if (known !== undefined) return known;
  const accepted = await login(server, lane, username, String(value['password']));
  lane.logins.set(key, accepted);
  return accepted;
}

async function login(server: Postgres, lane: Lane, username: string, password: string): Promise<boolean> {
  try {
    const client = await server.connect(username, password, lane.pair.database);
    await client.end();
    return true;
  } catch (error) {
    // 28P01: invalid_password. Anything else would say nothing of the material.
    if ((error as { code?: string }).code === '28P01') return false;
    throw error;
  }
}

/** Accounts whose verifier was neither ended by us nor accepts what `current` names. */
async function strangers(lane: Lane, known: readonly SecretValue[]): Promise<string[]> {
  const named = new Set(known.map((value) => String(value['username'])));
  const { rows } = await lane.watch.query<{ rolname: string }>(
    `SELECT rolname FROM pg_authid
      WHERE rolname = ANY($1) AND rolpassword IS NOT NULL AND coalesce(shobj_description(oid, 'pg_authid'), '') NOT LIKE '%credential=none%'`,
    [[...lane.pair.accounts]],
  );
  return rows.map((row) => row.rolname).filter((name) => !named.has(name));
}
