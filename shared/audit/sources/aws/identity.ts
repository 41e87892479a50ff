/**
 * Who did it, by CloudTrail's userIdentity in all its variants, none at all among them.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
 */
import { FLAG, type Principal, type PrincipalKind } from '../../event.ts';
import type { View } from '../../view.ts';
import { capped, NAME_MAX } from '../common.ts';
import { afterLast, fromConsole, isInstance, read, type Actor, type Base } from './actor.ts';
import { agentOf } from './agent.ts';
import { readBounded } from './bounded.ts';
import { isService } from './call.ts';
import { AWS } from './plan.ts';
import { role } from './role.ts';

function credentialOf(view: View): string | undefined {
  const id = view.text(AWS.accessKeyId);
  return id === undefined || id === '' ? undefined : capped(id, 64);
}

/** `account` is the record's, for identities that name none. */
export function actorOf(view: View, account: string): Actor {
  const type = view.text(AWS.type);
  const invoked = view.text(AWS.invokedBy);
  const invokedBy = isService(invoked) ? invoked : undefined;
  const home = readBounded(view, AWS.accountId);
  const base: Base = { view, home, account, credential: credentialOf(view), invokedBy, type };
  switch (type) {
    case 'AssumedRole':
      return role(base);
    case 'IAMUser':
      return user(base);
    case 'Root':
      return root(base);
    case 'AWSService':
      return service(base, invoked);
    case 'AWSAccount':
      return foreigner(base);
    case 'FederatedUser':
    case 'SAMLUser':
    case 'WebIdentityUser':
    case 'IdentityCenterUser':
      return federated(base, type);
    case undefined:
    default:
      return invokedBy === undefined ? unknown(base) : service(base, invoked);
  }
}

function user(base: Base): Actor {
  const { view, home, account, credential, invokedBy, type } = base;
  const name = read(view, AWS.userName) ?? 'unknown';
  const id = read(view, AWS.arn) ?? read(view, AWS.principalId) ?? `arn:aws:iam::${home ?? account}:user/${name}`;
  const mfa = view.text(AWS.mfa);
  // A user with a long-lived key may be a person or a program: keywheel.yaml's `people` can say.
  const human =
    name.includes('@') ||
    mfa === 'true' ||
    (invokedBy === undefined && (fromConsole(view) || agentOf(view.text(AWS.userAgent)).desk));
  const flags = human && mfa === 'false' ? FLAG.noMfa : 0;
  const principal: Principal = {
    id,
    kind: human ? 'human' : 'unknown',
    name,
    session: undefined,
    credential,
    group: undefined,
    home,
  };
  return { principal, flags, invokedBy, type };
}

function root(base: Base): Actor {
  const { view, home, account, credential, invokedBy, type } = base;
  const id = read(view, AWS.arn) ?? `arn:aws:iam::${home ?? account}:root`;
  const principal: Principal = { id, kind: 'root', name: 'root', session: undefined, credential, group: undefined, home };
  // What a service does on behalf of the account is not somebody signed in as root (CIS AWS Foundations, "usage of the root account").
  if (view.text(AWS.invokedBy) !== undefined) return { principal: { ...principal, kind: 'service' }, flags: 0, invokedBy, type };
  const second = view.text(AWS.mfa) === 'true' || view.text(AWS.mfaUsed) === 'Yes';
  return { principal, flags: FLAG.root | (second ? 0 : FLAG.noMfa), invokedBy, type };
}

function service(base: Base, invoked: string | undefined): Actor {
  const name =
    invoked === undefined || invoked === '' ? (read(base.view, AWS.sourceIPAddress) ?? 'unknown') : capped(invoked, 128);
  const principal: Principal = {
    id: `aws:service:${name}`,
    kind: 'service',
    name,
    session: undefined,
    credential: undefined,
    group: undefined,
    home: undefined,
  };
  return { principal, flags: 0, invokedBy: name, type: base.type };
}

/** Of another account: only its id and the principal's are told. */
function foreigner(base: Base): Actor {
  const { view, home, credential, invokedBy, type } = base;
  const principalId = read(view, AWS.principalId) ?? 'unknown';
  const colon = principalId.indexOf(':');
  const session = colon === -1 ? undefined : principalId.slice(colon + 1);
  const unique = colon === -1 ? principalId : principalId.slice(0, colon);
  const human = session?.includes('@') === true;
  const id = `aws:${home ?? 'unknown'}:${human ? principalId : unique}`;
  const kind = human ? 'human' : isInstance(session ?? '') ? 'workload' : 'unknown';
  const principal: Principal = { id, kind, name: human ? session : id, session, credential, group: undefined, home };
  return { principal, flags: 0, invokedBy, type };
}

/** Programs come from a cluster or a pipeline; people from these. */
const PEOPLE_PROVIDERS = ['accounts.google.com', 'graph.facebook.com', 'www.amazon.com', 'cognito-identity.amazonaws.com'];

function federated(base: Base, type: string): Actor {
  const { view, home, credential, invokedBy } = base;
  const store = read(view, AWS.onBehalfOfStore);
  const onBehalf = read(view, AWS.onBehalfOfUser);
  const provider = read(view, AWS.identityProvider);
  const userName = read(view, AWS.userName) ?? onBehalf;
  const subject = userName ?? read(view, AWS.principalId) ?? 'unknown';
  const arn = read(view, AWS.arn);
  const id =
    type === 'FederatedUser' && arn !== undefined
      ? arn
      : onBehalf !== undefined
        ? `${store ?? 'aws:identity-center'}/${onBehalf}`
        : `aws:federated:${provider ?? 'unknown'}:${subject}`;
  const human =
    type === 'SAMLUser' ||
    type === 'IdentityCenterUser' ||
    (type === 'WebIdentityUser' && PEOPLE_PROVIDERS.includes(provider ?? '')) ||
    subject.includes('@');
  const kind: PrincipalKind = human ? 'human' : type === 'WebIdentityUser' ? 'workload' : 'unknown';
  const name = type === 'FederatedUser' && arn !== undefined ? afterLast(arn, '/') : subject;
  const principal: Principal = { id: capped(id, NAME_MAX), kind, name, session: undefined, credential, group: undefined, home };
  return { principal, flags: 0, invokedBy, type };
}

function unknown(base: Base): Actor {
  const { view, home, credential, invokedBy, type } = base;
  const name = read(view, AWS.userName) ?? read(view, AWS.principalId);
  const id =
    read(view, AWS.arn) ?? (name === undefined ? `aws:unknown:${home ?? 'unknown'}` : `aws:${home ?? 'unknown'}:${name}`);
  const principal: Principal = {
    id: capped(id, NAME_MAX),
    kind: 'unknown',
    name: name ?? 'unknown',
    session: undefined,
    credential,
    group: undefined,
    home,
  };
  return { principal, flags: 0, invokedBy, type };
}
