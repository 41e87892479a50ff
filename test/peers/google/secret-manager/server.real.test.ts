/** The protocol server is driven by the vendor's own client, rule by rule. */
import { SecretManagerServiceClient } from '@google-cloud/secret-manager';
import * as grpc from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { manualClock, type ManualClock } from '../../../contract/harness.ts';
import { crc32c } from './messages.ts';
import { startSecretManager, type SecretManagerOptions, type SecretManagerServer } from './server.ts';

const { status } = grpc;
let clock: ManualClock;
let server: SecretManagerServer;
let sdk: SecretManagerServiceClient;
async function start(more: Partial<SecretManagerOptions> = {}): Promise<void> {
  clock = manualClock();
  server = await startSecretManager({ now: () => clock.now(), ...more });
  const { hostname, port } = new URL(server.endpoint);
  const clientOptions = { universe_domain: 'googleapis.com' } as object;
  sdk = new SecretManagerServiceClient({
    apiEndpoint: hostname,
    port: Number(port),
    sslCreds: grpc.credentials.createInsecure(),
    clientOptions,
  });
}
beforeEach(() => start());
afterEach(async () => {
  await sdk.close();
  await server.stop();
});

const parent = 'projects/keywheel-test';
const SECRET = `${parent}/secrets/s`;
const at = (version: number | string): { name: string } => ({ name: `${SECRET}/versions/${version}` });
async function create(secretId = 's', secret: object = { replication: { automatic: {} } }) {
  return (await sdk.createSecret({ parent, secretId, secret }))[0];
}
async function add(text = 'value', secret = SECRET) {
  return (await sdk.addSecretVersion({ parent: secret, payload: { data: Buffer.from(text) } }))[0];
}
async function update(secret: object, ...paths: string[]) {
  return (await sdk.updateSecret({ secret: { name: SECRET, ...secret }, updateMask: { paths } }))[0];
}
async function text(version: number | string) {
  const [{ payload }] = await sdk.accessSecretVersion(at(version), { retry: null });
  return String(payload?.data);
}
const refused = (code: grpc.status, details: RegExp) => ({ code, details: expect.stringMatching(details) });

describe('secrets', () => {
  it('carry the project’s number, a quoted etag, and exist once', async () => {
    expect(await create()).toMatchObject({ name: 'projects/408713339517/secrets/s', etag: expect.stringMatching(/^".+"$/) });
    await expect(create()).rejects.toMatchObject(refused(status.ALREADY_EXISTS, /already exists/));
    await expect(sdk.getSecret({ name: `${parent}/secrets/none` })).rejects.toMatchObject(refused(status.NOT_FOUND, /not found/));
  });

  it.each(['', 'a/b', 'ä', 'x'.repeat(256)])('have ids of 255 letters, digits, - and _: not %j', async (id) => {
    await expect(create(id)).rejects.toMatchObject(refused(status.INVALID_ARGUMENT, /must match/));
  });

  it('name a replication when global, and none when regional', async () => {
    await expect(create('s', {})).rejects.toMatchObject(refused(status.INVALID_ARGUMENT, /replication must be set/));
    const regional = { parent: `${parent}/locations/europe-west3`, secretId: 's' };
    await expect(sdk.createSecret({ ...regional, secret: { replication: { automatic: {} } } })).rejects.toMatchObject(
      refused(status.INVALID_ARGUMENT, /regional/),
    );
    expect((await sdk.createSecret({ ...regional, secret: {} }))[0].name).toBe(
      'projects/408713339517/locations/europe-west3/secrets/s',
    );
    await expect(sdk.getSecret({ name: SECRET })).rejects.toMatchObject(refused(status.NOT_FOUND, /not found/));
  });

  it('are listed newest first, by pages and by filter', async () => {
    for (const id of ['one', 'two', 'three'])
      await create(id, { replication: { automatic: {} }, labels: { kind: id.slice(0, 1) } });
    const [first, next] = await sdk.listSecrets({ parent, pageSize: 2 }, { autoPaginate: false });
    expect(first.map((secret) => secret.name?.split('/').at(-1))).toEqual(['three', 'two']);
    expect(
      (await sdk.listSecrets(next ?? {}, { autoPaginate: false }))[0].map((secret) => secret.name?.split('/').at(-1)),
    ).toEqual(['one']);
    const [found] = await sdk.listSecrets({ parent, filter: 'labels.kind=t AND name:hre' });
    expect(found.map((secret) => secret.name?.split('/').at(-1))).toEqual(['three']);
    await expect(sdk.listSecrets({ parent, filter: 'nonsense' })).rejects.toMatchObject(
      refused(status.INVALID_ARGUMENT, /filter/),
    );
  });
});

