/** A pair as AWS's multi-user template leaves it: what is found in it, that each statement proposed mends it, and what counts as had through the membership. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../shared/targets/index.ts';
import { installedPostgres, startPostgres, type Postgres } from '../helpers/postgres.ts';
import { createTemplatePair, type TemplatePair } from '../helpers/template-pair.ts';
import { openOver, stampOf } from './postgres-harness.ts';

const SERVERS = [
  ['the embedded server', undefined],
  // PostgreSQL 16 moved INHERIT from the role to the membership, so one from before it where this machine has one.
  ...[14, 15].filter((major) => installedPostgres(major) !== undefined).map((major) => [`PostgreSQL ${major}`, major] as const),
] as const;

interface Case {
  readonly name: string;
  readonly breakIt: (pair: TemplatePair) => string;
  readonly code: string;
  readonly level?: 'warning';
  readonly message: (pair: TemplatePair) => string;
  /** Broken by the master, as whose grants the template's are: PostgreSQL 16 keeps those of different grantors apart. */
  readonly byMaster?: true;
  /** Rotating to the base instead of to the clone. */
  readonly back?: true;
  readonly since?: number;
  readonly before?: number;
}

const OWNS = (pair: TemplatePair, more: string): string =>
  `role ${pair.clone} owns 1 objects in database ${pair.database}, such as table shop.later: ${more}`;

