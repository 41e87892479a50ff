/** The same consumers on the same PostgreSQL, under Keywheel's dual-account rotation and under OpenBao's static role, in turns. */
import { setTimeout as delay } from 'node:timers/promises';
import { postgresConnect, startLoad, type LoadOptions, type LoadResult } from '../helpers/load.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { peer } from '../peers/index.ts';
import { createSubject, openBench, rotateOnce, type Bench, type Subject, type Waits } from './keywheel.ts';
import { median, runOpenBaoStaticRole, superuserOf } from './rival.ts';

export interface Side {
  readonly rotations: number;
  readonly queries: number;
  readonly failed: number;
  /** Failed queries by cause. */
  readonly failures: Readonly<Record<string, number>>;
  /** Milliseconds of one rotation, without waits. */
  readonly medianMs: number;
}

export interface KeywheelSide extends Side {
  /** Of a rotation's time, what the rival's does too: make the password durable, set it, name it as current. */
  readonly changeMedianMs: number;
  /** What one rotation waited for: grace, which the rival has none of. */
  readonly waitedMedianMs: number;
}

export interface Comparison {
  /** What a consumer does after a refused login: read the secret again, or keep what it has until its cache is too old. */
  readonly onRefusal: 'reread' | 'keep';
  readonly keywheel: KeywheelSide;
  readonly openbao: Side;
  /** One rotation of ours over one of the rival's: every step of both, and only the steps that both do. */
  readonly ratio: number;
  readonly changeRatio: number;
}

export interface SideBySide {
  readonly consumers: { readonly workers: number; readonly maxCacheAgeMs: number };
  readonly comparisons: readonly Comparison[];
}

const CACHE_MS = 1000;
const CONSUMERS = { workers: 4, maxCacheAgeMs: CACHE_MS, pauseMs: 5 };
/** Milliseconds of load between rotations: longer than a cache lives. */
const INTERVAL_MS = 1200;
/** Longer than a cache lives and a login takes. Readings and the quiet time as short as the intervals here ask for. */
const WAITS: Waits = { grace: 1500, maxCacheAge: CACHE_MS, samples: 3, quiet: 100 };
/** What the rival's `rotate-role` does, by the names of our calls. */
const CHANGE = ['store.stage', 'target.apply', 'store.publish'];

/** A text says why there is nothing to compare with. */
export async function compareWithRival(rounds: number, rotationsPerRound: number): Promise<SideBySide | string> {
  const openbao = await peer('openbao');
  if (!openbao.available) return openbao.reason;
  const server = await startPostgres({ settings: { fsync: 'on' } });
  const bench = await openBench();
  try {
    const subject = await createSubject(server, bench, 'besides');
    await server.query('create role rival_app login');
    const comparisons: Comparison[] = [];
    for (const onRefusal of ['reread', 'keep'] as const) {
      const consumers = { ...CONSUMERS, onRefusal };
      const ours: Measured[] = [];
      const theirs: Measured[] = [];
      for (let round = 0; round < rounds; round++) {
        ours.push(await underKeywheel(server, bench, subject, consumers, rotationsPerRound));
        theirs.push(
          await runOpenBaoStaticRole({
            pg: superuserOf(server),
            account: 'rival_app',
            rotations: rotationsPerRound,
            intervalMs: INTERVAL_MS,
            consumers,
          }),
        );
      }
      comparisons.push(compare(onRefusal, ours, theirs));
    }
    return { consumers: CONSUMERS, comparisons };
  } finally {
    await bench.close();
    await server.stop();
  }
}

interface Measured extends LoadResult {
  readonly rotationMs: readonly number[];
  readonly changeMs?: readonly number[];
  readonly waitedMs?: readonly number[];
}

async function underKeywheel(
  server: Postgres,
  bench: Bench,
  subject: Subject,
  consumers: Omit<LoadOptions, 'readCredential' | 'connect'>,
  rotations: number,
): Promise<Measured> {
  const { secret, pair } = subject;
  const load = startLoad({
    ...consumers,
    async readCredential() {
      const current = await bench.store.read(secret, 'current');
      return { username: String(current?.value['username']), password: String(current?.value['password']) };
    },
    connect: postgresConnect({ host: server.host, port: server.port, database: pair.database }),
  });
  const rotationMs: number[] = [];
  const changeMs: number[] = [];
  const waitedMs: number[] = [];
  try {
    await delay(INTERVAL_MS);
    for (let turn = 0; turn < rotations; turn++) {
      const { ms, waitedMs: waited, spent } = await rotateOnce(bench, subject, WAITS);
      rotationMs.push(ms);
      waitedMs.push(waited);
      changeMs.push(CHANGE.reduce((sum, call) => sum + (spent.get(call) ?? 0), 0));
      await delay(INTERVAL_MS);
    }
  } catch (error) {
    await load.stop();
    throw error;
  }
  return { rotationMs, changeMs, waitedMs, ...(await load.stop()) };
}

function compare(onRefusal: Comparison['onRefusal'], ours: readonly Measured[], theirs: readonly Measured[]): Comparison {
  const changeMedianMs = median(ours.flatMap((each) => each.changeMs ?? []));
  const waitedMedianMs = median(ours.flatMap((each) => each.waitedMs ?? []));
  const keywheel = { ...add(ours), changeMedianMs, waitedMedianMs };
  const openbao = add(theirs);
  return {
    onRefusal,
    keywheel,
    openbao,
    ratio: keywheel.medianMs / openbao.medianMs,
    changeRatio: changeMedianMs / openbao.medianMs,
  };
}

function add(runs: readonly Measured[]): Side {
  const failures: Record<string, number> = {};
  for (const [cause, count] of runs.flatMap((run) => [...run.failures])) failures[cause] = (failures[cause] ?? 0) + count;
  const rotationMs = runs.flatMap((run) => run.rotationMs);
  const sum = (of: (run: Measured) => number): number => runs.reduce((total, run) => total + of(run), 0);
  return {
    rotations: rotationMs.length,
    queries: sum((run) => run.queries),
    failed: sum((run) => run.failed),
    failures,
    medianMs: median(rotationMs),
  };
}
