import { describe, expect, it } from 'vitest';
import { concerns, eventOf, fixturesOf, holdsTheContract, parsed, type Json } from '../../../test/audit/sources.ts';
import { FLAG, type AuditEvent } from '../event.ts';
import { azureSource } from './azure.ts';

const fixtures = fixturesOf('azure');
const fixture = (name: string): Json => fixtures[name] ?? {};

const brief = ({ verb, outcome, principal, secrets, flags, client, account }: AuditEvent): Json => ({
  verb,
  outcome,
  who: `${principal.kind} ${principal.name}`,
  what: secrets.map(({ key, version }) => (version === undefined ? key : `${key}#${version}`)),
  flags: Object.entries(FLAG)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name),
  client,
  account,
});

const V = '0123456789abcdef0123456789abcdef';
const DB = 'azure:contoso:secret:db-password';
const jo = { outcome: 'ok', who: 'human jo@contoso.example', flags: [], client: 'azure-cli', account: 'contoso' };
const web = { outcome: 'ok', who: 'workload web1', flags: [], client: 'azsdk-net', account: 'contoso' };
const nobody = { who: 'unknown anonymous', flags: [], client: 'azsdk-net', account: 'contoso' };

const EXPECTED: readonly (readonly [string, Json])[] = [
  ['secret-get-person', { ...jo, verb: 'read', what: [`${DB}#${V}`] }],
  ['secret-get-person-long-claims', { ...jo, verb: 'read', what: [`${DB}#${V}`] }],
  ['secret-get-managed-identity', { ...web, verb: 'read', what: [`${DB}#${V}`] }],
  ['secret-get-forbidden', { ...web, verb: 'read', outcome: 'denied', what: [`${DB}#${V}`] }],
  ['secret-get-forbidden-no-status', { ...web, verb: 'read', outcome: 'denied', what: [`${DB}#${V}`] }],
  ['authentication-challenge', { ...nobody, verb: 'login', outcome: 'challenge', what: [] }],
  ['secret-get-challenge', { ...nobody, verb: 'read', outcome: 'challenge', what: [DB] }],
  ['secret-get-expired-token', { ...web, verb: 'read', outcome: 'authfail', what: [`${DB}#${V}`] }],
  ['secret-not-found', { ...web, verb: 'read', outcome: 'notfound', what: [DB] }],
  ['secret-backup', { ...jo, verb: 'backup', what: [DB] }],
  ['secret-purge', { ...jo, verb: 'destroy', what: [DB], flags: ['force'] }],
  ['secret-list', { ...jo, verb: 'list', what: [] }],
  ['key-sign', { ...web, verb: 'crypto', what: ['azure:contoso:key:token#fedcba9876543210fedcba9876543210'] }],
  [
    'vault-get-resource-graph',
    { ...web, verb: 'describe', who: 'service 509e4652-da8d-478d-a730-e9d4a1996ca4', what: [], client: 'azure-resource-manager' },
  ],
  [
    'vault-patch-access-policy',
    { ...jo, verb: 'policy', who: 'human live.com#jo@contoso.example', what: [], flags: ['console'], client: 'portal' },
  ],
  ['secret-near-expiry', { ...nobody, verb: 'config', outcome: 'ok', what: [`${DB}#${V}`], flags: ['system'] }],
  [
    'role-assignment-owner',
    {
      ...jo,
      verb: 'policy',
      what: [],
      flags: ['console', 'broad'],
      client: 'portal',
      account: '0a1b2c3d-0000-4000-8000-00000000cafe',
    },
  ],
  ['diagnostic-settings-delete', { ...jo, verb: 'audit', what: [], flags: ['console', 'auditOff'], client: 'portal' }],
  [
    'deleted-vault-purge-refused',
    { ...jo, verb: 'destroy', outcome: 'denied', what: [], flags: ['console', 'force'], client: 'portal' },
  ],
  ['vault-delete-rest', { ...jo, verb: 'delete', what: [] }],
];

describe('azureSource', () => {
  holdsTheContract(azureSource, fixtures);

  it.each(EXPECTED)('reads %s', (name, expected) => {
    expect(brief(eventOf(azureSource, fixture(name)))).toEqual(expected);
  });

  it('waits for the end of an operation that has only started', () => {
    expect(parsed(azureSource, fixture('role-assignment-start'))).toEqual({ skip: 'paired' });
  });

  it('knows one person by either spelling of the claims', () => {
    const short = eventOf(azureSource, fixture('secret-get-person')).principal;
    const long = eventOf(azureSource, fixture('secret-get-person-long-claims')).principal;
    expect(long.id).toBe(short.id);
    expect(long.id).toBe('aaaaaaaa-0000-4000-8000-000000000001');
  });

  it('tells how long the token lives, and where it was made when that is elsewhere', () => {
    const event = eventOf(azureSource, fixture('secret-get-person'));
    expect([event.ttl, event.claimIp, event.net.ip]).toEqual([3900, '198.51.100.7', '203.0.113.24']);
    const same = structuredClone(fixture('secret-get-person')) as { callerIpAddress: string };
    same.callerIpAddress = '::ffff:198.51.100.7';
    expect(eventOf(azureSource, same).claimIp).toBeUndefined();
  });

  it.each([
    ['vault-patch-access-policy', 'dddddddd-0000-4000-8000-000000000004'],
    ['role-assignment-owner', 'eeeeeeee-0000-4000-8000-000000000005'],
  ])('names whom %s lets in', (name, grantee) => {
    expect(eventOf(azureSource, fixture(name)).grantee).toBe(grantee);
  });

  it('gives one id to one record however often it comes, and another to the next', () => {
    const record = fixture('secret-get-person');
    const id = eventOf(azureSource, record).id;
    expect(eventOf(azureSource, structuredClone(record)).id).toBe(id);
    expect(eventOf(azureSource, { ...record, resourceId: String(record['resourceId']).toLowerCase() }).id).toBe(id);
    expect(eventOf(azureSource, { ...record, time: '2026-11-20T09:15:42.1234568Z' }).id).not.toBe(id);
  });

  it('leaves roles on resources that are no vault, and other logs, alone', () => {
    const record = fixture('role-assignment-owner');
    const elsewhere = {
      ...record,
      properties: {},
      identity: {},
      resourceId: '/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/a',
    };
    expect(parsed(azureSource, elsewhere)).toEqual({ skip: 'irrelevant' });
    const other = {
      time: '2026-11-20T09:15:42Z',
      operationName: 'GetBlob',
      resourceId: '/subscriptions/s/providers/microsoft.storage/x',
    };
    expect(parsed(azureSource, other)).toEqual({ skip: 'irrelevant' });
    expect(parsed(azureSource, { ...fixture('secret-list'), operationName: 'SecretTeleport' })).toEqual({ skip: 'unknown' });
    expect(
      concerns(azureSource, JSON.stringify({ ...other, operationName: 'Microsoft.Storage/storageAccounts/listKeys/action' })),
    ).toBe(false);
  });
});
