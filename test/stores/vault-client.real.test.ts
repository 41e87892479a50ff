/** What a real server cannot be made to answer at will: redirects, standbys, throttling, silence, proxies, and a token's whole life. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isKeywheelError } from '../../shared/errors.ts';
import { openVaultClient } from '../../shared/stores/vault/client.ts';
import type { VaultClientOptions } from '../../shared/stores/vault/client.ts';
import { openSession } from '../../shared/stores/vault/session.ts';
import { manualClock } from '../contract/harness.ts';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
}
interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}
type Reply = Answer | 'silence' | 'cut' | 'half';

/** Answers from a list, the last one for ever. */
async function scripted(reply: (asked: Asked, turn: number) => Reply) {
  const asked: Asked[] = [];
  const server = http.createServer((request, response) => {
    request.resume().on('end', () => {
      const one = { method: request.method ?? '', path: request.url ?? '', headers: request.headers };
      asked.push(one);
      const answer = reply(one, asked.length);
      if (answer === 'silence') return;
      if (answer === 'cut') return void request.socket.destroy();
      if (answer === 'half') {
        response.writeHead(200, { 'content-length': '100' });
        response.write('{"data":');
        return void setImmediate(() => request.socket.destroy());
      }
      const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {});
      response.writeHead(answer.status, answer.headers);
      response.end(text);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    asked,
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

let server: Awaited<ReturnType<typeof scripted>>;
let closing: (() => unknown)[] = [];
beforeEach(() => (closing = []));
afterEach(async () => {
  for (const close of closing) await close();
});

async function serve(reply: (asked: Asked, turn: number) => Reply): Promise<void> {
  server = await scripted(reply);
  closing.push(() => server.close());
}
function client(over: Partial<VaultClientOptions> = {}) {
  const opened = openVaultClient({ address: server.address, uniform: () => 0, ...over });
  closing.unshift(() => opened.close());
  return opened;
}
const about = { doing: 'vault: reading app/db', subject: 'app/db' };
/** A session with a token that was given. */
const given = (over: Partial<VaultClientOptions> = {}) =>
  openSession(
    client(over),
    { method: 'token' },
    { env: { VAULT_TOKEN: 'given-canary' }, clock: manualClock(), through: (_, work) => work() },
  );
const reading = { method: 'GET', path: 'kv/data/app' } as const;
const writing = { method: 'POST', path: 'kv/data/app', body: { data: { password: 'body-canary' } } } as const;

async function failure(work: Promise<unknown>) {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!isKeywheelError(error)) throw new TypeError('it did not fail as it should');
  const told = [error.message, error.hint, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
  expect(told).not.toContain('canary');
  return error;
}

describe('a request', () => {
  it('carries token and namespace, under a base path too', async () => {
    await serve(() => ({ status: 200, body: { data: 1 } }));
    const one = client({ address: `${server.address}/behind/proxy/`, namespace: 'admin/team' });

    const answer = await one.send({ ...reading, token: 't' });

    expect(answer).toMatchObject({ status: 200, body: { data: 1 }, errors: [], absent: false });
    expect(answer.at).toBeGreaterThan(Date.now() - 2000);
    expect(server.asked[0]).toMatchObject({
      path: '/behind/proxy/v1/kv/data/app',
      headers: { 'x-vault-token': 't', 'x-vault-namespace': 'admin/team', 'x-vault-request': 'true' },
    });
  });

  it.each([
    ['is told by the vendor’s variable where the configuration says none', undefined, { VAULT_NAMESPACE: 'ns1' }, 'ns1'],
    ['is the configuration’s where both say one', 'admin', { VAULT_NAMESPACE: 'ns1' }, 'admin'],
    ['is none where the variable is empty', undefined, { VAULT_NAMESPACE: '' }, undefined],
  ])('has a namespace that %s', async (_, namespace, env, sent) => {
    await serve(() => ({ status: 200 }));

    await client({ namespace, env }).send({ ...reading, token: 't' });

    expect(server.asked[0]?.headers['x-vault-namespace']).toBe(sent);
  });

  it('trusts the authorities that VAULT_CACERT names, and says so when they cannot be read', async () => {
    const missing = { address: 'https://vault.example', env: { VAULT_CACERT: '/nowhere/ca.pem' }, uniform: () => 0 };

    const opened = (() => {
      try {
        return openVaultClient(missing);
      } catch (error) {
        return error;
      }
    })();

    expect(opened).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: 'the certificate authorities in /nowhere/ca.pem cannot be read (ENOENT)',
      hint: expect.stringContaining('VAULT_CACERT') as string,
    });
  });

  it.each([301, 302, 307, 308])('follows a redirect (%i) on the same origin once', async (status) => {
    await serve((_, turn) => (turn === 1 ? { status, headers: { location: '/v1/other' } } : { status: 200 }));

    expect((await client().send({ ...reading, token: 't' })).status).toBe(200);
    expect(server.asked.map((each) => each.path)).toEqual(['/v1/kv/data/app', '/v1/other']);
  });

  it('never follows one to another host with the token, nor one without end', async () => {
    await serve(() => ({ status: 200 }));
    const other = server;
    await serve(() => ({ status: 307, headers: { location: `${other.address}/v1/kv/data/app` } }));
    const error = await failure(given().call(reading, about));
    expect(error).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('redirects to another address') as string,
    });
    expect(other.asked).toEqual([]);

    await serve(() => ({ status: 307, headers: { location: '/v1/kv/data/app' } }));
    await failure(given().call(reading, about));
    expect(server.asked).toHaveLength(2);
    await serve(() => ({ status: 307 }));
    await failure(given().call(reading, about));
  });

  it.each([
    ['429', { status: 429, headers: { 'retry-after': '0' } }],
    ['412', { status: 412, body: { errors: ['required index state not present'] } }],
    [
      'an upgrading mount',
      { status: 400, body: { errors: ['Upgrading from non-versioned to versioned data. This backend will be'] } },
    ],
  ] as const)('is repeated after %s, also a write, since nothing has happened', async (_, answer) => {
    await serve((__, turn) => (turn < 3 ? answer : { status: 200, body: { data: {} } }));

    expect((await given().call(writing, about)).status).toBe(200);
    expect(server.asked).toHaveLength(3);
  });

  it.each([500, 502, 504])('is repeated after %i when it reads, and never when it writes', async (status) => {
    await serve((asked, turn) => (asked.method === 'GET' && turn < 3 ? { status: 200 } : { status, body: 'body-canary' }));
    const error = await failure(given().call(writing, about));
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', retryable: true });
    expect(server.asked).toHaveLength(1);

    await serve((_, turn) => (turn < 3 ? { status } : { status: 200 }));
    expect((await given().call(reading, about)).status).toBe(200);
    expect(server.asked).toHaveLength(3);
  });

  it.each(['cut', 'half'] as const)(
    'is repeated when the connection is %s and it reads, and never when it writes',
    async (how) => {
      await serve(() => how);
      const error = await failure(given().call(writing, about));
      expect(error).toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('cut') as string,
      });
      expect(server.asked).toHaveLength(1);

      await serve((_, turn) => (turn === 1 ? how : { status: 200 }));
      expect((await given().call(reading, about)).status).toBe(200);
    },
  );

  it('gives up in bounded time when nobody answers, throttled or silent', async () => {
    await serve(() => 'silence');
    const silent = await failure(given({ timeout: 60, budget: 400 }).call(reading, about));
    expect(silent).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('it did not answer in time') as string,
    });
    expect(server.asked.length).toBeLessThanOrEqual(4);

    await serve(() => ({ status: 429, headers: { 'retry-after': '3600' } }));
    const before = performance.now();
    const throttled = await failure(given({ timeout: 50, budget: 600 }).call(reading, about));
    expect(throttled).toMatchObject({ code: 'ERR_STORE_THROTTLED', retryable: true });
    expect(performance.now() - before).toBeLessThan(5000);
  });

  it('ends when its caller gives up', async () => {
    await serve(() => 'silence');
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 30);

    const error = await failure(given().call({ ...reading, signal: stop.signal }, about));

    expect(error).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('gave the request up') as string,
    });
    expect(server.asked).toHaveLength(1);
  });

  it('says that nobody listens', async () => {
    await serve(() => ({ status: 200 }));
    const { address } = server;
    await server.close();
    const error = await failure(given({ address, budget: 0 }).call(reading, about));
    expect(error).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: expect.stringContaining('the connection was refused') as string,
    });
  });

  it('does not take an answer without end into memory', async () => {
    await serve(() => ({ status: 200, body: 'x'.repeat(17 * 1024 * 1024) }));
    const error = await failure(given({ budget: 0 }).call(reading, about));
    expect(error).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', message: expect.stringContaining('too large') as string });
  });
});