const MENDABLE: readonly Case[] = [
  {
    name: 'a clone that is no member',
    breakIt: ({ base, clone }) => `REVOKE ${base} FROM ${clone}`,
    byMaster: true,
    code: 'not-a-member',
    message: ({ base, clone }) => `role ${clone} is not a member of ${base}`,
  },
  {
    name: 'a membership that is not inherited',
    breakIt: ({ base, clone }) => `GRANT ${base} TO ${clone} WITH INHERIT FALSE`,
    byMaster: true,
    since: 160_000,
    code: 'not-inherited',
    message: ({ base, clone }) => `role ${clone} is a member of ${base} and inherits nothing from it`,
  },
  {
    name: 'a clone that inherits nothing',
    breakIt: ({ clone }) => `ALTER ROLE ${clone} NOINHERIT`,
    before: 160_000,
    code: 'not-inherited',
    message: ({ base, clone }) => `role ${clone} is a member of ${base} and inherits nothing from it`,
  },
  {
    name: 'a clone that is set to act as the base and may not',
    breakIt: ({ base, clone }) => `ALTER ROLE ${clone} SET role TO '${base}'; GRANT ${base} TO ${clone} WITH SET FALSE`,
    byMaster: true,
    since: 160_000,
    code: 'not-a-member',
    message: ({ base, clone }) => `role ${clone} may not act as ${base}`,
  },
  {
    name: 'a clone that acts as itself and may not act as the base',
    breakIt: ({ base, clone }) => `GRANT ${base} TO ${clone} WITH SET FALSE`,
    byMaster: true,
    since: 160_000,
    code: 'set-role-missing',
    level: 'warning',
    message: ({ base, clone }) =>
      `sessions of ${clone} act as itself: what they create belongs to ${clone}, and ${base} may not use it after the next rotation`,
  },
  {
    name: 'a clone that acts as a third role, in this database only',
    breakIt: ({ clone, database }) => `ALTER ROLE ${clone} IN DATABASE ${database} SET role TO 'pg_monitor'`,
    code: 'set-role-differs',
    message: ({ base, clone }) => `sessions of ${clone} act as pg_monitor and not as ${base}`,
  },
  {
    name: 'a base that acts as a third role',
    breakIt: ({ base }) => `ALTER ROLE ${base} SET role TO 'pg_monitor'`,
    code: 'set-role-differs',
    message: ({ base, clone }) =>
      `sessions of ${base} act as pg_monitor, and those of ${clone} cannot act as ${base} at the same time`,
  },
  {
    name: 'an object of the clone that the base may not use, before the base is next',
    breakIt: ({ clone }) => `CREATE TABLE shop.later (id int); ALTER TABLE shop.later OWNER TO ${clone}`,
    back: true,
    code: 'owns-objects',
    message: (pair) => OWNS(pair, `${pair.base} may not use 1 of them, and the application would be ${pair.base} next`),
  },
  {
    name: 'an object of the clone that the base may not use, before the clone is next',
    breakIt: ({ clone }) => `CREATE TABLE shop.later (id int); ALTER TABLE shop.later OWNER TO ${clone}`,
    code: 'owns-objects',
    level: 'warning',
    message: (pair) => OWNS(pair, `${pair.base} may not use 1 of them, so the rotation after this one would stop`),
  },
  {
    name: 'an object of the clone that the base may read and not write',
    breakIt: ({ base, clone }) =>
      `CREATE TABLE shop.later (id int); ALTER TABLE shop.later OWNER TO ${clone}; GRANT SELECT, INSERT, DELETE ON shop.later TO ${base}`,
    back: true,
    code: 'owns-objects',
    message: (pair) => OWNS(pair, `${pair.base} may not use 1 of them, and the application would be ${pair.base} next`),
  },
  {
    name: 'a table of the clone whose rows are guarded',
    breakIt: ({ base, clone }) =>
      `CREATE TABLE shop.later (id int); ALTER TABLE shop.later OWNER TO ${clone}; ALTER TABLE shop.later ENABLE ROW LEVEL SECURITY; GRANT ALL ON shop.later TO ${base}`,
    back: true,
    code: 'owns-objects',
    message: (pair) => OWNS(pair, `${pair.base} may not use 1 of them, and the application would be ${pair.base} next`),
  },
  {
    name: 'an object of the clone that the base may use and not alter',
    breakIt: ({ base, clone }) =>
      `CREATE TABLE shop.later (id int GENERATED ALWAYS AS IDENTITY); ALTER TABLE shop.later OWNER TO ${clone}; GRANT SELECT, INSERT, UPDATE, DELETE ON shop.later TO ${base}`,
    back: true,
    code: 'owns-objects',
    level: 'warning',
    message: ({ base, clone, database }) =>
      `role ${clone} owns 2 objects in database ${database}, such as sequence shop.later_id_seq, table shop.later: ${base} may use them and not alter them`,
  },
  ...['CREATEDB', 'CREATEROLE', 'BYPASSRLS'].map((attribute) => ({
    name: `${attribute}, which no membership gives`,
    breakIt: ({ base }: TemplatePair) => `ALTER ROLE ${base} ${attribute}`,
    code: 'grants-differ',
    message: ({ base, clone }: TemplatePair) => `${clone} lacks attribute ${attribute}, which ${base} has`,
  })),
  {
    name: 'a connection limit of the base',
    breakIt: ({ base }) => `ALTER ROLE ${base} CONNECTION LIMIT 7`,
    code: 'grants-differ',
    message: ({ base, clone }) => `${clone} lacks attribute CONNECTION LIMIT 7, which ${base} has`,
  },
  {
    name: 'a setting of the base',
    breakIt: ({ base }) => `ALTER ROLE ${base} SET work_mem TO '9MB'`,
    code: 'grants-differ',
    message: ({ base, clone }) => `${clone} lacks setting work_mem=9MB, which ${base} has`,
  },
  {
    name: 'a list of names as a setting of the base, in this database only',
    breakIt: ({ base, database }) =>
      `ALTER ROLE ${base} IN DATABASE ${database} SET search_path TO "$user", shop, "Odd, ""one"""`,
    code: 'grants-differ',
    message: ({ base, clone, database }) =>
      `${clone} lacks setting search_path="$user", shop, "Odd, ""one""" in database ${database}, which ${base} has`,
  },
  {
    name: 'an empty search_path',
    breakIt: ({ base }) => `ALTER ROLE ${base} SET search_path TO ''`,
    code: 'grants-differ',
    message: ({ base, clone }) => `${clone} lacks setting search_path="", which ${base} has`,
  },
  {
    name: 'a setting of the clone',
    breakIt: ({ clone }) => `ALTER ROLE ${clone} SET statement_timeout TO 5000`,
    code: 'grants-differ',
    message: ({ base, clone }) => `${base} lacks setting statement_timeout=5000, which ${clone} has`,
  },
  {
    name: 'a grant to the clone alone',
    breakIt: ({ clone }) => `GRANT UPDATE ON reference.prices TO ${clone}`,
    code: 'grants-differ',
    message: ({ base, clone }) => `${base} lacks UPDATE on table reference.prices, which ${clone} has`,
  },
  {
    name: 'a grant on a column to the clone alone',
    breakIt: ({ clone }) => `GRANT UPDATE (price) ON reference.prices TO ${clone}`,
    code: 'grants-differ',
    message: ({ base, clone }) => `${base} lacks UPDATE on table column reference.prices.price, which ${clone} has`,
  },
  {
    name: 'a grant option of the clone alone',
    breakIt: ({ clone }) => `GRANT SELECT ON reference.prices TO ${clone} WITH GRANT OPTION`,
    code: 'grants-differ',
    message: ({ base, clone }) => `${base} lacks SELECT on table reference.prices WITH GRANT OPTION, which ${clone} has`,
  },
  {
    name: 'a membership of the clone alone',
    breakIt: ({ clone }) => `GRANT pg_read_all_data TO ${clone}`,
    code: 'grants-differ',
    message: ({ base, clone }) =>
      expect.stringMatching(new RegExp(`^${base} lacks membership in pg_read_all_data .*, which ${clone} has$`)) as string,
  },
  {
    name: 'default privileges for the clone alone',
    breakIt: ({ clone, admin }) =>
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${admin.username} IN SCHEMA reference GRANT INSERT ON TABLES TO ${clone}`,
    code: 'grants-differ',
    message: ({ base, clone, admin }) =>
      `${base} lacks default privilege INSERT on tables made by ${admin.username} in schema reference for itself, which ${clone} has`,
  },
];

/** The statement of a hint that begins with words for people. */
const statementOf = (finding: Finding | undefined): string =>
  (finding?.hint ?? '').replace(/^[a-z][^:]*: /, '').split('  or  ')[0] ?? '';

describe.each(SERVERS)('over %s', (name, major) => {
  const prefix = name.replaceAll(/\W+/g, '_').toLowerCase();
  let server: Postgres;
  let pair: TemplatePair;
  let target: ReturnType<typeof openOver>;
  let count = 0;
  beforeAll(async () => {
    const binaries = major === undefined ? undefined : installedPostgres(major);
    server = await startPostgres(binaries === undefined ? {} : { binaries });
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    pair = await createTemplatePair(server, { name: `${prefix}${(count += 1)}` });
    target = openOver(pair.config(), pair.admin.password);
  });
  afterEach(() => target.close());

  const run = (sql: string): Promise<unknown> => server.query(sql, pair.database);
  const actAsBase = (): Promise<unknown> => run(`ALTER ROLE ${pair.clone} SET role TO '${pair.base}'`);
  const preflight = (back?: true): Promise<Finding[]> =>
    back === true ? target.preflight(pair.clone, pair.base, stampOf()) : target.preflight(pair.base, pair.clone, stampOf());
  /** Without the warning that every pair of the template has. */
  const findings = async (back?: true): Promise<Finding[]> =>
    (await preflight(back)).filter((finding) => finding.code !== 'set-role-missing');

  it('only warns of what the template leaves, and the statement mends it', async () => {
    const before = await preflight();

    expect(before).toEqual([
      {
        code: 'set-role-missing',
        level: 'warning',
        message: `sessions of ${pair.clone} act as itself: what they create belongs to ${pair.clone}, and ${pair.base} may not use it after the next rotation`,
        hint: `ALTER ROLE "${pair.clone}" SET role TO '${pair.base}'`,
      },
    ]);
    await run(before[0]?.hint ?? '');
    expect(await preflight()).toEqual([]);
    expect(await preflight(true)).toEqual([]);
    expect(await target.compare(pair.clone, pair.base)).toEqual([]);
  });

  it('takes the clone’s login before and after it acts as the base, and the base’s only as itself', async () => {
    const before = await target.probe(pair.value(pair.clone), 'primary');
    await actAsBase();
    const after = await target.probe(pair.value(pair.clone), 'primary');
    await run(`ALTER ROLE ${pair.base} SET role TO 'pg_monitor'; GRANT pg_monitor TO ${pair.base}`);
    const base = await target.probe(pair.value(), 'primary');

    expect(before).toMatchObject({ outcome: 'accepted', detail: `logged in as ${pair.clone}` });
    expect(after).toMatchObject({ outcome: 'accepted', detail: `logged in as ${pair.clone}, acts as ${pair.base}` });
    expect(base).toMatchObject({ outcome: 'forbidden', detail: expect.stringContaining('acts as pg_monitor') });
  });

  it.each(MENDABLE)('$name', async ({ breakIt, byMaster, code, level, message, back, since, before }) => {
    const breaks = (): Promise<unknown> => (byMaster === true ? pair.as(pair.admin, breakIt(pair)) : run(breakIt(pair)));
    if (server.version < (since ?? 0) || server.version >= (before ?? Infinity)) {
      // There is no such thing on this server: its grammar has no such statement, or the statement has no such effect.
      await breaks().catch(() => undefined);
      expect((await preflight(back)).filter((finding) => finding.code === code && finding.level === 'error')).toEqual([]);
      return;
    }
    await breaks();

    const found = (await preflight(back)).filter((finding) => finding.code === code);

    expect(found).toContainEqual(expect.objectContaining({ code, level: level ?? 'error', message: message(pair) }));
    const named = found.find((finding) => (typeof message(pair) === 'string' ? finding.message === message(pair) : true));
    await run(statementOf(named));
    expect(await findings(back)).toEqual([]);
    if (level !== 'warning')
      expect(await target.compare(pair.base, pair.clone)).toEqual(
        (await preflight()).filter((each) => each.code === 'set-role-missing'),
      );
  });

  it('counts what the clone has through the membership as had', async () => {
    const { base, clone, database } = pair;
    await run(
      `CREATE ROLE ${database}_readers; GRANT ${database}_readers TO ${base}; CREATE FUNCTION reference.f() RETURNS int LANGUAGE sql RETURN 1;
       GRANT ALL ON reference.prices TO ${base} WITH GRANT OPTION; GRANT EXECUTE ON FUNCTION reference.f TO ${base};
       GRANT UPDATE (price) ON reference.prices TO ${base}; GRANT TEMPORARY ON DATABASE ${database} TO ${base};
       ALTER DEFAULT PRIVILEGES FOR ROLE ${base} GRANT SELECT ON TABLES TO ${database}_readers;
       ALTER TABLE reference.prices ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON reference.prices TO ${base} USING (true);`,
    );
    expect(await findings()).toEqual([]);
    // The same and less, granted to the clone once more, is nothing that the base lacks.
    await run(
      `GRANT SELECT ON reference.prices TO ${clone}; GRANT ${database}_readers TO ${clone}; GRANT EXECUTE ON FUNCTION reference.f TO ${clone};
       GRANT SELECT ON shop.orders TO ${clone} WITH GRANT OPTION;`,
    );
    expect(await findings()).toEqual([]);
    expect(await findings(true)).toEqual([]);
  });

  it('is not alarmed by what makes the clone’s objects usable to the base', async () => {
    await run(`ALTER DEFAULT PRIVILEGES FOR ROLE ${pair.clone} GRANT ALL ON TABLES TO ${pair.base}`);
    await pair.as(pair.value(pair.clone), 'CREATE TABLE shop.later (id int)');

    const found = await findings(true);

    expect(found).toEqual([expect.objectContaining({ code: 'owns-objects', level: 'warning' })]);
  });

  it('sees what default privileges of the clone would give to others, while the clone acts as itself', async () => {
    await run(`ALTER DEFAULT PRIVILEGES FOR ROLE ${pair.clone} GRANT SELECT ON TABLES TO pg_monitor`);
    const asItself = await findings();
    await actAsBase();

    expect(asItself.map((finding) => finding.message)).toEqual([
      `${pair.base} lacks default privilege SELECT on tables made by itself for pg_monitor, which ${pair.clone} has`,
    ]);
    expect(await findings()).toEqual([]);
  });

  it('sees a user mapping of the base, which the clone has only while it acts as the base', async () => {
    await run(
      `CREATE FOREIGN DATA WRAPPER ${pair.database}_w; CREATE SERVER far FOREIGN DATA WRAPPER ${pair.database}_w; CREATE USER MAPPING FOR ${pair.base} SERVER far`,
    );
    const asItself = await findings();
    await actAsBase();

    expect(asItself.map((finding) => finding.message)).toEqual([
      `${pair.clone} lacks a user mapping for server far, which ${pair.base} has`,
    ]);
    expect(await findings()).toEqual([]);
  });

  it('stops before the base is next where the clone owns things in a database that it does not see', async () => {
    await server.query(`CREATE DATABASE ${pair.database}_other OWNER ${pair.clone}`);
    await server.query('CREATE TABLE mine (); ALTER TABLE mine OWNER TO ' + pair.clone, `${pair.database}_other`);

    const found = await findings(true);

    expect(found.map(({ level, message }) => [level, message])).toContainEqual([
      'error',
      `role ${pair.clone} owns 1 objects in database ${pair.database}_other: whether ${pair.base} may use them cannot be seen from here, and the application would be ${pair.base} next`,
    ]);
  });

  it('the clone itself may hand its objects over, where nobody is superuser', async () => {
    await pair.as(pair.value(pair.clone), 'CREATE TABLE shop.later (id int)');
    await actAsBase();
    const [finding] = await findings(true);

    await pair.as(pair.value(pair.clone), `SET ROLE NONE; ${statementOf(finding)}`);

    expect(await preflight(true)).toEqual([]);
  });

  it('makes a clone that is missing, and it rotates: the way from one account to two', async () => {
    const alone = await createTemplatePair(server, { name: `${prefix}${(count += 1)}`, clone: false });
    const other = openOver(alone.config(), alone.admin.password);
    const found = await other.preflight(alone.base, alone.clone, stampOf());
    expect(found).toEqual([
      {
        code: 'account-missing',
        level: 'error',
        message: `role ${alone.clone} does not exist`,
        hint: `CREATE ROLE "${alone.clone}" LOGIN IN ROLE "${alone.base}"; ALTER ROLE "${alone.clone}" SET role TO '${alone.base}'`,
      },
    ]);
    // By the master, who gets ADMIN OPTION on what it makes.
    await alone.as(alone.admin, found[0]?.hint ?? '');
    const after = await other.preflight(alone.base, alone.clone, stampOf());
    await other.close();
    expect(after).toEqual([]);
  });

  it('takes a real account whose name ends in _clone for what the configuration says', async () => {
    const named = await createTemplatePair(server, { name: `${prefix}${(count += 1)}`, base: `${prefix}${count}_clone` });
    const other = openOver(named.config(), named.admin.password);
    const next = other.compose(named.clone, named.value(), (length) => crypto.getRandomValues(new Uint8Array(length)));
    await other.apply(named.clone, next, stampOf());

    expect([named.base, named.clone]).toEqual([`${prefix}${count}_clone`, `${prefix}${count}_clone_clone`]);
    expect(next['username']).toBe(named.clone);
    expect(await other.probe(next, 'primary')).toMatchObject({ outcome: 'accepted' });
    expect(await other.probe(named.value(), 'primary')).toMatchObject({ outcome: 'accepted' });
    // The template would have taken this for the clone of another account and set that one's password.
    expect(() => other.slotOf({ ...named.value(), username: `${prefix}${count}` })).toThrow(
      expect.objectContaining({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('not pinned') }),
    );
    await other.close();
  });

  it('refuses a pending value of another tool that names another server', async () => {
    const forged = { ...pair.value(pair.clone), host: 'evil.example.com' };

    await expect(target.apply(pair.clone, forged, stampOf())).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: 'field "host" of the secret names another server than the configuration',
    });
    expect(await target.probe(pair.value(pair.clone), 'primary')).toMatchObject({ outcome: 'accepted' });
  });
});
