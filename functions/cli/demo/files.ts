/** The demo's project folder: what a user would have written by hand for production. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { formatDuration, type LocalStoreConfig, type SqliteStateConfig } from '../../../shared/config/index.ts';
import type { Random } from '../../../shared/deps.ts';
import { ACCOUNTS, ADMIN, DATABASE, ENDPOINT, OWNER } from './application.ts';
import { HOST } from './database.ts';

export const SECRET = 'shop-database';
/** What the configuration promises of consumers, in milliseconds, and what they do: the difference is for a machine that is busy. */
const MAX_CACHE_AGE = 1500;
export const CACHE_AGE = 1200;
/** Twice the cache age: an hour and two in production. */
const GRACE = 3000;

export const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  uniform: () => randomBytes(4).readUInt32BE() / 2 ** 32,
};

export interface Project {
  readonly configFile: string;
  readonly store: LocalStoreConfig;
  readonly state: SqliteStateConfig;
}

/** A fresh folder that only this user can read. As root, others may pass through it: the server runs as another user. */
export async function makeFolder(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'keywheel-demo-'));
  if (process.getuid?.() === 0) await chmod(dir, 0o711);
  return dir;
}

export async function writeProject(dir: string, port: number, adminPassword: string): Promise<Project> {
  const folder = path.join(dir, 'project');
  await mkdir(folder, { mode: 0o700 });
  const file = (name: string): string => path.join(folder, name);
  await writeFile(file('store.key'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  await writeFile(file('admin.password'), `${adminPassword}\n`, { mode: 0o600 });
  await writeFile(file('keywheel.yaml'), stringify(configuration(port)), { mode: 0o600 });
  return {
    configFile: file('keywheel.yaml'),
    store: { kind: 'local', path: file('store.json'), keyFile: file('store.key') },
    state: { kind: 'sqlite', path: file('state.db') },
  };
}

function configuration(port: number): object {
  return {
    version: 1,
    state: { kind: 'sqlite', path: 'state.db' },
    stores: { local: { kind: 'local', path: 'store.json', keyFile: 'store.key' } },
    secrets: {
      [SECRET]: {
        store: 'local',
        strategy: 'dual-account',
        target: {
          kind: 'postgres',
          host: HOST,
          port,
          database: DATABASE,
          tls: { mode: 'disable' },
          admin: { username: ADMIN, passwordFile: 'admin.password' },
          accounts: [...ACCOUNTS],
          ownerRole: OWNER,
          endpoints: [{ name: ENDPOINT, host: HOST, port }],
        },
        consumers: { maxCacheAge: formatDuration(MAX_CACHE_AGE) },
        grace: formatDuration(GRACE),
        evidence: { samples: 3, quiet: '1s' },
      },
    },
  };
}
