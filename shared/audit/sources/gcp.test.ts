import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concerns, eventOf, holdsTheContract, parsed, RECEIVED, type Json } from '../../../test/audit/sources.ts';
import { FLAG, type AuditEvent } from '../event.ts';
import { viewOf } from '../scan/index.ts';
import { gcpSource } from './gcp.ts';
import { resourceOf } from './gcp/names.ts';

const file = path.join(import.meta.dirname, '../../../test/audit/fixtures/gcp/records.jsonl');
const records = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Json & { protoPayload: Json; resource: Json });
const fixtures = Object.fromEntries(
  records.map((record, index) => [`${index + 1} ${String(record.protoPayload['methodName'])}`, record]),
);
const [access = {} as never] = records;

const flagsOf = ({ flags }: AuditEvent): string[] =>
  Object.entries(FLAG)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name);

/** The first record with another payload. */
const withPayload = (payload: Json, over: Json = {}): Json => ({
  ...access,
  ...over,
  protoPayload: { ...access.protoPayload, request: undefined, ...payload },
});

const SECRET = 'google.cloud.secretmanager.v1.SecretManagerService';
const secrets = (method: string): Json => ({ methodName: `${SECRET}.${method}` });
const keys = (methodName: string): Json => ({
  methodName,
  serviceName: 'cloudkms.googleapis.com',
  resourceName: 'projects/shop-prod/locations/global/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1',
});

