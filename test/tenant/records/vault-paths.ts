/** What each act is called in Vault's API. */
import type { Act, Identity } from '../types.ts';
import { json } from './writer.ts';

export interface Target {
  readonly path: string;
  readonly operation: string;
  readonly mount: string;
  readonly type: string;
  readonly auth: boolean;
  /** JSON of the request's data: strings hashed, numbers not. */
  readonly data?: string;
  /** What follows in the response, with a comma at its end. */
  readonly response?: string;
  readonly made?: string;
  readonly wrap?: number;
}

const METHODS: Readonly<Record<string, string>> = {
  sso: 'oidc',
  user: 'userpass',
  pod: 'kubernetes',
  ci: 'jwt',
  app: 'approle',
  function: 'aws',
  instance: 'aws',
  agent: 'approle',
  foreign: 'approle',
  root: 'token',
};
export const methodOf = ({ kind, id }: Identity): string =>
  kind === 'sso' && id.charCodeAt(0) % 3 === 0 ? 'ldap' : (METHODS[kind] ?? 'approle');

const H = 'hmac-sha256:';
const FIXED = `${H}2f6c1bd0e4a85a7b5b9d0f7e3c1a6d48905be7f2c3d1806a9e4b7f5021dc83ae`;

function tokenMade(act: Act, policies: readonly string[]): string {
  const ttl = act.extras.ttl ?? 3600;
  const periodic = act.extras.endless === true ? ',"period":86400' : '';
  return `"auth":{"accessor":"${H}${act.seat.key.slice(8)}00000000","client_token":"${FIXED}","display_name":"token","policies":${json(policies)},"token_policies":${json(policies)},"token_ttl":${ttl}${periodic},"token_type":"service"${act.extras.endless === true ? ',"orphan":true' : ''}},`;
}

