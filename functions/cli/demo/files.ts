/** The demo's project folder: what a user would have written by hand for production. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { formatDuration } from '../../../shared/config/index.ts';
import type { Random } from '../../../shared/deps.ts';
import { ACCOUNTS, ADMIN, DATABASE, ENDPOINT, OWNER } from './application.ts';
import { HOST } from './database.ts';
import type { Project, Sections } from './platform.ts';

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

/** A fresh folder that only this user can read. As root, others may pass through it: the server runs as another user. */
export async function makeFolder(): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'keywheel-demo-'));
  if (process.getuid?.() === 0) await chmod(dir, 0o711);
  return dir;
}

/** In milliseconds. */
export interface Promises {
  readonly maxCacheAge: number;
  readonly grace: number;
  readonly quiet: number;
  readonly samples: number;
}

const PROMISES: Promises = { maxCacheAge: MAX_CACHE_AGE, grace: GRACE, quiet: 1000, samples: 3 };

/** Writes `dir`/project with keywheel.yaml and the admin's password. */
export async function writeProject(
  dir: string,
  port: number,
  adminPassword: string,
  sections: Sections,
  promises: Promises = PROMISES,
): Promise<Project> {
  const folder = path.join(dir, 'project');
  await mkdir(folder, { mode: 0o700 });
  const file = (name: string): string => path.join(folder, name);
  await writeFile(file('admin.password'), `${adminPassword}\n`, { mode: 0o600 });
  await writeFile(file('keywheel.yaml'), stringify(configuration(port, sections, promises)), { mode: 0o600 });
  return { configFile: file('keywheel.yaml') };
}

function configuration(port: number, { state, store }: Sections, promises: Promises): object {
  return {
    version: 1,
    state,
    stores: { main: store },
    secrets: {
      [SECRET]: {
        store: 'main',
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
        consumers: { maxCacheAge: formatDuration(promises.maxCacheAge) },
        grace: formatDuration(promises.grace),
        evidence: { samples: promises.samples, quiet: formatDuration(promises.quiet) },
      },
    },
  };
}
