/** Everything that preflight finds, on a server that is broken in just that way; where the hint is SQL, it is run and mends it. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Finding, Stamp } from '../../shared/targets/index.ts';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { consumerOf, nextName, openOver, stampOf } from './postgres-harness.ts';

let server: Postgres;
let pair: AccountPair;
let target: ReturnType<typeof openOver>;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  pair = await createAccountPair(server, { name: nextName() });
  target = openOver(pair.config(), pair.admin.password);
});
afterEach(() => target.close());

const run = (sql: string): Promise<unknown> => server.query(sql, pair.database);
const preflight = (stamp: Stamp = stampOf()): Promise<Finding[]> => target.preflight(pair.accounts[0], pair.accounts[1], stamp);
const codes = (findings: readonly Finding[]): string[] => [...new Set(findings.map((finding) => finding.code))].sort();

interface Case {
  readonly name: string;
  readonly breakIt: (pair: AccountPair) => string;
  readonly code: string;
  readonly level?: 'warning';
  readonly message: (pair: AccountPair) => string;
  /** Other findings that the same cause brings. */
  readonly also?: readonly string[];
}

const MENDABLE: readonly Case[] = [
  {
    name: 'an account that may not log in',
    breakIt: ({ accounts: [, b] }) => `ALTER ROLE ${b} NOLOGIN`,
    code: 'account-nologin',
    message: ({ accounts: [, b] }) => `role ${b} may not log in`,
    also: ['grants-differ'],
  },
  {
    name: 'a superuser account',
    breakIt: ({ accounts: [a, b] }) => `ALTER ROLE ${a} SUPERUSER REPLICATION; ALTER ROLE ${b} SUPERUSER REPLICATION`,
    code: 'account-privileged',
    message: ({ accounts: [a] }) => `role ${a} has SUPERUSER and REPLICATION`,
  },
  {
    name: 'an account that has expired',
    breakIt: ({ accounts: [a, b] }) => `ALTER ROLE ${a} VALID UNTIL 'yesterday'; ALTER ROLE ${b} VALID UNTIL 'yesterday'`,
    code: 'account-expired',
    message: ({ accounts: [, b] }) => `role ${b} has expired (VALID UNTIL), no password works for it`,
  },
  {
    name: 'an account that expires soon',
    breakIt: ({ accounts: [a, b] }) =>
      `DO $$BEGIN EXECUTE format('ALTER ROLE ${a} VALID UNTIL %L', now() + '36 hours'); EXECUTE format('ALTER ROLE ${b} VALID UNTIL %L', now() + '36 hours'); END$$`,
    code: 'account-expires',
    level: 'warning',
    message: ({ accounts: [, b] }) => `role ${b} expires in 2 days (VALID UNTIL)`,
  },
  {
    name: 'an owner role that may log in',
    breakIt: ({ ownerRole }) => `ALTER ROLE ${ownerRole} LOGIN`,
    code: 'owner-role-login',
    level: 'warning',
    message: ({ ownerRole }) => `owner role ${ownerRole} may log in itself`,
  },
  {
    name: 'accounts that are not members of the owner role',
    breakIt: ({ accounts: [a, b], ownerRole }) => `REVOKE ${ownerRole} FROM ${a}, ${b}`,
    code: 'not-a-member',
    message: ({ accounts: [a], ownerRole }) => `role ${a} may not act as ${ownerRole}`,
  },
  {
    name: 'members that may not SET ROLE',
    breakIt: ({ accounts: [a, b], ownerRole }) => `GRANT ${ownerRole} TO ${a}, ${b} WITH SET FALSE`,
    code: 'not-a-member',
    message: ({ accounts: [, b], ownerRole }) => `role ${b} may not act as ${ownerRole}`,
  },
  {
    name: 'accounts that act as themselves',
    breakIt: ({ accounts: [a, b] }) => `ALTER ROLE ${a} RESET role; ALTER ROLE ${b} RESET role`,
    code: 'set-role-missing',
    message: ({ accounts: [, b], ownerRole }) =>
      `sessions of ${b} act as itself and not as ${ownerRole}, so what they create would belong to one account`,
  },
  {
    name: 'a superuser as owner',
    breakIt: ({ ownerRole }) => `ALTER ROLE ${ownerRole} SUPERUSER`,
    code: 'account-privileged',
    message: ({ ownerRole }) => `owner role ${ownerRole} has SUPERUSER`,
  },
  {
    name: 'an account that owns objects',
    breakIt: ({ accounts: [a], database }) => `CREATE TABLE ${database}.mine (); ALTER TABLE ${database}.mine OWNER TO ${a}`,
    code: 'owns-objects',
    message: ({ accounts: [a], database }) =>
      `role ${a} owns 1 objects in database ${database}, such as table ${database}.mine: the other account could not alter them`,
  },
  {
    name: 'an admin without CREATEROLE',
    breakIt: ({ admin }) => `ALTER ROLE ${admin.username} NOCREATEROLE`,
    code: 'admin-cannot-alter',
    message: ({ admin }) => `role ${admin.username} lacks CREATEROLE, so it cannot set passwords`,
  },
  {
    name: 'an admin without ADMIN OPTION',
    breakIt: ({ admin, accounts: [a] }) => `REVOKE ADMIN OPTION FOR ${a} FROM ${admin.username}`,
    code: 'admin-cannot-alter',
    message: ({ admin, accounts: [a] }) => `role ${admin.username} lacks ADMIN OPTION on ${a}, so it cannot set its password`,
  },
  {
    name: 'an admin that may not see sessions',
    breakIt: ({ admin }) => `REVOKE pg_read_all_stats FROM ${admin.username}`,
    code: 'admin-cannot-see',
    message: ({ admin }) =>
      `role ${admin.username} may not see the accounts’ sessions, so the old password could never be retired on evidence`,
  },
  {
    name: 'an admin that may not end sessions',
    breakIt: ({ admin }) => `REVOKE pg_signal_backend FROM ${admin.username}`,
    code: 'admin-cannot-signal',
    level: 'warning',
    message: ({ admin }) =>
      `role ${admin.username} may not end sessions, so one that is left over at the end would stop the rotation`,
  },
];

