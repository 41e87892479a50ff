/** Every kind of difference between two accounts is seen in each direction, and the statement that is proposed removes it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Finding } from '../../shared/targets/index.ts';
import { createAccountPair, type AccountPair } from '../helpers/account-pair.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { openOver } from './postgres-harness.ts';

let server: Postgres;
let pair: AccountPair;
let target: ReturnType<typeof openOver>;
beforeAll(async () => {
  server = await startPostgres();
  pair = await createAccountPair(server, { name: 'app' });
  target = openOver(pair.config(), pair.admin.password);
  await server.query(
    `CREATE FUNCTION app.f(integer) RETURNS integer LANGUAGE sql RETURN 1; CREATE PROCEDURE app.p() LANGUAGE sql AS '';
     CREATE VIEW app.v AS SELECT 1 AS one; CREATE SEQUENCE app.s; CREATE TYPE app.mood AS ENUM ('calm'); SELECT lo_create(4711);
     CREATE FOREIGN DATA WRAPPER w; CREATE SERVER remote FOREIGN DATA WRAPPER w; CREATE ROLE readers;
     REVOKE EXECUTE ON FUNCTION app.f FROM PUBLIC; REVOKE EXECUTE ON PROCEDURE app.p FROM PUBLIC;`,
    'app',
  );
});
afterAll(async () => {
  await target?.close();
  await server?.stop();
});

type Case = readonly [what: string, give: string, take: string];

/** `$` is the account. `what` is the whole text after "lacks". */
const SAME_BOTH_WAYS: readonly Case[] = [
  ['attribute CREATEDB', 'ALTER ROLE $ CREATEDB', 'ALTER ROLE $ NOCREATEDB'],
  ['attribute CREATEROLE', 'ALTER ROLE $ CREATEROLE', 'ALTER ROLE $ NOCREATEROLE'],
  ['attribute BYPASSRLS', 'ALTER ROLE $ BYPASSRLS', 'ALTER ROLE $ NOBYPASSRLS'],
  ['attribute REPLICATION', 'ALTER ROLE $ REPLICATION', 'ALTER ROLE $ NOREPLICATION'],
  ['attribute SUPERUSER', 'ALTER ROLE $ SUPERUSER', 'ALTER ROLE $ NOSUPERUSER'],
  ['attribute CONNECTION LIMIT 5', 'ALTER ROLE $ CONNECTION LIMIT 5', 'ALTER ROLE $ CONNECTION LIMIT -1'],
  [
    "attribute VALID UNTIL '2999-01-01 00:00:00+00'",
    "ALTER ROLE $ VALID UNTIL '2999-01-01 00:00:00+00'",
    "ALTER ROLE $ VALID UNTIL 'infinity'",
  ],
  ['membership in readers (ADMIN FALSE, INHERIT TRUE, SET TRUE)', 'GRANT readers TO $', 'REVOKE readers FROM $'],
  ['membership in readers (ADMIN TRUE, INHERIT TRUE, SET TRUE)', 'GRANT readers TO $ WITH ADMIN OPTION', 'REVOKE readers FROM $'],
  [
    'membership in readers (ADMIN FALSE, INHERIT FALSE, SET TRUE)',
    'GRANT readers TO $ WITH INHERIT FALSE',
    'REVOKE readers FROM $',
  ],
  ['membership in readers (ADMIN FALSE, INHERIT TRUE, SET FALSE)', 'GRANT readers TO $ WITH SET FALSE', 'REVOKE readers FROM $'],
  ['setting work_mem=8MB', "ALTER ROLE $ SET work_mem TO '8MB'", 'ALTER ROLE $ RESET work_mem'],
  [
    'setting work_mem=9MB in database app',
    "ALTER ROLE $ IN DATABASE app SET work_mem TO '9MB'",
    'ALTER ROLE $ IN DATABASE app RESET work_mem',
  ],
  ['CREATE on database app', 'GRANT CREATE ON DATABASE app TO $', 'REVOKE CREATE ON DATABASE app FROM $'],
  [
    'CREATE on tablespace pg_default',
    'GRANT CREATE ON TABLESPACE pg_default TO $',
    'REVOKE CREATE ON TABLESPACE pg_default FROM $',
  ],
  ['USAGE on schema app', 'GRANT USAGE ON SCHEMA app TO $', 'REVOKE USAGE ON SCHEMA app FROM $'],
  ['SELECT on table app.orders', 'GRANT SELECT ON app.orders TO $', 'REVOKE SELECT ON app.orders FROM $'],
  [
    'SELECT on table app.orders WITH GRANT OPTION',
    'GRANT SELECT ON app.orders TO $ WITH GRANT OPTION',
    'REVOKE SELECT ON app.orders FROM $ CASCADE',
  ],
  ['SELECT on view app.v', 'GRANT SELECT ON app.v TO $', 'REVOKE SELECT ON app.v FROM $'],
  [
    'UPDATE on table column app.orders.price',
    'GRANT UPDATE (price) ON app.orders TO $',
    'REVOKE UPDATE (price) ON app.orders FROM $',
  ],
  ['USAGE on sequence app.s', 'GRANT USAGE ON SEQUENCE app.s TO $', 'REVOKE USAGE ON SEQUENCE app.s FROM $'],
  ['EXECUTE on function app.f(integer)', 'GRANT EXECUTE ON FUNCTION app.f TO $', 'REVOKE EXECUTE ON FUNCTION app.f FROM $'],
  ['EXECUTE on procedure app.p()', 'GRANT EXECUTE ON PROCEDURE app.p TO $', 'REVOKE EXECUTE ON PROCEDURE app.p FROM $'],
  ['USAGE on type app.mood', 'GRANT USAGE ON TYPE app.mood TO $', 'REVOKE USAGE ON TYPE app.mood FROM $'],
  ['USAGE on language plpgsql', 'GRANT USAGE ON LANGUAGE plpgsql TO $', 'REVOKE USAGE ON LANGUAGE plpgsql FROM $'],
  [
    'USAGE on foreign-data wrapper w',
    'GRANT USAGE ON FOREIGN DATA WRAPPER w TO $',
    'REVOKE USAGE ON FOREIGN DATA WRAPPER w FROM $',
  ],
  ['USAGE on server remote', 'GRANT USAGE ON FOREIGN SERVER remote TO $', 'REVOKE USAGE ON FOREIGN SERVER remote FROM $'],
  ['SELECT on large object 4711', 'GRANT SELECT ON LARGE OBJECT 4711 TO $', 'REVOKE SELECT ON LARGE OBJECT 4711 FROM $'],
  [
    'SET on parameter ACL log_statement',
    'GRANT SET ON PARAMETER log_statement TO $',
    'REVOKE SET ON PARAMETER log_statement FROM $',
  ],
  [
    'default privilege SELECT on tables made by app_owner in schema app for itself',
    'ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app GRANT SELECT ON TABLES TO $',
    'ALTER DEFAULT PRIVILEGES FOR ROLE app_owner IN SCHEMA app REVOKE SELECT ON TABLES FROM $',
  ],
  [
    'default privilege SELECT on tables made by itself in schema app for readers',
    'ALTER DEFAULT PRIVILEGES FOR ROLE $ IN SCHEMA app GRANT SELECT ON TABLES TO readers',
    'ALTER DEFAULT PRIVILEGES FOR ROLE $ IN SCHEMA app REVOKE SELECT ON TABLES FROM readers',
  ],
  ['row security policy mine on app.orders', 'CREATE POLICY mine ON app.orders TO $', 'DROP POLICY mine ON app.orders'],
  ['a user mapping for server remote', 'CREATE USER MAPPING FOR $ SERVER remote', 'DROP USER MAPPING FOR $ SERVER remote'],
];

