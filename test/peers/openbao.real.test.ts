import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { configureStaticRole, readStaticCredential, rotateStaticRole, superuserOf } from '../bench/rival.ts';
import { postgresConnect } from '../helpers/load.ts';
import { startPostgres } from '../helpers/postgres.ts';
import type { Postgres } from '../helpers/postgres.ts';
import { alive } from './cache.ts';
import type { OpenBao } from './index.ts';
import { describeWithPeer } from './vitest.ts';

await describeWithPeer('openbao', 'the peer openbao', (start) => {
  let bao: OpenBao;
  beforeAll(async () => {
    bao = await start({});
  });
  afterAll(() => bao.stop());

  it('is healthy, of the pinned version, on loopback', async () => {
    const health = await bao.client.health();

    expect(health).toMatchObject({ initialized: true, sealed: false, standby: false, version: bao.version });
    expect(bao.address).toBe(`http://127.0.0.1:${bao.port}`);
  });

  it('keeps a secret in KV version 2 and gives it back', async () => {
    await bao.client.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } });
    // A new KV v2 mount upgrades itself for a moment, and refuses writes while it does.
    await vi.waitFor(() => bao.client.write('kv/data/app', { data: { username: 'one' } }), { timeout: 5000, interval: 50 });

    const read = await bao.client.read<{ data: unknown; metadata: { version: number } }>('kv/data/app');

    expect(read).toMatchObject({ data: { username: 'one' }, metadata: { version: 1 } });
  });

  it('refuses a path that nothing is mounted at, in words', async () => {
    const refusal = bao.client.read('nowhere/at/all');

    await expect(refusal).rejects.toMatchObject({
      code: 'ERR_TARGET_FAILED',
      message: expect.stringContaining('openbao refused GET nowhere/at/all, status 404') as string,
    });
  });

  it('writes an audit log where the configuration has the stanza', async () => {
    const audited = await start({ configuration: 'audit "file" "all" {\n  options {\n    file_path = "stdout"\n  }\n}\n' });
    try {
      const devices = await audited.client.request<Record<string, unknown>>('GET', 'sys/audit');

      expect(devices).toHaveProperty(['all/', 'type'], 'file');
    } finally {
      await audited.stop();
    }
  });

  it('is sealed and unsealed', async () => {
    await bao.seal();
    expect(await bao.client.health()).toMatchObject({ initialized: true, sealed: true });
    await bao.unseal();
    expect(await bao.client.health()).toMatchObject({ sealed: false, standby: false });
  });

  it('keeps the mounts of a namespace apart', async () => {
    await bao.client.write('sys/namespaces/team');
    await bao.client.inNamespace('team').write('sys/mounts/cubby', { type: 'kv' });

    expect(await bao.client.inNamespace('team').read('sys/mounts')).toHaveProperty('cubby/');
    expect(await bao.client.read('sys/mounts')).not.toHaveProperty('cubby/');
  });

  it('leaves no process, no folder and no listener when it is stopped, also twice', async () => {
    const other = await start({});
    expect(alive(other.pid)).toBe(true);
    expect(existsSync(other.logFile)).toBe(true);

    await other.stop();
    await other.stop();

    expect(alive(other.pid)).toBe(false);
    expect(existsSync(other.folder)).toBe(false);
    expect(await other.client.health()).toBeUndefined();
  });

  it('comes back after a crash with what it had stored, and is then gone without a trace when it is stopped', async () => {
    const first = await start({});
    await first.client.write('sys/mounts/cubby', { type: 'kv' });
    await first.client.write('cubby/app', { username: 'one' });

    const second = await first.crash();

    expect(alive(first.pid)).toBe(false);
    expect(second.address).toBe(first.address);
    expect(await second.client.read('cubby/app')).toEqual({ username: 'one' });
    await second.stop();
    expect(alive(second.pid) || existsSync(second.folder)).toBe(false);
  });

  it('leaves no process and no folder when the process that started it is killed', async () => {
    const index = path.join(import.meta.dirname, 'index.ts');
    const script = `
      const { peer } = await import(${JSON.stringify(index)});
      const { pid, folder } = await (await peer('openbao')).start({});
      console.log(JSON.stringify({ pid, folder }));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
    const { pid, folder } = JSON.parse(line) as { pid: number; folder: string };
    expect(alive(pid)).toBe(true);

    parent.kill('SIGKILL');

    await vi.waitFor(() => expect(alive(pid) || existsSync(folder)).toBe(false), { timeout: 10_000, interval: 50 });
  });

  describe('with a PostgreSQL', () => {
    let database: Postgres;
    beforeAll(async () => {
      database = await startPostgres();
      await database.query('create role app_one login');
      await configureStaticRole(bao.client, superuserOf(database), 'app_one');
    });
    afterAll(() => database.stop());

    it('rotates a static role: the new credential logs in and the old one is refused', async () => {
      const connect = postgresConnect(superuserOf(database));
      const before = await readStaticCredential(bao.client);
      await (await connect(before)).close();

      await rotateStaticRole(bao.client);

      const after = await readStaticCredential(bao.client);
      expect(after.username).toBe('app_one');
      expect(after.password).not.toBe(before.password);
      await (await connect(after)).close();
      await expect(connect(before)).rejects.toMatchObject({
        code: '28P01',
        message: expect.stringContaining('app_one') as string,
      });
    });
  });
});
