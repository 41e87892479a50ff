/**
 * Compares what two accounts may do, in both directions. AWS's template copies grants once, at creation, and a grant that is revoked or
 * added later makes every second rotation promote an account that lacks it. Nothing is copied here: a difference stops the rotation.
 */
import type { Finding, Slot } from '../port.ts';
import type { Sql } from './admin.ts';
import { readFacts, type Fact } from './grants.ts';
import type { MemberPair } from './member-pair.ts';
import { readStanding, standingFindings } from './standing.ts';

type Facts = ReadonlyMap<string, Fact>;
const NONE: Facts = new Map();

/** `pair`: where one account is a member of the other, what it gets by that counts as had. */
export async function compareAccounts(sql: Sql, from: Slot, to: Slot, pair?: MemberPair): Promise<Finding[]> {
  if (from === to) return [];
  const [{ version } = {}] = await sql(`SELECT current_setting('server_version_num')::int AS version`);
  const server = Number(version);
  if (pair !== undefined) return compareMember(sql, pair, server);
  const facts = await readFacts(sql, [from, to], { server });
  const hint = 'make the two accounts equal, or better: grant to the owner role and to neither account';
  const left = { role: from, facts: facts.get(from) ?? NONE };
  const right = { role: to, facts: facts.get(to) ?? NONE };
  return [...missing(right, left, hint), ...missing(left, right, hint)];
}

async function compareMember(sql: Sql, { base, member }: MemberPair, server: number): Promise<Finding[]> {
  const pair = { base, member };
  const standing = await readStanding(sql, pair);
  const findings = standingFindings(standing, pair);
  // Without the membership everything differs, and saying so once is enough.
  if (findings.some((finding) => finding.level === 'error')) return findings;
  const facts = await readFacts(sql, [base, member], { server, pair, actsAsBase: standing.memberActsAs === base });
  const ofBase = facts.get(base) ?? NONE;
  const ofMember = { role: member, facts: facts.get(member) ?? NONE };
  const own = { role: base, facts: new Map([...ofBase].filter(([, fact]) => fact.own === true)) };
  const withWeaker = new Map([...ofBase].flatMap(([text, fact]) => [text, ...(fact.also ?? [])].map((each) => [each, fact])));
  const hint = `grant to ${base} and to nobody else: ${member} has it by its membership`;
  return [...findings, ...missing(ofMember, own, hint), ...missing({ role: base, facts: withWeaker }, ofMember, hint)];
}

interface Account {
  readonly role: Slot;
  readonly facts: Facts;
}

/** What `other` has and `account` lacks. */
function missing(account: Account, other: Account, otherwise: string): Finding[] {
  const { role } = account;
  const findings: Finding[] = [];
  for (const [text, fact] of other.facts) {
    if (account.facts.has(text)) continue;
    const ways = [fact.give?.(role), fact.take?.(other.role)].filter((way) => way !== undefined);
    const hint = ways.length === 0 ? otherwise : ways.join('  or  ');
    findings.push({ code: 'grants-differ', level: 'error', message: `${role} lacks ${text}, which ${other.role} has`, hint });
  }
  return findings.sort((left, right) => (left.message < right.message ? -1 : 1));
}
