/** Everything that an account may do or is set to, fact by fact, for comparison with another account. */
import type { Slot } from '../port.ts';
import type { Row, Sql } from './admin.ts';
import type { MemberPair } from './member-pair.ts';
import { identifier, literal } from './statements.ts';

/** One thing that an account may do or is set to. `text` reads after "has" and "lacks". */
export interface Fact {
  readonly text: string;
  /** The statements that give it to an account and take it away, where there is one for each. */
  readonly give?: (role: string) => string;
  readonly take?: (role: string) => string;
  /** True of what a member of the account does not get by being one: attributes, settings, user mappings. */
  readonly own?: true;
  /** Weaker facts that whoever has this one has too. */
  readonly also?: readonly string[];
}

interface View {
  /** For example 180004. */
  readonly server: number;
  /** Where one account is a member of the other: what makes it one, and what the member owns, are no differences. */
  readonly pair?: MemberPair;
  /** The member's sessions act as the base account. */
  readonly actsAsBase?: boolean;
}

interface Held {
  readonly role: Slot;
  readonly fact: Fact;
}
type Reader = (sql: Sql, roles: readonly Slot[], view: View) => Promise<Held[]>;

/** What each account has, by the fact's text. */
export async function readFacts(sql: Sql, roles: readonly Slot[], view: View): Promise<Map<Slot, Map<string, Fact>>> {
  const facts = new Map(roles.map((role) => [role, new Map<string, Fact>()]));
  for (const read of [attributes, memberships, settings, grants, defaultPrivileges, rest]) {
    for (const { role, fact } of await read(sql, roles, view)) facts.get(role)?.set(fact.text, fact);
  }
  return facts;
}

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

const attributes: Reader = async (sql, roles, { pair }) => {
  const rows = await sql(
    `SELECT rolname AS role, rolsuper, rolcanlogin, rolinherit, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
            rolconnlimit::text AS connlimit, coalesce(rolvaliduntil, 'infinity')::text AS validuntil
       FROM pg_roles WHERE rolname = ANY($1::name[])`,
    [roles],
  );
  const set = (attribute: string, value: string): Fact => ({
    text: `attribute ${attribute} ${value}`,
    own: true,
    give: (role) => `ALTER ROLE ${identifier(role)} ${attribute} ${value}`,
  });
  // Of a member pair, what the member inherits is asked by itself; nothing else hangs on the attribute.
  const flags = pair === undefined ? FLAGS : FLAGS.filter(([column]) => column !== 'rolinherit');
  return rows.flatMap((row) => [
    ...flags
      .filter(([column]) => row[column] === true)
      .map(([, on, off]) =>
        held(row, {
          text: `attribute ${on}`,
          own: true,
          give: (role) => `ALTER ROLE ${identifier(role)} ${on}`,
          take: (role) => `ALTER ROLE ${identifier(role)} ${off}`,
        }),
      ),
    held(row, set('CONNECTION LIMIT', text(row, 'connlimit'))),
    held(row, set('VALID UNTIL', literal(text(row, 'validuntil')))),
  ]);
};

const memberships: Reader = async (sql, roles, { server, pair }) => {
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
  const others = rows.filter((row) => !(row['role'] === pair?.member && row['granted'] === pair?.base));
  return others.map((row) => {
    const options = ['admin', 'inherit', 'set'].filter((option) => row[option] !== null);
    const say = (option: string, value: boolean): string => `${option.toUpperCase()} ${value ? 'TRUE' : 'FALSE'}`;
    const on = options.map((option) => say(option, row[option] === true));
    const weaker = options.reduce<string[][]>(
      (all, option) =>
        all.flatMap((each) => (row[option] === true ? [true, false] : [false]).map((value) => [...each, say(option, value)])),
      [[]],
    );
    const clause = server >= 160_000 ? ` WITH ${on.join(', ')}` : row['admin'] === true ? ' WITH ADMIN OPTION' : '';
    const granted = identifier(text(row, 'granted'));
    const membership = (clauses: readonly string[]): string => `membership in ${text(row, 'granted')} (${clauses.join(', ')})`;
    return held(row, {
      text: membership(on),
      also: weaker.map(membership),
      give: (role) => `GRANT ${granted} TO ${identifier(role)}${clause}`,
      take: (role) => `REVOKE ${granted} FROM ${identifier(role)}`,
    });
  });
};

