/** What is wrong with a pair of AWS's multi-user template, each found in just the words that are shown, and mended by the statement that is proposed. */
import { describe, expect, it } from 'vitest';
import type { TemplatePair } from '../helpers/template-pair.ts';
import { SERVERS, statementOf, templateScene } from './postgres-template-scene.ts';

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

describe.each(SERVERS)('over %s', (_name, major) => {
  const { at, findings, preflight, run } = templateScene(major);

  it.each(MENDABLE)('$name', async ({ breakIt, byMaster, code, level, message, back, since, before }) => {
    const { pair, server, target } = at();
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
});
