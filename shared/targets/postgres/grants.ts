/**
 * Compares what two accounts may do, in both directions. AWS's template copies grants once, at creation, and a grant that is revoked or
 * added later makes every second rotation promote an account that lacks it. Nothing is copied here: a difference stops the rotation.
 */
import type { Finding, Slot } from '../port.ts';
import type { Row, Sql } from './admin.ts';
import { identifier, literal } from './statements.ts';

/** One thing that an account may do or is set to. `text` reads after "has" and "lacks". */
interface Fact {
  readonly text: string;
  /** The statements that give it to an account and take it away, where there is one for each. */
  readonly give?: (role: string) => string;
  readonly take?: (role: string) => string;
}

const HINT = 'make the two accounts equal, or better: grant to the owner role and to neither account';

export async function compareAccounts(sql: Sql, from: Slot, to: Slot): Promise<Finding[]> {
  if (from === to) return [];
  const [{ version } = {}] = await sql(`SELECT current_setting('server_version_num')::int AS version`);
  const server = Number(version);
  const facts = new Map<Slot, Map<string, Fact>>([
    [from, new Map()],
    [to, new Map()],
  ]);
  for (const read of [attributes, memberships, settings, grants, defaultPrivileges, rest]) {
    for (const { role, fact } of await read(sql, [from, to], server)) facts.get(role)?.set(fact.text, fact);
  }
  return [...missing(facts, to, from), ...missing(facts, from, to)];
}

/** What `other` has and `role` lacks. */
function missing(facts: ReadonlyMap<Slot, ReadonlyMap<string, Fact>>, role: Slot, other: Slot): Finding[] {
  const findings: Finding[] = [];
  for (const [text, fact] of facts.get(other) ?? []) {
    if (facts.get(role)?.has(text) === true) continue;
    const ways = [fact.give?.(role), fact.take?.(other)].filter((way) => way !== undefined);
    const hint = ways.length === 0 ? HINT : ways.join('  or  ');
    findings.push({ code: 'grants-differ', level: 'error', message: `${role} lacks ${text}, which ${other} has`, hint });
  }
  return findings.sort((left, right) => (left.message < right.message ? -1 : 1));
}

interface Held {
  readonly role: Slot;
  readonly fact: Fact;
}
type Reader = (sql: Sql, roles: readonly Slot[], server: number) => Promise<Held[]>;

const text = (row: Row, column: string): string => String(row[column]);
const held = (row: Row, fact: Fact): Held => ({ role: text(row, 'role'), fact });

const FLAGS = [
  ['rolsuper', 'SUPERUSER', 'NOSUPERUSER'],
  ['rolcanlogin', 'LOGIN', 'NOLOGIN'],
  ['rolinherit', 'INHERIT', 'NOINHERIT'],
  ['rolcreatedb', 'CREATEDB', 'NOCREATEDB'],
  ['rolcreaterole', 'CREATEROLE', 'NOCREATEROLE'],
  ['rolreplication', 'REPLICATION', 'NOREPLICATION'],
  ['rolbypassrls', 'BYPASSRLS', 'NOBYPASSRLS'],
] as const;

const attributes: Reader = async (sql, roles) => {
  const rows = await sql(
    `SELECT rolname AS role, rolsuper, rolcanlogin, rolinherit, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
            rolconnlimit::text AS connlimit, coalesce(rolvaliduntil, 'infinity')::text AS validuntil
       FROM pg_roles WHERE rolname = ANY($1::name[])`,
    [roles],
  );
  const set = (attribute: string, value: string): Fact => ({
    text: `attribute ${attribute} ${value}`,
    give: (role) => `ALTER ROLE ${identifier(role)} ${attribute} ${value}`,
  });
  return rows.flatMap((row) => [
    ...FLAGS.filter(([column]) => row[column] === true).map(([, on, off]) =>
      held(row, {
        text: `attribute ${on}`,
        give: (role) => `ALTER ROLE ${identifier(role)} ${on}`,
        take: (role) => `ALTER ROLE ${identifier(role)} ${off}`,
      }),
    ),
    held(row, set('CONNECTION LIMIT', text(row, 'connlimit'))),
    held(row, set('VALID UNTIL', literal(text(row, 'validuntil')))),
  ]);
};

