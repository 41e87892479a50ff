/** Every login on a real OpenBao: one per run, made again when its token ends, revoked at the end, and never somebody else's token. */
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { exportSPKI, generateKeyPair, SignJWT } from 'jose';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { VaultStoreConfig } from '../../shared/config/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { openReader } from '../../shared/stores/index.ts';
import { scratch } from '../contract/harness.ts';
import { appRole, rotatorPolicy } from '../contract/vault.ts';
import type { OpenBao } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { certificates, openRoom } from './vault-room.ts';
import type { Room } from './vault-room.ts';

const NAME = 'app/db';
const OLD: SecretValue = { password: 'old-5d0c' };
const NEW: SecretValue = { password: 'new-77ab' };
type Login = VaultStoreConfig['login'];

const login = (says: string) => ({
  code: 'ERR_STORE_LOGIN',
  retryable: false,
  message: expect.stringContaining(says) as string,
});

await describeWithPeer('openbao', 'the Vault store’s logins', (start) => {
  let bao: OpenBao;
  let files: ReturnType<typeof scratch>;
  let room: Room;
  beforeAll(async () => {
    bao = await start({});
    files = scratch();
    await bao.client.write('sys/auth/approle', { type: 'approle' });
  });
  afterAll(async () => {
    await bao.stop();
    files.remove();
  });
  beforeEach(async () => {
    room = await openRoom(bao.client);
    await bao.client.write(`${room.mount}/data/${NAME}`, { data: OLD });
    await bao.client.write(`sys/policies/acl/rotator`, { policy: rotatorPolicy(room.mount) });
  });
  afterEach(() => room.close());

  const file = (name: string): string => path.join(files.path, name);
  /** How many tokens there are. */
  const tokens = async (): Promise<number> => {
    const answer = await bao.client.request<{ data: { keys: string[] } }>('LIST', 'auth/token/accessors');
    return answer.data.keys.length;
  };
  const logins = () =>
    room.calls.filter((call) => call.text.startsWith('vault: log in')).map((call) => `${call.kind} ${call.text}`);
  async function newToken(over: Record<string, unknown> = {}): Promise<string> {
    const body = { policies: ['rotator'], ttl: '5m', ...over };
    const answer = await bao.client.request<{ auth: { client_token: string } }>('POST', 'auth/token/create', body);
    return answer.auth.client_token;
  }
  const lives = (token: string): Promise<boolean> =>
    bao.client
      .withToken(token)
      .read('auth/token/lookup-self')
      .then(
        () => true,
        () => false,
      );
  const untilDead = (token: string) =>
    vi.waitFor(async () => expect(await lives(token)).toBe(false), { timeout: 10_000, interval: 50 });

  /** Logs in, rotates, and sees the login's token gone after `close`. */
  async function works(with_: Login, env: Record<string, string> = {}): Promise<void> {
    const before = await tokens();
    const store = await room.open({ login: with_ }, env);
    expect(await tokens()).toBe(before);
    const ref = await store.stage(NAME, NEW, 'r-1');
    await store.publish(NAME, ref.id, (await store.describe(NAME))?.revision ?? '');
    expect((await store.read(NAME, 'current'))?.value).toEqual(NEW);
    expect(await tokens()).toBe(before + 1);
    expect(logins()).toHaveLength(1);
    await store.close?.();
    expect(await tokens()).toBe(before);
    expect(room.calls.at(-1)).toEqual({ port: 'store', kind: 'read', text: 'vault: revoke this login’s token' });
  }
  async function refused(with_: Login, env: Record<string, string>, says: string): Promise<void> {
    const store = await room.open({ login: with_ }, env);
    const error = await store.describe(NAME).catch((error: unknown) => error);
    expect(error).toMatchObject(login(says));
    const told = JSON.stringify([error, String(error), room.calls]);
    for (const material of Object.values(env)) if (material.length > 8) expect(told).not.toContain(material);
  }

  describe('by AppRole', () => {
    it('log in once for many calls, also at once, and also in a rehearsal', async () => {
      await works(room.config.login, room.env);
      const store = await room.open();
      await Promise.all([store.describe(NAME), store.read(NAME, 'current'), store.describe('nobody')]);
      expect(logins()).toHaveLength(2);
      const before = await tokens();
      const rehearsal = await room.rehearse();
      await rehearsal.stage(NAME, OLD, 'r-2');
      expect(await tokens()).toBe(before + 1);
      expect((await store.describe(NAME))?.labels.pending).toBeUndefined();
      await rehearsal.close?.();
      expect(logins()).toEqual(Array.from({ length: 3 }, () => 'read vault: log in by approle at auth/approle'));
    });

    it('read their credentials from files at another mount path', async () => {
      await bao.client.write('sys/auth/ci/approle', { type: 'approle' });
      await bao.client.write('auth/ci/approle/role/r', { token_policies: 'rotator' });
      const { role_id } = await bao.client.read<{ role_id: string }>('auth/ci/approle/role/r/role-id');
      const { secret_id } = await bao.client.write<{ secret_id: string }>('auth/ci/approle/role/r/secret-id');
      await writeFile(file('role-id'), `${role_id}\n`);
      await writeFile(file('secret-id'), `${secret_id}\n`);

      await works({ method: 'approle', mount: 'ci/approle', roleIdFile: file('role-id'), secretIdFile: file('secret-id') });
    });

    it('need no secret id where the role binds none', async () => {
      const body = { token_policies: 'rotator', bind_secret_id: false, token_bound_cidrs: '127.0.0.1/32' };
      await bao.client.write('auth/approle/role/open', body);
      const { role_id } = await bao.client.read<{ role_id: string }>('auth/approle/role/open/role-id');

      await works({ method: 'approle', mount: 'approle', roleIdEnv: 'ROLE_ID' }, { ROLE_ID: role_id });
    });

    it('are refused with one clear message', async () => {
      const says = 'the login by approle at auth/approle failed, it was refused (status 400)';
      await refused(room.config.login, { ...room.env, SECRET_ID: '11111111-2222-3333-4444-555555555555' }, says);
      await refused({ ...room.config.login, mount: 'nowhere' } as Login, room.env, 'by approle at auth/nowhere failed');
      const missing = 'the secret id cannot be taken from SECRET_ID, it is not set';
      await refused(room.config.login, { ROLE_ID: room.env['ROLE_ID'] ?? '' }, missing);
      const nowhere: Login = { method: 'approle', mount: 'approle', roleIdEnv: 'ROLE_ID', secretIdFile: file('none') };
      await refused(nowhere, room.env, `taken from ${file('none')}, there is no such file`);
      await writeFile(file('empty'), ' \n');
      await refused({ ...nowhere, secretIdFile: file('empty') }, room.env, 'it is empty');
      await writeFile(file('lines'), 'one\ntwo');
      await refused({ ...nowhere, secretIdFile: file('lines') }, room.env, 'it holds something else');
    });

    it('log in again, once, when the token ends in the middle of a run', async () => {
      const { env, login: with_ } = await appRole(bao.client, 'short', rotatorPolicy(room.mount), {
        token_ttl: '1s',
        token_max_ttl: '1s',
      });
      const before = await tokens();
      const store = await room.open({ login: with_ }, env);
      const ref = await store.stage(NAME, NEW, 'r-1');
      const { revision = '' } = (await store.describe(NAME)) ?? {};
      await vi.waitFor(async () => expect(await tokens()).toBe(before), { timeout: 10_000, interval: 50 });

      const states = await Promise.all([store.publish(NAME, ref.id, revision), store.describe(NAME), store.describe(NAME)]);

      expect(states[0]?.labels.current).toEqual(ref);
      expect(logins()).toHaveLength(2);
    });

    it('log in again when the token is used up, and tell a missing right all the same', async () => {
      const used = await appRole(bao.client, 'used', rotatorPolicy(room.mount), { token_num_uses: 4 });
      const store = await room.open({ login: used.login }, used.env);
      for (let turn = 0; turn < 5; turn++) expect((await store.read(NAME, 'current'))?.value).toEqual(OLD);

      expect(logins().length).toBeGreaterThan(2);
    });

    it('tell a missing right from a lost token, also where the token may not look itself up', async () => {
      const bare = { token_no_default_policy: true };
      const { env, login: with_ } = await appRole(bao.client, 'bare', rotatorPolicy(room.mount, 'app/'), bare);
      const store = await room.open({ login: with_ }, env);
      expect((await store.read(NAME, 'current'))?.value).toEqual(OLD);

      await expect(store.describe('web/db')).rejects.toMatchObject({
        code: 'ERR_STORE_FORBIDDEN',
        message: expect.stringContaining(`no policy of this login allows ${room.mount}/data/`) as string,
      });
    });

    it('leave a batch token to its end, since it cannot be revoked', async () => {
      const { env, login: with_ } = await appRole(bao.client, 'batch', rotatorPolicy(room.mount), { token_type: 'batch' });
      const store = await room.open({ login: with_ }, env);
      expect((await store.read(NAME, 'current'))?.value).toEqual(OLD);
      await store.close?.();

      expect(room.calls.filter((call) => call.text.includes('revoke'))).toEqual([]);
    });
  });

  describe('with a token that was given', () => {
    it('log in nowhere, and never revoke it', async () => {
      const token = await newToken();
      const store = await room.open({ login: { method: 'token' } }, { VAULT_TOKEN: token });
      await store.stage(NAME, NEW, 'r-1');
      await store.close?.();

      expect(await lives(token)).toBe(true);
      expect(room.calls.filter((call) => call.text.includes('revoke'))).toEqual([]);
    });

    it('say that it is not known any more, with the place that it came from', async () => {
      const token = await newToken({ ttl: '1s' });
      const store = await room.open({ login: { method: 'token', tokenEnv: 'MY_TOKEN' } }, { MY_TOKEN: token });
      await store.describe(NAME);
      await untilDead(token);

      const error = await store.describe(NAME).catch((error: unknown) => error);

      expect(error).toMatchObject(login('vault does not know the token in MY_TOKEN any more'));
      expect(String(error)).not.toContain(token);
    });

    it('take the one that an agent put into the file meanwhile', async () => {
      const [first, second] = [await newToken({ ttl: '1s' }), await newToken()];
      await writeFile(file('token'), first);
      const store = await room.open({ login: { method: 'token', tokenFile: file('token') } }, {});
      await store.describe(NAME);
      await untilDead(first);
      await writeFile(file('token'), `${second}\n`);

      expect((await store.read(NAME, 'current'))?.value).toEqual(OLD);
      await store.close?.();
      expect(await lives(second)).toBe(true);
    });

    it('tell a missing right', async () => {
      const token = await newToken({ policies: ['default'] });
      const store = await room.open({ login: { method: 'token' } }, { VAULT_TOKEN: token });

      await expect(store.describe(NAME)).rejects.toMatchObject({ code: 'ERR_STORE_FORBIDDEN' });
    });
  });

  describe('by JWT', () => {
    let sign: (claims: Record<string, unknown>, expires?: string) => Promise<string>;
    beforeAll(async () => {
      const { publicKey, privateKey } = await generateKeyPair('RS256');
      sign = (claims, expires = '5m') =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'RS256' })
          .setIssuer('https://ci.test')
          .setSubject('repo:acme/app')
          .setIssuedAt()
          .setExpirationTime(expires)
          .sign(privateKey);
      await bao.client.write('sys/auth/jwt/ci', { type: 'jwt' });
      await bao.client.write('auth/jwt/ci/config', {
        jwt_validation_pubkeys: [await exportSPKI(publicKey)],
        bound_issuer: 'https://ci.test',
      });
      await bao.client.write('auth/jwt/ci/role/rotator', {
        role_type: 'jwt',
        bound_audiences: ['vault'],
        user_claim: 'sub',
        token_policies: 'rotator',
        token_ttl: '5m',
      });
    });
    const at = (over: Partial<Extract<Login, { method: 'jwt' }>> = {}): Login => ({
      method: 'jwt',
      mount: 'jwt/ci',
      role: 'rotator',
      ...over,
    });

    it('present the workload’s token, from a variable or a file', async () => {
      const jwt = await sign({ aud: 'vault' });
      await works(at({ jwtEnv: 'ID_TOKEN' }), { ID_TOKEN: jwt });
    });

    it('read the file anew when they log in again', async () => {
      await bao.client.write('auth/jwt/ci/role/short', {
        role_type: 'jwt',
        bound_audiences: ['vault'],
        user_claim: 'sub',
        token_policies: 'rotator',
        token_ttl: '1s',
        token_max_ttl: '1s',
      });
      await writeFile(file('jwt'), await sign({ aud: 'vault' }));
      const before = await tokens();
      const store = await room.open({ login: at({ role: 'short', jwtFile: file('jwt') }) }, {});
      await store.describe(NAME);
      await vi.waitFor(async () => expect(await tokens()).toBe(before), { timeout: 10_000, interval: 50 });
      await writeFile(file('jwt'), await sign({ aud: 'other' }));

      await expect(store.describe(NAME)).rejects.toMatchObject(login('by jwt at auth/jwt/ci failed'));
      await writeFile(file('jwt'), await sign({ aud: 'vault' }));
      expect((await store.read(NAME, 'current'))?.value).toEqual(OLD);
    });

    it('are refused when the token is for another audience, has expired, or names no role', async () => {
      const says = 'by jwt at auth/jwt/ci failed, it was refused (status 400)';
      await refused(at({ jwtEnv: 'ID_TOKEN' }), { ID_TOKEN: await sign({ aud: 'other' }) }, says);
      await refused(at({ jwtEnv: 'ID_TOKEN' }), { ID_TOKEN: await sign({ aud: 'vault' }, '1h ago') }, says);
      await refused(at({ jwtEnv: 'ID_TOKEN', role: 'nobody' }), { ID_TOKEN: await sign({ aud: 'vault' }) }, says);
    });
  });

  describe('by Kubernetes', () => {
    let kubernetes: https.Server;
    let reviewed: { auth: string | undefined; token: string }[];
    let token: string;
    beforeAll(async () => {
      // The API server's part: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
      const { ca, certificate, key } = await certificates(bao.client);
      kubernetes = https.createServer({ cert: certificate, key }, (request, response) => {
        let text = '';
        request.on('data', (chunk: Buffer) => (text += chunk.toString()));
        request.on('end', () => {
          const { spec } = JSON.parse(text) as { spec: { token: string; audiences?: string[] } };
          const { token: presented, audiences } = spec; // those of them that it is valid for are answered
          reviewed.push({ auth: request.headers.authorization, token: presented });
          const user = { username: 'system:serviceaccount:keywheel:rotator', uid: 'b2a5', groups: ['system:serviceaccounts'] };
          const status =
            presented === token
              ? { authenticated: true, user, audiences }
              : { authenticated: false, error: 'invalid bearer token' };
          response.writeHead(201, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', status }));
        });
      });
      await new Promise<void>((resolve) => {
        kubernetes.listen(0, '127.0.0.1', resolve);
      });
      await bao.client.write('sys/auth/kubernetes', { type: 'kubernetes' });
      await bao.client.write('auth/kubernetes/config', {
        kubernetes_host: `https://127.0.0.1:${(kubernetes.address() as AddressInfo).port}`,
        token_reviewer_jwt: await serviceAccountToken(),
        kubernetes_ca_cert: ca,
        disable_local_ca_jwt: true,
      });
      await bao.client.write('auth/kubernetes/role/rotator', {
        bound_service_account_names: 'rotator',
        bound_service_account_namespaces: 'keywheel',
        token_policies: 'rotator',
        token_ttl: '5m',
      });
      await bao.client.write('auth/kubernetes/role/other', {
        bound_service_account_names: 'other',
        bound_service_account_namespaces: 'keywheel',
        token_policies: 'rotator',
      });
    });
    afterAll(
      () =>
        new Promise((resolve) => {
          kubernetes.close(resolve);
          kubernetes.closeAllConnections();
        }),
    );
    beforeEach(async () => {
      reviewed = [];
      token = await serviceAccountToken();
      await writeFile(file('sa-token'), token);
    });

    async function serviceAccountToken(): Promise<string> {
      const { privateKey } = await generateKeyPair('RS256');
      const account = { name: 'rotator', uid: 'b2a5' };
      return new SignJWT({ 'kubernetes.io': { namespace: 'keywheel', serviceaccount: account } })
        .setProtectedHeader({ alg: 'RS256', kid: 'k' })
        .setIssuer('https://kubernetes.default.svc')
        .setSubject('system:serviceaccount:keywheel:rotator')
        .setAudience(['https://kubernetes.default.svc'])
        .setIssuedAt()
        .setExpirationTime('10m')
        .sign(privateKey);
    }
    const at = (over: Partial<Extract<Login, { method: 'kubernetes' }>> = {}): Login => ({
      method: 'kubernetes',
      mount: 'kubernetes',
      role: 'rotator',
      jwtFile: file('sa-token'),
      ...over,
    });

    it('present the service account’s token, which the API server reviews', async () => {
      await works(at());

      expect(reviewed.map((review) => review.token)).toEqual([token]);
    });

    it('are refused for another role, and with a token that the API server does not know', async () => {
      const says = 'by kubernetes at auth/kubernetes failed, it was refused (status 403)';
      await refused(at({ role: 'other' }), {}, says);
      await writeFile(file('sa-token'), await serviceAccountToken());
      await refused(at(), {}, says);
      await refused(at({ jwtFile: file('none') }), {}, 'the service account token cannot be taken from');
    });
  });

  describe('of a reader', () => {
    const consumer = (over: Record<string, unknown> = {}) =>
      appRole(bao.client, `reader-${room.mount}`, `path "${room.mount}/data/${NAME}" { capabilities = ["read"] }`, over);

    it('see current move, log in once and leave nothing', async () => {
      const { login: with_, env } = await consumer();
      const before = await tokens();
      const reader = await openReader({ ...room.config, login: with_ }, { env });
      const [first, same] = [await reader.current(NAME), await reader.current(NAME)];
      expect(same).toEqual(first);
      await bao.client.write(`${room.mount}/data/${NAME}`, { data: NEW });
      const second = await reader.current(NAME);

      expect([first?.value, second?.value]).toEqual([OLD, NEW]);
      expect(second?.version).not.toBe(first?.version);
      expect(await tokens()).toBe(before + 1);
      await reader.close();
      await reader.close();
      expect(await tokens()).toBe(before);
    });

    it('outlive their token by renewing it, and its longest life by another login', async () => {
      const { login: with_, env } = await consumer({ token_ttl: '1s', token_max_ttl: '2s' });
      const reader = await openReader({ ...room.config, login: with_ }, { env });
      const until = Date.now() + 3500;
      let reads = 0;

      await vi.waitFor(
        async () => {
          expect((await reader.current(NAME))?.value).toEqual(OLD);
          reads += 1;
          expect(Date.now()).toBeGreaterThan(until);
        },
        { timeout: 10_000, interval: 100 },
      );

      expect(reads).toBeGreaterThan(10);
      await reader.close();
    });

    it('say undefined of a secret that is not there or was deleted', async () => {
      const { login: with_, env } = await consumer();
      const reader = await openReader({ ...room.config, login: with_ }, { env });
      await bao.client.request('DELETE', `${room.mount}/data/${NAME}`);
      expect(await reader.current(NAME)).toBeUndefined();
      await bao.client.request('DELETE', `${room.mount}/metadata/${NAME}`);
      expect(await reader.current(NAME)).toBeUndefined();
      await reader.close();
    });

    it('refuse a value that is not flat, a name that is no path, and a read that was given up', async () => {
      const { login: with_, env } = await consumer();
      const reader = await openReader({ ...room.config, login: with_ }, { env });
      await bao.client.write(`${room.mount}/data/${NAME}`, { data: { list: ['canary'] } });
      await expect(reader.current(NAME)).rejects.toMatchObject({
        code: 'ERR_SECRET_INVALID',
        message: expect.stringContaining('"list"') as string,
      });
      await expect(reader.current('../sys/seal')).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' });
      await expect(reader.current(NAME, AbortSignal.abort())).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        message: expect.stringContaining('the caller gave the request up') as string,
      });
      await reader.close();
    });
  });
});