/** These hold a list of quoted names, and written as one string they would mean one name. https://www.postgresql.org/docs/current/sql-set.html */
const LISTS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

function settingValue(name: string, value: string): string {
  if (!LISTS.has(name)) return literal(value);
  const names = [...value.matchAll(/"((?:[^"]|"")*)"|([^",\s]+)/g)].map(
    ([, quoted, plain]) => plain ?? (quoted ?? '').replaceAll('""', '"'),
  );
  return names.length === 0 ? literal('') : names.map(literal).join(', ');
}

const settings: Reader = async (sql, roles, { pair }) => {
  const rows = await sql(
    `SELECT r.rolname AS role, d.datname AS database, c.setting
       FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c(setting)
      WHERE r.rolname = ANY($1::name[])`,
    [roles],
  );
  // Whom the accounts of a member pair act as is asked by itself.
  const others = rows.filter((row) => pair === undefined || !text(row, 'setting').startsWith('role='));
  return others.map((row) => {
    const [name = '', ...value] = text(row, 'setting').split('=');
    const place = row['database'] === null ? '' : ` IN DATABASE ${identifier(text(row, 'database'))}`;
    return held(row, {
      text: `setting ${text(row, 'setting')}${place === '' ? '' : ` in database ${text(row, 'database')}`}`,
      own: true,
      give: (role) => `ALTER ROLE ${identifier(role)}${place} SET ${name} TO ${settingValue(name, value.join('='))}`,
      take: (role) => `ALTER ROLE ${identifier(role)}${place} RESET ${name}`,
    });
  });
};

const ACLS = [
  ['pg_database', 'datacl', 'datdba'],
  ['pg_tablespace', 'spcacl', 'spcowner'],
  ['pg_namespace', 'nspacl', 'nspowner'],
  ['pg_class', 'relacl', 'relowner'],
  ['pg_proc', 'proacl', 'proowner'],
  ['pg_type', 'typacl', 'typowner'],
  ['pg_language', 'lanacl', 'lanowner'],
  ['pg_foreign_data_wrapper', 'fdwacl', 'fdwowner'],
  ['pg_foreign_server', 'srvacl', 'srvowner'],
] as const;

