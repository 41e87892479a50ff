import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { at, flagsOf, HMAC, record } from '../../../test/audit/openbao/record.ts';
import { eventsOf, parseLine, told } from '../../../test/audit/openbao/told.ts';
import { eventOf, holdsTheContract, parsed, RECEIVED, type Json } from '../../../test/audit/sources.ts';
import { FLAG, isEvent } from '../event.ts';
import { viewOf } from '../scan/index.ts';
import { vaultSource } from './vault.ts';

const folder = path.join(import.meta.dirname, '../../../test/audit/fixtures/vault');
const linesOf = (name: string): readonly string[] => readFileSync(path.join(folder, name), 'utf8').trim().split('\n');
const BAO = linesOf('openbao-2.7.jsonl');
const BAO_RAW = linesOf('openbao-2.7-raw.jsonl');
const VAULT = linesOf('vault-1.18.jsonl');

const all = [...BAO, ...VAULT].map((line, index) => [`line ${index + 1}`, JSON.parse(line) as Json] as const);

describe('recorded by OpenBao 2.7', () => {
  it('gives one event for each operation', () => {
    expect(eventsOf(vaultSource, BAO).map(told)).toEqual([
      'config ok by root [root]',
      'create ok vault:kv:app/db#1 by root [root]',
      'read ok vault:kv:app/db#3 by root [root]',
      'read notfound vault:kv:app/none by root [root]',
      'login ok by userpass-ann 2764800s',
      'login authfail by userpass-ann',
      'login authfail by userpass-bob',
      'login ok by approle app 3600s',
      'read ok vault:kv:app/db#3 by approle app 3600s',
      'read denied vault:kv:other by approle app 3600s',
      'read authfail vault:kv:app/db by unknown',
      'token ok by root [endless makesRoot root]',
      'read ok vault:kv:app/db by approle app [wrapped] 3600s',
      'read authfail by unknown [unwrap]',
    ]);
  });

  it('tells that a device writes in clear, and nothing of what it writes', () => {
    const events = eventsOf(vaultSource, BAO_RAW);
    const written = JSON.stringify(events);

    expect(events.length).toBe(4);
    expect(events.filter(({ flags }) => (flags & FLAG.clear) === 0)).toEqual([]);
    for (const secret of ['canary', 's.example']) {
      expect(BAO_RAW.join('')).toContain(secret);
      expect(written).not.toContain(secret);
    }
  });
});
describe("in HashiCorp's shape", () => {
  it('pairs requests, forwarded copies and refusals', () => {
    expect(VAULT.map((line) => parseLine(vaultSource, line)).map((each) => (isEvent(each) ? each.id : each.skip))).toEqual([
      'paired',
      'vault||root|0b6a7d1c-52a5-4a54-9d47-1d5a40a1c001',
      'vault||root|0b6a7d1c-52a5-4a54-9d47-1d5a40a1c001',
      'paired',
      'vault||root|0b6a7d1c-52a5-4a54-9d47-1d5a40a1c002',
      'vault||root|0b6a7d1c-52a5-4a54-9d47-1d5a40a1c003',
      'vault||Qw1|0b6a7d1c-52a5-4a54-9d47-1d5a40a1c004',
    ]);
  });

  it('tells who did what', () => {
    const events = eventsOf(vaultSource, VAULT);

    expect(events.map(told)).toEqual([
      'read ok vault:secret:shop/checkout/db#7 by kubernetes-shop-checkout 3600s',
      'login authfail by corp-ldap-Ann.Lee',
      'login ok by corp-ldap-Ann.Lee 43200s',
      'read ok vault:retail/eu/secret:shop/checkout/db#7 by corp-ldap-Ann.Lee [policyOverride] 43200s',
    ]);
    expect(events.map(({ source }) => source)).toEqual(['vault', 'vault', 'vault', 'vault']);
    expect(events[0]).toMatchObject({
      principal: { id: '6f2a3c1e-0d9b-4b7a-8f11-2f6f7f0f9c21', kind: 'workload', group: 'checkout', credential: 'a1'.repeat(32) },
      net: { kind: 'private', prefix: '10.42.3.0/24' },
      client: 'go-http',
      account: 'root',
    });
    expect(events[3]).toMatchObject({ account: 'retail/eu', client: 'browser', net: { kind: 'public' } });
    // A login that fails and one that succeeds are the same person's.
    expect(events.slice(1, 3).map(({ principal: { id, kind } }) => `${kind} ${id}`)).toEqual([
      'human vault:corp-ldap-Ann.Lee',
      'human vault:corp-ldap-Ann.Lee',
    ]);
  });
});

