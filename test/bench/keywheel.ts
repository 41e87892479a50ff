/** Keywheel as it runs in production, opened for a measurement: PostgreSQL with fsync, the encrypted local store, the SQLite state. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemDeps } from '../../shared/engine/index.ts';
import { openGate } from '../../shared/deps.ts';
import { DEFAULT_POLICY, holderName, runRotation, type AdvanceResult, type RotationPolicy } from '../../shared/rotation/index.ts';
import { openState, type State } from '../../shared/state/index.ts';
import { createLocalStoreKey } from '../../shared/stores/local/key.ts';
import { openLocalStore, type LocalStore } from '../../shared/stores/local.ts';
import { openTarget, type Target } from '../../shared/targets/index.ts';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import type { Postgres } from '../helpers/postgres.ts';
import { recordedState, recordedStore, recording, timed, type Recorder } from './recording.ts';

export interface Bench {
  readonly store: LocalStore;
  readonly state: State;
  close(): Promise<void>;
}

/** A store and a state in a new folder on this machine's disk. */
export async function openBench(): Promise<Bench> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywheel-bench-'));
  const keyFile = path.join(folder, 'store.key');
  createLocalStoreKey(keyFile);
  const store = openLocalStore(
    { kind: 'local', path: path.join(folder, 'store.db'), keyFile },
    { clock: systemDeps.clock, random: systemDeps.random, gate: openGate() },
  );
  const state = await openState({ kind: 'sqlite', path: path.join(folder, 'state.db') }, systemDeps);
  return {
    store,
    state,
    async close() {
      store.close();
      await state.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Subject {
  readonly secret: string;
  readonly pair: AccountPair;
}

/** An account pair named `name` and the secret `name/db` that names its first account. */
export async function createSubject(server: Postgres, bench: Bench, name: string): Promise<Subject> {
  const pair = await createAccountPair(server, { name });
  const secret = `${name}/db`;
  await bench.store.put(secret, pair.value(), null);
  return { secret, pair };
}

export interface Turn extends Recorder {
  readonly result: AdvanceResult;
  /** Milliseconds inside calls of `advance`, from the first to the last: all that is not waiting. */
  readonly ms: number;
  /** Milliseconds that were waited between them. */
  readonly waitedMs: number;
}

export type Waits = Pick<RotationPolicy, 'grace' | 'maxCacheAge' | 'samples' | 'quiet'>;

/** One rotation from planned to closed. The target is opened for it, as a process that rotates once does; opening makes no connection. */
export async function rotateOnce(bench: Bench, subject: Subject, waits: Waits): Promise<Turn> {
  const { secret, pair } = subject;
  const { clock, random } = systemDeps;
  const adminPassword = async (): Promise<string> => pair.admin.password;
  const target: Target = await openTarget(pair.config(), { clock, random, gate: openGate(), adminPassword });
  const open = {
    store: timed('store', recordedStore(bench.store)),
    state: timed('state', recordedState(bench.state)),
    target: timed('target', target),
  };
  const policy: RotationPolicy = { ...DEFAULT_POLICY, strategy: 'dual-account', ...waits };
  let waitedMs = 0;
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    const from = performance.now();
    await systemDeps.sleep(ms, signal);
    waitedMs += performance.now() - from;
  };
  const holder = holderName(random);
  try {
    const turn = await recording(async () => {
      const from = performance.now();
      const run = (start: boolean): Promise<AdvanceResult> =>
        runRotation(
          secret,
          policy,
          open,
          { start, reason: 'bench', resume: false },
          { waitUpTo: 60_000, holder },
          { clock, random, sleep },
        );
      let result = await run(true);
      // A consumer that is seen late holds the rotation; it is looked at again, which is waiting.
      for (let looks = 0; result.status === 'held' && result.rotation !== undefined && looks < 20; looks++) {
        await sleep(Math.max(0, (result.resumeAt ?? 0) - clock.now()));
        result = await run(false);
      }
      return { result, ms: performance.now() - from - waitedMs };
    });
    const { result, ms } = turn.result;
    if (result.status !== 'closed' || result.rotation?.outcome !== 'rotated') {
      throw new Error(
        `the rotation ended as ${result.status}: ${result.error?.message ?? result.rotation?.hold?.message ?? 'no reason'}`,
      );
    }
    return { result, ms, waitedMs, calls: turn.calls, spent: turn.spent };
  } finally {
    await target.close();
  }
}
