/** Who called. https://docs.cloud.google.com/logging/docs/audit#user-id: the e-mail is left out for federated and for some refused callers. */
import type { Principal, PrincipalKind } from '../../event.ts';
import type { View } from '../../view.ts';
import { createMemory } from '../common-memory.ts';
import { capped, listOf, NAME_MAX, objectOf, own, textOf } from '../common.ts';
import { AT } from './fields.ts';

const SERVICE_ACCOUNT = '.gserviceaccount.com';
/** `NAME@PROJECT.iam.gserviceaccount.com` are a project's own. */
const OF_PROJECT = '.iam.gserviceaccount.com';

export interface Caller {
  readonly principal: Principal;
  readonly chain: number | undefined;
}

export function callerOf(view: View, account: string): Caller {
  const delegates = view.has(AT.delegation) ? listOf(view.json(AT.delegation), 16) : [];
  const key = view.text(AT.key);
  const credential =
    key === undefined
      ? undefined
      : key
          .slice(key.lastIndexOf('/') + 1)
          .slice(0, 64)
          .toWellFormed();
  const id = idOf(view) ?? `gcp:unknown:${account}`;
  const principal: Principal = {
    ...(identities.get(id) ?? identities.keep(id, identityOf(id))),
    session: delegates.length === 0 ? undefined : delegateOf(delegates[0]),
    credential: credential === '' ? undefined : credential,
  };
  return { principal, chain: delegates.length === 0 ? undefined : delegates.length };
}

const identities = createMemory<string, Principal>(8_192);

function identityOf(id: string): Principal {
  const home = projectOf(id);
  const at = id.startsWith('principal:') ? -1 : id.lastIndexOf('@');
  return { id, kind: kindOf(id), name: shownOf(id), group: home ?? (at === -1 ? undefined : id.slice(at + 1)), home };
}

function idOf(view: View): string | undefined {
  const email = view.text(AT.email);
  // Addresses are the same in any case.
  if (email !== undefined && email.includes('@')) return memberOf(email);
  const subject = view.text(AT.subject);
  if (subject !== undefined && subject !== '') return memberOf(subject);
  return email === undefined || email === '' ? undefined : memberOf(email);
}

/** `user:ann@example.com` and `ann@example.com` are one; so are members of policies and principals. */
export function memberOf(member: string): string {
  const text = capped(member, NAME_MAX);
  const plain = text.startsWith('deleted:') ? text.slice('deleted:'.length) : text;
  for (const prefix of ['user:', 'serviceAccount:', 'group:']) {
    if (plain.startsWith(prefix)) return plain.slice(prefix.length).toLowerCase();
  }
  return plain.includes('://') ? plain : plain.toLowerCase();
}

/** The project that a service account is of: `NAME@PROJECT.iam.gserviceaccount.com`, `PROJECT@appspot.gserviceaccount.com`. */
export function projectOf(id: string): string | undefined {
  const at = id.indexOf('@');
  const host = id.slice(at + 1);
  if (at === -1) return undefined;
  if (host.endsWith(OF_PROJECT)) {
    const project = host.slice(0, -OF_PROJECT.length);
    return project.startsWith('gcp-sa-') ? undefined : project;
  }
  return host === 'appspot.gserviceaccount.com' ? id.slice(0, at) : undefined;
}

/** Google's own agents: `service-NUMBER@gcp-sa-NAME.iam…`, `NUMBER@cloudservices…`, `NAME@system…`. https://docs.cloud.google.com/iam/docs/service-account-types#service-agents */
export const isAgent = (id: string): boolean =>
  (id.includes('@gcp-sa-') && id.endsWith(OF_PROJECT)) ||
  (id.startsWith('service-') && id.endsWith(OF_PROJECT)) ||
  id.endsWith('@cloudservices.gserviceaccount.com') ||
  id.endsWith('@system.gserviceaccount.com');

function kindOf(id: string): PrincipalKind {
  if (isAgent(id)) return 'service';
  if (id.endsWith(SERVICE_ACCOUNT) || id.includes('.svc.id.goog')) return 'workload';
  if (id.includes('/workforcePools/')) return 'human';
  if (id.includes('://')) return 'workload';
  return id.includes('@') ? 'human' : 'unknown';
}

/** Of a federated subject its last part and its pool. */
function shownOf(id: string): string {
  if (!id.includes('://')) return id;
  const pool = /\/(?:workloadIdentityPools|workforcePools)\/([^/]{1,64})/u.exec(id)?.[1];
  // Subjects have slashes of their own.
  const at = id.indexOf('/subject/');
  const subject = at === -1 ? id.slice(id.lastIndexOf('/') + 1) : id.slice(at + '/subject/'.length);
  return pool === undefined ? subject : `${subject} of ${pool}`;
}

/** Who stood at the beginning of the chain. */
function delegateOf(delegate: unknown): string | undefined {
  const info = objectOf(delegate);
  const email = textOf(own(objectOf(own(info, 'firstPartyPrincipal')), 'principalEmail'));
  const name = email ?? textOf(own(info, 'principalSubject'));
  return name === undefined ? undefined : memberOf(name);
}
