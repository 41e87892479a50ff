/**
 * A real PostgreSQL, the real local store and the real SQLite state. Store and state run on a clock that jumps over waits; the server's clock is
 * the machine's, so grace is short and is waited for.
 */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openGate, systemClock } from '../../shared/deps.ts';
import { DEFAULT_POLICY, enginePorts, factsOf, historyKey, journalKey } from '../../shared/rotation/index.ts';
import type { RotationRecord, SecretJournal } from '../../shared/rotation/index.ts';
import { openSqliteState } from '../../shared/state/sqlite.ts';
import { openLocalStore } from '../../shared/stores/local.ts';
import { createLocalStoreKey } from '../../shared/stores/local/key.ts';
import { openPostgresTarget } from '../../shared/targets/postgres.ts';
import { realRandom, scratch } from '../contract/harness.ts';
import type { AccountPair } from '../helpers/account-pair.ts';
import type { Postgres } from '../helpers/postgres.ts';
import { accepts, openLane, reset, strangers, type Lane } from './postgres-lanes.ts';
import type { Strategy, World } from './world.ts';

const SECRET = 'app/db';
const TIMES = { grace: 300, maxCacheAge: 300, quiet: 50, readLag: 100, samples: 1 };

type PostgresTarget = ReturnType<typeof openPostgresTarget>;

/** Opened once: what is tested is not how often the admin logs in. */
interface OpenLane extends Lane {
  readonly targets: Readonly<Record<'dual-account' | 'in-place', PostgresTarget>>;
}

export async function openLanes(server: Postgres, count: number): Promise<{ lanes: OpenLane[]; close(): Promise<void> }> {
  const lanes: OpenLane[] = [];
  for (let index = 0; index < count; index += 1) {
    const lane = await openLane(server, `chaos${index}`);
    const [first, second] = lane.pair.accounts;
    const targets = { 'dual-account': openTarget(lane.pair, [first, second]), 'in-place': openTarget(lane.pair, [first]) };
    lanes.push({ ...lane, targets });
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
export function postgresMatrix(server: Postgres, lanes: OpenLane[]) {
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

async function openPostgresWorld(server: Postgres, lane: OpenLane, strategy: Strategy): Promise<World> {
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
  if (strategy === 'overlap') throw new Error('accounts of a database have one password each');
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
    mostSkew: 600_000,
    keepsFence: true,
    targetNow: () => Date.now(),
    elapse: async (milliseconds, onTarget) => {
      // A worker whose clock is ahead may have written a time far off: the server's grace is over long before.
      const real = onTarget ? Math.min(milliseconds, TIMES.grace + TIMES.readLag) : 0;
      if (real > 0) await delay(real);
      jumped += Math.ceil(milliseconds - real);
    },
    look,
    materialOf: (value) => String(value['password']),
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
