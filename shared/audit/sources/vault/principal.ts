/** Who asked. The same person or workload over all its tokens, as far as a record tells. */
import type { Net, Principal, PrincipalKind } from '../../event.ts';
import type { View } from '../../view.ts';
import { capped, listOf, NAME_MAX } from '../common.ts';
import { createMemory } from '../common-memory.ts';
import { AT } from './fields.ts';
import type { Route } from './route.ts';
import { credentialOf } from './tokens.ts';

/** Auth methods, by what their mounts are usually called: display names begin with it. */
const HUMAN = ['userpass', 'ldap', 'oidc', 'okta', 'github', 'radius', 'saml'];
const WORKLOAD = ['approle', 'kubernetes', 'aws', 'azure', 'gcp', 'cert', 'jwt', 'alicloud', 'cf', 'oci', 'pcf'];
/** The fields that tell who it is: of the token that asks, and of the one that a login answers with, where the record keeps it there alone. */
const ASKS = {
  accessor: AT.accessor,
  display: AT.display,
  entity: AT.entity,
  username: AT.username,
  roleName: AT.roleName,
  role: AT.role,
  serviceAccount: AT.serviceAccount,
} as const;
const MADE: { readonly [Name in keyof typeof ASKS]: number } = {
  accessor: AT.madeAccessor,
  display: AT.madeDisplay,
  entity: AT.madeEntity,
  username: AT.madeUsername,
  roleName: AT.madeRoleName,
  role: AT.madeRole,
  serviceAccount: AT.madeServiceAccount,
};

/** More than any token has. */
const MOST_POLICIES = 64;

/** The policies of a token, sorted as servers write them; `[]` where there are none. */
export function policiesOf(view: View, field: number): readonly string[] {
  if (!view.has(field)) return [];
  const policies: string[] = [];
  for (const policy of listOf(view.json(field), MOST_POLICIES)) {
    if (typeof policy === 'string') policies.push(policy);
  }
  return policies.length > 1 ? policies.sort() : policies;
}

/** Whether the server knew the token: what it does not know has neither accessor nor name nor policies. */
export const isKnown = (view: View): boolean =>
  view.has(AT.accessor) || view.has(AT.display) || view.has(AT.entity) || view.has(AT.policies);

/**
 * People who log in by name are that name in their mount, since a login that fails tells no more: so failures, the success after them and what follows
 * are one principal. Everybody else is their entity, else role and display name. Tokens that the server does not know are their network.
 */
export function principalOf(
  view: View,
  route: Route,
  policies: readonly string[],
  token: string | undefined,
  net: Net,
): Principal {
  const { place } = route;
  const home = topOf(place.namespace);
  const who = route.verb === 'login' && !view.has(AT.display) ? MADE : ASKS;
  const credential = credentialOf(token, view.text(who.accessor) ?? view.text(AT.requestAccessor));
  const others = capped(policies.filter((policy) => policy !== 'default').join(','), NAME_MAX);
  const group = others === '' ? undefined : capped(`${place.namespace}${others}`, NAME_MAX);
  const called = view.text(who.display) ?? '';
  const display = called === '' ? '' : capped(called, NAME_MAX);
  if (route.verb === 'login' && display === '') return stranger(route, home, net);
  const name = display === '' ? 'unknown' : display;
  const make = (id: string, kind: PrincipalKind, shown = name): Principal => ({ id, kind, name: shown, credential, group });
  if (policies.includes('root')) {
    const nameless = display === '' || display === 'root' || display === 'token';
    return make('vault:root', 'root', nameless ? 'root' : `root (${display})`);
  }
  // Whoever holds a wrapping token is not who wrapped.
  if (policies.length === 1 && policies[0] === 'response-wrapping') {
    return make(`vault:${home}wrapping:${display}`, 'unknown', `who unwraps for ${name}`);
  }
  const username = view.text(who.username);
  const workload = view.has(who.roleName) || view.has(who.serviceAccount);
  const kind = kindOf(display, username, workload);
  if (username !== undefined && username !== '' && kind === 'human') {
    const person = display === '' ? capped(username, NAME_MAX) : display;
    return make(`vault:${home}${person}`, kind, person);
  }
  const role = view.text(who.roleName) ?? view.text(who.serviceAccount) ?? view.text(who.role);
  const shown = role === undefined || display.endsWith(role) ? name : `${name} ${capped(role, NAME_MAX)}`;
  const entity = view.text(who.entity);
  if (entity !== undefined && entity !== '') return make(capped(entity, NAME_MAX), kind, shown);
  if (role !== undefined) return make(`vault:${home}${display}/${capped(role, NAME_MAX)}`, kind, shown);
  // Tokens made from tokens are all called `token`, unless somebody named them: what they may do tells them apart.
  if (display.startsWith('token')) return make(`vault:${home}${display}:${others}`, kind, `${name} of ${others}`);
  if (display !== '') return make(`vault:${home}${display}`, kind);
  if (isKnown(view) && credential !== undefined) return make(`vault:${home}accessor:${credential}`, kind);
  return make(`vault:${home}unknown:${net.prefix ?? 'none'}`, 'unknown');
}

/** A login that was refused: the user whom its path names, else the method and where it came from. */
function stranger({ place, user }: Route, home: string, net: Net): Principal {
  // Display names are the mount's path with dashes, and the name.
  const method = place.mount.slice('auth/'.length, -1).replaceAll('/', '-');
  const kind = HUMAN.includes(place.type) ? 'human' : WORKLOAD.includes(place.type) ? 'workload' : 'unknown';
  if (user === undefined) return { id: `vault:${home}${method}:${net.prefix ?? 'none'}`, kind, name: `unknown by ${method}` };
  // https://developer.hashicorp.com/vault/docs/auth/userpass: user names are case-insensitive, the server keeps them in lower case.
  const name = `${method}-${place.type === 'userpass' ? user.toLowerCase() : user}`;
  return { id: `vault:${home}${name}`, kind, name };
}

function kindOf(display: string, username: string | undefined, workload: boolean): PrincipalKind {
  const kind = methods.get(display) ?? methods.keep(display, methodOf(display));
  if (kind !== 'unknown') return kind;
  if (workload) return 'workload';
  if (username !== undefined) return 'human';
  return display.includes('@') && !display.endsWith('.gserviceaccount.com') ? 'human' : 'unknown';
}

const methods = createMemory<string, PrincipalKind>(8_192);

/** By the auth method that a display name begins with. */
function methodOf(display: string): PrincipalKind {
  if (HUMAN.some((method) => isOf(display, method))) return 'human';
  return WORKLOAD.some((method) => isOf(display, method)) ? 'workload' : 'unknown';
}

const isOf = (display: string, method: string): boolean =>
  display.startsWith(method) && (display.length === method.length || display[method.length] === '-');

/** Tenants are the namespaces at the top; who works below one is the same person there. */
const topOf = (namespace: string): string => namespace.slice(0, namespace.indexOf('/') + 1);
