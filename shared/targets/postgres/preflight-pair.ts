/** What only a pair of accounts needs: one owner role that both act as, nothing that either owns, and an idle account that is idle. */
import type { PostgresTargetConfig } from '../../config/index.ts';
import type { Finding, Slot } from '../port.ts';
import type { Row, Sql } from './admin.ts';
import { error, warning } from './findings.ts';
import { identifier, literal } from './statements.ts';

/** Both accounts must act as one role from login on: whatever either creates then belongs to it, and the other may alter it. */
export async function ownerFindings(
  sql: Sql,
  accounts: readonly string[],
  config: PostgresTargetConfig,
  roles: ReadonlyMap<string, Row>,
): Promise<Finding[]> {
  const name = config.ownerRole ?? '';
  const owner = roles.get(name);
  if (owner === undefined)
    return [error('owner-role-missing', `owner role ${name} does not exist`, `CREATE ROLE ${identifier(name)} NOLOGIN`)];
  const findings: Finding[] = [];
  if (owner['rolsuper'] === true) {
    findings.push(error('account-privileged', `owner role ${name} has SUPERUSER`, `ALTER ROLE ${identifier(name)} NOSUPERUSER`));
  }
  if (owner['rolcanlogin'] === true) {
    findings.push(warning('owner-role-login', `owner role ${name} may log in itself`, `ALTER ROLE ${identifier(name)} NOLOGIN`));
  }
  const rows = await sql(
    `SELECT a.rolname AS account, current_setting('server_version_num')::int >= 160000 AS has_set_option,
            pg_has_role(a.oid, $2::name, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS member,
            (SELECT substr(c.setting, 6) FROM pg_db_role_setting s, unnest(s.setconfig) AS c(setting)
              WHERE s.setrole = a.oid AND s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) AND c.setting LIKE 'role=%'
              ORDER BY s.setdatabase DESC LIMIT 1) AS acts_as
       FROM pg_roles a WHERE a.rolname = ANY($1::name[])`,
    [accounts, name],
  );
  for (const row of rows) {
    const account = String(row['account']);
    if (row['member'] !== true) {
      // PostgreSQL 16: a membership WITH SET FALSE stays so when it is granted again without saying otherwise.
      const option = row['has_set_option'] === true ? ' WITH SET TRUE' : '';
      const hint = `GRANT ${identifier(name)} TO ${identifier(account)}${option}`;
      findings.push(error('not-a-member', `role ${account} may not act as ${name}`, hint));
    }
    if (row['acts_as'] === name) continue;
    const now = row['acts_as'] === null ? 'as itself' : `as ${String(row['acts_as'])}`;
    const message = `sessions of ${account} act ${now} and not as ${name}, so what they create would belong to one account`;
    findings.push(error('set-role-missing', message, `ALTER ROLE ${identifier(account)} SET role TO ${literal(name)}`));
  }
  return findings;
}

/** User mappings and default privileges hang on a role as if it owned them; they are compared as grants. */
export async function ownedObjects(sql: Sql, accounts: readonly string[], owner: string): Promise<Finding[]> {
  const rows = await sql(
    `SELECT r.rolname AS account, d.datname AS database, count(*)::int AS objects,
            (array_agg(CASE WHEN s.dbid IN (0, here.oid) THEN (SELECT type || ' ' || identity FROM pg_identify_object(s.classid, s.objid, s.objsubid)) END))[1:3] AS examples
       FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid LEFT JOIN pg_database d ON d.oid = s.dbid,
            (SELECT oid FROM pg_database WHERE datname = current_database()) here
      WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND r.rolname = ANY($1::name[])
        AND s.classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)
      GROUP BY 1, 2 ORDER BY 1, 2`,
    [accounts],
  );
  return rows.map((row) => {
    const account = String(row['account']);
    const place = row['database'] === null ? 'in the cluster' : `in database ${String(row['database'])}`;
    const examples = (row['examples'] as readonly (string | null)[]).filter((example) => example !== null);
    const such = examples.length === 0 ? '' : `, such as ${examples.join(', ')}`;
    const message = `role ${account} owns ${String(row['objects'])} objects ${place}${such}: the other account could not alter them`;
    return error('owns-objects', message, `in that database: REASSIGN OWNED BY ${identifier(account)} TO ${identifier(owner)}`);
  });
}

export async function idleInUse(sql: Sql, to: Slot): Promise<Finding[]> {
  const [row = {}] = await sql(
    `SELECT count(*)::int AS sessions, string_agg(DISTINCT nullif(application_name, ''), ', ') AS names FROM pg_stat_activity WHERE usename = $1`,
    [to],
  );
  if (Number(row['sessions']) === 0) return [];
  const who = row['names'] === null ? '' : ` (${String(row['names']).replace(/[^\x20-\x7e]/g, '?')})`;
  const message = `${String(row['sessions'])} sessions are open as ${to}${who}, the account whose password would be replaced`;
  return [
    error(
      'idle-account-in-use',
      message,
      'let those consumers read the secret, which names the other account, and reconnect; then rotate again',
    ),
  ];
}
