/** What only the Vault store promises, on a real OpenBao: KV's own ways with versions, rights, namespaces, a sealed server, TLS. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SecretValue } from '../../shared/stores/index.ts';
import { openReader } from '../../shared/stores/index.ts';
import { openVaultStore } from '../../shared/stores/vault.ts';
import { openGate } from '../../shared/deps.ts';
import { all, manualClock, realRandom, scratch } from '../contract/harness.ts';
import { conflictOf } from '../contract/store.ts';
import { appRole, newMount, PENDING, rotatorPolicy } from '../contract/vault.ts';
import type { OpenBao, OpenBaoClient } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import type { Start } from '../peers/vitest.ts';
import { certificates, openRoom } from './vault-room.ts';
import type { Room, VaultStore } from './vault-room.ts';

const NAME = 'app/db';
const OLD: SecretValue = { password: 'old-5d0c' };
const NEW: SecretValue = { password: 'new-77ab' };
const OTHER: SecretValue = { password: 'other-19fe' };

await describeWithPeer('openbao', 'the Vault store on OpenBao', (start) => {
  let bao: OpenBao;
  let room: Room;
  let store: VaultStore;
  beforeAll(async () => {
    bao = await start({});
    await bao.client.write('sys/auth/approle', { type: 'approle' });
  });
  afterAll(() => bao.stop());
  beforeEach(async () => {
    room = await openRoom(bao.client);
    store = await room.open();
    await seed(OLD);
  });
  afterEach(() => room.close());

  const at = (part: string, name = NAME) => `${room.mount}/${part}/${name.split('/').map(encodeURIComponent).join('/')}`;
  const seed = (value: SecretValue, name = NAME) => bao.client.write(at('data', name), { data: value });
  const revision = async (): Promise<string> => (await store.describe(NAME))?.revision ?? '';
  const ids = async () => {
    const labels = (await store.describe(NAME))?.labels ?? {};
    return Object.fromEntries(Object.entries(labels).map(([label, ref]) => [label, ref.id]));
  };
  async function rotate(value: SecretValue, rotationId: string): Promise<void> {
    const ref = await store.stage(NAME, value, rotationId);
    await store.publish(NAME, ref.id, await revision());
  }

  describe('versions', () => {
    it('say no current when it was deleted by hand, refuse a publish planned before, and take it back when it is undeleted', async () => {
      await rotate(NEW, 'r-1');
      const planned = await revision();
      const next = await store.stage(NAME, OTHER, 'r-2');
      await bao.client.request('DELETE', at('data'));

      expect(await ids()).toEqual({ pending: 'v-r-2', previous: 'kv-1' });
      expect(await store.read(NAME, 'current')).toBeUndefined();
      await expect(store.publish(NAME, next.id, planned)).rejects.toMatchObject(conflictOf(/moved/));

      await bao.client.write(at('undelete'), { versions: [2] });
      expect(await ids()).toEqual({ current: 'v-r-1', pending: 'v-r-2', previous: 'kv-1' });
      expect(await revision()).toBe(planned);
    });

    it('pass over a destroyed one: previous is the next that lives', async () => {
      await rotate(NEW, 'r-1');
      await rotate(OTHER, 'r-2');
      await bao.client.write(at('destroy'), { versions: [2] });

      expect(await ids()).toEqual({ current: 'v-r-2', previous: 'kv-1' });
      expect(await store.read(NAME, { version: 'v-r-1' })).toBeUndefined();
      await expect(store.publish(NAME, 'v-r-1', await revision())).rejects.toMatchObject(conflictOf(/not in the store/));
    });

    it('vanish beyond max_versions, and the labels stay right', async () => {
      await bao.client.write(at('metadata'), { max_versions: 2 });
      for (const [index, value] of [NEW, OTHER, OLD, NEW].entries()) await rotate(value, `r-${index}`);

      expect(await ids()).toEqual({ current: 'v-r-3', previous: 'v-r-2' });
      expect((await store.read(NAME, 'previous'))?.value).toEqual(OLD);
      expect(await store.read(NAME, { version: 'v-r-0' })).toBeUndefined();
    });

    it.each(['metadata', 'config'])('are not rotated where the %s keeps a single one', async (part) => {
      await bao.client.write(part === 'config' ? `${room.mount}/config` : at('metadata'), { max_versions: 1 });

      await expect(store.stage(NAME, NEW, 'r-1')).rejects.toMatchObject({
        code: 'ERR_SECRET_INVALID',
        message: expect.stringContaining('keeps one version only') as string,
        hint: expect.stringContaining('-max-versions=10 app/db') as string,
      });
    });

    it('have other revisions and names when the key was deleted for good and made anew', async () => {
      await rotate(NEW, 'r-1');
      const planned = await revision();
      const next = await store.stage(NAME, OTHER, 'r-2');
      await bao.client.request('DELETE', at('metadata'));
      expect(await store.describe(NAME)).toBeUndefined();
      await seed(OLD);
      await seed(NEW);

      expect(await ids()).toEqual({ current: 'kv-2', pending: 'v-r-2', previous: 'kv-1' });
      await expect(store.publish(NAME, next.id, planned)).rejects.toMatchObject(conflictOf(/moved/));
    });

    it('that end later live until then', async () => {
      await bao.client.write(at('metadata'), { delete_version_after: '1h' });
      await rotate(NEW, 'r-1');
      await rotate(OTHER, 'r-2');

      expect(await ids()).toEqual({ current: 'v-r-2', previous: 'v-r-1' });
    });

    it('are none where there is only metadata: it may be put with null', async () => {
      await bao.client.write(at('metadata', 'empty'), { custom_metadata: { owner: 'a' } });

      expect(await store.describe('empty')).toBeUndefined();
      expect((await all(store.list())).map(({ name }) => name)).toEqual([NAME]);
      await store.put('empty', NEW, null);
      expect((await store.read('empty', 'current'))?.value).toEqual(NEW);
    });

    it.each(['cas_required', 'metadata_cas_required'])('rotate on a mount that has %s', async (setting) => {
      await bao.client.write(`${room.mount}/config`, { [setting]: true });
      // A policy for that case also lets the companion's metadata be read, for the number that the check compares.
      const policy = `${rotatorPolicy(room.mount)} path "${room.mount}/metadata/${PENDING}*" { capabilities = ["create", "read", "update"] }`;
      const { login, env } = await appRole(
        bao.client,
        `cas-${room.mount}`,
        setting === 'cas_required' ? rotatorPolicy(room.mount) : policy,
      );
      store = await room.open({ login }, env);

      await rotate(NEW, 'r-1');
      await rotate(OTHER, 'r-2');

      expect(await ids()).toEqual({ current: 'v-r-2', previous: 'v-r-1' });
    });
  });

  describe('pending', () => {
    it('is nowhere any more when it was discarded, also not in an older version of its record', async () => {
      const ref = await store.stage(NAME, NEW, 'r-1');
      const { current_version } = await bao.client.read<{ current_version: number }>(at('metadata', PENDING + NAME));
      await store.discard(NAME, ref.id);

      const { versions } = await bao.client.read<{ versions: object }>(at('metadata', PENDING + NAME));
      expect(Object.keys(versions)).toEqual([String(current_version + 1)]);
      await expect(bao.client.read(`${at('data', PENDING + NAME)}?version=${current_version}`)).rejects.toMatchObject({
        message: expect.stringContaining('status 404') as string,
      });
      expect(JSON.stringify(await bao.client.read(at('data', PENDING + NAME)))).not.toContain('new-77ab');
    });

    it.each(['data', 'metadata'])('may be staged again when somebody deleted the %s of its record', async (part) => {
      await store.stage(NAME, NEW, 'r-1');
      await bao.client.request('DELETE', at(part, PENDING + NAME));

      expect(await ids()).toEqual({ current: 'kv-1' });
      await rotate(OTHER, 'r-2');
      expect(await ids()).toEqual({ current: 'v-r-2', previous: 'kv-1' });
    });

    it.each([
      [{ schemaVersion: 2 }, 'ERR_STATE_NEWER', 'newer keywheel'],
      [{ note: 'mine' }, 'ERR_STORE_CORRUPT', 'not as keywheel wrote it'],
      [
        { schemaVersion: 1, staged: [7], intents: [], published: [], discarded: [] },
        'ERR_STORE_CORRUPT',
        'not as keywheel wrote it',
      ],
    ])('is not guessed from a record such as %j', async (fields, code, says) => {
      await bao.client.write(at('data', PENDING + NAME), { data: fields });

      await expect(store.describe(NAME)).rejects.toMatchObject({ code, message: expect.stringContaining(says) as string });
    });

    it('keeps what it knows bounded', { timeout: 60_000 }, async () => {
      for (let turn = 0; turn < 12; turn++) await rotate(turn % 2 === 0 ? NEW : OTHER, `r-${turn}`);
      const { data } = await bao.client.read<{ data: Record<string, unknown[]> }>(at('data', PENDING + NAME));

      expect(data['staged']).toEqual([]);
      expect(data['intents']).toEqual([]);
      expect(data['published']).toHaveLength(12);
    });
  });

  describe('names and values', () => {
    it.each(['plain', 'a/b/c', 'app%2Fdb', 'a b', 'ключ', 'a?b#c', 'keywheel-pending', 'a.b', 'a\'b"c'])(
      'keeps %s apart',
      async (name) => {
        await store.put(name, NEW, null);

        expect((await store.read(name, 'current'))?.value).toEqual(NEW);
        expect((await bao.client.read<{ data: unknown }>(at('data', name))).data).toEqual(NEW);
        expect((await all(store.list())).map((each) => each.name).toSorted()).toEqual([NAME, name].toSorted());
      },
    );

    it.each(['/app', 'app/', 'a//b', '..', '../secret/data/x', 'a/./b', 'a/../../sys/seal', `${PENDING}app/db`])(
      'refuses %s, and asks the server nothing',
      async (name) => {
        const before = room.calls.length;
        const refused = { code: 'ERR_CONFIG_INVALID', message: expect.stringContaining('cannot be used in vault') as string };

        for (const work of [() => store.describe(name), () => store.put(name, NEW), () => store.stage(name, NEW, 'r-1')]) {
          await expect(work()).rejects.toMatchObject(refused);
        }
        expect(room.calls).toHaveLength(before);
      },
    );

    it('lists folders at any depth with a prefix that cuts a name, and none outside of the mount', async () => {
      for (const name of ['a/b/c/d/e', 'a/bc', 'web']) await seed(OLD, name);
      await store.stage(NAME, NEW, 'r-1');

      const names = async (prefix?: string) =>
        (await all(store.list(prefix === undefined ? {} : { prefix }))).map((each) => each.name).toSorted();
      expect(await names()).toEqual(['a/b/c/d/e', 'a/bc', NAME, 'web']);
      expect(await names('a/b')).toEqual(['a/b/c/d/e', 'a/bc']);
      expect(await names('a/b/')).toEqual(['a/b/c/d/e']);
      expect(await names('../')).toEqual([]);
      expect(await names('nowhere/')).toEqual([]);
    });

    it('lists many, and refuses a folder in a folder without end', async () => {
      const names = Array.from({ length: 19 }, (_, index) => `many/${index}`);
      for (const name of names) await seed(OLD, name);
      expect((await all(store.list({ prefix: 'many/' }))).map((each) => each.name).toSorted()).toEqual(names.toSorted());
      await seed(OLD, `${'d/'.repeat(40)}deep`);

      await expect(all(store.list())).rejects.toMatchObject({
        code: 'ERR_STORE_FAILED',
        message: expect.stringContaining('32 folders deep') as string,
      });
    });

    it('keeps numbers as they were', async () => {
      const value = { a: 0.1, b: 1e21, c: -1.5e-7, d: Number.MAX_SAFE_INTEGER, e: Number.MIN_VALUE, f: Number.MAX_VALUE, g: 1e6 };
      await store.put('numbers', value, null);
      const ref = await store.stage('numbers', { ...value, g: 2 }, 'r-1');
      expect((await store.read('numbers', 'current'))?.value).toEqual(value);

      await store.publish('numbers', ref.id, (await store.describe('numbers'))?.revision ?? '');

      expect((await store.read('numbers', 'current'))?.value).toEqual({ ...value, g: 2 });
      expect((await store.describe('numbers'))?.labels.current).toEqual(ref);
    });

    it('refuses a value that is not flat, and text that the server would change', async () => {
      await bao.client.write(at('data'), { data: { password: 'x', nested: { password: 'deep-canary' } } });

      const read = await store.read(NAME, 'current').catch((error: unknown) => error);

      expect(read).toMatchObject({
        code: 'ERR_SECRET_INVALID',
        message: expect.stringContaining('its field "nested"') as string,
      });
      expect(String(read)).not.toContain('canary');
      expect(await ids()).toEqual({ current: 'kv-2', previous: 'kv-1' });
      const half = store.put('half', { password: '\ud83d' });
      await expect(half).rejects.toMatchObject({
        code: 'ERR_SECRET_INVALID',
        message: expect.stringContaining('"password" is not well-formed') as string,
      });
    });
  });

  it('tells in a rehearsal every write of a run, in its order and words', async () => {
    const effects = () => room.calls.filter((call) => call.kind === 'effect').map((call) => call.text);
    const run = async (through: VaultStore): Promise<string[]> => {
      const start = effects().length;
      const before = (await through.describe(NAME))?.revision ?? '';
      const ref = await through.stage(NAME, NEW, 'r-1');
      expect((await through.read(NAME, 'pending'))?.value).toEqual(NEW);
      await through.publish(NAME, ref.id, before);
      expect((await through.read(NAME, 'current'))?.value).toEqual(NEW);
      expect((await through.read(NAME, 'previous'))?.value).toEqual(OLD);
      await through.discard(NAME, (await through.stage(NAME, OTHER, 'r-2')).id);
      await through.put('fresh', OTHER, null);
      return effects().slice(start);
    };

    const told = await run(await room.rehearse());

    expect(await ids()).toEqual({ current: 'kv-1' });
    expect(await store.describe('fresh')).toBeUndefined();
    const made = await run(store);
    expect(made).toEqual(told);
    expect(made[0]).toBe(
      `vault: write ${room.mount}/data/${PENDING}${NAME} with cas 0: stage ${NAME} version v-r-1 as pending (rotation r-1)`,
    );
    expect(made).toHaveLength(5);
  });

  describe('the mount', () => {
    const failing = (says: string) => ({ code: 'ERR_STORE_FAILED', message: expect.stringContaining(says) as string });

    it('is refused when it is KV of version 1, which would answer as if secrets were not there', async () => {
      await bao.client.write('sys/mounts/one', { type: 'kv' });
      const { login, env } = await appRole(bao.client, 'one', rotatorPolicy('one'));
      const other = await room.open({ mount: 'one', login }, env);

      await expect(other.describe(NAME)).rejects.toMatchObject(failing('a KV engine of version 1'));
      await expect(other.put(NAME, NEW, null)).rejects.toMatchObject(failing('a KV engine of version 1'));
      await expect(bao.client.read(`one/data/${NAME}`)).rejects.toThrow('404');
    });

    it('is refused when it is another engine, or is not there', async () => {
      const { login, env } = await appRole(
        bao.client,
        'wide',
        'path "*" { capabilities = ["create", "read", "update", "list"] }',
      );
      await bao.client.write('sys/mounts/transit', { type: 'transit' });
      const transit = await room.open({ mount: 'transit', login }, env);
      const nowhere = await room.open({ mount: 'nowhere', login }, env);

      await expect(transit.describe(NAME)).rejects.toMatchObject({ code: 'ERR_STORE_FAILED' });
      await expect(nowhere.describe(NAME)).rejects.toMatchObject(failing('nothing is mounted there'));
    });
  });

  describe('rights', () => {
    const forbidden = (text: string) => ({
      code: 'ERR_STORE_FORBIDDEN',
      retryable: false,
      message: expect.stringContaining(text) as string,
    });
    const clientOf = async (policy: string): Promise<OpenBaoClient> => {
      await bao.client.write('sys/policies/acl/one', { policy });
      const answer = await bao.client.request<{ auth: { client_token: string } }>('POST', 'auth/token/create', {
        policies: ['one'],
        ttl: '5m',
      });
      return bao.client.withToken(answer.auth.client_token);
    };
    const denied = { message: expect.stringContaining('status 403') as string };

    it('of the rotator end at its folder: it rotates there and nothing else, and can delete nothing', async () => {
      const { login, env } = await appRole(bao.client, 'folder', rotatorPolicy(room.mount, 'app/'));
      const own = await room.open({ login }, env);
      await seed(OLD, 'web/db');

      const ref = await own.stage(NAME, NEW, 'r-1');
      await own.publish(NAME, ref.id, await revision());
      await own.discard(NAME, (await own.stage(NAME, OTHER, 'r-2')).id);
      await own.put('app/new', NEW, null);

      expect((await all(own.list({ prefix: 'app/' }))).map((each) => each.name)).toEqual([NAME, 'app/new']);
      await expect(own.describe('web/db')).rejects.toMatchObject(forbidden(`${room.mount}/data/${PENDING}web/db`));
      await expect(all(own.list())).rejects.toMatchObject(forbidden(`${room.mount}/metadata/`));
      const rotator = await clientOf(rotatorPolicy(room.mount, 'app/'));
      for (const [method, part] of [
        ['DELETE', 'data'],
        ['DELETE', 'metadata'],
        ['POST', 'metadata'],
        ['POST', 'destroy'],
      ] as const) {
        await expect(rotator.request(method, at(part), { versions: [1] })).rejects.toMatchObject(denied);
      }
    });

    it('of a consumer are one read: current it gets, pending and the past of pending are refused', async () => {
      await store.stage(NAME, NEW, 'r-1');
      const policy = `path "${room.mount}/data/${NAME}" { capabilities = ["read"] }`;
      const { login, env } = await appRole(bao.client, 'consumer', policy);
      const reader = await openReader({ ...room.config, login }, { env });

      expect(await reader.current(NAME)).toMatchObject({ value: OLD });
      await expect(reader.current('web/db')).rejects.toMatchObject(forbidden(`${room.mount}/data/web/db`));
      await reader.close();
      const consumer = await clientOf(policy);
      for (const part of ['data', 'metadata']) {
        await expect(consumer.read(at(part, PENDING + NAME))).rejects.toMatchObject(denied);
      }
    });

    it('of a consumer of the whole mount need a deny, which wins', async () => {
      await store.stage(NAME, NEW, 'r-1');
      const wide = `path "${room.mount}/*" { capabilities = ["read", "list"] }`;
      const guard = ['data', 'metadata']
        .map((part) => `path "${room.mount}/${part}/${PENDING}*" { capabilities = ["deny"] }`)
        .join(' ');
      expect(JSON.stringify(await (await clientOf(wide)).read(at('data', PENDING + NAME)))).toContain('new-77ab');

      const consumer = await clientOf(`${wide} ${guard}`);

      expect(await consumer.read(at('data'))).toMatchObject({ data: OLD });
      for (const part of ['data', 'metadata']) {
        await expect(consumer.read(at(part, PENDING + NAME))).rejects.toMatchObject(denied);
      }
    });

    it('may leave the mount’s configuration out', async () => {
      const policy = rotatorPolicy(room.mount).replace(/path "[^"]*\/config".*/, '');
      const { login, env } = await appRole(bao.client, 'without-config', policy);

      expect(await (await room.open({ login }, env)).stage(NAME, NEW, 'r-1')).toMatchObject({ id: 'v-r-1' });
    });
  });

  describe('namespaces', () => {
    it('hold secrets and logins of their own', async () => {
      await bao.client.write('sys/namespaces/team');
      const team = bao.client.inNamespace('team');
      const mount = await newMount(team);
      await team.write('sys/auth/approle', { type: 'approle' });
      const { login, env } = await appRole(team, 'rotator', rotatorPolicy(mount));
      await team.write(`${mount}/data/${NAME}`, { data: OTHER });
      const inside = await room.open({ namespace: 'team', mount, login }, env);

      const ref = await inside.stage(NAME, NEW, 'r-1');
      await inside.publish(NAME, ref.id, (await inside.describe(NAME))?.revision ?? '');

      expect((await inside.read(NAME, 'previous'))?.value).toEqual(OTHER);
      expect(await team.read(`${mount}/data/${NAME}`)).toMatchObject({ data: NEW });
      const outside = await room.open({ mount, login }, env);
      await expect(outside.describe(NAME)).rejects.toMatchObject({ code: 'ERR_STORE_LOGIN' });
      const wrong = await room.open({ namespace: 'nobody', mount, login }, env);
      await expect(wrong.describe(NAME)).rejects.toMatchObject({ code: 'ERR_STORE_LOGIN' });
    });
  });

  it('says that it is throttled by a rate limit quota, and is not afterwards', async () => {
    await bao.client.write('sys/quotas/rate-limit/tight', { path: `${room.mount}/`, rate: 1, interval: '60s' });
    const error = await (async () => {
      for (let turn = 0; turn < 5; turn++) await store.describe(NAME);
    })().catch((error: unknown) => error);
    await bao.client.request('DELETE', 'sys/quotas/rate-limit/tight');

    expect(error).toMatchObject({
      code: 'ERR_STORE_THROTTLED',
      retryable: true,
      message: expect.stringContaining('status 429') as string,
    });
    expect(await ids()).toEqual({ current: 'kv-1' });
  });

  it('says that the server is sealed, before a login and after one, and goes on when it is unsealed', async () => {
    await store.stage(NAME, NEW, 'r-1');
    const unlogged = await room.open();
    await bao.seal();
    const sealed = {
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('vault is sealed') as string,
    };
    try {
      await expect(store.describe(NAME)).rejects.toMatchObject(sealed);
      await expect(store.publish(NAME, 'v-r-1', 'any')).rejects.toMatchObject(sealed);
      await expect(unlogged.describe(NAME)).rejects.toMatchObject(sealed);
    } finally {
      await bao.unseal();
    }
    expect(await ids()).toEqual({ current: 'kv-1', pending: 'v-r-1' });
    expect((await unlogged.read(NAME, 'pending'))?.value).toEqual(NEW);
  });
});