describe('Google Cloud', () => {
  it('tells what the recorded shapes say', () => {
    const events = records.slice(0, 10).map((record) => eventOf(gcpSource, record));

    const told = events.map(
      (event) =>
        `${event.verb} ${event.outcome} ${event.secrets.map(({ key }) => key).join()} by ${event.principal.kind} ${event.principal.name} ${event.net.kind} [${flagsOf(event).join(' ')}]`,
    );
    const shop = 'checkout@shop-prod.iam.gserviceaccount.com';
    expect(told).toEqual([
      `read ok gcp:shop-prod:checkout-db by workload ${shop} public []`,
      'read denied gcp:shop-prod:checkout-db by workload repo:shop/api:ref:refs/heads/main of github public []',
      'write ok gcp:shop-prod:europe-west3/checkout-db by human ann.lee@shop.example public [console]',
      `crypto ok gcp:kms:shop-prod:europe-west3/app/envelope by workload ${shop} internal []`,
      'token ok  by workload ci@build-prod.iam.gserviceaccount.com public []',
      'policy ok gcp:shop-prod:checkout-db by human ann.lee@shop.example public [public]',
      'audit ok  by human ann.lee@shop.example public [auditOff]',
      'audit ok  by human ann.lee@shop.example public [auditOff]',
      'audit ok  by human ann.lee@shop.example public [auditOff]',
      'token ok  by human ann.lee@shop.example public []',
    ]);
  });

  it('names the key of a service account, who stands behind it, and what it makes', () => {
    const read = eventOf(gcpSource, access);
    const token = eventOf(gcpSource, records[4]);

    expect(read.principal).toMatchObject({ credential: '0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c', home: 'shop-prod' });
    expect(read.id).toBe(
      'gcp|projects/shop-prod/logs/cloudaudit.googleapis.com%2Fdata_access|2026-11-20T07:00:01.500123456Z|1x2y3z0001',
    );
    expect(token).toMatchObject({
      ttl: 43_200,
      chain: 1,
      grantee: 'checkout@shop-prod.iam.gserviceaccount.com',
      principal: { session: 'ann.lee@shop.example', home: 'build-prod' },
    });
  });

  it.each([
    ['projects/123456789012/secrets/db', 'shop-prod', undefined, 'gcp:shop-prod:db'],
    ['projects/shop-prod/secrets/db/versions/3', undefined, undefined, 'gcp:shop-prod:db'],
    ['projects/shop-prod/secrets/db', '123456789012', undefined, 'gcp:shop-prod:db'],
    [
      '//secretmanager.googleapis.com/projects/123456789012/secrets/db',
      undefined,
      'projects/shop-prod/logs/x',
      'gcp:shop-prod:db',
    ],
    ['projects/123456789012/secrets/db', undefined, undefined, 'gcp:projects/123456789012:db'],
    ['projects/123456789012/secrets/db', undefined, 'organizations/1/logs/x', 'gcp:projects/123456789012:db'],
    ['projects/shop-prod/locations/europe-west3/secrets/db', undefined, undefined, 'gcp:shop-prod:europe-west3/db'],
    ['projects/shop-prod/locations/global/keyRings/r', undefined, undefined, 'gcp:kms:shop-prod:global/r/'],
  ])('keys %s with label %s and log %s as %s', (name, label, log, key) => {
    expect(resourceOf(name, label, log).secret?.key).toBe(key);
  });

  it.each([
    [secrets('GetSecret'), 'describe'],
    [secrets('ListSecrets'), 'list'],
    [{ methodName: 'google.cloud.secretmanager.v1beta1.SecretManagerService.AccessSecretVersion' }, 'read'],
    [secrets('CreateSecret'), 'create'],
    [secrets('UpdateSecret'), 'config'],
    [secrets('DeleteSecret'), 'destroy'],
    [secrets('DestroySecretVersion'), 'destroy'],
    [secrets('DisableSecretVersion'), 'delete'],
    [secrets('EnableSecretVersion'), 'restore'],
    [secrets('TestIamPermissions'), 'whoami'],
    [keys('Decrypt'), 'crypto'],
    [keys('google.cloud.kms.v1.KeyManagementService.AsymmetricSign'), 'crypto'],
    [keys('DestroyCryptoKeyVersion'), 'destroy'],
    [keys('CreateCryptoKeyVersion'), 'write'],
    [{ ...keys('UpdateCryptoKeyVersion'), request: { cryptoKeyVersion: { state: 'DISABLED' } } }, 'delete'],
    [{ ...keys('UpdateCryptoKeyVersion'), request: { cryptoKeyVersion: { state: 'ENABLED' } } }, 'restore'],
    [keys('UpdateCryptoKey'), 'config'],
    [{ methodName: 'google.iam.admin.v1.SetIAMPolicy', serviceName: 'iam.googleapis.com' }, 'policy'],
    [{ methodName: 'google.iam.admin.v1.ListServiceAccounts', serviceName: 'iam.googleapis.com' }, 'list'],
    [{ methodName: 'SearchProjects', serviceName: 'cloudresourcemanager.googleapis.com' }, 'list'],
    [{ methodName: 'SignJwt', serviceName: 'iamcredentials.googleapis.com' }, 'token'],
    [{ methodName: 'google.logging.v2.ConfigServiceV2.CreateSink', serviceName: 'logging.googleapis.com' }, 'audit'],
    [{ methodName: 'google.identity.sts.v1.SecurityTokenService.ExchangeToken', serviceName: 'sts.googleapis.com' }, 'login'],
  ])('takes %j as %s', (payload, verb) => {
    expect(eventOf(gcpSource, withPayload(payload)).verb).toBe(verb);
  });

  it.each([
    [{}, 'ok'],
    [{ code: 0 }, 'ok'],
    [{ code: 3 }, 'error'],
    [{ code: 5 }, 'notfound'],
    [{ code: 7 }, 'denied'],
    [{ code: 8 }, 'throttled'],
    [{ code: 14 }, 'error'],
    [{ code: 16 }, 'authfail'],
  ])('takes the status %j as %s', (status, outcome) => {
    expect(eventOf(gcpSource, withPayload({ status })).outcome).toBe(outcome);
  });

  it.each([
    ['gce-internal-ip', 'internal'],
    ['private', 'internal'],
    ['10.1.2.3', 'private'],
    ['2001:db8::1', 'public'],
    [undefined, 'none'],
  ])('takes the caller %s as %s', (callerIp, kind) => {
    expect(eventOf(gcpSource, withPayload({ requestMetadata: { callerIp } })).net.kind).toBe(kind);
  });

  it.each([
    [{ principalEmail: 'Ann@Shop.example' }, 'human ann@shop.example'],
    [{ principalEmail: '', principalSubject: 'user:ann@shop.example' }, 'human ann@shop.example'],
    [{ principalEmail: 'a@p-1.iam.gserviceaccount.com' }, 'workload a@p-1.iam.gserviceaccount.com'],
    [{ principalEmail: '1-compute@developer.gserviceaccount.com' }, 'workload 1-compute@developer.gserviceaccount.com'],
    [
      { principalEmail: 'service-1@gcp-sa-secretmanager.iam.gserviceaccount.com' },
      'service service-1@gcp-sa-secretmanager.iam.gserviceaccount.com',
    ],
    [
      { principalSubject: 'principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ann' },
      'human principal://iam.googleapis.com/locations/global/workforcePools/staff/subject/ann',
    ],
    [{}, 'unknown gcp:unknown:shop-prod'],
  ])('takes %j as %s', (authenticationInfo, who) => {
    const { principal } = eventOf(gcpSource, withPayload({ authenticationInfo }));
    expect(`${principal.kind} ${principal.id}`).toBe(who);
  });

  it("takes a key's use by Secret Manager itself as an echo", () => {
    const by = (principalEmail: string) =>
      flagsOf(eventOf(gcpSource, withPayload({ ...keys('Decrypt'), authenticationInfo: { principalEmail } })));
    expect(by('service-123456789012@gcp-sa-secretmanager.iam.gserviceaccount.com')).toEqual(['echo']);
    expect(by('app@shop-prod.iam.gserviceaccount.com')).toEqual([]);
  });

  it('says the same through the fast scanner', () => {
    const bytes = records.map((record) => Buffer.from(JSON.stringify(record)));
    const scanned = bytes.map((each) => {
      const view = viewOf(gcpSource.plan, each, 0, each.length);
      return view === 'malformed' ? view : gcpSource.parse(view, { received: RECEIVED });
    });
    expect(scanned).toEqual(records.map((record) => parsed(gcpSource, record)));
  });

  it('counts a long operation once, by its beginning, and a split entry by its first part', () => {
    const operation = (first: boolean | undefined, last: boolean | undefined): Json => ({ operation: { id: 'o', first, last } });
    expect(parsed(gcpSource, withPayload({}, operation(true, undefined)))).toHaveProperty('verb', 'read');
    expect(parsed(gcpSource, withPayload({}, operation(true, true)))).toHaveProperty('verb', 'read');
    expect(parsed(gcpSource, withPayload({}, operation(undefined, true)))).toEqual({ skip: 'paired' });
    expect(parsed(gcpSource, withPayload({}, { split: { uid: 'u', index: 0, totalSplits: 2 } }))).toHaveProperty('verb', 'read');
    expect(parsed(gcpSource, withPayload({}, { split: { uid: 'u', index: 1, totalSplits: 2 } }))).toEqual({ skip: 'paired' });
  });

  it('leaves out what concerns no secret store, and what is no audit log', () => {
    expect(parsed(gcpSource, records[10])).toEqual({ skip: 'irrelevant' });
    expect(
      parsed(
        gcpSource,
        withPayload({ methodName: 'google.pubsub.v1.Publisher.CreateTopic', serviceName: 'pubsub.googleapis.com' }),
      ),
    ).toEqual({ skip: 'irrelevant' });
    expect(parsed(gcpSource, { logName: 'projects/p/logs/stdout', textPayload: 'x' })).toEqual({ skip: 'irrelevant' });
    expect(parsed(gcpSource, { severity: 'INFO' })).toEqual({ skip: 'malformed' });
    expect(parsed(gcpSource, { ...access, timestamp: 'soon', receiveTimestamp: 1 })).toEqual({ skip: 'malformed' });
  });
});

