/** Everything that would make a rotation unsafe or impossible, read before it starts. Reads only. */
import type { PostgresTargetConfig } from '../../config/index.ts';
import { isKeywheelError } from '../../errors.ts';
import type { Finding, Slot, Stamp } from '../port.ts';
import type { Row, Sql } from './admin.ts';
import { error, warning } from './findings.ts';
import { ownedByOther, ownerOf, parseComment, takeOver, type Comment } from './mark.ts';
import { memberOwns } from './member-owns.ts';
import { memberPairOf } from './member-pair.ts';
import { ownedObjects, ownerFindings, idleInUse } from './preflight-pair.ts';
import { identifier, literal } from './statements.ts';

const DAY = 86_400_000;
const EXPIRY_WARNING = 30 * DAY;

export interface PreflightInput {
  readonly config: PostgresTargetConfig;
  readonly from: Slot;
  readonly to: Slot;
  readonly stamp: Stamp;
}

export async function preflightFindings(sql: Sql, input: PreflightInput): Promise<Finding[]> {
  const { config, from, to } = input;
  const accounts = [...new Set([from, to])];
  const pair = accounts.length > 1;
  const roles = await readRoles(sql, config.ownerRole === undefined ? accounts : [...accounts, config.ownerRole]);
  const findings = [
    ...(await serverFindings(sql)),
    ...accounts.flatMap((account) => accountFindings(account, roles.get(account), input)),
  ];
  // What follows asks the server about roles by name, which fails for one that does not exist.
  if (!accounts.every((account) => roles.has(account))) return findings;
  findings.push(...(await adminFindings(sql, accounts, config.admin.username, pair)));
  if (!pair) return findings;
  const members = memberPairOf(config);
  if (members === undefined) {
    findings.push(...(await ownerFindings(sql, accounts, config, roles)));
    findings.push(...(await ownedObjects(sql, accounts, config.ownerRole ?? '')));
  } else {
    // That the one is a member of the other is the first thing that is compared.
    findings.push(...(await memberOwns(sql, members, to)));
  }
  findings.push(...(await idleInUse(sql, to)));
  return findings;
}

async function readRoles(sql: Sql, names: readonly string[]): Promise<Map<string, Row>> {
  const rows = await sql(
    `SELECT rolname, rolsuper, rolreplication, rolcanlogin, shobj_description(oid, 'pg_authid') AS comment,
            floor(extract(epoch FROM rolvaliduntil - clock_timestamp()) * 1000)::float8 AS valid_for
       FROM (SELECT oid, rolname, rolsuper, rolreplication, rolcanlogin, CASE WHEN isfinite(rolvaliduntil) THEN rolvaliduntil END AS rolvaliduntil
               FROM pg_roles WHERE rolname = ANY($1::name[])) r`,
    [names],
  );
  return new Map(rows.map((row) => [String(row['rolname']), row]));
}

async function serverFindings(sql: Sql): Promise<Finding[]> {
  const [row = {}] = await sql(`SELECT pg_is_in_recovery() AS standby, current_setting('password_encryption') AS encryption`);
  const findings: Finding[] = [];
  if (row['standby'] === true)
    findings.push(
      error('not-primary', 'the server is a standby, passwords cannot be changed there', 'point host at the primary'),
    );
  if (row['encryption'] === 'md5') {
    findings.push(
      warning(
        'password-encryption-md5',
        'password_encryption is md5, so clients may be old ones that cannot do SCRAM-SHA-256, which is what is set',
        "check that every client speaks SCRAM, then: ALTER SYSTEM SET password_encryption = 'scram-sha-256'",
      ),
    );
  }
  return findings;
}

function accountFindings(account: string, row: Row | undefined, { config, to, stamp }: PreflightInput): Finding[] {
  const role = identifier(account);
  if (row === undefined) {
    const owner = config.ownerRole === account ? undefined : config.ownerRole;
    const joined = owner === undefined ? '' : ` IN ROLE ${identifier(owner)}; ALTER ROLE ${role} SET role TO ${literal(owner)}`;
    return [error('account-missing', `role ${account} does not exist`, `CREATE ROLE ${role} LOGIN${joined}`)];
  }
  const findings: Finding[] = [];
  const powers = [row['rolsuper'] === true ? 'SUPERUSER' : '', row['rolreplication'] === true ? 'REPLICATION' : ''].filter(
    Boolean,
  );
  if (powers.length > 0) {
    const hint = `give consumers an account with less: ALTER ROLE ${role} ${powers.map((power) => `NO${power}`).join(' ')}`;
    findings.push(error('account-privileged', `role ${account} has ${powers.join(' and ')}`, hint));
  }
  if (row['rolcanlogin'] !== true)
    findings.push(error('account-nologin', `role ${account} may not log in`, `ALTER ROLE ${role} LOGIN`));
  findings.push(...expiryFindings(account, row['valid_for'], account === to));
  return [...findings, ...markFindings(account, row, stamp)];
}

