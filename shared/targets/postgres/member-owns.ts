/**
 * What the member of a pair owns, and whether the base account may use it. AWS's multi-user template leaves the clone to act as itself, so whatever
 * the application creates while the clone is in use belongs to the clone, and no membership leads from the base to the clone.
 */
import type { Finding, Slot } from '../port.ts';
import type { Row, Sql } from './admin.ts';
import { error, warning } from './findings.ts';
import type { MemberPair } from './member-pair.ts';
import { identifier } from './statements.ts';

/** One row for each place; `closed` counts what the base may not use, and everything in a database that cannot be looked into from here. */
const OWNED = `
  SELECT d.datname AS database, s.dbid NOT IN (0, here.oid) AS elsewhere, count(*)::int AS objects, (count(*) FILTER (WHERE NOT o.usable))::int AS closed,
         (array_agg(o.name ORDER BY o.usable, o.name))[1:3] AS examples
    FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid LEFT JOIN pg_database d ON d.oid = s.dbid,
         (SELECT oid FROM pg_database WHERE datname = current_database()) here,
         LATERAL (SELECT CASE WHEN s.dbid IN (0, here.oid) THEN (SELECT type || ' ' || identity FROM pg_identify_object(s.classid, s.objid, s.objsubid)) END AS name,
           CASE WHEN s.dbid NOT IN (0, here.oid) THEN false ELSE CASE s.classid
             WHEN 'pg_class'::regclass THEN (
               SELECT has_schema_privilege($2::name, c.relnamespace, 'USAGE') AND NOT c.relrowsecurity AND CASE
                 WHEN c.relkind IN ('v', 'm') THEN has_table_privilege($2::name, c.oid, 'SELECT')
                 WHEN c.relkind = 'S' THEN has_sequence_privilege($2::name, c.oid, 'USAGE')
                   OR EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_class'::regclass AND i.objid = c.oid AND i.deptype = 'i')
                 ELSE has_table_privilege($2::name, c.oid, 'SELECT') AND has_table_privilege($2::name, c.oid, 'INSERT')
                   AND has_table_privilege($2::name, c.oid, 'UPDATE') AND has_table_privilege($2::name, c.oid, 'DELETE') END
                 FROM pg_class c WHERE c.oid = s.objid)
             WHEN 'pg_namespace'::regclass THEN has_schema_privilege($2::name, s.objid, 'USAGE')
             WHEN 'pg_proc'::regclass THEN has_function_privilege($2::name, s.objid, 'EXECUTE')
             WHEN 'pg_type'::regclass THEN has_type_privilege($2::name, s.objid, 'USAGE')
             WHEN 'pg_database'::regclass THEN has_database_privilege($2::name, s.objid, 'CONNECT')
             WHEN 'pg_foreign_server'::regclass THEN has_server_privilege($2::name, s.objid, 'USAGE')
             ELSE s.classid <> 'pg_largeobject'::regclass END END AS usable) o
   WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND r.rolname = $1::name
     AND s.classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)
   GROUP BY 1, 2 ORDER BY 1, 2`;

/** An error when `to`, the next account of the application, may not use what is there; a warning while it still can. */
export async function memberOwns(sql: Sql, pair: MemberPair, to: Slot): Promise<Finding[]> {
  const rows = await sql(OWNED, [pair.member, pair.base]);
  return rows.map((row) => findingOf(row, pair, to));
}

function findingOf(row: Row, { base, member }: MemberPair, to: Slot): Finding {
  const place = row['database'] === null ? 'in the cluster' : `in database ${String(row['database'])}`;
  const examples = (row['examples'] as readonly (string | null)[]).filter((example) => example !== null);
  const such = examples.length === 0 ? '' : `, such as ${examples.join(', ')}`;
  const owns = `role ${member} owns ${String(row['objects'])} objects ${place}${such}`;
  // A session of the member that acts as the base is no longer the owner, hence SET ROLE NONE.
  const hint = `in that database, as a superuser or as ${member} after SET ROLE NONE: REASSIGN OWNED BY ${identifier(member)} TO ${identifier(base)}`;
  if (row['closed'] === 0) return warning('owns-objects', `${owns}: ${base} may use them and not alter them`, hint);
  const unusable =
    row['elsewhere'] === true
      ? `whether ${base} may use them cannot be seen from here`
      : `${base} may not use ${String(row['closed'])} of them`;
  if (to === base) return error('owns-objects', `${owns}: ${unusable}, and the application would be ${base} next`, hint);
  return warning('owns-objects', `${owns}: ${unusable}, so the rotation after this one would stop`, hint);
}