export function pathOf(act: Act): Target | undefined {
  const { store, secret, extras, seat } = act;
  const name = secret?.name ?? extras.name ?? 'x';
  const kv = (part: string, operation: string, rest: Partial<Target> = {}): Target => ({
    path: `${store.mount}/${part}/${name}`,
    operation,
    mount: store.mount,
    type: 'kv',
    auth: false,
    ...rest,
  });
  const sys = (path: string, operation: string, rest: Partial<Target> = {}): Target => ({
    path: `sys/${path}`,
    operation,
    mount: 'sys',
    type: 'system',
    auth: false,
    ...rest,
  });
  const token = (path: string, operation: string, rest: Partial<Target> = {}): Target => ({
    path: `auth/token/${path}`,
    operation,
    mount: 'auth/token',
    type: 'token',
    auth: true,
    ...rest,
  });
  const transit = (path: string, operation: string, rest: Partial<Target> = {}): Target => ({
    path: `transit/${path}`,
    operation,
    mount: 'transit',
    type: 'transit',
    auth: false,
    ...rest,
  });
  const value = `"data":{"data":{"password":"${FIXED}","username":"${FIXED}"},"metadata":{"created_time":"${FIXED}","custom_metadata":null,"deletion_time":"${FIXED}","destroyed":false,"version":${secret?.serial ?? 1}}},`;
  const version = Number(secret?.previous ?? 1) || 1;
  switch (act.op as string) {
    case 'read':
      return kv('data', 'read', { response: value });
    case 'readOld':
    case 'pending':
      return kv('data', 'read', { data: json({ version: FIXED }), response: value });
    case 'history':
    case 'describe':
      return kv('metadata', 'read', {
        response: `"data":{"cas_required":false,"current_version":${secret?.serial ?? 1},"max_versions":0,"oldest_version":0},`,
      });
    case 'list':
      return {
        path: `${store.mount}/metadata/${extras.name ?? ''}`,
        operation: 'list',
        mount: store.mount,
        type: 'kv',
        auth: false,
        response: `"data":{"keys":${store.secrets.length}},`,
      };
    case 'create':
    case 'write':
      return kv('data', act.op === 'create' ? 'create' : 'update', {
        data: json({ data: { password: FIXED, username: FIXED }, options: { cas: secret?.serial ?? 0 } }),
        response: `"data":{"created_time":"${FIXED}","destroyed":false,"version":${secret?.serial ?? 1}},`,
      });
    case 'stage':
      return kv('metadata', 'patch', { data: json({ custom_metadata: { stage: FIXED } }) });
    case 'delete':
      return kv('data', 'delete');
    case 'destroy':
      return extras.detail === 'whole'
        ? kv('metadata', 'delete')
        : kv('destroy', 'update', { data: json({ versions: [version] }) });
    case 'restore':
      return kv('undelete', 'update', { data: json({ versions: [version] }) });
    case 'snapshot':
    case 'backup':
      return sys('storage/raft/snapshot', 'read');
    case 'policyRead':
      return sys(`policies/acl/${name.split('/')[0]}`, 'read', { response: `"data":{"name":"${FIXED}","policy":"${FIXED}"},` });
    case 'policy':
    case 'public':
    case 'grant':
      return sys(
        `policies/acl/${extras.detail === 'narrow' ? `${name.split('/')[0]}-read` : (extras.grantee?.policies.at(-1) ?? seat.identity.policies.at(-1) ?? 'ops')}`,
        'update',
        {
          data:
            extras.detail === 'narrow'
              ? json({ policy: FIXED })
              : json({ policy: 'path "*" {\n  capabilities = ["create", "read", "update", "delete", "list", "sudo"]\n}\n' }),
        },
      );
    case 'login':
    case 'consoleLogin': {
      const method = methodOf(seat.identity);
      const by = method === 'userpass' || method === 'ldap' ? `/${extras.name ?? seat.identity.name}` : '';
      return {
        path: `auth/${method}/${method === 'oidc' ? 'oidc/callback' : `login${by}`}`,
        operation: method === 'oidc' ? 'read' : 'update',
        mount: `auth/${method}`,
        type: method,
        auth: true,
        data: json(by === '' ? { role: FIXED, jwt: FIXED } : { password: FIXED }),
      };
    }
    case 'token':
      return token(extras.endless === true ? 'create-orphan' : 'create', 'update', {
        data: json({ policies: [FIXED], ttl: FIXED, ...(extras.endless === true ? { no_parent: true, period: FIXED } : {}) }),
        made: tokenMade(act, extras.policies ?? seat.identity.policies),
      });
    case 'rootToken':
      return token('create', 'update', {
        data: json({ policies: [FIXED] }),
        made: tokenMade({ ...act, extras: { ttl: 0 } }, ['root']),
      });
    case 'newKey':
    case 'secretId':
      return {
        path: `auth/approle/role/${extras.grantee?.name ?? 'ops'}/secret-id`,
        operation: 'update',
        mount: 'auth/approle',
        type: 'approle',
        auth: true,
        data: json({ num_uses: 0 }),
        response: `"data":{"secret_id":"${FIXED}","secret_id_accessor":"${FIXED}","secret_id_num_uses":0,"secret_id_ttl":${extras.ttl ?? 0}},`,
      };
    case 'whoami':
      return token('lookup-self', 'read', {
        response: `"data":{"accessor":"${H}${seat.key}","creation_time":1700000000,"creation_ttl":${Math.floor(seat.life / 1000)},"display_name":"${FIXED}","expire_time":"${FIXED}","explicit_max_ttl":0,"num_uses":0,"orphan":true,"renewable":true,"ttl":3000,"type":"${FIXED}"},`,
      });
    case 'renew':
      return token('renew-self', 'update', {
        made: tokenMade({ ...act, extras: { ttl: Math.floor(seat.life / 1000) } }, seat.identity.policies),
      });
    case 'enumerate': {
      const path = extras.detail === 'ListRoles' ? 'auth' : extras.detail === 'ListPolicies' ? 'policies/acl' : 'mounts';
      return sys(path, path === 'policies/acl' ? 'list' : 'read');
    }
    case 'decrypt':
      return transit(`decrypt/${store.key}`, 'update', {
        data: json({ ciphertext: FIXED }),
        response: `"data":{"plaintext":"${FIXED}"},`,
      });
    case 'encrypt':
      return transit(`encrypt/${store.key}`, 'update', {
        data: json({ plaintext: FIXED }),
        response: `"data":{"ciphertext":"${FIXED}","key_version":1},`,
      });
    case 'export':
      return transit(`export/encryption-key/${store.key}`, 'read', {
        response: `"data":{"keys":{"1":"${FIXED}"},"name":"${FIXED}","type":"${FIXED}"},`,
      });
    case 'keyConfig':
      return transit(`keys/${store.key}/config`, 'update', { data: json({ exportable: true, deletion_allowed: true }) });
    case 'keyDelete':
      return transit(`keys/${store.key}`, 'delete');
    case 'auditOff':
    case 'sinkOff':
      return sys(`audit/${extras.name ?? 'file'}`, 'delete');
    case 'raw':
      return sys(`raw/core/keyring`, 'read');
    case 'unwrap':
      return sys('wrapping/unwrap', 'update', { response: `"data":{"password":"${FIXED}"},` });
    default:
      return undefined;
  }
}
