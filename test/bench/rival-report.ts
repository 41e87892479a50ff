// Prints what docs/decisions/0007 records: `node test/bench/rival-report.ts`. Takes about two and a half minutes.
import { startPostgres } from '../helpers/postgres.ts';
import { peer } from '../peers/index.ts';
import type { OpenBao } from '../peers/index.ts';
import { observeCrash, observeTwoAtOnce, observeWindow } from './rival-observe.ts';
import { runOpenBaoStaticRole, superuserOf } from './rival.ts';

const PATIENCE_MS = 12_000; // twice the engine's tick and then some: what heals by itself has healed
const openbao = await peer('openbao');
if (!openbao.available) throw new Error(openbao.reason);
const { start } = openbao;
const database = await startPostgres({ settings: { fsync: 'on' } });
const server = superuserOf(database);
const say = (title: string, result: unknown) => console.log(title, result);

async function withServer(account: string, observe: (bao: OpenBao, account: string) => Promise<OpenBao>): Promise<void> {
  await database.query(`create role ${account} login`);
  let bao = await start({});
  try {
    bao = await observe(bao, account);
  } finally {
    await bao.stop();
  }
}

try {
  await database.query('create role rival_load login');
  for (const [maxCacheAgeMs, onRefusal] of [
    [0, 'reread'],
    [1000, 'reread'],
    [1000, 'keep'],
  ] as const) {
    const consumers = { workers: 4, maxCacheAgeMs, onRefusal, pauseMs: 0 };
    const { rotationMs: _, ...result } = await runOpenBaoStaticRole({
      pg: server,
      account: 'rival_load',
      rotations: 10,
      intervalMs: 1200,
      consumers,
    });
    say(`load, cache ${maxCacheAgeMs} ms, on refusal ${onRefusal}:`, result);
  }
  await withServer('rival_window', async (bao, account) => {
    const { medianMs, maxMs, refusedMs } = await observeWindow(bao, { pg: server, account }, 50);
    say('stored password refused, per rotation:', { medianMs, maxMs, none: refusedMs.filter((ms) => ms === 0).length, of: 50 });
    return bao;
  });
  await withServer('rival_two', async (bao, account) => {
    say('two rotations at once:', await observeTwoAtOnce(bao, { pg: server, account }, 5, PATIENCE_MS));
    return bao;
  });
  await withServer('rival_crash', async (bao, account) => {
    const moments = Array.from({ length: 24 }, (_, turn) => 6 + (turn % 12));
    const observed = await observeCrash(bao, { pg: server, account }, moments, PATIENCE_MS);
    say('killed 6 to 17 ms after the request:', observed.aftermath);
    return observed.bao;
  });
} finally {
  await database.stop();
}