const messages = (findings: readonly Finding[]): string[] => findings.map((finding) => finding.message);

describe.each(SAME_BOTH_WAYS)('%s', (what, give, take) => {
  it.each([0, 1] as const)('is seen when only account %i has it, and the hint mends it', async (index) => {
    const [owner, other] = [pair.accounts[index], pair.accounts[1 - index] ?? ''] as const;
    await server.query(give.replace('$', owner), 'app');

    const findings = await target.compare(pair.accounts[0], pair.accounts[1]);

    const lacking = findings.find((finding) => finding.message === `${other} lacks ${what}, which ${owner} has`);
    expect(messages(findings), 'the difference').toContain(`${other} lacks ${what}, which ${owner} has`);
    expect(lacking).toMatchObject({ code: 'grants-differ', level: 'error' });
    const [mend = ''] = (lacking?.hint ?? '').split('  or  ');
    if (/^(GRANT|ALTER ROLE)/.test(mend)) {
      await server.query(mend, 'app');
      expect(await target.compare(pair.accounts[0], pair.accounts[1])).toEqual([]);
      await server.query(take.replace('$', other), 'app');
    }
    await server.query(take.replace('$', owner), 'app');
    expect(await target.compare(pair.accounts[0], pair.accounts[1])).toEqual([]);
  });
});

it.each([
  ['NOINHERIT', 'INHERIT'],
  ['NOLOGIN', 'LOGIN'],
])('%s on one account is seen as what it lacks', async (off, on) => {
  await server.query(`ALTER ROLE app_b ${off}`);
  const findings = await target.compare('app_a', 'app_b');
  await server.query(`ALTER ROLE app_b ${on}`);
  expect(messages(findings)).toEqual([`app_b lacks attribute ${on}, which app_a has`]);
});

it('says both sides where a value differs', async () => {
  await server.query('ALTER ROLE app_a CONNECTION LIMIT 5; ALTER ROLE app_b CONNECTION LIMIT 9');
  const findings = await target.compare('app_a', 'app_b');
  await server.query('ALTER ROLE app_a CONNECTION LIMIT -1; ALTER ROLE app_b CONNECTION LIMIT -1');
  expect(messages(findings)).toEqual([
    'app_b lacks attribute CONNECTION LIMIT 5, which app_a has',
    'app_a lacks attribute CONNECTION LIMIT 9, which app_b has',
  ]);
});

it('finds nothing between an account and itself, and refuses accounts that are not pinned', async () => {
  expect(await target.compare('app_a', 'app_a')).toEqual([]);
  expect(() => target.compare('app_a', 'postgres')).toThrow(
    expect.objectContaining({ code: 'ERR_TARGET_MISMATCH', message: expect.stringContaining('postgres') }),
  );
});