const memberships: Reader = async (sql, roles, server) => {
  // PostgreSQL 16 put INHERIT and SET on each membership; before it, INHERIT was the member's attribute. One grantor may differ from
  // another, and a membership may be granted by several: what counts is what they give together.
  const options =
    server >= 160_000 ? 'bool_or(m.inherit_option) AS inherit, bool_or(m.set_option) AS set' : 'NULL AS inherit, NULL AS set';
  const rows = await sql(
    `SELECT r.rolname AS role, g.rolname AS granted, bool_or(m.admin_option) AS admin, ${options}
       FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
      WHERE r.rolname = ANY($1::name[]) GROUP BY 1, 2`,
    [roles],
  );
  return rows.map((row) => {
    const on = ['admin', 'inherit', 'set']
      .filter((option) => row[option] !== null)
      .map((option) => `${option.toUpperCase()} ${row[option] === true ? 'TRUE' : 'FALSE'}`);
    const clause = server >= 160_000 ? ` WITH ${on.join(', ')}` : row['admin'] === true ? ' WITH ADMIN OPTION' : '';
    const granted = identifier(text(row, 'granted'));
    return held(row, {
      text: `membership in ${text(row, 'granted')} (${on.join(', ')})`,
      give: (role) => `GRANT ${granted} TO ${identifier(role)}${clause}`,
      take: (role) => `REVOKE ${granted} FROM ${identifier(role)}`,
    });
  });
};

const settings: Reader = async (sql, roles) => {
  const rows = await sql(
    `SELECT r.rolname AS role, d.datname AS database, c.setting
       FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c(setting)
      WHERE r.rolname = ANY($1::name[])`,
    [roles],
  );
  return rows.map((row) => {
    const [name = '', ...value] = text(row, 'setting').split('=');
    const place = row['database'] === null ? '' : ` IN DATABASE ${identifier(text(row, 'database'))}`;
    return held(row, {
      text: `setting ${text(row, 'setting')}${place === '' ? '' : ` in database ${text(row, 'database')}`}`,
      give: (role) => `ALTER ROLE ${identifier(role)}${place} SET ${name} TO ${literal(value.join('='))}`,
      take: (role) => `ALTER ROLE ${identifier(role)}${place} RESET ${name}`,
    });
  });
};

const ACLS = [
  ['pg_database', 'datacl'],
  ['pg_tablespace', 'spcacl'],
  ['pg_namespace', 'nspacl'],
  ['pg_class', 'relacl'],
  ['pg_proc', 'proacl'],
  ['pg_type', 'typacl'],
  ['pg_language', 'lanacl'],
  ['pg_foreign_data_wrapper', 'fdwacl'],
  ['pg_foreign_server', 'srvacl'],
] as const;

/** What GRANT calls the kinds that pg_identify_object names. Columns are not here: their GRANT is written another way. */
const KINDS: Readonly<Record<string, string>> = {
  database: 'DATABASE',
  tablespace: 'TABLESPACE',
  schema: 'SCHEMA',
  table: 'TABLE',
  view: 'TABLE',
  'materialized view': 'TABLE',
  'foreign table': 'TABLE',
  sequence: 'SEQUENCE',
  function: 'FUNCTION',
  procedure: 'PROCEDURE',
  aggregate: 'FUNCTION',
  type: 'TYPE',
  language: 'LANGUAGE',
  'foreign-data wrapper': 'FOREIGN DATA WRAPPER',
  server: 'FOREIGN SERVER',
  'large object': 'LARGE OBJECT',
  'parameter ACL': 'PARAMETER',
};

