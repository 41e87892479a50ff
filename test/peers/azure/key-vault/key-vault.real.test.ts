/** The strict Key Vault server through the real SDK: each rule with the page that states it. */
import { SecretClient } from '@azure/keyvault-secrets';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { overHttp } from '../../../../shared/stores/azure/client.ts';
import { all } from '../../../contract/harness.ts';
import { startKeyVault } from './server.ts';
import type { KeyVault } from './server.ts';

let vault: KeyVault;
let client: SecretClient;
let now = Date.UTC(2026, 0, 1);
const open = (version?: '7.0') =>
  new SecretClient(vault.url.replace('http:', 'https:'), vault.credential, {
    additionalPolicies: overHttp(),
    disableChallengeResourceVerification: true,
    retryOptions: { maxRetries: 0 },
    ...(version === undefined ? {} : { serviceVersion: version }),
  });
beforeEach(async () => {
  vault = await startKeyVault({ now: () => now });
  client = open();
});
afterEach(() => vault.stop());

const refusal = (statusCode: number, text: string, inner?: string) => ({
  statusCode,
  message: expect.stringContaining(text),
  ...(inner === undefined ? {} : { details: { error: expect.objectContaining({ innerError: { code: inner } }) } }),
});

describe('https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses', () => {
  it('challenges who comes without a token, and lets in who has a good one', async () => {
    const bare = await fetch(`${vault.url}/secrets/s?api-version=7.4`);
    expect(bare.status).toBe(401);
    expect(bare.headers.get('www-authenticate')).toMatch(
      /^Bearer authorization="https:\/\/login.+", resource="https:\/\/vault.azure.net"$/,
    );
    await client.setSecret('s', 'one');
    expect(vault.identity.issued).toBe(1);
    const headers = { authorization: 'Bearer nonsense' };
    expect((await fetch(`${vault.url}/secrets/s?api-version=7.4`, { headers })).status).toBe(401);
    vault.identity.expireAll();
    await expect(client.getSecret('s')).rejects.toMatchObject(refusal(401, 'AKV10001'));
  });

  it('wants a version of the API that it knows, and JSON', async () => {
    const headers = { authorization: `Bearer ${vault.identity.issue().token}` };
    expect((await fetch(`${vault.url}/secrets/s`, { headers })).status).toBe(400);
    expect((await fetch(`${vault.url}/secrets/s?api-version=1.0`, { headers })).status).toBe(400);
    const put = { method: 'PUT', headers, body: '{"value":"x"}' };
    expect((await fetch(`${vault.url}/secrets/s?api-version=7.4`, put)).status).toBe(415);
    expect((await open('7.0').setSecret('s', 'one')).value).toBe('one');
  });
});

describe('https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret/set-secret', () => {
  it('makes a new version that is the newest at once, under names without case', async () => {
    const first = await client.setSecret('Name', 'one', { tags: { a: '1' } });
    const second = await client.setSecret('name', 'two');
    expect(second.properties.version).toMatch(/^[0-9a-f]{32}$/);
    expect(await client.getSecret('NAME')).toMatchObject({ value: 'two', name: 'Name' });
    const old = await client.getSecret('name', { version: first.properties.version ?? '' });
    expect(old).toMatchObject({ value: 'one', properties: { tags: { a: '1' }, enabled: true } });
  });

  it('times versions in whole seconds', async () => {
    now = Date.UTC(2026, 0, 1, 0, 0, 0, 999);
    const made = await client.setSecret('s', 'one');
    expect(made.properties.createdOn?.getTime()).toBe(Date.UTC(2026, 0, 1));
  });

  it.each([
    ['a/b', 'x', {}],
    ['a_b', 'x', {}],
    ['x'.repeat(128), 'x', {}],
    ['s', 'x'.repeat(25_601), {}],
    ['s', 'x', { tags: Object.fromEntries(Array.from({ length: 16 }, (_, n) => [`t${n}`, 'x'])) }],
    ['s', 'x', { tags: { t: 'x'.repeat(257) } }],
    ['s', 'x', { contentType: 'x'.repeat(256) }],
  ])('refuses what is out of bounds: %#', async (name, value, options) => {
    await expect(client.setSecret(name, value, options)).rejects.toMatchObject({
      statusCode: expect.any(Number),
      name: 'RestError',
    });
    expect(vault.history('s')).toHaveLength(0);
    expect(await client.setSecret('s', 'x'.repeat(25_600))).toMatchObject({ name: 's' });
  });
});

