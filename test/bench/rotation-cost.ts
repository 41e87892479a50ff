/** What the engine costs: one dual-account rotation beside the bare SQL, logins, store calls and journal writes that it was made of. */
import { startPostgres } from '../helpers/postgres.ts';
import { createSubject, openBench, rotateOnce, type Bench, type Turn, type Waits } from './keywheel.ts';
import { rotateByHand } from './least.ts';
import { ratioOf, type Ratio } from './measure.ts';
import { recordPostgres, type Recorded } from './recording.ts';
import { isNeeded, replay } from './replay.ts';
import { median } from './rival.ts';

export interface RotationCost extends Ratio {
  /** The same rotations beside the fewest calls that could do the job. No aim: it is what looking, comparing, evidence and the journal cost. */
  readonly byHand: Ratio;
  /** What one rotation's baseline is made of: how many calls of each kind. */
  readonly bareCalls: Readonly<Record<Recorded['do'], number>>;
  /** Where the engine's time went, as shares of it. `own` is what is in no call: decisions, records, timers. */
  readonly shares: { readonly target: number; readonly store: number; readonly state: number; readonly own: number };
}

/** Grace is over at once, so that a rotation is two calls of `advance` with nothing between them; one reading of use at each end of grace. */
const NO_WAITS: Waits = { grace: 1, maxCacheAge: 1, samples: 1, quiet: 1 };
const WARM_UP = 2;

export async function measureRotationCost(rounds: number): Promise<RotationCost> {
  recordPostgres();
  const server = await startPostgres({ settings: { fsync: 'on' } });
  const bench = await openBench();
  try {
    const ours = await createSubject(server, bench, 'benchours');
    const twin = await createSubject(server, bench, 'benchtwin');
    // The twin's accounts get the passwords of the original's, so that the recorded logins are good for both.
    for (const [index, account] of ours.pair.accounts.entries())
      await copyVerifier(server, account, twin.pair.accounts[index] ?? '');
    await copyVerifier(server, ours.pair.admin.username, twin.pair.admin.username);
    const into = {
      server: { host: server.host, port: server.port, database: twin.pair.database },
      store: bench.store,
      state: bench.state,
      secret: twin.secret,
      names: [['benchours', 'benchtwin']] as const,
    };
    const least = await createSubject(server, bench, 'benchleast');
    const turns: Turn[] = [];
    const bare: number[] = [];
    const byHand: number[] = [];
    for (let round = -WARM_UP; round < rounds; round++) {
      const turn = await rotateOnce(bench, ours, NO_WAITS);
      const replayed = await replay(turn.calls, into);
      await expectTwins(bench, ours.secret, twin.secret);
      const typed = await rotateByHand(server, bench.store, least);
      if (round < 0) continue;
      turns.push(turn);
      bare.push(replayed);
      byHand.push(typed);
    }
    const ms = turns.map((turn) => turn.ms);
    return {
      ...ratioOf('one rotation', ms, 'its bare calls', bare),
      byHand: ratioOf('one rotation', ms, 'fewest calls', byHand),
      bareCalls: count(turns[0]?.calls ?? []),
      shares: sharesOf(turns),
    };
  } finally {
    await bench.close();
    await server.stop();
  }
}

/** The replay did the same job: both secrets are at the same version of the same revision, as the replayed logins were for the accounts. */
async function expectTwins(bench: Bench, ...secrets: readonly [string, string]): Promise<void> {
  const [ours, twin] = await Promise.all(secrets.map((secret) => bench.store.describe(secret)));
  if (ours === undefined || ours.revision !== twin?.revision)
    throw new Error('the replayed calls did not do what the rotation did');
}

async function copyVerifier(server: Awaited<ReturnType<typeof startPostgres>>, from: string, to: string): Promise<void> {
  const [row] = await server.query<{ verifier: string }>(
    `SELECT rolpassword AS verifier FROM pg_authid WHERE rolname = '${from}'`,
  );
  await server.query(`ALTER ROLE "${to}" PASSWORD '${row?.verifier ?? ''}'`);
}

function count(calls: readonly Recorded[]): RotationCost['bareCalls'] {
  const counts = { login: 0, query: 0, logout: 0, describe: 0, read: 0, stage: 0, publish: 0, journal: 0 };
  for (const call of calls.filter(isNeeded)) counts[call.do]++;
  return counts;
}

function sharesOf(turns: readonly Turn[]): RotationCost['shares'] {
  const share = (port: string): number => median(turns.map((turn) => (turn.spent.get(port) ?? 0) / turn.ms));
  const [target, store, state] = [share('target'), share('store'), share('state')];
  return { target, store, state, own: Math.max(0, 1 - target - store - state) };
}