/** What GRANT calls the kinds that pg_identify_object names. Columns are written another way. */
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
const grants: Reader = async (sql, roles, { server, pair }) => {
  const catalogs = ACLS.map(
    ([catalog, acl, owner]) =>
      `SELECT '${catalog}'::regclass AS classid, oid AS objid, 0 AS objsubid, ${owner} AS owner, ${acl} AS acl FROM ${catalog} WHERE ${acl} IS NOT NULL`,
  );
  catalogs.push(
    `SELECT 'pg_class'::regclass, attrelid, attnum, relowner, attacl FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE attacl IS NOT NULL AND NOT attisdropped`,
  );
  // A large object's class is pg_largeobject, though its grants are in pg_largeobject_metadata.
  catalogs.push(
    `SELECT 'pg_largeobject'::regclass, oid, 0, lomowner, lomacl FROM pg_largeobject_metadata WHERE lomacl IS NOT NULL`,
  );
  if (server >= 150_000) catalogs.push(`SELECT 'pg_parameter_acl'::regclass, oid, 0, 0, paracl FROM pg_parameter_acl`);
  const rows = await sql(
    `SELECT r.rolname AS role, o.type, o.identity, g.privilege_type AS privilege, bool_or(g.is_grantable) AS grantable, a.owner = r.oid AS owns,
            (SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = a.objid AND attnum = a.objsubid AND a.objsubid > 0) AS column,
            (SELECT identity FROM pg_identify_object(a.classid, a.objid, 0)) AS whole
       FROM (${catalogs.join(' UNION ALL ')}) a, aclexplode(a.acl) g JOIN pg_roles r ON r.oid = g.grantee,
            pg_identify_object(a.classid, a.objid, a.objsubid) o
      WHERE r.rolname = ANY($1::name[]) GROUP BY 1, 2, 3, 4, 6, 7, 8`,
    [roles],
  );
  // What an owner's entry on its own object says is no grant: what the member of a pair owns is looked at by itself.
  const given = rows.filter((row) => !(row['role'] === pair?.member && row['owns'] === true));
  return given.map((row) => {
    const privilege = text(row, 'privilege');
    const option = row['grantable'] === true ? ' WITH GRANT OPTION' : '';
    const what = `${privilege} on ${text(row, 'type')} ${text(row, 'identity')}`;
    const fact: Fact = { text: `${what}${option}`, also: [what, ...(row['owns'] === true ? [`${what} WITH GRANT OPTION`] : [])] };
    const kind = KINDS[text(row, 'type')];
    if (kind === undefined && row['column'] === null) return held(row, fact);
    const on =
      kind === undefined
        ? `${privilege} (${text(row, 'column')}) ON ${text(row, 'whole')}`
        : `${privilege} ON ${kind} ${text(row, 'identity')}`;
    return held(row, {
      ...fact,
      give: (role) => `GRANT ${on} TO ${identifier(role)}${option}`,
      take: (role) => `REVOKE ${on} FROM ${identifier(role)}`,
    });
  });
};

/** Default privileges that name an account as the maker of objects, or as the one who gets privileges on them. */
const defaultPrivileges: Reader = async (sql, roles, { pair, actsAsBase }) => {
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
  // On what the member of a pair makes: nothing while it acts as the base, and what it gives the base is for the base's good.
  const idle = (row: Row): boolean =>
    row['role'] === pair?.member &&
    row['maker'] === pair?.member &&
    (actsAsBase === true || row['grantee'] === pair?.base || row['grantee'] === pair?.member);
  return rows
    .filter((row) => !idle(row))
    .map((row) => {
      const role = text(row, 'role');
      const who = (name: string): string => (name === role ? 'itself' : name);
      const place = row['schema'] === null ? '' : ` in schema ${text(row, 'schema')}`;
      const kind = kinds[text(row, 'kind')] ?? `objects of kind ${text(row, 'kind')}`;
      const option = row['grantable'] === true ? ' WITH GRANT OPTION' : '';
      const maker = who(text(row, 'maker'));
      const what = `default privilege ${text(row, 'privilege')} on ${kind} made by ${maker}${place} for ${who(text(row, 'grantee'))}`;
      const fact: Fact = { text: `${what}${option}`, also: [what] };
      if (maker === 'itself') return held(row, fact);
      const inSchema = row['schema'] === null ? '' : ` IN SCHEMA ${identifier(text(row, 'schema'))}`;
      const change = `ALTER DEFAULT PRIVILEGES FOR ROLE ${identifier(text(row, 'maker'))}${inSchema}`;
      const which = `${text(row, 'privilege')} ON ${kind.toUpperCase()}`;
      return held(row, {
        ...fact,
        give: (to) => `${change} GRANT ${which} TO ${identifier(to)}${option}`,
        take: (from) => `${change} REVOKE ${which} FROM ${identifier(from)}`,
      });
    });
};

/** What names a role without being a grant: row security policies and user mappings. */
const rest: Reader = async (sql, roles, { actsAsBase }) => {
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
    // The server looks for the mapping of the role that a session acts as.
    ...mappings.map((row) =>
      held(row, {
        text: `a user mapping for server ${text(row, 'server')}`,
        ...(actsAsBase === true ? {} : { own: true as const }),
      }),
    ),
  ];
};
