/** Sessions of roles: programs, and the people behind one role. */
import type { Principal, PrincipalKind } from '../../event.ts';
import { createMemory } from '../common-memory.ts';
import { NAME_MAX } from '../common.ts';
import { afterLast, fromConsole, isInstance, read, type Actor, type Base } from './actor.ts';
import { AWS } from './plan.ts';

/** A session makes many calls: what is read of it is kept while all that it was read from stays the same. */
interface Session {
  readonly issuer: string | undefined;
  readonly accountId: string | undefined;
  readonly accessKeyId: string | undefined;
  readonly invokedBy: string | undefined;
  readonly traits: number;
  readonly actor: Actor;
}

const sessions = createMemory<string, Session>(8_192);

export function role(base: Base): Actor {
  const { view, invokedBy } = base;
  const arn = view.text(AWS.arn);
  if (arn === undefined) return readRole(base);
  const known = sessions.get(arn);
  const issuer = view.text(AWS.issuerArn);
  const accountId = view.text(AWS.accountId);
  const accessKeyId = view.text(AWS.accessKeyId);
  const traits = traitsOf(base);
  const same =
    known !== undefined &&
    known.accessKeyId === accessKeyId &&
    known.issuer === issuer &&
    known.accountId === accountId &&
    known.invokedBy === invokedBy &&
    known.traits === traits;
  if (same) return known.actor;
  const actor = readRole(base);
  if (arn.length <= NAME_MAX) sessions.keep(arn, { issuer, accountId, accessKeyId, invokedBy, traits, actor });
  return actor;
}

const WORKLOAD = 1;
const PERSON = 2;
const CONSOLE = 4;

/** What the record says of the session apart from its names. */
function traitsOf({ view, invokedBy }: Base): number {
  let traits = view.has(AWS.ec2RoleDelivery) || view.has(AWS.inScopeOf) || view.has(AWS.federatedProvider) ? WORKLOAD : 0;
  // Nobody gives a program a second factor.
  if (view.text(AWS.sourceIdentity)?.includes('@') === true || view.text(AWS.mfa) === 'true') traits |= PERSON;
  return invokedBy === undefined && fromConsole(view) ? traits | CONSOLE : traits;
}

function readRole(base: Base): Actor {
  const { view, home, credential, invokedBy, type } = base;
  const arn = read(view, AWS.arn);
  const session = sessionOf(arn, read(view, AWS.principalId));
  const issuer = read(view, AWS.issuerArn) ?? roleOfSession(arn, session, home);
  const name = afterLast(issuer, '/');
  const kind = kindOfRole(base, issuer, name, session);
  const shared = kind === 'human' && session !== undefined;
  const principal: Principal = {
    id: shared ? `${issuer}/${session}` : issuer,
    kind,
    name: shared ? session : name,
    session,
    credential,
    group: shared ? issuer : groupOfRole(issuer, name),
    home: home ?? accountOf(issuer),
  };
  return { principal, flags: 0, invokedBy, type };
}

/** The part after the role, which the caller chose: of `arn:aws:sts::A:assumed-role/ROLE/SESSION`, else of `AROA…:SESSION`. */
function sessionOf(arn: string | undefined, principalId: string | undefined): string | undefined {
  const from = arn?.includes(':assumed-role/') === true ? arn : undefined;
  if (from !== undefined && from.indexOf('/') !== from.lastIndexOf('/')) return afterLast(from, '/');
  const colon = principalId?.indexOf(':') ?? -1;
  return colon === -1 ? undefined : principalId?.slice(colon + 1);
}

/** A role's ARN from its session's. The path is lost: only sessions that name no issuer are read this way. */
function roleOfSession(arn: string | undefined, session: string | undefined, home: string | undefined): string {
  if (arn === undefined) return `aws:role:${home ?? 'unknown'}`;
  const cut = session !== undefined && arn.endsWith(`/${session}`) ? arn.slice(0, arn.length - session.length - 1) : arn;
  return cut.replace(':sts::', ':iam::').replace(':assumed-role/', ':role/');
}

const accountOf = (arn: string): string | undefined => (arn.startsWith('arn:') ? arn.split(':', 5)[4] : undefined) || undefined;

function kindOfRole(base: Base, issuer: string, name: string, session: string | undefined): PrincipalKind {
  if (issuer.includes(':role/aws-service-role/')) return 'service';
  const given = session ?? '';
  const traits = traitsOf(base);
  // An instance, a function or a pod stays one, also where somebody opened a console with its credentials.
  if (isInstance(given) || (traits & WORKLOAD) !== 0) return 'workload';
  if (name.startsWith('AWSReservedSSO_') || given.includes('@') || (traits & PERSON) !== 0) return 'human';
  return session !== undefined && (traits & CONSOLE) !== 0 ? 'human' : 'workload';
}

/**
 * Roles that are expected to do alike: of one path of their own, or one name with what CloudFormation and Terraform add to it at each deploy. A
 * role that stands alone has no peers: all others of its account would hide it.
 */
function groupOfRole(issuer: string, name: string): string | undefined {
  const start = issuer.indexOf(':role/');
  if (start === -1) return undefined;
  const path = issuer.slice(start + 5, issuer.length - name.length);
  const own = path !== '/' && path !== '/service-role/' && !path.startsWith('/aws-');
  const cut = name.lastIndexOf('-');
  const stem = cut > 0 && isGenerated(name.slice(cut + 1)) ? name.slice(0, cut) : undefined;
  if (!own && stem === undefined) return undefined;
  return `${issuer.slice(0, start)}:role${own ? path : `/${stem}`}`;
}

function isGenerated(text: string): boolean {
  if (text.length < 8) return false;
  let digits = 0;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charCodeAt(at);
    const isDigit = letter >= 48 && letter <= 57;
    if (!isDigit && !(letter >= 65 && letter <= 90)) return false;
    if (isDigit) digits += 1;
  }
  return digits > 0;
}
