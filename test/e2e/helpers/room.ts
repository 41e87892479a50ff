/**
 * A folder with keywheel.yaml, a store key and first values, over account pairs of a real PostgreSQL: what a user has after the guide.
 * The first value goes in through `keywheel put`, and everything after it through the terminal too.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { stringify } from 'yaml';
import { loadConfig, type LoadedConfig } from '../../../shared/config/index.ts';
import { openGate, systemClock } from '../../../shared/deps.ts';
import { openState, type State } from '../../../shared/state/index.ts';
import type { SecretValue } from '../../../shared/stores/index.ts';
import { openLocalStore, type LocalStore } from '../../../shared/stores/local.ts';
import { realRandom } from '../../contract/harness.ts';
import { createAccountPair, type AccountPair } from '../../helpers/account-pair.ts';
import type { Postgres } from '../../helpers/postgres.ts';
import { runKeywheel, startKeywheel, type Ended, type Running, type RunOptions } from './process.ts';

export type Fields = Record<string, unknown>;

/** keywheel.yaml as an object that tests change before it is written again. */
export interface ConfigFile extends Fields {
  state: Fields;
  stores: Record<string, Fields>;
  secrets: Record<string, Fields & { target: Fields & { admin: Fields } }>;
}

export interface RoomOptions {
  /** One account pair each, named after the secret: `app/db` has app_db_a and app_db_b. */
  readonly secrets: readonly string[];
  readonly maxCacheAge?: string;
  readonly grace?: string;
  /** Pairs that were made already, by secret. */
  readonly pairs?: Readonly<Record<string, AccountPair>>;
  /** How the first values get in. Default: `keywheel put --new` for each secret; `port`: the same without a process. */
  readonly put?: 'terminal' | 'port' | 'not';
}

export type RoomRunOptions = Partial<Omit<RunOptions, 'cwd'>>;

export interface Room {
  readonly folder: string;
  readonly secrets: readonly string[];
  readonly pairs: ReadonlyMap<string, AccountPair>;
  /** The store's key as the file holds it, without its line end. */
  readonly storeKey: string;
  readonly env: Readonly<Record<string, string>>;
  file(name: string): string;
  pair(secret: string): AccountPair;
  /** Changes keywheel.yaml (or writes another file) starting from what this room was made with. */
  configure(change: (config: ConfigFile) => void, name?: string): Promise<void>;
  start(args: readonly string[], options?: RoomRunOptions): Running;
  run(args: readonly string[], options?: RoomRunOptions): Promise<Ended>;
  /** What `keywheel get` prints. */
  get(secret: string, label?: 'current' | 'pending' | 'previous'): Promise<SecretValue>;
  put(secret: string, value: SecretValue): Promise<Ended>;
  /** `ok`, or the SQLSTATE or system code of the failed login. */
  login(secret: string, value: SecretValue): Promise<string>;
  /** Through the ports, as consumers' and operators' programs would. To be closed before files are cut or replaced. */
  openStore(): Promise<LocalStore>;
  openState(): Promise<State>;
  close(): Promise<void>;
}

export const adminVariable = (secret: string): string => `ADMIN_${secret.toUpperCase().replace(/\W/g, '_')}`;
const nameOf = (secret: string): string => secret.toLowerCase().replace(/\W/g, '_');

/** As a user writes it: durations are text. */
function configOf(options: RoomOptions, pairs: ReadonlyMap<string, AccountPair>): ConfigFile {
  const secrets: ConfigFile['secrets'] = {};
  for (const [secret, pair] of pairs) {
    const { connectTimeout: _connect, statementTimeout: _statement, ...target } = pair.config();
    secrets[secret] = {
      store: 'main',
      strategy: 'dual-account',
      target: { ...target, admin: { username: pair.admin.username, passwordEnv: adminVariable(secret) } },
      consumers: { maxCacheAge: options.maxCacheAge ?? '100ms' },
      grace: options.grace ?? '100ms',
      evidence: { samples: 1, quiet: '20ms' },
    };
  }
  return {
    version: 1,
    state: { kind: 'sqlite', path: 'state.db' },
    stores: { main: { kind: 'local', path: 'store.db', keyFile: 'store.key' } },
    secrets,
  };
}

export async function prepareRoom(server: Postgres, options: RoomOptions): Promise<Room> {
  const pairs = new Map<string, AccountPair>();
  for (const secret of options.secrets) {
    pairs.set(secret, options.pairs?.[secret] ?? (await createAccountPair(server, { name: nameOf(secret) })));
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'keywheel-room-'));
  const file = (name: string): string => path.join(folder, name);
  const storeKey = randomBytes(32).toString('base64');
  await writeFile(file('store.key'), `${storeKey}\n`, { mode: 0o600 });
  // The compiled code is shared by the rooms of one test file, so that not every first start is a cold one.
  const env: Record<string, string> = { HOME: folder, XDG_CACHE_HOME: path.join(server.folder, 'compiled-by-node') };
  for (const [secret, pair] of pairs) env[adminVariable(secret)] = pair.admin.password;

  const pairOf = (secret: string): AccountPair => {
    const pair = pairs.get(secret);
    if (pair === undefined) throw new Error(`no pair for ${secret}`);
    return pair;
  };
  const config = (): Promise<LoadedConfig> => loadConfig(file('keywheel.yaml'));
  const room: Room = {
    folder,
    secrets: options.secrets,
    pairs,
    storeKey,
    env,
    file,
    pair: pairOf,
    async configure(change, name = 'keywheel.yaml') {
      const written = configOf(options, pairs);
      change(written);
      await writeFile(file(name), stringify(written));
    },
    start: (args, given = {}) => startKeywheel(args, { ...given, cwd: folder, env: { ...env, ...given.env } }),
    run: (args, given = {}) => runKeywheel(args, { ...given, cwd: folder, env: { ...env, ...given.env } }),
    async get(secret, label = 'current') {
      const { code, stdout, stderr } = await room.run(['get', secret, '--label', label]);
      if (code !== 0) throw new Error(`get ${secret} ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as SecretValue;
    },
    put: (secret, value) => room.run(['put', secret], { stdin: JSON.stringify(value) }),
    login: (secret, value) => loginAt(server, pairOf(secret).database, value),
    openStore: async () => {
      const { main } = (await config()).stores;
      if (main?.kind !== 'local') throw new Error('the configuration has no local store main');
      return openLocalStore(main, { clock: systemClock, random: realRandom, gate: openGate() });
    },
    openState: async () => openState((await config()).state, { clock: systemClock, random: realRandom }),
    close: () => rm(folder, { recursive: true, force: true }),
  };
  await room.configure(() => undefined);
  if (options.put === 'port') {
    const store = await room.openStore();
    for (const secret of options.secrets) await store.put(secret, pairOf(secret).value(), null);
    store.close();
  } else if (options.put !== 'not') {
    for (const secret of options.secrets) {
      const { code, stderr } = await room.run(['put', secret, '--new'], { stdin: JSON.stringify(pairOf(secret).value()) });
      if (code !== 0) throw new Error(`put ${secret} ended with ${code}: ${stderr}`);
    }
  }
  return room;
}

/** A consumer's login and one query with it. */
export async function loginAt(server: Postgres, database: string, value: SecretValue): Promise<string> {
  const client = new Client({
    host: server.host,
    port: server.port,
    database,
    user: String(value['username']),
    password: String(value['password']),
    ssl: false,
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return 'ok';
  } catch (error) {
    const { code, name } = error as { code?: string; name?: string };
    return code ?? name ?? 'unknown';
  } finally {
    await client.end().catch(() => {});
  }
}