describe('etags', () => {
  it('stop a stale update with FAILED_PRECONDITION, and are renewed by every update, also by one that changes nothing', async () => {
    const { etag } = await create();
    const second = await update({ etag, labels: {} }, 'labels');
    expect(second.etag).not.toBe(etag);
    await expect(update({ etag, labels: { a: 'b' } }, 'labels')).rejects.toMatchObject(
      refused(status.FAILED_PRECONDITION, /etag/),
    );
    expect((await update({ labels: { a: 'b' } }, 'labels')).labels).toEqual({ a: 'b' }); // none given, none checked
  });

  it('of a secret do not change with its versions, nor the other way round', async () => {
    const { etag } = await create();
    const version = await add();
    expect((await sdk.getSecret({ name: SECRET }))[0].etag).toBe(etag);
    const [enabled] = await sdk.enableSecretVersion({ ...at(1), etag: version.etag ?? '' });
    expect(enabled.etag).not.toBe(version.etag);
    await expect(sdk.disableSecretVersion({ ...at(1), etag: version.etag ?? '' })).rejects.toMatchObject(
      refused(status.FAILED_PRECONDITION, /etag/),
    );
    await expect(sdk.deleteSecret({ name: SECRET, etag: '"0"' })).rejects.toMatchObject(
      refused(status.FAILED_PRECONDITION, /etag/),
    );
    await sdk.deleteSecret({ name: SECRET, etag: etag ?? '' });
    await expect(sdk.getSecret({ name: SECRET })).rejects.toMatchObject(refused(status.NOT_FOUND, /not found/));
  });

  it('come with a mask that names only what may change', async () => {
    await create();
    await expect(update({ labels: {} })).rejects.toMatchObject(refused(status.INVALID_ARGUMENT, /update_mask/));
    await expect(update({}, 'replication')).rejects.toMatchObject(refused(status.INVALID_ARGUMENT, /cannot be updated/));
  });
});

describe('versions', () => {
  it('count from 1, are listed newest first, and are checked by CRC-32C and size', async () => {
    await create();
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283); // the check value of CRC-32C
    for (const name of ['1', '2']) expect((await add(name)).name).toBe(`projects/408713339517/secrets/s/versions/${name}`);
    expect((await sdk.listSecretVersions({ parent: SECRET }))[0].map((version) => version.name?.at(-1))).toEqual(['2', '1']);
    const data = Buffer.from('x');
    const payload = { data, dataCrc32c: crc32c(data) };
    expect((await sdk.addSecretVersion({ parent: SECRET, payload }))[0].clientSpecifiedPayloadChecksum).toBe(true);
    await expect(sdk.addSecretVersion({ parent: SECRET, payload: { data, dataCrc32c: 1 } })).rejects.toMatchObject(
      refused(status.INVALID_ARGUMENT, /checksum/),
    );
    await expect(add('x'.repeat(65_537))).rejects.toMatchObject(refused(status.INVALID_ARGUMENT, /65536/));
    await expect(add('')).rejects.toMatchObject(refused(status.INVALID_ARGUMENT, /empty/));
  });

  it('that are disabled or destroyed cannot be read, and only disabled ones come back', async () => {
    await create();
    await add('one');
    await sdk.disableSecretVersion(at(1));
    await expect(text(1)).rejects.toMatchObject(refused(status.FAILED_PRECONDITION, /is in DISABLED state/));
    await sdk.enableSecretVersion(at(1));
    expect(await text(1)).toBe('one');
    expect((await sdk.destroySecretVersion(at(1)))[0].state).toBe('DESTROYED');
    await expect(text(1)).rejects.toMatchObject(refused(status.FAILED_PRECONDITION, /is in DESTROYED state/));
    await expect(sdk.enableSecretVersion(at(1))).rejects.toMatchObject(refused(status.FAILED_PRECONDITION, /already DESTROYED/));
    await expect(text(2)).rejects.toMatchObject(refused(status.NOT_FOUND, /not found/));
  });

  it('wait with their destruction where the secret says so', async () => {
    await create('s', { replication: { automatic: {} }, versionDestroyTtl: { seconds: 86_400 } });
    await add();
    const [version] = await sdk.destroySecretVersion(at(1));
    expect(version).toMatchObject({ state: 'DISABLED', scheduledDestroyTime: { seconds: String(clock.now() / 1000 + 86_400) } });
  });

  it('are `latest` when they are newest, whatever their state', async () => {
    await create();
    await expect(text('latest')).rejects.toMatchObject(refused(status.NOT_FOUND, /has no versions/));
    await add('one');
    await add('two');
    expect(await text('latest')).toBe('two');
    await sdk.disableSecretVersion(at(2));
    await expect(text('latest')).rejects.toMatchObject(refused(status.FAILED_PRECONDITION, /DISABLED/));
    await expect(sdk.destroySecretVersion(at('latest'))).rejects.toMatchObject(refused(status.INVALID_ARGUMENT, /number/));
  });
});

