import { describe, expect, it } from 'vitest';
import { at, flagsOf, record } from '../../../../test/audit/openbao/record.ts';
import { eventOf } from '../../../../test/audit/sources.ts';
import { vaultSource } from '../vault.ts';

describe('operations', () => {
  it.each([
    ['read', 'secret/prod/db', 'read vault:secret:prod/db'],
    ['read', 'secret/data/prod/db', 'read vault:secret:prod/db'],
    ['list', 'secret/metadata/prod/', 'list vault:secret:prod/'],
    ['read', 'team/a/kv/data/prod/db', 'read vault:team/a/kv:prod/db'],
    ['read', 'database/creds/app', 'read vault:database:creds/app'],
    ['update', 'transit/decrypt/k', 'crypto vault:transit:k'],
    ['update', 'auth/corp/ldap/login/ann', 'login '],
    ['update', 'auth/userpass/login/ann', 'login '],
    ['delete', 'sys/audit/file', 'audit '],
  ])('without mounts, %s %s is %s', (operation, where, expected) => {
    const { verb, secrets } = eventOf(vaultSource, record({ request: at(operation, where) }));
    expect(`${verb} ${secrets.map(({ key }) => key).join()}`).toBe(expected);
  });

  it.each([
    ['read', 'sys/storage/raft/snapshot', 'backup', []],
    ['update', 'sys/storage/raft/snapshot-force', 'restore', ['force']],
    ['update', 'sys/generate-root/attempt', 'token', ['makesRoot']],
    ['read', 'sys/generate-root/attempt', 'describe', []],
    ['delete', 'sys/generate-root/attempt', 'config', []],
    ['update', 'sys/config/auditing/request-headers/x', 'audit', []],
    ['update', 'sys/plugins/catalog/secret/x', 'config', []],
    ['update', 'sys/leases/revoke', 'config', []],
    ['update', 'sys/leases/revoke-force/pki', 'destroy', ['force']],
    ['delete', 'sys/namespaces/team', 'destroy', ['force']],
    ['update', 'sys/replication/performance/primary/secondary-token', 'backup', []],
    ['read', 'sys/health', 'other', []],
    ['update', 'sys/tools/random', 'other', []],
    ['update', 'sys/wrapping/unwrap', 'read', ['unwrap']],
    ['rollback', 'kv/', 'other', ['system']],
    ['help', 'kv/data', 'other', []],
  ])('%s %s is %s', (operation, where, verb, flags) => {
    const type = where.startsWith('sys/') ? 'system' : 'kv';
    const event = eventOf(vaultSource, record({ request: at(operation, where, type), response: { mount_type: type, data: {} } }));
    expect([event.verb, flagsOf(event.flags)]).toEqual([verb, flags]);
  });

  it.each([
    ['update', 'userpass/users/ann', 'userpass', 'token to ann'],
    ['update', 'userpass/users/ann/policies', 'userpass', 'policy to ann'],
    ['update', 'approle/role/app/secret-id', 'approle', 'token to app'],
    ['list', 'approle/role/app/secret-id', 'approle', 'list to app'],
    ['update', 'approle/role/app/secret-id/lookup', 'approle', 'describe to '],
    ['update', 'approle/role/app/secret-id/destroy', 'approle', 'config to app'],
    ['update', 'kubernetes/role/app', 'kubernetes', 'policy to app'],
    ['read', 'kubernetes/role/app', 'kubernetes', 'describe to '],
    ['update', 'oidc/oidc/auth_url', 'oidc', 'other to '],
    ['read', 'oidc/oidc/callback', 'oidc', 'login to '],
    ['update', 'token/renew-accessor', 'token', 'token to '],
    ['update', 'token/revoke-self', 'token', 'other to '],
    ['update', 'token/revoke-accessor', 'token', 'config to '],
  ])('%s auth/%s is %s', (operation, where, type, expected) => {
    const mount = `auth/${where.slice(0, where.indexOf('/') + 1)}`;
    const { verb, grantee } = eventOf(vaultSource, record({ request: at(operation, `auth/${where}`, type, mount) }));
    expect(`${verb} to ${grantee ?? ''}`).toBe(expected);
  });

  it.each([
    ['read', 'aws', 'aws/creds/deploy', 'read'],
    ['update', 'aws', 'aws/sts/deploy', 'read'],
    ['update', 'aws', 'aws/config/root', 'config'],
    ['read', 'gcp', 'gcp/roleset/r/token', 'read'],
    ['read', 'gcp', 'gcp/roleset/r', 'describe'],
    ['update', 'ldap', 'ldap/library/team/check-out', 'read'],
    ['update', 'database', 'database/rotate-role/app', 'write'],
    ['read', 'totp', 'totp/code/x', 'read'],
    ['update', 'pki', 'pki/sign-verbatim', 'crypto'],
    ['update', 'pki', 'pki/issuer/default/issue/web', 'read'],
    ['update', 'pki', 'pki/root/sign-intermediate', 'crypto'],
    ['delete', 'pki', 'pki/root', 'destroy'],
    ['read', 'pki', 'pki/cert/ca', 'describe'],
    ['update', 'ssh', 'ssh/sign/ops', 'crypto'],
    ['update', 'ssh', 'ssh/creds/otp', 'read'],
    ['read', 'transit', 'transit/backup/k', 'backup'],
    ['update', 'transit', 'transit/restore/k', 'restore'],
    ['update', 'transit', 'transit/keys/k/trim', 'destroy'],
    ['update', 'transit', 'transit/random/16', 'other'],
    ['read', 'identity', 'identity/oidc/token/r', 'token'],
    ['update', 'identity', 'identity/entity/merge', 'policy'],
    ['update', 'some-plugin', 'own/config/x', 'config'],
  ])('%s of %s: %s is %s', (operation, type, where, verb) => {
    const mount = where.slice(0, where.indexOf('/') + 1);
    expect(eventOf(vaultSource, record({ request: at(operation, where, type, mount) })).verb).toBe(verb);
  });

  it('has one key for a transit key, whatever is done with it', () => {
    const paths = ['encrypt/k', 'sign/k/sha2-256', 'datakey/plaintext/k', 'keys/k/rotate', 'export/signing-key/k/1', 'backup/k'];
    const keysOf = (where: string) =>
      eventOf(vaultSource, record({ request: at('update', `transit/${where}`, 'transit', 'transit/') })).secrets.map(
        ({ key }) => key,
      );
    expect(new Set(paths.flatMap(keysOf))).toEqual(new Set(['vault:transit:k']));
  });
});
