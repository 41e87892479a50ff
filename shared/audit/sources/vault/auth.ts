/** `auth/`: logins, tokens, and who may log in as what. https://developer.hashicorp.com/vault/api-docs/auth */
import type { Place } from './place.ts';
import type { Act } from './route.ts';
import { isChange, verbOf } from './verbs.ts';

export function authAct(place: Place): Act {
  if (place.type === 'token') return tokenAct(place);
  const { rest, operation } = place;
  const [first = '', second = '', third = '', fourth = ''] = rest.split('/', 5);
  if (first === 'login') return { verb: 'login', user: second === '' ? undefined : rest.slice('login/'.length), detail: 'login' };
  // OIDC and SAML: the browser comes back on `callback`, what precedes it says nothing.
  if (second === 'callback' || first === 'callback') return { verb: 'login', detail: 'login' };
  if (second === 'auth_url' || second === 'poll' || first === 'sso_service_url' || first === 'token') return { verb: 'other' };
  const changes = isChange(operation);
  if (first === 'role' && third.startsWith('secret-id')) {
    const destroys = fourth === 'destroy' || operation === 'delete';
    if (fourth === 'lookup' || operation === 'read') return { verb: 'describe' };
    return { verb: destroys ? 'config' : operation === 'list' ? 'list' : 'token', grantee: second };
  }
  if (first === 'role' && third === 'custom-secret-id' && changes) return { verb: 'token', grantee: second };
  // A user's password is the user's credential.
  if (first === 'users' && changes) return { verb: third === 'policies' ? 'policy' : 'token', grantee: second };
  if (first === 'tidy') return { verb: 'config' };
  return { verb: verbOf(operation, ['describe', 'policy', 'policy']), grantee: second === '' || !changes ? undefined : second };
}

function tokenAct({ rest, operation }: Place): Act {
  const [first = ''] = rest.split('/', 1);
  switch (first) {
    case 'create':
    case 'create-orphan':
      return { verb: 'token', detail: 'token' };
    case 'lookup-self':
      return { verb: 'whoami' };
    case 'renew-self':
    case 'revoke-self':
      return { verb: 'other' };
    case 'lookup':
    case 'lookup-accessor':
      return { verb: 'describe' };
    case 'renew':
    case 'renew-accessor':
      return { verb: 'token' };
    case 'roles':
      return { verb: verbOf(operation, ['describe', 'policy', 'policy']), grantee: rest.slice('roles/'.length) };
    default:
      return { verb: verbOf(operation, ['describe', 'config', 'config']) };
  }
}