const NOBODY = { token_type: 'default' };

describe('outcomes', () => {
  it.each([
    ['1 error occurred:\n\t* permission denied\n\n', undefined, 'denied'],
    ['permission denied', NOBODY, 'authfail'],
    ['2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n', NOBODY, 'authfail'],
    ['missing client token', NOBODY, 'authfail'],
    ['wrapping token is not valid or does not exist', NOBODY, 'authfail'],
    ['request path "kv/x": rate limit quota exceeded', undefined, 'throttled'],
    ['1 error occurred:\n\t* unsupported path\n\n', undefined, 'notfound'],
    ['1 error occurred:\n\t* unsupported operation\n\n', undefined, 'error'],
    ['context deadline exceeded', undefined, 'error'],
  ])('%j is %s', (error, auth, outcome) => {
    const over = auth === undefined ? { error } : { error, auth };
    expect(eventOf(vaultSource, record({ ...over, response: {} })).outcome).toBe(outcome);
    expect(eventOf(vaultSource, record({ ...over, type: 'request' })).outcome).toBe(outcome);
  });

  it.each([
    ['invalid credentials', 'authfail'],
    ['1 error occurred:\n\t* permission denied\n\n', 'authfail'],
    ['ldap operation failed: failed to bind as user', 'authfail'],
    ['dial tcp 10.0.0.1:389: i/o timeout', 'error'],
    ['rate limit quota exceeded', 'throttled'],
  ])('of a login, %j is %s', (error, outcome) => {
    const request = at('update', 'auth/ldap/login/ann', 'ldap', 'auth/ldap/');
    expect(eventOf(vaultSource, record({ error, auth: NOBODY, request, response: {} })).outcome).toBe(outcome);
  });

  it.each([
    [{ mount_type: 'kv' }, 'notfound'],
    [{ mount_type: 'kv', data: { http_status_code: 404 } }, 'notfound'],
    [{ mount_type: 'kv', data: { http_status_code: 429 } }, 'throttled'],
    [{ mount_type: 'kv', data: { error: HMAC } }, 'error'],
    [{ mount_type: 'kv', wrap_info: { ttl: 60, token: HMAC } }, 'ok'],
    // Filters of Vault Enterprise and old versions leave out more than an answer's data.
    [{}, 'ok'],
  ])('of a read, the answer %j is %s', (response, outcome) => {
    expect(eventOf(vaultSource, record({ response })).outcome).toBe(outcome);
  });

  it('lets the keys of a secret be called anything', () => {
    const response = { mount_type: 'kv', secret: {}, data: { error: HMAC, http_status_code: 404, metadata: { version: 9 } } };
    const event = eventOf(vaultSource, record({ request: { path: 'kv/app' }, response }));
    expect([event.outcome, event.secrets]).toEqual(['ok', [{ key: 'vault:kv:app', name: 'kv/app' }]]);
  });
});

