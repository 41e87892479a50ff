/**
 * Where provisioned programs are kept: outside the checkout, so that `git clean` and a second checkout cost nothing.
 * Two processes may provision at once. Safety comes from the rename: an entry appears whole or not at all. The lock only
 * spares the second process the work, so a lock that is taken over wrongly costs time and nothing else.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 100;
/** Longer than any provisioning step may take; after it a lock counts as left behind, whoever holds it. */
const LOCK_MAX_AGE_MS = 10 * 60_000;

export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env['KEYWHEEL_PEER_CACHE']) return path.resolve(env['KEYWHEEL_PEER_CACHE']);
  // The XDG base directory rules: a relative XDG_CACHE_HOME is to be ignored.
  const xdg = env['XDG_CACHE_HOME'];
  return path.join(xdg && path.isAbsolute(xdg) ? xdg : path.join(homedir(), '.cache'), 'keywheel-peers');
}

/**
 * The folder of a finished cache entry, built by `build` when it is not there yet. `build` gets an empty folder that is renamed
 * when it returns, so what it writes must not depend on its own path. When `build` throws, nothing is left.
 */
export async function provisionOnce(
  name: string,
  build: (folder: string) => Promise<void>,
  root: string = cacheRoot(),
): Promise<string> {
  // Programs are built for one system: a home that two systems share must not mix them.
  const entry = path.join(root, `${name}-${process.platform}-${process.arch}`);
  if (await exists(entry)) return entry;
  await mkdir(root, { recursive: true });
  const unlock = await lock(`${entry}.lock`, () => exists(entry));
  try {
    if (await exists(entry)) return entry;
    await sweep(entry);
    const partial = `${entry}.partial-${randomUUID()}`;
    try {
      await mkdir(partial);
      await build(partial);
      await rename(partial, entry).catch(async (error: unknown) => {
        // Somebody whose lock was older than ours finished first; theirs is as good.
        if (!(await exists(entry))) throw error;
      });
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
    return entry;
  } finally {
    await unlock();
  }
}

/** Removes what builders that were killed left behind, but not what one that lost its lock may still be at. */
async function sweep(entry: string): Promise<void> {
  const folder = path.dirname(entry);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${path.basename(entry)}.partial-`)) continue;
    const file = path.join(folder, name);
    const info = await stat(file).catch(() => undefined);
    if (info !== undefined && Date.now() - info.mtimeMs > LOCK_MAX_AGE_MS) await rm(file, { recursive: true, force: true });
  }
}

/** Takes the lock, or returns without it as soon as `done` says that it is not needed any more. */
async function lock(file: string, done: () => Promise<boolean>): Promise<() => Promise<void>> {
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() });
  for (;;) {
    try {
      await writeFile(file, mine, { flag: 'wx' });
      return async () => {
        if ((await readFile(file, 'utf8').catch(() => undefined)) === mine) await rm(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (await done()) return async () => {};
    if (await abandoned(file)) await rm(file, { force: true });
    else await delay(POLL_MS);
  }
}

/** True when the process that holds the lock is gone, as far as can be told from here. */
async function abandoned(file: string): Promise<boolean> {
  const [text, info] = await Promise.all([readFile(file, 'utf8').catch(() => undefined), stat(file).catch(() => undefined)]);
  if (text === undefined || info === undefined) return false; // released in this moment
  if (Date.now() - info.mtimeMs > LOCK_MAX_AGE_MS) return true;
  try {
    const holder = JSON.parse(text) as { pid: number; host: string };
    return holder.host === hostname() && !alive(holder.pid);
  } catch {
    return false; // being written in this moment
  }
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
