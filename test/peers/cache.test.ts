import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KeywheelError } from '../../shared/errors.ts';
import { cacheRoot, provisionOnce } from './cache.ts';
import { lastLine } from './command.ts';
import { available, peersRequired } from './index.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'keywheel-cache-test-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const lockOf = (name: string) => path.join(root, `${name}-${process.platform}-${process.arch}.lock`);
const deadHolder = JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), id: 'gone' });

describe('provisionOnce', () => {
  it('builds once for many who ask at the same time, and gives all of them the finished entry', async () => {
    let builds = 0;
    const build = async (folder: string) => {
      builds++;
      await new Promise((resolve) => setTimeout(resolve, 50));
      await writeFile(path.join(folder, 'program'), 'whole');
    };

    const entries = await Promise.all(Array.from({ length: 8 }, () => provisionOnce('thing-1', build, root)));

    expect(builds).toBe(1);
    expect(new Set(entries).size).toBe(1);
    expect(await readFile(path.join(entries[0] ?? '', 'program'), 'utf8')).toBe('whole');
    expect(await readdir(root)).toEqual([path.basename(entries[0] ?? '')]);
  });

  it('leaves nothing when a build fails, so that the next one starts from nothing', async () => {
    const failing = provisionOnce(
      'thing-1',
      () => Promise.reject(new KeywheelError('ERR_MISSING_PEER', 'no index, offline')),
      root,
    );

    await expect(failing).rejects.toMatchObject({ code: 'ERR_MISSING_PEER', message: 'no index, offline' });
    expect(await readdir(root)).toEqual([]);
    expect(await provisionOnce('thing-1', async () => {}, root)).toContain('thing-1');
  });

  it.each([
    ['whose holder is dead', deadHolder, new Date()],
    ['that is older than any build may take', JSON.stringify({ pid: process.pid, host: 'elsewhere', id: 'x' }), new Date(0)],
  ])('takes over a lock %s', async (_, text, time) => {
    await writeFile(lockOf('thing-1'), text);
    await utimes(lockOf('thing-1'), time, time);

    const entry = await provisionOnce('thing-1', async () => {}, root);

    expect(await readdir(root)).toEqual([path.basename(entry)]);
  });

  it('sweeps away what a killed builder left long ago, and nothing that may still be in use', async () => {
    const partial = (id: string) => lockOf('thing-1').replace(/\.lock$/, `.partial-${id}`);
    await mkdir(partial('old'));
    await mkdir(partial('new'));
    await utimes(partial('old'), new Date(0), new Date(0));

    const entry = await provisionOnce('thing-1', async () => {}, root);

    expect((await readdir(root)).sort()).toEqual([path.basename(entry), path.basename(partial('new'))]);
  });

  it('accepts the entry of a builder that finished first although both built', async () => {
    const first = provisionOnce(
      'thing-1',
      async (folder) => {
        await writeFile(path.join(folder, 'by'), 'first');
        // Our lock is taken away, as from a builder that seemed dead, and the other one finishes before us.
        await rm(lockOf('thing-1'));
        await provisionOnce('thing-1', (other) => writeFile(path.join(other, 'by'), 'second'), root);
      },
      root,
    );

    const entry = await first;

    expect(await readFile(path.join(entry, 'by'), 'utf8')).toBe('second');
    expect(await readdir(root)).toEqual([path.basename(entry)]);
  });
});

describe('cacheRoot', () => {
  it.each([
    [{ KEYWHEEL_PEER_CACHE: '/own', XDG_CACHE_HOME: '/xdg' }, '/own'],
    [{ XDG_CACHE_HOME: '/xdg' }, '/xdg/keywheel-peers'],
    [{ XDG_CACHE_HOME: 'relative' }, expect.stringMatching(/\/\.cache\/keywheel-peers$/) as string],
    [{}, expect.stringMatching(/\/\.cache\/keywheel-peers$/) as string],
  ])('for %j is %s', (env, root) => {
    expect(cacheRoot(env)).toEqual(root);
  });
});

describe('a peer that this machine cannot have', () => {
  it('is told with its reason', async () => {
    const provision = () =>
      Promise.reject(new KeywheelError('ERR_MISSING_PEER', 'no Python environment can be made, python3 is not there'));

    const wanted = await available({ version: '1', provision, start: () => Promise.reject(new Error('never')) });

    expect(wanted).toEqual({ available: false, reason: 'no Python environment can be made, python3 is not there' });
  });

  it.each([
    [{}, false],
    [{ CI: 'true' }, true],
    [{ KEYWHEEL_PEERS: 'required' }, true],
    [{ CI: 'false', KEYWHEEL_PEERS: 'optional' }, false],
  ])('with %j fails the run: %s', (env, required) => {
    expect(peersRequired(env)).toBe(required);
  });

  it('names no address in the reason, which could hold a password', () => {
    const output =
      'Looking in indexes\nERROR: no match at https://user:hunter2@index.example/simple for x\n[notice] update pip\n\n';

    expect(lastLine(output)).toBe('ERROR: no match at <address> for x');
  });
});
