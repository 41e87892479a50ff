import { describe, expect, it } from 'vitest';
import { eventOf, fixturesOf, parsed, type Json } from '../../../../test/audit/sources.ts';
import { FLAG } from '../../event.ts';
import { azureSource } from '../azure.ts';

const fixtures = fixturesOf('azure');
const assignment = fixtures['role-assignment-owner'] ?? {};
const settings = fixtures['diagnostic-settings-delete'] ?? {};
const secret = fixtures['secret-get-managed-identity'] ?? {};

const OWNER = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635';
const SECRETS_USER = '4633458b-17de-408a-b874-0445c86b69e6';
const READER = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
const VAULT = '/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v';

const body = (roleId: string, scope: string): string =>
  JSON.stringify({
    Properties: {
      PrincipalId: 'P',
      RoleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${roleId}`,
      Scope: scope,
    },
  });
const read = (from: Json, changes: Json) => eventOf(azureSource, { ...from, ...changes });

describe('a role assignment', () => {
  it.each([
    ['Owner of a subscription', OWNER, '/subscriptions/s', FLAG.broad],
    ['reader of all secrets of a subscription', SECRETS_USER, '/subscriptions/s', FLAG.broad],
    ['Owner of all', OWNER, '/', FLAG.broad],
    ['Owner of a resource group', OWNER, '/subscriptions/s/resourceGroups/g', 0],
    ['reader of secrets of one vault', SECRETS_USER, VAULT, 0],
    ['reader of a subscription', READER, '/subscriptions/s', 0],
  ])('%s', (_name, roleId, scope, broad) => {
    const event = read(assignment, { properties: { requestbody: body(roleId, scope) } });
    expect([event.verb, event.flags & FLAG.broad, event.grantee]).toEqual(['policy', broad, 'p']);
  });

  it('of a resource that is no vault is left alone', () => {
    const scope = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a';
    expect(parsed(azureSource, { ...assignment, properties: { requestbody: body(OWNER, scope) } })).toEqual({
      skip: 'irrelevant',
    });
  });
});

describe('a diagnostic setting', () => {
  const at = (resource: string): string => `${resource}/providers/microsoft.insights/diagnosticSettings/all`;
  const write = (enabled: boolean): Json => ({
    operationName: 'MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/WRITE',
    properties: { requestbody: JSON.stringify({ properties: { logs: [{ category: 'AuditEvent', enabled }] } }) },
  });

  it.each([
    ['of a vault, deleted', { resourceId: at(VAULT) }, FLAG.auditOff],
    ['of a subscription, deleted', { resourceId: at('/subscriptions/s') }, FLAG.auditOff],
    ['of a vault, with its logs switched off', write(false), FLAG.auditOff],
    ['of a vault, with its logs switched on', write(true), 0],
  ])('%s', (_name, changes, off) => {
    const event = read(settings, changes);
    expect([event.verb, event.flags & FLAG.auditOff]).toEqual(['audit', off]);
  });

  it('of anything else is left alone', () => {
    const resourceId = at('/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a');
    expect(parsed(azureSource, { ...settings, resourceId })).toEqual({ skip: 'irrelevant' });
  });
});

describe('how a call on a vault ended', () => {
  const ended = (status: unknown, signature: unknown, more: Json = {}): string => {
    const { httpStatusCode: _status, ...properties } = secret['properties'] as Json;
    return read(secret, {
      resultSignature: signature,
      properties: { ...properties, ...(status === undefined ? {} : { httpStatusCode: status }), ...more },
    }).outcome;
  };

  it.each([
    [200, 'OK', 'ok'],
    ['200', 'OK', 'ok'],
    [403, 'Forbidden', 'denied'],
    [undefined, 'Forbidden', 'denied'],
    [undefined, 'Not Found', 'notfound'],
    [undefined, 'Too Many Requests', 'throttled'],
    [undefined, 'Unauthorized', 'authfail'],
    [429, 'x', 'throttled'],
    [409, 'Conflict', 'error'],
    [500, undefined, 'error'],
    [undefined, undefined, 'ok'],
  ])('status %s and signature %s: %s', (status, signature, outcome) => {
    // resultType says Success in all of them.
    expect(ended(status, signature)).toBe(outcome);
  });

  it.each(['isAccessPolicyMatch', 'isRbacAuthorized', 'isAddressAuthorized'])('is denied where %s is false', (field) => {
    expect(ended(undefined, '', { isAccessPolicyMatch: undefined, [field]: false })).toBe('denied');
  });
});

describe('what is done to a vault', () => {
  it.each([
    ['SecretSet', 'write'],
    ['SecretRestore', 'restore'],
    ['SecretListVersions', 'list'],
    ['KeyRelease', 'read'],
    ['KeyUnwrap', 'crypto'],
    ['KeyBackup', 'backup'],
    ['CertificatePurge', 'destroy'],
    ['VaultDelete', 'delete'],
    ['VaultPut', 'policy'],
  ])('%s is %s', (operationName, verb) => {
    expect(read(secret, { operationName }).verb).toBe(verb);
  });
});