describe('https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#secret-attributes', () => {
  it('shows no disabled version, also when it is the newest, and shows expired ones', async () => {
    const first = await client.setSecret('s', 'one', { expiresOn: new Date(0), notBefore: new Date('2099-01-01') });
    const second = await client.setSecret('s', 'two');
    await client.updateSecretProperties('s', second.properties.version ?? '', { enabled: false });
    await expect(client.getSecret('s')).rejects.toMatchObject(refusal(403, 'disabled secret', 'SecretDisabled'));
    expect((await client.getSecret('s', { version: first.properties.version ?? '' })).value).toBe('one');
  });

  it('changes attributes of one version, replaces its whole map of tags, and leaves both where they are not given', async () => {
    const { properties } = await client.setSecret('s', 'one', { tags: { a: '1', b: '2' } });
    const version = properties.version ?? '';
    now += 5000;
    const kept = await client.updateSecretProperties('s', version, { expiresOn: new Date(1e12) });
    expect(kept).toMatchObject({ tags: { a: '1', b: '2' }, enabled: true });
    const replaced = await client.updateSecretProperties('s', version, { tags: { c: '3' } });
    expect(replaced.tags).toEqual({ c: '3' });
    expect(replaced.expiresOn).toEqual(new Date(1e12));
    expect((replaced.updatedOn?.getTime() ?? 0) - (replaced.createdOn?.getTime() ?? 0)).toBe(5000);
  });
});

describe('https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret-versions/get-secret-versions', () => {
  it('lists versions by pages of 25, in no order, none of a secret that is not there', async () => {
    for (let n = 0; n < 60; n += 1) vault.set('s', String(n));
    const listed = (await all(client.listPropertiesOfSecretVersions('s'))).map(({ version }) => version ?? '');
    const made = vault.history('s').map(({ id }) => id);
    expect(listed.toSorted()).toEqual(made.toSorted());
    expect(listed).not.toEqual(made);
    expect(vault.requests.filter(({ operation }) => operation === 'versions')).toHaveLength(3);
    expect(await all(client.listPropertiesOfSecretVersions('nobody'))).toEqual([]);
  });

  it('lists secrets by pages, with what their newest version has, without values', async () => {
    for (let n = 0; n < 30; n += 1) vault.set(`s-${n}`, 'hunter2', { tags: { n: String(n) } });
    const listed = await all(client.listPropertiesOfSecrets());
    expect(listed).toHaveLength(30);
    expect(listed.find(({ name }) => name === 's-7')).toMatchObject({ tags: { n: '7' }, enabled: true });
    expect(JSON.stringify(listed)).not.toContain('hunter2');
  });
});

describe('https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview', () => {
  it('keeps the name of a deleted secret until it is recovered or purged', async () => {
    vault.set('s', 'one');
    const poller = await client.beginDeleteSecret('s', { intervalInMs: 1 });
    await poller.pollUntilDone();
    await expect(client.getSecret('s')).rejects.toMatchObject(refusal(404, 'not found'));
    expect(await all(client.listPropertiesOfSecrets())).toEqual([]);
    expect((await all(client.listDeletedSecrets())).map(({ name }) => name)).toEqual(['s']);
    const held = refusal(409, 'deleted but recoverable', 'ObjectIsDeletedButRecoverable');
    await expect(client.setSecret('s', 'two')).rejects.toMatchObject(held);

    await (await client.beginRecoverDeletedSecret('s', { intervalInMs: 1 })).pollUntilDone();
    expect((await client.getSecret('s')).value).toBe('one');

    await (await client.beginDeleteSecret('s', { intervalInMs: 1 })).pollUntilDone();
    await client.purgeDeletedSecret('s');
    await client.setSecret('s', 'two');
    expect(vault.history('s')).toHaveLength(1);
  });
});

describe('https://learn.microsoft.com/azure/key-vault/general/rest-error-codes', () => {
  it.each([
    ['ForbiddenByRbac', 403, 'ForbiddenByRbac'],
    ['ForbiddenByPolicy', 403, 'ForbiddenByPolicy'],
    ['ForbiddenByFirewall', 403, 'ForbiddenByFirewall'],
    ['throttled', 429, undefined],
    ['failed', 500, undefined],
  ] as const)('answers a fault of kind %s with %i, once, and does nothing', async (kind, status, inner) => {
    vault.faults.add({ kind, operation: 'set', secret: 's' });
    await expect(client.setSecret('s', 'one')).rejects.toMatchObject(refusal(status, '', inner));
    expect(vault.history('s')).toHaveLength(0);
    await client.setSecret('s', 'one');
    expect(vault.history('s')).toHaveLength(1);
  });

  it.each(['lost', 'cut'] as const)('does what it was asked and then fails: %s', async (kind) => {
    vault.faults.add({ kind });
    await expect(client.setSecret('s', 'one')).rejects.toMatchObject({ name: 'RestError', message: expect.any(String) });
    expect(vault.history('s')).toHaveLength(1);
  });
});
