/** Audit devices of Vault and OpenBao: a request and a response for each operation, strings hashed: https://developer.hashicorp.com/vault/docs/audit */
import type { Random } from '../random.ts';
import type { Identity, Seat, Store } from '../types.ts';
import { methodOf, pathOf, type Target } from './vault-paths.ts';
import { json, millis, type Writer } from './writer.ts';

const hmac = (text: string): string => `hmac-sha256:${text}`;

function metadataOf(identity: Identity): Record<string, string> {
  const { name, mail } = identity;
  switch (methodOf(identity)) {
    case 'oidc':
      return { role: 'default', email: mail };
    case 'ldap':
    case 'userpass':
      return { username: name };
    case 'kubernetes':
      return {
        role: name,
        service_account_name: name,
        service_account_namespace: name.split('-')[0] ?? name,
        service_account_uid: identity.id,
      };
    case 'jwt':
      return { role: name };
    default:
      return { role_name: name };
  }
}

const displayName = (identity: Identity): string =>
  identity.kind === 'root' ? 'root' : `${methodOf(identity)}-${identity.kind === 'sso' ? identity.mail : identity.name}`;

/** `auth` of what a token does: without the names of what let it. */
function authOf(seat: Seat): string {
  const { identity, key, life, born } = seat;
  const root = identity.kind === 'root';
  const policies = json(identity.policies);
  return (
    `{"accessor":"${hmac(key)}","client_token":"${hmac(`${key.slice(32)}${key.slice(0, 32)}`)}","display_name":${json(displayName(identity))},${root ? '' : `"entity_id":"${identity.id}","metadata":${json(metadataOf(identity))},`}` +
    `"policies":${policies},"token_issue_time":"${millis(born === 0 ? 1_700_000_000_000 : born)}Z","token_policies":${policies},${root ? '' : `"token_ttl":${Math.max(3600, Math.floor(life / 1000))},`}"token_type":"service"`
  );
}

const ERRORS: Readonly<Record<string, string>> = {
  denied: '1 error occurred:\n\t* permission denied\n\n',
  expired: 'permission denied',
  throttled: 'request path "secret": rate limit quota exceeded',
  error: 'internal error',
};

export function vaultWriter(random: Random): Writer {
  const mountFields = (store: Store, target: Target): string =>
    `"mount_accessor":"${target.type === 'kv' ? store.owner : `${target.type}_${store.owner.slice(3)}`}","mount_class":"${target.auth ? 'auth' : 'secret'}","mount_point":"${target.mount}/","mount_running_version":"${running(store, target)}","mount_type":"${target.type}"`;
  const running = ({ kind, number }: Store, { type }: Target): string =>
    type === 'kv' && kind === 'vault' ? 'v0.20.0+builtin' : `v${number}+builtin.${kind === 'vault' ? 'vault' : 'bao'}`;

  return (act, out) => {
    const { seat, store, result } = act;
    const target = pathOf(act);
    if (target === undefined || result === 'challenge') return;
    const id = random.uuid();
    const time = act.time + store.skew;
    const login = act.op === 'login' || act.op === 'consoleLogin';
    const unknown = login || result === 'expired';
    const head = seat.head === '' ? (seat.head = authOf(seat)) : seat.head;
    const allowed = result !== 'denied' && result !== 'authfail';
    const granting = allowed
      ? `,"granting_policies":[{"name":"${seat.identity.policies.at(-1) ?? 'default'}","namespace_id":"root","type":"acl"}]`
      : '';
    const auth = unknown ? '{"token_type":"default"}' : `${head},"policy_results":{"allowed":${allowed}${granting}}}`;
    const token = unknown
      ? ''
      : `"client_id":"${seat.identity.id}","client_token":"${hmac(`${seat.key.slice(32)}${seat.key.slice(0, 32)}`)}","client_token_accessor":"${hmac(seat.key)}",`;
    const data = target.data === undefined ? '' : `"data":${target.data},`;
    const error = login && result !== 'ok' ? 'invalid username or password' : ERRORS[result];
    const problem = error === undefined ? '' : `,"error":${json(error)}`;
    const request =
      `{${token}${data}"headers":{"user-agent":[${json(seat.client.agents.vault)}]},"id":"${id}",${mountFields(store, target)},"namespace":{"id":"root"},"operation":"${target.operation}","path":"${target.path}",` +
      `"remote_address":"${seat.address}","remote_port":${1024 + (random.bits() % 60_000)}${store.kind === 'vault' ? `,"request_uri":"/v1/${target.path}"` : ''}${target.wrap === undefined ? '' : `,"wrap_ttl":${target.wrap}`}}`;
    const nanos = `${String(random.bits() % 1_000_000).padStart(6, '0')}Z`;
    out(
      `{"auth":${auth},"request":${request},"time":"${millis(time)}${nanos}","type":"request"${result === 'denied' || result === 'expired' ? problem : ''}}`,
      id,
    );
    let response = '';
    if (result === 'ok') {
      const made = login ? `"auth":${head}},` : (target.made ?? '');
      const body = target.response ?? '';
      response = `${made}${body}`;
    }
    out(
      `{"auth":${auth},"request":${request},"response":{${response}${mountFields(store, target)}},"time":"${millis(time + random.whole(1, 30))}${nanos}","type":"response"${problem}}`,
      id,
    );
  };
}