await describeWithPeer('openbao', 'the Vault store over TLS', (start: Start<'openbao'>) => {
  let bao: OpenBao;
  let files: ReturnType<typeof scratch>;
  let room: Room;
  beforeAll(async () => {
    files = scratch();
    const authority = await start({});
    const { ca, certificate, key } = await certificates(authority.client);
    await authority.stop();
    await writeFile(path.join(files.path, 'ca.pem'), ca);
    await writeFile(path.join(files.path, 'text.pem'), 'not a certificate');
    bao = await start({ tls: { certificate, key } });
    await bao.client.write('sys/auth/approle', { type: 'approle' });
    room = await openRoom(bao.client);
    await bao.client.write(`${room.mount}/data/${NAME}`, { data: OLD });
  });
  afterAll(async () => {
    await room.close();
    await bao.stop();
    files.remove();
  });

  const over = (address: string | undefined, ca?: string) =>
    room.open({ address: address ?? '', ...(ca === undefined ? {} : { ca: path.join(files.path, ca) }) });

  it('trusts the authority in `ca`', async () => {
    const store = await over(bao.tlsAddress, 'ca.pem');
    expect((await store.read(NAME, 'current'))?.value).toEqual(OLD);
    const reader = await openReader(
      { ...room.config, address: bao.tlsAddress ?? '', ca: path.join(files.path, 'ca.pem') },
      { env: room.env },
    );
    expect((await reader.current(NAME))?.value).toEqual(OLD);
    await reader.close();
  });

  it('trusts no other, also where NODE_TLS_REJECT_UNAUTHORIZED says so', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      await expect((await over(bao.tlsAddress)).describe(NAME)).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        retryable: false,
        message: expect.stringMatching(/its certificate is not trusted \([A-Z_]+\)/) as string,
        hint: expect.stringContaining('`ca`') as string,
      });
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });

  it('refuses a certificate for another host', async () => {
    const store = await over(bao.tlsAddress?.replace('127.0.0.1', 'localhost'), 'ca.pem');
    await expect(store.describe(NAME)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') as string,
    });
  });

  it('tells http on a TLS port and https on a cleartext port', async () => {
    const http = await over(bao.tlsAddress?.replace('https', 'http'));
    const https = await over(bao.address.replace('http', 'https'), 'ca.pem');

    await expect(http.describe(NAME)).rejects.toMatchObject({
      code: 'ERR_STORE_FAILED',
      message: expect.stringContaining('vault speaks TLS on this port') as string,
    });
    await expect(https.describe(NAME)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: false,
      message: expect.stringContaining('no TLS connection comes about') as string,
    });
  });

  it.each([
    ['none.pem', 'cannot be read (ENOENT)'],
    ['text.pem', 'holds no PEM certificate'],
  ])('does not open with the authorities in %s', async (ca, says) => {
    const config = { ...room.config, address: bao.tlsAddress ?? '', ca: path.join(files.path, ca) };
    const opening = openVaultStore(config, { clock: manualClock(), random: realRandom, gate: openGate(), env: room.env });
    await expect(opening).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(says) as string });
  });
});