function markFindings(account: string, row: Row, stamp: Stamp): Finding[] {
  let comment: Comment;
  try {
    comment = parseComment(account, row['comment'] === null ? null : String(row['comment']));
  } catch (failure) {
    if (!isKeywheelError(failure)) throw failure;
    return [error('mark-unreadable', failure.message, failure.hint)];
  }
  const { human, mark } = comment;
  if (mark !== undefined && ownedByOther(mark, stamp)) {
    return [error('target-owned', `role ${account} is rotated by ${ownerOf(mark)}`, takeOver(account, human, literal))];
  }
  if (mark !== undefined && mark.fence > stamp.fence) {
    const message = `role ${account} has seen fence ${mark.fence} and ours is ${stamp.fence}: the state was restored from an older copy`;
    return [
      error('fence-behind', message, 'compare the store with the server before going on; docs/guides/postgres.md says how'),
    ];
  }
  return [];
}

/** An expired role answers a right password with 28P01, as if it were wrong. */
function expiryFindings(account: string, validFor: unknown, next: boolean): Finding[] {
  if (typeof validFor !== 'number' || validFor > EXPIRY_WARNING) return [];
  const hint = `ALTER ROLE ${identifier(account)} VALID UNTIL 'infinity'`;
  if (validFor > 0)
    return [warning('account-expires', `role ${account} expires in ${Math.ceil(validFor / DAY)} days (VALID UNTIL)`, hint)];
  const message = `role ${account} has expired (VALID UNTIL), no password works for it`;
  return [next ? error('account-expired', message, hint) : warning('account-expired', message, hint)];
}

async function adminFindings(sql: Sql, accounts: readonly string[], admin: string, pair: boolean): Promise<Finding[]> {
  const rows = await sql(
    `SELECT a.rolname AS account, me.rolsuper AS super, me.rolcreaterole AS createrole,
            current_setting('server_version_num')::int >= 160000 AS needs_admin_option,
            pg_has_role(me.oid, a.oid, 'MEMBER WITH ADMIN OPTION') AS admin_option,
            pg_has_role(me.oid, 'pg_read_all_stats', 'USAGE') OR pg_has_role(me.oid, a.oid, 'USAGE') AS sees,
            pg_has_role(me.oid, 'pg_signal_backend', 'USAGE') OR pg_has_role(me.oid, a.oid, 'USAGE') AS ends
       FROM pg_roles me, pg_roles a WHERE me.rolname = current_user AND a.rolname = ANY($1::name[])`,
    [accounts],
  );
  const me = identifier(admin);
  const findings: Finding[] = [];
  const all = (test: (row: Row) => boolean): boolean => rows.every((row) => row['super'] === true || test(row));
  if (!all((row) => row['createrole'] === true)) {
    findings.push(
      error('admin-cannot-alter', `role ${admin} lacks CREATEROLE, so it cannot set passwords`, `ALTER ROLE ${me} CREATEROLE`),
    );
  }
  for (const row of rows) {
    if (row['super'] === true || row['needs_admin_option'] !== true || row['admin_option'] === true) continue;
    const account = identifier(String(row['account']));
    // PostgreSQL 16: CREATEROLE alone reaches only the roles one has ADMIN OPTION on.
    const hint = `GRANT ${account} TO ${me} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`;
    findings.push(
      error(
        'admin-cannot-alter',
        `role ${admin} lacks ADMIN OPTION on ${String(row['account'])}, so it cannot set its password`,
        hint,
      ),
    );
  }
  if (!pair) return findings;
  if (!all((row) => row['sees'] === true)) {
    const message = `role ${admin} may not see the accounts’ sessions, so the old password could never be retired on evidence`;
    findings.push(error('admin-cannot-see', message, `GRANT pg_read_all_stats TO ${me}`));
  }
  if (!all((row) => row['ends'] === true)) {
    const message = `role ${admin} may not end sessions, so one that is left over at the end would stop the rotation`;
    findings.push(warning('admin-cannot-signal', message, `GRANT pg_signal_backend TO ${me}`));
  }
  return findings;
}