describe('what a statement mends', () => {
  it.each(MENDABLE)('$name', async ({ breakIt, code, level, message, also }) => {
    await run(breakIt(pair));

    const findings = await preflight();

    expect(codes(findings)).toEqual([code, ...(also ?? [])].sort());
    expect(findings).toContainEqual(expect.objectContaining({ code, level: level ?? 'error', message: message(pair) }));
    for (const hint of new Set(findings.filter((finding) => finding.code === code).map((finding) => finding.hint ?? ''))) {
      await run(hint.replace(/^[a-z][^:]*: /, ''));
    }
    expect(codes(await preflight())).toEqual([]);
  });

  it('an account that is missing: the hint makes one that is like the other', async () => {
    await run(`DROP ROLE ${pair.accounts[1]}`);
    const findings = await preflight();
    expect(findings).toEqual([
      {
        code: 'account-missing',
        level: 'error',
        message: `role ${pair.accounts[1]} does not exist`,
        hint: `CREATE ROLE "${pair.accounts[1]}" LOGIN IN ROLE "${pair.ownerRole}"; ALTER ROLE "${pair.accounts[1]}" SET role TO '${pair.ownerRole}'`,
      },
    ]);
    await run(findings[0]?.hint ?? '');
    expect(codes(await preflight())).toEqual(['admin-cannot-alter']);
  });

  it('an owner role that is missing', async () => {
    const other = openOver(pair.config({ ownerRole: 'nobody_here' }), pair.admin.password);
    const findings = await other.preflight(pair.accounts[0], pair.accounts[1], stampOf());
    await other.close();
    expect(findings).toEqual([
      {
        code: 'owner-role-missing',
        level: 'error',
        message: 'owner role nobody_here does not exist',
        hint: 'CREATE ROLE "nobody_here" NOLOGIN',
      },
    ]);
  });
});

describe('what a person must decide', () => {
  it('the idle account is in use', async () => {
    const session = await consumerOf(server, pair, pair.value(pair.accounts[1]));
    await session.client.query(`SET application_name = 'old worker'`);
    const findings = await preflight();
    await session.close();
    expect(findings).toMatchObject([
      { code: 'idle-account-in-use', level: 'error', message: expect.stringContaining('(old worker)') },
    ]);
  });

  it('another installation or secret owns an account', async () => {
    await target.apply(pair.accounts[0], pair.value(), stampOf(1, 'r0', { secret: 'other/db' }));
    expect(await preflight()).toMatchObject([
      {
        code: 'target-owned',
        level: 'error',
        message: expect.stringContaining('"other/db"'),
        hint: expect.stringContaining("IS 'Billing''s login'"),
      },
    ]);
  });

  it('the server has seen a later fence than the state knows', async () => {
    await target.fence(stampOf(30));
    const findings = await preflight(stampOf(4));
    expect(codes(findings)).toEqual(['fence-behind']);
    expect(findings[0]?.message).toContain('has seen fence 30 and ours is 4');
  });

  it('a mark cannot be read', async () => {
    await run(`COMMENT ON ROLE ${pair.accounts[1]} IS '[keywheel nonsense]'`);
    expect(codes(await preflight())).toEqual(['mark-unreadable']);
  });

  it('password_encryption is md5, which is a warning', async () => {
    await run(`ALTER ROLE ${pair.admin.username} SET password_encryption TO md5`);
    expect(await preflight()).toMatchObject([{ code: 'password-encryption-md5', level: 'warning' }]);
  });

  it('grants differ', async () => {
    await run(`GRANT SELECT ON ${pair.database}.orders TO ${pair.accounts[0]}`);
    expect(codes(await preflight())).toEqual(['grants-differ']);
  });

  it('an endpoint is another server, whose sessions are not seen', async () => {
    const endpoints = [
      { name: 'writer', host: server.host, port: server.port },
      { name: 'reader', host: 'localhost', port: server.port },
    ];
    const other = openOver(pair.config({ endpoints }), pair.admin.password);
    const findings = await other.preflight(pair.accounts[0], pair.accounts[1], stampOf());
    await other.close();
    expect(findings).toMatchObject([{ code: 'evidence-partial', level: 'warning', message: expect.stringContaining('reader') }]);
  });
});

it('asks nothing about a pair where one account is rotated in place', async () => {
  const { ownerRole: _owner, ...rest } = pair.config({ accounts: [pair.accounts[0]] });
  await run(`ALTER ROLE ${pair.accounts[0]} RESET role; REVOKE pg_read_all_stats, pg_signal_backend FROM ${pair.admin.username}`);
  const single = openOver(rest, pair.admin.password);
  const [slot = ''] = single.slots;
  expect(await single.preflight(slot, slot, stampOf())).toEqual([]);
  const value = { ...pair.value(), password: 'in-place-password' };
  await single.apply(slot, value, stampOf());
  expect(await single.probe(value, 'primary')).toMatchObject({ outcome: 'accepted' });
  expect(await single.probe(pair.value(), 'primary')).toMatchObject({ outcome: 'refused' });
  await single.close();
});
