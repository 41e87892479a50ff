/** The six outcomes of a login, and the errors of the admin connection, are never confused; and no password byte leaves without cause. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PostgresTargetConfig } from '../../shared/config/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { leakForms } from '../contract/harness.ts';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { askCleartext, errorResponse, fakeServer, freezingProxy, letIn } from './fake-server.ts';
import { nextName, openOver, stampOf } from './postgres-harness.ts';

let server: Postgres;
let pair: AccountPair;
const cleanup: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  server = await startPostgres({ tls: { names: ['db.test', 'localhost'] } });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  pair = await createAccountPair(server, { name: nextName() });
});
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

async function probe(value: SecretValue, changes: Partial<PostgresTargetConfig> = {}) {
  const target = openOver(pair.config(changes), pair.admin.password);
  cleanup.push(() => target.close());
  return target.probe(value, target.endpoints[0] ?? '');
}

async function fake(...answers: (Buffer | string)[]) {
  const made = await fakeServer(...answers);
  cleanup.push(() => made.close());
  return made;
}

describe('probe', () => {
  it('accepts a login with the right password, which acts as the owner role', async () => {
    const found = await probe(pair.value());
    expect(found).toEqual({
      outcome: 'accepted',
      endpoint: 'primary',
      detail: `logged in as ${pair.accounts[0]}, acts as ${pair.ownerRole}`,
    });
  });

  it('refuses a wrong password', async () => {
    const found = await probe({ ...pair.value(), password: 'wrong' });
    expect(found).toMatchObject({ outcome: 'refused', detail: expect.stringContaining('28P01') });
  });

  it.each<[string, (pair: AccountPair) => string, string]>([
    ['a role that may not log in', ({ accounts }) => `ALTER ROLE ${accounts[0]} NOLOGIN`, '28000'],
    ['a database that it may not connect to', ({ database }) => `REVOKE CONNECT ON DATABASE ${database} FROM PUBLIC`, '42501'],
    ['a role that acts as itself', ({ accounts }) => `ALTER ROLE ${accounts[0]} RESET role`, 'and not as'],
    [
      'a role that may not act as the owner',
      ({ accounts, ownerRole }) => `REVOKE ${ownerRole} FROM ${accounts[0]}`,
      'and not as',
    ],
  ])('is forbidden: %s', async (_name, sql, detail) => {
    await server.query(sql(pair));
    expect(await probe(pair.value())).toMatchObject({ outcome: 'forbidden', detail: expect.stringContaining(detail) });
  });

  it('is forbidden: a database that does not exist, and a login that pg_hba.conf does not let through', async () => {
    const missing = await probe(pair.value(), { database: 'nothing_here' });
    await server.setHba([`host all ${pair.accounts[0]} all reject`, 'host all all 127.0.0.1/32 scram-sha-256']);
    const rejected = await probe(pair.value());
    await server.setHba(['host all all 127.0.0.1/32 scram-sha-256']);
    expect(missing).toMatchObject({ outcome: 'forbidden', detail: expect.stringContaining('3D000') });
    expect(rejected).toMatchObject({ outcome: 'forbidden', detail: expect.stringContaining('28000') });
  });

  it('is forbidden where the server asks for no password, since any password would seem to work', async () => {
    await server.setHba([`host all ${pair.accounts[0]} 127.0.0.1/32 trust`, 'host all all 127.0.0.1/32 scram-sha-256']);
    const found = await probe({ ...pair.value(), password: 'anything' });
    await server.setHba(['host all all 127.0.0.1/32 scram-sha-256']);
    expect(found).toMatchObject({ outcome: 'forbidden', detail: expect.stringContaining('without asking for its password') });
  });

  it('is throttled where a connection limit is reached, and while the server starts', async () => {
    await server.query(`ALTER ROLE ${pair.accounts[0]} CONNECTION LIMIT 0`);
    const limited = await probe(pair.value());
    const starting = await fake(errorResponse('57P03', 'the database system is starting up'));
    expect(limited).toMatchObject({ outcome: 'throttled', detail: expect.stringContaining('53300') });
    expect(await probe(pair.value(), { port: starting.port })).toMatchObject({
      outcome: 'throttled',
      detail: expect.stringContaining('57P03'),
    });
  });

  it('is unreachable: no listener, no such name, and a server that is going down', async () => {
    const closed = await fakeServer();
    await closed.close();
    const leaving = await fake(errorResponse('57P01', 'terminating connection due to administrator command'));
    expect(await probe(pair.value(), { port: closed.port })).toMatchObject({
      outcome: 'unreachable',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
    expect(await probe(pair.value(), { port: leaving.port })).toMatchObject({
      outcome: 'unreachable',
      detail: expect.stringContaining('57P01'),
    });
    const unknown = await probe(pair.value(), { host: 'no-such-host.invalid', tls: { mode: 'verify-full' } });
    expect(unknown).toMatchObject({ outcome: 'unreachable', detail: expect.stringMatching(/ENOTFOUND|EAI_AGAIN/) });
  });

  it('is unreachable within connectTimeout where the server does not answer', async () => {
    const silent = await fake();
    const before = performance.now();
    const found = await probe(pair.value(), { port: silent.port, connectTimeout: 200 });
    expect(found).toMatchObject({ outcome: 'unreachable', detail: 'no answer within connectTimeout' });
    expect(performance.now() - before).toBeLessThan(2000);
  });

  it('never sends the password in clear text, whatever the server asks for', async () => {
    const greedy = await fake(askCleartext);
    const found = await probe(pair.value(), { port: greedy.port });
    expect(found).toMatchObject({ outcome: 'forbidden', detail: expect.stringContaining('clear text') });
    expect(greedy.received().toString('latin1')).toContain(pair.accounts[0]);
    for (const form of leakForms(String(pair.value()['password'])))
      expect(greedy.received().toString('latin1')).not.toContain(form);
  });

  it('does not believe a server that lets it in without a proof', async () => {
    const easy = await fake(letIn);
    expect(await probe(pair.value(), { port: easy.port })).toMatchObject({ outcome: 'forbidden' });
  });

  it('takes no password, option or TLS mode from the environment', async () => {
    const env = { PGPASSWORD: String(pair.value()['password']), PGOPTIONS: '-c role=none', PGSSLMODE: 'no-verify' };
    Object.assign(process.env, env);
    cleanup.push(async () => Object.keys(env).forEach((name) => delete process.env[name]));
    expect(await probe({ ...pair.value(), password: 'wrong' })).toMatchObject({ outcome: 'refused' });
    expect(await probe(pair.value())).toMatchObject({ outcome: 'accepted' });
  });
});

describe('TLS', () => {
  const tls = (changes: Partial<PostgresTargetConfig['tls']> = {}): PostgresTargetConfig['tls'] => ({
    mode: 'verify-full',
    ca: server.ca,
    ...changes,
  });

  it('accepts a certificate of the configured authority for the host, or for serverName', async () => {
    expect(await probe(pair.value(), { host: 'localhost', tls: tls() })).toMatchObject({ outcome: 'accepted' });
    expect(await probe(pair.value(), { tls: tls({ serverName: 'db.test' }) })).toMatchObject({ outcome: 'accepted' });
  });

  it.each<[string, () => Partial<PostgresTargetConfig>, RegExp]>([
    ['a certificate for another host', () => ({ tls: tls() }), /ERR_TLS_CERT_ALTNAME_INVALID/],
    [
      'a certificate without the server name',
      () => ({ host: 'localhost', tls: tls({ serverName: 'other.test' }) }),
      /ERR_TLS_CERT_ALTNAME_INVALID/,
    ],
    ['an authority that is not known', () => ({ host: 'localhost', tls: { mode: 'verify-full' } }), /UNABLE_TO|SELF_SIGNED/],
  ])('is tls: %s', async (_name, changes, detail) => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    cleanup.push(async () => {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    });
    expect(await probe(pair.value(), changes())).toMatchObject({ outcome: 'tls', detail: expect.stringMatching(detail) });
  });

  it('is tls where the server offers none: it is sent the eight bytes of SSLRequest and nothing else', async () => {
    const plain = await fake('N', askCleartext);
    const found = await probe(pair.value(), { port: plain.port, tls: tls() });
    expect(found).toEqual({ outcome: 'tls', endpoint: 'primary', detail: 'the server does not offer TLS' });
    expect(plain.received().toString('hex')).toBe('0000000804d2162f');
  });

  it.each(['db.example.com', '10.0.0.5', '127.0.0.1.example.com'])('cannot be disabled for %s', (host) => {
    expect(() => openOver(pair.config({ host, tls: { mode: 'disable' } }), '')).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(host) }),
    );
    const endpoints = [{ name: 'reader', host, port: 5432 }];
    expect(() => openOver(pair.config({ endpoints }), '')).toThrow(expect.objectContaining({ code: 'ERR_CONFIG_INVALID' }));
  });
});

describe('the admin connection', () => {
  const preflight = async (changes: Partial<PostgresTargetConfig>, password = pair.admin.password) => {
    const target = openOver(pair.config(changes), password);
    cleanup.push(() => target.close());
    return target.preflight(pair.accounts[0], pair.accounts[1], stampOf());
  };

  it('is refused with a wrong password', async () => {
    const failing = preflight({}, 'not the password');
    await expect(failing).rejects.toMatchObject({
      code: 'ERR_TARGET_REFUSED',
      retryable: false,
      message: expect.stringContaining('28P01'),
    });
  });

  it('is unreachable, which may be tried again', async () => {
    const closed = await fakeServer();
    await closed.close();
    const failing = preflight({ port: closed.port });
    await expect(failing).rejects.toMatchObject({
      code: 'ERR_TARGET_UNREACHABLE',
      retryable: true,
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('fails on TLS, and sends nothing', async () => {
    const plain = await fake('N');
    const failing = preflight({ port: plain.port, tls: { mode: 'verify-full' } });
    await expect(failing).rejects.toMatchObject({
      code: 'ERR_TARGET_TLS',
      retryable: false,
      message: expect.stringContaining('does not offer TLS'),
    });
    expect(plain.received()).toHaveLength(8);
  });

  it('is throttled, which may be tried again', async () => {
    await server.query(`ALTER ROLE ${pair.admin.username} CONNECTION LIMIT 0`);
    await expect(preflight({})).rejects.toMatchObject({
      code: 'ERR_TARGET_THROTTLED',
      retryable: true,
      message: expect.stringContaining('53300'),
    });
  });

  it('is forbidden what the admin role may not do', async () => {
    await server.query(`ALTER ROLE ${pair.admin.username} NOCREATEROLE`);
    const target = openOver(pair.config(), pair.admin.password);
    cleanup.push(() => target.close());
    const failing = target.apply(pair.accounts[1], pair.value(pair.accounts[1]), stampOf());
    await expect(failing).rejects.toMatchObject({ code: 'ERR_TARGET_FORBIDDEN', message: expect.stringContaining('42501') });
  });

  it('fails within statementTimeout where the server stops answering, and works again when it answers', async () => {
    const proxy = await freezingProxy(server.port);
    cleanup.push(() => proxy.close());
    const target = openOver(pair.config({ port: proxy.port, statementTimeout: 300, connectTimeout: 300 }), pair.admin.password);
    cleanup.push(() => target.close());
    await target.compare(pair.accounts[0], pair.accounts[1]);
    proxy.freeze();
    const before = performance.now();
    await expect(target.compare(pair.accounts[0], pair.accounts[1])).rejects.toMatchObject({
      code: 'ERR_TARGET_UNREACHABLE',
      retryable: true,
      message: expect.stringContaining('connectTimeout'),
    });
    expect(performance.now() - before).toBeLessThan(3000);
  });

  it('does not wait longer than statementTimeout for another worker’s lock, and changes nothing', async () => {
    const [, b] = pair.accounts;
    const blocker = await server.connect(pair.admin.username, pair.admin.password, pair.database);
    cleanup.push(() => blocker.end());
    await blocker.query(`BEGIN; COMMENT ON ROLE ${b} IS 'held'`);
    const target = openOver(pair.config({ statementTimeout: 400 }), pair.admin.password);
    cleanup.push(() => target.close());
    const failing = target.apply(b, { ...pair.value(b), password: 'abcdefghijkl' }, stampOf());
    await expect(failing).rejects.toMatchObject({ code: 'ERR_TIMEOUT', retryable: true, message: expect.stringContaining(b) });
    expect(await target.probe(pair.value(b), 'primary')).toMatchObject({ outcome: 'accepted' });
  });

  it('is made again after it was lost, with the password of that moment', async () => {
    let asked = 0;
    const target = openOver(pair.config(), async () => {
      asked += 1;
      return pair.admin.password;
    });
    cleanup.push(() => target.close());
    await target.compare(pair.accounts[0], pair.accounts[1]);
    await target.compare(pair.accounts[0], pair.accounts[1]);
    expect(asked).toBe(1);
    await server.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${pair.admin.username}'`);
    await target.compare(pair.accounts[0], pair.accounts[1]);
    expect(asked).toBe(2);
  });
});
