/** What starting the command line costs: whole processes, from spawn to exit, beside a Node that does nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemDeps } from '../../shared/engine/index.ts';
import { openGate } from '../../shared/deps.ts';
import { openState } from '../../shared/state/index.ts';
import { createLocalStoreKey } from '../../shared/stores/local/key.ts';
import { openLocalStore } from '../../shared/stores/local.ts';
import { inTurns, ratioOf, type Ratio } from './measure.ts';

const BIN = path.resolve(import.meta.dirname, '../../functions/cli/bin.mjs');
const BARE = ['-e', '0'];
const COMMANDS: readonly (readonly string[])[] = [['--version'], ['--help'], ['status', '--json']];

/** One ratio for each command. The compile cache is warm, as on every start but the first. */
export async function measureStartUp(rounds: number): Promise<Ratio[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywheel-bench-'));
  try {
    await configure(folder);
    const pieces = [BARE, ...COMMANDS.map((words) => [BIN, ...words])].map((args) => () => run(args, folder));
    await inTurns(pieces, 1);
    const [bare = [], ...measured] = await inTurns(pieces, rounds);
    return COMMANDS.map((words, index) => ratioOf(`keywheel ${words.join(' ')}`, measured[index] ?? [], 'node -e 0', bare));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Milliseconds of one process. The caller's environment is left out: NODE_OPTIONS or a compile cache of its own would count. */
async function run(args: readonly string[], cwd: string): Promise<number> {
  const env = { PATH: process.env['PATH'] ?? '', HOME: cwd, XDG_CACHE_HOME: path.join(cwd, 'cache') };
  const from = performance.now();
  const child = spawn(process.execPath, args, { cwd, env, stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number | null];
  const ms = performance.now() - from;
  if (code !== 0) throw new Error(`node ${args.join(' ')} ended with ${code}`);
  return ms;
}

/** A folder with one secret in its store and an empty state. Nothing listens where the secret says: `status` asks no target. */
async function configure(folder: string): Promise<void> {
  const config = {
    version: 1,
    state: { kind: 'sqlite', path: 'state.db' },
    stores: { main: { kind: 'local', path: 'store.db', keyFile: 'store.key' } },
    secrets: {
      'app/db': {
        store: 'main',
        strategy: 'dual-account',
        target: {
          kind: 'postgres',
          host: '127.0.0.1',
          port: 1,
          database: 'app',
          tls: { mode: 'disable' },
          admin: { username: 'app_admin', passwordEnv: 'PGADMIN' },
          accounts: ['app_a', 'app_b'],
          ownerRole: 'app_owner',
        },
        schedule: { every: '30d' },
      },
    },
  };
  await writeFile(path.join(folder, 'keywheel.yaml'), JSON.stringify(config, null, 2)); // JSON is YAML
  const keyFile = path.join(folder, 'store.key');
  createLocalStoreKey(keyFile);
  const { clock, random } = systemDeps;
  const store = openLocalStore(
    { kind: 'local', path: path.join(folder, 'store.db'), keyFile },
    { clock, random, gate: openGate() },
  );
  await store.put('app/db', { username: 'app_a', password: 'bench' }, null);
  store.close();
  await (await openState({ kind: 'sqlite', path: path.join(folder, 'state.db') }, systemDeps)).close();
}