const added = (role: string, ...members: string[]): Json => ({
  bindingDeltas: members.map((member) => ({ action: 'ADD', role, member })),
});
const ann = { principalEmail: 'ann@shop.example' };
const grant = (policyDelta: Json, resourceName = 'projects/shop-prod/secrets/db'): AuditEvent => {
  const isProject = !resourceName.includes('/secrets/');
  const serviceName = isProject ? 'cloudresourcemanager.googleapis.com' : 'secretmanager.googleapis.com';
  const payload = {
    methodName: 'SetIamPolicy',
    serviceName,
    resourceName,
    authenticationInfo: ann,
    serviceData: { policyDelta },
  };
  return eventOf(gcpSource, withPayload(payload));
};

describe('policies of Google Cloud', () => {
  const ACCESSOR = 'roles/secretmanager.secretAccessor';
  it.each([
    ['somebody of the house', added(ACCESSOR, 'user:bob@shop.example'), [], 'bob@shop.example'],
    ['somebody of a part of the house', added(ACCESSOR, 'user:bob@eu.shop.example'), [], 'bob@eu.shop.example'],
    ['everybody', added(ACCESSOR, 'user:bob@shop.example', 'allUsers'), ['public'], 'allUsers'],
    ['everybody with an account', added(ACCESSOR, 'allAuthenticatedUsers'), ['public'], 'allAuthenticatedUsers'],
    ['a stranger', added(ACCESSOR, 'user:eve@elsewhere.example'), ['external'], 'eve@elsewhere.example'],
    ['a domain', added(ACCESSOR, 'domain:elsewhere.example'), ['external'], 'domain:elsewhere.example'],
    [
      'a project',
      added(ACCESSOR, 'serviceAccount:x@other.iam.gserviceaccount.com'),
      ['external'],
      'x@other.iam.gserviceaccount.com',
    ],
    [
      'its own account',
      added(ACCESSOR, 'serviceAccount:x@shop-prod.iam.gserviceaccount.com'),
      [],
      'x@shop-prod.iam.gserviceaccount.com',
    ],
    [
      'an agent of Google',
      added(ACCESSOR, 'serviceAccount:service-1@gcp-sa-run.iam.gserviceaccount.com'),
      [],
      'service-1@gcp-sa-run.iam.gserviceaccount.com',
    ],
    ['an owner', added('roles/owner', 'user:bob@shop.example'), ['broad'], 'bob@shop.example'],
    ['an administrator', added('roles/secretmanager.admin', 'user:bob@shop.example'), ['broad'], 'bob@shop.example'],
    [
      'a whole pool',
      added(ACCESSOR, 'principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*'),
      ['broad'],
      'principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/*',
    ],
    ['nobody any more', { bindingDeltas: [{ action: 'REMOVE', role: ACCESSOR, member: 'allUsers' }] }, [], undefined],
  ])('lets in %s', (_who, delta, flags, grantee) => {
    const event = grant(delta);
    expect([event.verb, flagsOf(event), event.grantee]).toEqual(['policy', flags, grantee]);
  });

  it('takes reading of every secret of a project as broad', () => {
    expect(flagsOf(grant(added(ACCESSOR, 'user:bob@shop.example'), 'projects/shop-prod'))).toEqual(['broad']);
  });

  it.each([
    [
      'an exemption',
      { auditConfigDeltas: [{ action: 'ADD', exemptedMember: 'user:eve@shop.example', logType: 'DATA_READ' }] },
      'audit',
    ],
    ['a log that ends', { auditConfigDeltas: [{ action: 'REMOVE', logType: 'DATA_READ' }] }, 'audit'],
    ['an exemption that ends', { auditConfigDeltas: [{ action: 'REMOVE', exemptedMember: 'user:eve@shop.example' }] }, 'policy'],
    ['a log that begins', { auditConfigDeltas: [{ action: 'ADD', logType: 'DATA_READ' }] }, 'policy'],
  ])('tells %s', (_what, delta, verb) => {
    const event = grant(delta, 'projects/shop-prod');
    expect([event.verb, flagsOf(event)]).toEqual([verb, verb === 'audit' ? ['auditOff'] : []]);
  });

  it('reads the whole policy where there are no deltas', () => {
    const policy = {
      bindings: [{ role: 'roles/owner', members: ['allUsers'] }],
      auditConfigs: [
        { service: 'allServices', auditLogConfigs: [{ logType: 'DATA_READ', exemptedMembers: ['user:a@b.example'] }] },
      ],
    };
    const event = eventOf(gcpSource, withPayload({ ...secrets('SetIamPolicy'), request: { policy } }));
    expect([event.verb, flagsOf(event)]).toEqual(['audit', ['public', 'broad', 'auditOff']]);
  });

  it.each([
    ['is switched off', { sink: { disabled: true }, updateMask: 'disabled' }, true],
    ['leaves something out', { sink: { exclusions: [{ filter: 'x' }] }, updateMask: 'exclusions' }, true],
    ['is narrowed', { sink: { filter: 'x' }, updateMask: 'filter' }, true],
    ['goes elsewhere', { sink: { destination: 'x' }, updateMask: { paths: ['destination'] } }, true],
    ['is replaced', { sink: { destination: 'x' } }, true],
    ['is described', { sink: { description: 'x' }, updateMask: 'description' }, false],
  ])('of a sink that %s', (_what, request, blinds) => {
    const payload = {
      methodName: 'google.logging.v2.ConfigServiceV2.UpdateSink',
      serviceName: 'logging.googleapis.com',
      request,
    };
    expect(flagsOf(eventOf(gcpSource, withPayload(payload)))).toEqual(blinds ? ['auditOff'] : []);
  });
});