/** Direct grants in the pinned database and on what the whole cluster shares. The grantor makes no difference to what is allowed. */
const grants: Reader = async (sql, roles, server) => {
  const catalogs = ACLS.map(
    ([catalog, acl]) =>
      `SELECT '${catalog}'::regclass AS classid, oid AS objid, 0 AS objsubid, ${acl} AS acl FROM ${catalog} WHERE ${acl} IS NOT NULL`,
  );
  catalogs.push(
    `SELECT 'pg_class'::regclass, attrelid, attnum, attacl FROM pg_attribute WHERE attacl IS NOT NULL AND NOT attisdropped`,
  );
  // A large object's class is pg_largeobject, though its grants are in pg_largeobject_metadata.
  catalogs.push(`SELECT 'pg_largeobject'::regclass, oid, 0, lomacl FROM pg_largeobject_metadata WHERE lomacl IS NOT NULL`);
  if (server >= 150_000) catalogs.push(`SELECT 'pg_parameter_acl'::regclass, oid, 0, paracl FROM pg_parameter_acl`);
  const rows = await sql(
    `SELECT r.rolname AS role, o.type, o.identity, g.privilege_type AS privilege, bool_or(g.is_grantable) AS grantable
       FROM (${catalogs.join(' UNION ALL ')}) a, aclexplode(a.acl) g JOIN pg_roles r ON r.oid = g.grantee,
            pg_identify_object(a.classid, a.objid, a.objsubid) o
      WHERE r.rolname = ANY($1::name[]) GROUP BY 1, 2, 3, 4`,
    [roles],
  );
  return rows.map((row) => {
    const option = row['grantable'] === true ? ' WITH GRANT OPTION' : '';
    const what = `${text(row, 'privilege')} on ${text(row, 'type')} ${text(row, 'identity')}`;
    const kind = KINDS[text(row, 'type')];
    if (kind === undefined) return held(row, { text: `${what}${option}` });
    const on = `${text(row, 'privilege')} ON ${kind} ${text(row, 'identity')}`;
    return held(row, {
      text: `${what}${option}`,
      give: (role) => `GRANT ${on} TO ${identifier(role)}${option}`,
      take: (role) => `REVOKE ${on} FROM ${identifier(role)}`,
    });
  });
};

/** Default privileges that name an account as the maker of objects, or as the one who gets privileges on them. */
const defaultPrivileges: Reader = async (sql, roles) => {
  const rows = await sql(
    `SELECT r.rolname AS role, maker.rolname AS maker, n.nspname AS schema, d.defaclobjtype::text AS kind, g.grantee = r.oid AS receives,
            coalesce(grantee.rolname, 'PUBLIC') AS grantee, g.privilege_type AS privilege, g.is_grantable AS grantable
       FROM pg_default_acl d JOIN pg_roles maker ON maker.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace,
            aclexplode(d.defaclacl) g LEFT JOIN pg_roles grantee ON grantee.oid = g.grantee, pg_roles r
      WHERE r.rolname = ANY($1::name[]) AND (g.grantee = r.oid OR d.defaclrole = r.oid)`,
    [roles],
  );
  const kinds: Readonly<Record<string, string>> = {
    r: 'tables',
    S: 'sequences',
    f: 'functions',
    T: 'types',
    n: 'schemas',
    L: 'large objects',
  };
  return rows.map((row) => {
    const role = text(row, 'role');
    const who = (name: string): string => (name === role ? 'itself' : name);
    const place = row['schema'] === null ? '' : ` in schema ${text(row, 'schema')}`;
    const kind = kinds[text(row, 'kind')] ?? `objects of kind ${text(row, 'kind')}`;
    const option = row['grantable'] === true ? ' WITH GRANT OPTION' : '';
    const maker = who(text(row, 'maker'));
    return held(row, {
      text: `default privilege ${text(row, 'privilege')} on ${kind} made by ${maker}${place} for ${who(text(row, 'grantee'))}${option}`,
    });
  });
};

/** What names a role without being a grant: row security policies and user mappings. */
const rest: Reader = async (sql, roles) => {
  const policies = await sql(
    `SELECT r.rolname AS role, o.identity FROM pg_policy p JOIN pg_roles r ON r.oid = ANY(p.polroles), pg_identify_object('pg_policy'::regclass, p.oid, 0) o
      WHERE r.rolname = ANY($1::name[])`,
    [roles],
  );
  const mappings = await sql(`SELECT usename AS role, srvname AS server FROM pg_user_mappings WHERE usename = ANY($1::name[])`, [
    roles,
  ]);
  return [
    ...policies.map((row) => held(row, { text: `row security policy ${text(row, 'identity')}` })),
    ...mappings.map((row) => held(row, { text: `a user mapping for server ${text(row, 'server')}` })),
  ];
};