describe('an answer', () => {
  it.each([
    [472, {}, 'UNAVAILABLE', 'disaster recovery secondary'],
    [473, {}, 'UNAVAILABLE', 'a standby'],
    [501, {}, 'UNAVAILABLE', 'not initialized'],
    [503, { errors: ['Vault is sealed'] }, 'UNAVAILABLE', 'vault is sealed'],
    [503, { errors: ['OpenBao is sealed'] }, 'UNAVAILABLE', 'vault is sealed'],
    [503, '<html>down</html>', 'UNAVAILABLE', 'sealed or on standby'],
    [500, { errors: ['canary'] }, 'UNAVAILABLE', 'internal error (status 500)'],
    [429, { errors: ['canary'] }, 'THROTTLED', 'throttles'],
    [412, {}, 'UNAVAILABLE', 'not caught up'],
    [405, { errors: ['unsupported operation'] }, 'FAILED', 'does not know this request'],
    [400, { errors: ['canary'] }, 'FAILED', 'vault refused it (status 400)'],
    [413, '', 'FAILED', 'vault refused it (status 413)'],
    [404, { errors: ['no handler for route "kv/data/app". route entry not found.'] }, 'FAILED', 'nothing is mounted there'],
    [404, { errors: ['namespace not found'] }, 'FAILED', 'no such namespace'],
  ])('of %i %j is told without a word of its own', async (status, body, code, says) => {
    await serve(() => ({ status, body }));
    const error = await failure(given({ budget: 0 }).call(reading, about));
    expect(error).toMatchObject({
      code: `ERR_STORE_${code}`,
      retryable: code !== 'FAILED',
      subject: 'app/db',
      message: expect.stringContaining(says) as string,
    });
  });

  it.each(['<html>not found</html>', { message: 'not found' }, ''])(
    'of 404 %j is no word that a secret is not there',
    async (body) => {
      await serve(() => ({ status: 404, body }));
      const error = await failure(given().call(reading, about));
      expect(error).toMatchObject({ code: 'ERR_STORE_FAILED', message: expect.stringContaining('status 404') as string });
    },
  );

  it('of 404 with no errors, or with the metadata of a deleted version, is one', async () => {
    await serve((_, turn) => ({
      status: 404,
      body: turn === 1 ? { errors: [] } : { data: { data: null, metadata: { version: 2 } } },
    }));
    const session = given();
    expect((await session.call(reading, about)).absent).toBe(true);
    expect((await session.call(reading, about)).absent).toBe(true);
  });
});

