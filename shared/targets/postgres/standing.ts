/** How the accounts of a member pair stand to each other: that the one inherits from the other, and as whom each one's sessions act. */
import type { Finding, Slot } from '../port.ts';
import type { Row, Sql } from './admin.ts';
import { error, warning } from './findings.ts';
import type { MemberPair } from './member-pair.ts';
import { identifier, literal } from './statements.ts';

interface Standing {
  readonly member: boolean;
  /** It has what the base has without SET ROLE. */
  readonly inherits: boolean;
  readonly maySet: boolean;
  /** PostgreSQL 16 put INHERIT and SET on each membership; before it, INHERIT was the member's attribute. */
  readonly onMembership: boolean;
  /** The role that `ALTER ROLE … SET role` names; undefined where a session acts as who logged in. */
  readonly baseActsAs: Slot | undefined;
  readonly memberActsAs: Slot | undefined;
  /** ` IN DATABASE x` where the setting is for this database only. */
  readonly baseSetIn: string;
  readonly memberSetIn: string;
}

export async function readStanding(sql: Sql, { base, member }: MemberPair): Promise<Standing> {
  const [row = {}] = await sql(
    `SELECT current_setting('server_version_num')::int >= 160000 AS on_membership, pg_has_role($2::name, $1::name, 'MEMBER') AS member,
            pg_has_role($2::name, $1::name, 'USAGE') AS inherits,
            pg_has_role($2::name, $1::name, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END) AS may_set`,
    [base, member],
  );
  const settings = await sql(
    `SELECT DISTINCT ON (r.rolname) r.rolname AS account, substr(c.setting, 6) AS acts_as, d.datname AS database
       FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) AS c(setting)
      WHERE r.rolname = ANY($1::name[]) AND (s.setdatabase = 0 OR d.datname = current_database()) AND c.setting LIKE 'role=%'
      ORDER BY r.rolname, s.setdatabase DESC`,
    [[base, member]],
  );
  const settingOf = (account: Slot): Row | undefined => settings.find((each) => each['account'] === account);
  // ALTER ROLE … SET role TO none is a session that acts as itself.
  const actsAs = (account: Slot): Slot | undefined => {
    const name = settingOf(account)?.['acts_as'];
    return name === undefined || name === 'none' ? undefined : String(name);
  };
  const setIn = (account: Slot): string => {
    const database = settingOf(account)?.['database'];
    return typeof database === 'string' ? ` IN DATABASE ${identifier(database)}` : '';
  };
  return {
    member: row['member'] === true,
    inherits: row['inherits'] === true,
    maySet: row['may_set'] === true,
    onMembership: row['on_membership'] === true,
    baseActsAs: actsAs(base),
    memberActsAs: actsAs(member),
    baseSetIn: setIn(base),
    memberSetIn: setIn(member),
  };
}

/** Errors where a rotation would hand the application an account that may do less; a warning where that comes with what it creates. */
export function standingFindings(standing: Standing, { base, member }: MemberPair): Finding[] {
  const { baseActsAs, memberActsAs, maySet, inherits, onMembership } = standing;
  const findings: Finding[] = [];
  if (baseActsAs !== undefined && baseActsAs !== base) {
    const message = `sessions of ${base} act as ${baseActsAs}, and those of ${member} cannot act as ${base} at the same time`;
    const hint = `ALTER ROLE ${identifier(base)}${standing.baseSetIn} RESET role`;
    findings.push(error('set-role-differs', message, hint));
  }
  const grant = `GRANT ${identifier(base)} TO ${identifier(member)}`;
  const act = `ALTER ROLE ${identifier(member)}${standing.memberSetIn} SET role TO ${literal(base)}`;
  if (memberActsAs !== undefined && memberActsAs !== base) {
    const message = `sessions of ${member} act as ${memberActsAs} and not as ${base}`;
    return [...findings, error('set-role-differs', message, act)];
  }
  if (memberActsAs === base) {
    if (maySet) return findings;
    const hint = onMembership ? `${grant} WITH SET TRUE` : grant;
    return [...findings, error('not-a-member', `role ${member} may not act as ${base}`, hint)];
  }
  if (!standing.member) {
    const hint = onMembership ? `${grant} WITH INHERIT TRUE, SET TRUE` : grant;
    return [...findings, error('not-a-member', `role ${member} is not a member of ${base}`, hint)];
  }
  if (!inherits) {
    const hint = onMembership ? `${grant} WITH INHERIT TRUE, SET TRUE` : `ALTER ROLE ${identifier(member)} INHERIT`;
    return [...findings, error('not-inherited', `role ${member} is a member of ${base} and inherits nothing from it`, hint)];
  }
  const message = `sessions of ${member} act as itself: what they create belongs to ${member}, and ${base} may not use it after the next rotation`;
  return [...findings, warning('set-role-missing', message, maySet ? act : `${grant} WITH SET TRUE; ${act}`)];
}
