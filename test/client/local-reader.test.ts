import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGate, systemClock } from '../../shared/deps.ts';
import { openReader } from '../../shared/stores/index.ts';
import { openLocalStore } from '../../shared/stores/local.ts';
import { realRandom, scratch } from '../contract/harness.ts';

let folder: ReturnType<typeof scratch>;
const key = Buffer.alloc(32, 5).toString('base64');
const config = () => ({ kind: 'local' as const, path: path.join(folder.path, 'store.db'), keyEnv: 'STORE_KEY' });
const env = { STORE_KEY: key };
const store = () => openLocalStore(config(), { clock: systemClock, random: realRandom, gate: openGate(), env });

beforeEach(() => (folder = scratch()));
afterEach(() => folder.remove());

describe('the reader of a local store', () => {
  it('reads current, and neither pending nor previous', async () => {
    const written = store();
    const { revision } = await written.put('app/db', { password: 'one' });
    const staged = await written.stage('app/db', { password: 'two' }, 'r1');
    const reader = await openReader(config(), { env });
    const before = await reader.current('app/db');
    await written.publish('app/db', staged.id, revision);
    const after = await reader.current('app/db');
    written.close();

    expect(before?.value).toEqual({ password: 'one' });
    expect(after).toEqual({ version: staged.id, value: { password: 'two' } });
    expect(await reader.current('other')).toBeUndefined();
    await reader.close();
  });

  it('changes no byte of the store', async () => {
    const written = store();
    await written.put('app/db', { password: 'one' });
    written.close();
    const before = readFileSync(config().path);

    const reader = await openReader(config(), { env });
    await reader.current('app/db');

    expect(readFileSync(config().path).equals(before)).toBe(true);
  });

  it('makes no store where there is none, says so, and sees it when it is there', async () => {
    const reader = await openReader(config(), { env });

    await expect(reader.current('app/db')).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: `store ${config().path} cannot be read, because there is no such file`,
    });
    expect(existsSync(config().path)).toBe(false);
    const written = store();
    await written.put('app/db', { password: 'one' });
    written.close();
    expect((await reader.current('app/db'))?.value).toEqual({ password: 'one' });
  });

  it('sees a store that was put in place of the other', async () => {
    const written = store();
    await written.put('app/db', { password: 'old' });
    written.close();
    const reader = await openReader(config(), { env });
    await reader.current('app/db');
    renameSync(config().path, `${config().path}.old`);
    for (const suffix of ['-wal', '-shm']) rmSync(config().path + suffix, { force: true });
    const restored = store();
    await restored.put('app/db', { password: 'restored' });
    restored.close();

    expect((await reader.current('app/db'))?.value).toEqual({ password: 'restored' });
  });

  it('tells a wrong key from a damaged file, and ends at a signal', async () => {
    const written = store();
    await written.put('app/db', { password: 'one' });
    written.close();
    const stranger = await openReader(config(), { env: { STORE_KEY: Buffer.alloc(32, 6).toString('base64') } });
    const reader = await openReader(config(), { env });

    await expect(stranger.current('app/db')).rejects.toMatchObject({
      code: 'ERR_STORE_KEY',
      message: `store ${config().path} cannot be opened with the key in STORE_KEY, because it is another key`,
    });
    await expect(reader.current('app/db', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    writeFileSync(config().path, 'not a store');
    await expect(reader.current('app/db')).rejects.toMatchObject({
      code: 'ERR_STORE_CORRUPT',
      message: expect.stringContaining('cannot be trusted'),
    });
  });
});
