/** What a SetIamPolicy changes: who is let in, how widely, and whose reading is no longer logged. Pure. */
import { FLAG } from '../../event.ts';
import { listOf, objectOf, own, textOf } from '../common.ts';
import { isAgent, memberOf, projectOf } from './principal.ts';

export interface PolicyChange {
  readonly flags: number;
  readonly grantee: string | undefined;
  /** Data Access logs are no longer written for somebody, or not at all. */
  readonly blinds: boolean;
}

export interface Around {
  /** The id of the project that the policy is of. */
  readonly project: string;
  readonly callerId: string;
  /** Whether the policy is of a whole project, folder or organization. */
  readonly isWide: boolean;
}

/** The most bindings and members that are looked at. */
const MOST = 500;
const EVERYBODY: ReadonlySet<string> = new Set(['allUsers', 'allAuthenticatedUsers']);
const CONSUMERS: ReadonlySet<string> = new Set(['gmail.com', 'googlemail.com', 'outlook.com', 'hotmail.com', 'yahoo.com']);
/** Roles that reach every secret or key below, or let their holder grant themselves such a role. */
const BROAD: ReadonlySet<string> = new Set(
  [
    'roles/owner roles/editor roles/secretmanager.admin roles/cloudkms.admin roles/iam.securityAdmin',
    'roles/resourcemanager.projectIamAdmin roles/resourcemanager.organizationAdmin',
    'roles/resourcemanager.folderAdmin',
  ]
    .join(' ')
    .split(' '),
);
/** Broad when granted on everything, ordinary on one resource. */
const BROAD_ABOVE: ReadonlySet<string> = new Set(
  [
    'roles/secretmanager.secretAccessor roles/secretmanager.secretVersionManager',
    'roles/cloudkms.cryptoKeyDecrypter roles/cloudkms.cryptoKeyEncrypterDecrypter',
    'roles/iam.serviceAccountTokenCreator roles/iam.serviceAccountKeyAdmin',
  ]
    .join(' ')
    .split(' '),
);

/** `deltas` is AuditData's `policyDelta`; where there is none, the whole new policy of the request stands for it. */
export function policyChangeOf(request: unknown, deltas: unknown, around: Around): PolicyChange {
  const delta = objectOf(deltas);
  const grants = delta === undefined ? grantsOf(request) : addedOf(delta);
  let flags = 0;
  let grantee: string | undefined;
  let most = -1;
  for (const { role, member } of grants) {
    const found = reachOf(role, member, around);
    flags |= found;
    if (found > most) {
      most = found;
      grantee = EVERYBODY.has(member) ? member : memberOf(member);
    }
  }
  return { flags, grantee, blinds: delta === undefined ? exempts(request) : deltaBlinds(delta) };
}

interface Grant {
  readonly role: string;
  readonly member: string;
}

function addedOf(delta: Readonly<Record<string, unknown>>): Grant[] {
  return listOf(own(delta, 'bindingDeltas'), MOST).flatMap((each) => {
    const binding = objectOf(each);
    const role = textOf(own(binding, 'role')) ?? '';
    const member = textOf(own(binding, 'member'));
    return own(binding, 'action') === 'ADD' && member !== undefined ? [{ role, member }] : [];
  });
}

function grantsOf(request: unknown): Grant[] {
  const policy = objectOf(own(objectOf(request), 'policy'));
  return listOf(own(policy, 'bindings'), MOST)
    .flatMap((each) => {
      const binding = objectOf(each);
      const role = textOf(own(binding, 'role')) ?? '';
      return listOf(own(binding, 'members'), MOST).flatMap((member) => (typeof member === 'string' ? [{ role, member }] : []));
    })
    .slice(0, MOST);
}

function reachOf(role: string, member: string, { project, callerId, isWide }: Around): number {
  let flags = BROAD.has(role) || (isWide && BROAD_ABOVE.has(role)) ? FLAG.broad : 0;
  if (EVERYBODY.has(member)) return flags | FLAG.public;
  // `principalSet://…/*` is a whole pool.
  if (member.startsWith('principalSet:') && member.endsWith('/*')) flags |= FLAG.broad;
  return isForeign(member, project, callerId) ? flags | FLAG.external : flags;
}

/** Of another project, or of a domain that is not the caller's; which domains an organization has, no record tells. */
function isForeign(member: string, project: string, callerId: string): boolean {
  if (member.startsWith('deleted:') || member.includes('://')) return false;
  const id = memberOf(member);
  if (member.startsWith('serviceAccount:')) {
    const home = projectOf(id);
    // A number is not comparable with an id.
    return home !== undefined && !isAgent(id) && project !== '' && !/^\d+$/u.test(project) && home !== project;
  }
  const domain = id.slice(id.indexOf(id.startsWith('domain:') ? ':' : '@') + 1);
  if (CONSUMERS.has(domain)) return !callerId.endsWith(`@${domain}`);
  const home = callerId.slice(callerId.lastIndexOf('@') + 1);
  return callerId.includes('@') && !home.endsWith('gserviceaccount.com') && home !== domain && !isBelow(home, domain);
}

const isBelow = (one: string, other: string): boolean => one.endsWith(`.${other}`) || other.endsWith(`.${one}`);

function deltaBlinds(delta: Readonly<Record<string, unknown>>): boolean {
  return listOf(own(delta, 'auditConfigDeltas'), MOST).some((each) => {
    const audit = objectOf(each);
    const isExemption = textOf(own(audit, 'exemptedMember')) !== undefined;
    return own(audit, 'action') === (isExemption ? 'ADD' : 'REMOVE');
  });
}

function exempts(request: unknown): boolean {
  const policy = objectOf(own(objectOf(request), 'policy'));
  const configs = listOf(own(policy, 'auditConfigs') ?? own(policy, 'audit_configs'), MOST);
  return configs.some((config) => {
    const of = objectOf(config);
    return listOf(own(of, 'auditLogConfigs') ?? own(of, 'audit_log_configs'), MOST).some((each) => {
      const log = objectOf(each);
      return listOf(own(log, 'exemptedMembers') ?? own(log, 'exempted_members'), 1).length > 0;
    });
  });
}