describe('aliases and annotations', () => {
  it('name a version that is there, and are read like it', async () => {
    await create();
    await add('one');
    await update({ versionAliases: { current: 1 } }, 'version_aliases');
    expect(await text('current')).toBe('one');
    expect((await sdk.getSecretVersion(at('current')))[0].name).toMatch(/versions\/1$/);
    await sdk.destroySecretVersion(at(1));
    await expect(text('current')).rejects.toMatchObject(refused(status.FAILED_PRECONDITION, /DESTROYED/));
    await update({ versionAliases: {} }, 'version_aliases');
    await expect(text('current')).rejects.toMatchObject(refused(status.NOT_FOUND, /not found/));
  });

  it.each([
    ['latest', 1],
    ['NEW', 1],
    ['1st', 1],
    ['a b', 1],
    ['x'.repeat(64), 1],
    ['later', 2],
  ])('are not called %s for version %i', async (alias, version) => {
    await create();
    await add();
    await expect(update({ versionAliases: { [alias]: version } }, 'version_aliases')).rejects.toMatchObject(
      refused(status.INVALID_ARGUMENT, /alias/),
    );
  });

  it('have their limits: 50 aliases, 16 KiB of annotations', async () => {
    await create();
    await add();
    const aliases = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, 1]));
    await update({ versionAliases: aliases(50) }, 'version_aliases');
    await expect(update({ versionAliases: aliases(51) }, 'version_aliases')).rejects.toMatchObject(
      refused(status.INVALID_ARGUMENT, /50/),
    );
    await update({ annotations: { a: 'x'.repeat(16_382) } }, 'annotations');
    await expect(update({ annotations: { a: 'x'.repeat(16_383) } }, 'annotations')).rejects.toMatchObject(
      refused(status.INVALID_ARGUMENT, /16 KiB/),
    );
    await expect(update({ annotations: { '-a': '' } }, 'annotations')).rejects.toMatchObject(
      refused(status.INVALID_ARGUMENT, /key/),
    );
  });
});

describe('the server', () => {
  it('shows late what was changed, except a version by its number', async () => {
    await create();
    await add('one');
    await update({ versionAliases: { current: 1 } }, 'version_aliases');
    clock.advance(60_000);
    await add('two');
    await update({ versionAliases: { current: 2 } }, 'version_aliases');
    server.lag = 1_000;
    expect([await text('current'), await text('latest'), await text(2)]).toEqual(['one', 'one', 'two']);
    expect((await sdk.getSecret({ name: SECRET }))[0].versionAliases).toEqual({ current: '1' });
    clock.advance(1_000);
    expect([await text('current'), await text('latest')]).toEqual(['two', 'two']);
  });

  it('answers as it is told to, before or after the effect', async () => {
    await create();
    server.fail('AddSecretVersion', status.UNAVAILABLE, 'after');
    server.fail('AddSecretVersion', status.UNAUTHENTICATED);
    await expect(add()).rejects.toMatchObject({ code: status.UNAUTHENTICATED });
    await expect(add()).rejects.toMatchObject({ code: status.UNAVAILABLE });
    expect((await add()).name).toMatch(/\/2$/);
  });

  it('refuses who may not, before it says whether there is anything', async () => {
    server.permit = (permission) => permission !== 'secretmanager.secrets.get';
    await expect(sdk.getSecret({ name: SECRET })).rejects.toMatchObject(
      refused(status.PERMISSION_DENIED, /'secretmanager\.secrets\.get' denied/),
    );
    await expect(sdk.getSecret({ name: 'projects/other/secrets/s' })).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
  });

  it('has the vendor’s quotas, per minute', async () => {
    await server.stop();
    await sdk.close();
    await start({ quota: { access: 90_000, read: 600, write: 3 } });
    await create();
    await add();
    await add();
    await expect(add()).rejects.toMatchObject(refused(status.RESOURCE_EXHAUSTED, /quota/));
    clock.advance(60_000);
    expect((await add()).name).toMatch(/\/3$/);
  });
});