describe('a session', () => {
  const HOUR = 3_600_000;
  const login = { method: 'approle', mount: 'approle', roleIdEnv: 'R' } as const;

  /** A server whose tokens are t1, t2, …, each good until it is put in `dead`. */
  async function room(over: { lease?: number; renewed?: number; renewable?: boolean } = {}) {
    const clock = manualClock();
    const dead = new Set<string>();
    const told: string[] = [];
    let made = 0;
    let down = false;
    const auth = (token: string, lease = over.lease ?? 3600) => ({
      status: 200,
      body: { auth: { client_token: token, lease_duration: lease, renewable: over.renewable ?? true, token_type: 'service' } },
    });
    await serve((asked) => {
      const token = String(asked.headers['x-vault-token'] ?? '');
      if (asked.path.endsWith('/login')) return auth(`t${++made}`);
      if (down) return 'cut';
      if (dead.has(token)) return { status: 403, body: { errors: ['permission denied'] } };
      if (asked.path.endsWith('/renew-self')) return auth(token, over.renewed ?? over.lease ?? 3600);
      return { status: 200, body: { data: {} } };
    });
    const through = <T>(text: string, work: () => Promise<T>): Promise<T> => {
      told.push(text);
      return work();
    };
    const session = openSession(client({ budget: 0 }), login, { env: { R: 'role' }, clock, through });
    const used = () => server.asked.filter((each) => each.path.endsWith('/app')).map((each) => each.headers['x-vault-token']);
    return {
      clock,
      dead,
      told,
      session,
      used,
      call: () => session.call(reading, about),
      cut: (value: boolean) => (down = value),
    };
  }
  const revoked = () =>
    server.asked.filter((each) => each.path.endsWith('revoke-self')).map((each) => each.headers['x-vault-token']);

  it('renews its token after two thirds of its life, and revokes it at the end', async () => {
    const { clock, told, session, used, call } = await room();
    for (const minutes of [0, 30, 15, 30, 15]) {
      clock.advance(minutes * 60_000);
      await call();
    }
    await session.close();

    expect(used()).toEqual(['t1', 't1', 't1', 't1', 't1']);
    expect(told.filter((text) => text.includes('renew'))).toHaveLength(2);
    expect(told.filter((text) => text.includes('log in'))).toHaveLength(1);
    expect(revoked()).toEqual(['t1']);
  });

  it.each([
    ['cannot be renewed', { renewable: false }],
    ['is renewed for a short time only, near its maximum', { renewed: 60 }],
  ])('logs in again when its token %s, and revokes both', async (_, over) => {
    const { clock, session, used, call } = await room(over);
    await call();
    clock.advance(0.7 * HOUR);
    await Promise.all([call(), call()]);
    await session.close();

    expect(used()).toEqual(['t1', 't2', 't2']);
    expect(new Set(revoked())).toEqual(new Set(['t1', 't2']));
  });

  it('does not ask to renew what has ended', async () => {
    const { clock, told, used, call } = await room();
    await call();
    clock.advance(2 * HOUR);
    await call();

    expect(used()).toEqual(['t1', 't2']);
    expect(told.filter((text) => text.includes('renew'))).toEqual([]);
  });

  it('keeps a token that lives when its renewal gets no answer, and tries again', async () => {
    const { clock, told, used, call, cut } = await room();
    await call();
    clock.advance(0.7 * HOUR);
    cut(true);
    await failure(call());
    cut(false);
    await call();

    expect(used().at(-1)).toBe('t1');
    expect(told.filter((text) => text.includes('renew'))).toHaveLength(2);
  });

  it('logs in once for calls that find their token dead together', async () => {
    const { dead, session, used, call } = await room();
    await call();
    dead.add('t1');
    await Promise.all([call(), call(), call()]);
    await session.close();

    expect(used().filter((token) => token === 't2')).toHaveLength(3);
    expect(server.asked.filter((each) => each.path.endsWith('/login'))).toHaveLength(2);
  });

  it('ends without an error when its token cannot be revoked, and then takes no calls', async () => {
    const { session, call, cut } = await room();
    await call();
    cut(true);
    await session.close();

    await expect(call()).rejects.toMatchObject({ code: 'ERR_INTERNAL', message: expect.stringContaining('closed') as string });
  });

  it('makes no login when there was no call', async () => {
    const { session, told } = await room();
    await session.close();
    expect(told).toEqual([]);
  });

  it('takes no login that wants a second factor', async () => {
    await serve(() => ({ status: 200, body: { auth: { client_token: '', mfa_requirement: { mfa_request_id: 'x' } } } }));
    const session = openSession(client(), login, { env: { R: 'role' }, clock: manualClock(), through: (_, work) => work() });
    const error = await failure(session.call(reading, about));
    expect(error).toMatchObject({ code: 'ERR_STORE_LOGIN', message: expect.stringContaining('it gave no token') as string });
  });

  it.each([
    [429, 'ERR_STORE_THROTTLED'],
    [500, 'ERR_STORE_UNAVAILABLE'],
    [503, 'ERR_STORE_UNAVAILABLE'],
  ])('tells a login that met %i from one that was refused', async (status, code) => {
    await serve(() => ({ status, body: { errors: ['role-canary'] } }));
    const deps = { env: { R: 'role-canary' }, clock: manualClock(), through: <T>(_: string, work: () => Promise<T>) => work() };
    const error = await failure(openSession(client({ budget: 0 }), login, deps).call(reading, about));
    expect(error).toMatchObject({
      code,
      retryable: true,
      message: expect.stringContaining('by approle at auth/approle') as string,
    });
  });
});