describe('people and tokens', () => {
  it.each([
    [{ display_name: 'oidc-ann@shop.example', entity_id: 'e-2', metadata: { role: 'staff' } }, 'human e-2'],
    [{ display_name: 'sso-ann@shop.example', entity_id: 'e-2' }, 'human e-2'],
    [{ display_name: 'jwt-ci', entity_id: 'e-3', metadata: { role: 'ci' } }, 'workload e-3'],
    [{ display_name: 'corp-k8s-a-b', entity_id: 'e-4', metadata: { service_account_name: 'b' } }, 'workload e-4'],
    [{ display_name: 'userpass-ann', metadata: { username: 'ann' }, entity_id: 'e-5' }, 'human vault:userpass-ann'],
    [{ display_name: 'approle', metadata: { role_name: 'app' } }, 'workload vault:approle/app'],
    [{ display_name: 'token', policies: ['default', 'ops', 'deploy'] }, 'unknown vault:token:deploy,ops'],
    [{ display_name: 'token-backup', policies: ['backup'] }, 'unknown vault:token-backup:backup'],
    [{ display_name: 'root', policies: ['root'] }, 'root vault:root'],
    [{ display_name: 'userpass-ann', policies: ['response-wrapping'] }, 'unknown vault:wrapping:userpass-ann'],
    [{ accessor: HMAC }, `unknown vault:accessor:${'ab'.repeat(32)}`],
    [NOBODY, 'unknown vault:unknown:10.0.0.0/24'],
  ])('%j is %s', (auth, who) => {
    const { principal } = eventOf(vaultSource, record({ auth }));
    expect(`${principal.kind} ${principal.id}`).toBe(who);
  });

  it('keeps the tenants of namespaces apart, and a person one below them', () => {
    const auth = { display_name: 'userpass-ann', metadata: { username: 'ann' } };
    const idIn = (namespace: string) =>
      eventOf(vaultSource, record({ auth, request: { namespace: { id: 'n', path: namespace } } })).principal.id;
    expect([idIn('a/'), idIn('a/b/'), idIn('c/')]).toEqual([
      'vault:a/userpass-ann',
      'vault:a/userpass-ann',
      'vault:c/userpass-ann',
    ]);
  });

  it('lets no token out, wherever it stands', () => {
    const token = 'hvs.CAESIJlongandsecret0123456789';
    const tokens = [
      record({ request: at('update', `auth/token/revoke/${token}`, 'token', 'auth/token/') }),
      record({ request: at('read', `kv/data/${token}`, 'kv', 'kv/') }),
      record({ auth: { client_token: token }, request: { client_token: token, client_token_accessor: undefined } }),
      record({ response: { mount_type: 'kv', wrap_info: { token } } }),
    ];
    const events = tokens.map((each) => eventOf(vaultSource, each));
    expect(JSON.stringify(events)).not.toContain('longandsecret');
    expect(events.map(({ flags }) => flags & FLAG.clear)).toEqual(tokens.map(() => FLAG.clear));
    expect(events[0]?.action).toBe('update auth/token/revoke/…');
  });

  it('tells the lifetime of the token that is asked about, and none where it says none', () => {
    const self = record({
      request: at('read', 'auth/token/lookup-self', 'token', 'auth/token/'),
      response: { data: { creation_ttl: 180_000_000 } },
    });
    expect(eventOf(vaultSource, self)).toMatchObject({ verb: 'whoami', ttl: 180_000_000 });
    expect(
      eventOf(vaultSource, record({ auth: { display_name: 'root', policies: ['root'], token_ttl: 0 } })).ttl,
    ).toBeUndefined();
  });

  it('reads what a policy grants only where it is in clear', () => {
    const wide = (policy: string): string[] =>
      flagsOf(
        eventOf(vaultSource, record({ request: { ...at('update', 'sys/policies/acl/x', 'system', 'sys/'), data: { policy } } }))
          .flags,
      );
    expect(wide('path "*" { capabilities = ["read"] }')).toEqual(['broad']);
    expect(wide('path "sys/auth" { capabilities = ["sudo"] }')).toEqual(['broad']);
    expect(wide('{"path":{"*":{"capabilities":["read"]}}}')).toEqual(['broad']);
    expect(wide('path "kv/data/app/*" { capabilities = ["read"] }')).toEqual([]);
    expect(wide(HMAC)).toEqual([]);
  });
});

describe('through the fast scanner', () => {
  it.each(all)('says the same of %s', (_name, each) => {
    const bytes = Buffer.from(JSON.stringify(each));
    const view = viewOf(vaultSource.plan, bytes, 0, bytes.length);
    expect(view === 'malformed' ? view : vaultSource.parse(view, { received: RECEIVED })).toEqual(parsed(vaultSource, each));
  });
});

describe('what gives no event', () => {
  it.each([
    [record({ type: 'request' }), 'paired'],
    [record({ type: 'kmip-request' }), 'unknown'],
    [record({ request: { operation: 'alias-lookahead' } }), 'irrelevant'],
    [{ ...record(), time: 'yesterday' }, 'malformed'],
    [{ ...record(), type: 7 }, 'malformed'],
    [record({ request: { path: undefined } }), 'malformed'],
  ])('%#: is %s', (each, skip) => {
    expect(parsed(vaultSource, each)).toEqual({ skip });
  });

  it('is never the request that nobody answers', () => {
    const seal = record({ type: 'request', request: at('update', 'sys/seal') });
    expect(eventOf(vaultSource, seal)).toMatchObject({ verb: 'config', outcome: 'ok' });
  });
});

describe('Vault', () => {
  holdsTheContract(vaultSource, Object.fromEntries(all));
});