describe('by bytes', () => {
  it('looks at every service name, and only at whole ones', () => {
    const nested = '{"a":{"serviceName":"storage.googleapis.com"},"protoPayload":{"serviceName" :\n "cloudkms.googleapis.com"}}';
    expect(concerns(gcpSource, nested)).toBe(true);
    expect(concerns(gcpSource, '{"protoPayload":{"serviceName":"storage.googleapis.com","x":"a\\u003cb\\u0026"}}')).toBe(false);
    expect(concerns(gcpSource, '{"protoPayload":{"serviceName":"xcloudkms.googleapis.com"}}')).toBe(false);
    expect(concerns(gcpSource, '{"textPayload":"secretmanager.googleapis.com"}')).toBe(false);
  });

  it('finds a service name however its letters are escaped', () => {
    const letters = Array.from('"serviceName":"secretmanager.googleapis.com"');
    const escaped = (letter: string): string => `\\u00${letter.charCodeAt(0).toString(16)}`;
    const spelled = fc.array(fc.boolean(), { minLength: letters.length, maxLength: letters.length });
    fc.assert(
      fc.property(spelled, fc.boolean(), (which, upper) => {
        const text = letters.map((letter, at) => {
          if (which[at] !== true || letter === '"' || letter === ':') return letter;
          return upper ? escaped(letter).toUpperCase().replace('\\U', '\\u') : escaped(letter);
        });
        expect(concerns(gcpSource, `{"protoPayload":{${text.join('')}}}`)).toBe(true);
      }),
    );
  });
});

describe('Google Cloud', () => {
  holdsTheContract(gcpSource, fixtures);
});
