/** What only the Google Secret Manager store promises: its companion, what it takes over, its names, its errors. */
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGate } from '../../shared/deps.ts';
import { openGcpStore } from '../../shared/stores/gcp.ts';
import { openReader } from '../../shared/stores/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { openGcpFixture, type GcpFixture } from '../contract/gcp.ts';
import { all, leakForms, realRandom } from '../contract/harness.ts';
import { conflictOf } from '../contract/store.ts';
import { RpcError } from '../peers/google/grpc.ts';

const NAME = 'app/db';
const CANARY = 'Gq3%"\\ é/+canary-19b2';
const OLD: SecretValue = { username: 'a', password: `${CANARY}-old` };
const NEW: SecretValue = { username: 'b', password: `${CANARY}-new` };

let fixture: GcpFixture;
beforeEach(async () => {
  fixture = await openGcpFixture();
});
afterEach(() => fixture.close());

const current = async () => (await fixture.store.describe(NAME))?.labels.current;
async function secretOf(name: string) {
  const [secret] = await fixture.person.sdk.getSecret({ name: fixture.person.path(name) });
  return secret;
}
async function states(name: string): Promise<string[]> {
  const [versions] = await fixture.person.sdk.listSecretVersions({ parent: fixture.person.path(name) });
  return versions.map((version) => String(version.state)).toReversed();
}
const thrownBy = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the companion', () => {
  it('is made where the secret is and with its key, in its own place', async () => {
    const replicas = [
      {
        location: 'europe-west3',
        customerManagedEncryption: { kmsKeyName: 'projects/p/locations/europe-west3/keyRings/r/cryptoKeys/k' },
      },
    ];
    const parent = `projects/${fixture.server.project}`;
    await fixture.person.sdk.createSecret({ parent, secretId: 'eu', secret: { replication: { userManaged: { replicas } } } });
    await fixture.person.add('eu', OLD);
    await fixture.store.stage('eu', NEW, 'r-1');
    expect((await secretOf('eu--pending')).replication?.userManaged?.replicas).toEqual(replicas);
    expect(await states('eu')).toEqual(['ENABLED']);
  });

  it('holds no material any more once it was published, or discarded', async () => {
    await fixture.seed(NAME, OLD);
    const first = await fixture.store.stage(NAME, NEW, 'r-1');
    await fixture.store.publish(NAME, first.id, (await fixture.store.describe(NAME))?.revision ?? '');
    const second = await fixture.store.stage(NAME, OLD, 'r-2');
    await fixture.store.discard(NAME, second.id);
    expect(await states(`${NAME}--pending`)).toEqual(['DESTROYED', 'DESTROYED']);
    expect(await states(NAME)).toEqual(['ENABLED', 'ENABLED']);
  });

  it('may be made beforehand by whoever grants access to it', async () => {
    await fixture.seed(NAME, OLD);
    await fixture.person.create(`${NAME}--pending`);
    fixture.server.permit = (permission) => permission !== 'secretmanager.secrets.create';
    await fixture.store.stage(NAME, NEW, 'r-1');
    expect((await fixture.store.read(NAME, 'pending'))?.value).toEqual(NEW);
  });

  it('is never a secret that somebody else uses', async () => {
    await fixture.seed(NAME, OLD);
    await fixture.seed(`${NAME}--pending`, OLD);
    await expect(fixture.store.stage(NAME, NEW, 'r-1')).rejects.toMatchObject(
      conflictOf(/app_x2f_db--pending exists and is not its companion/),
    );
    expect(await states(`${NAME}--pending`)).toEqual(['ENABLED']);
  });

  it('is not listed, and its name cannot be used', async () => {
    await fixture.seed(NAME, OLD);
    await fixture.store.stage(NAME, NEW, 'r-1');
    expect((await all(fixture.store.list())).map((each) => each.name)).toEqual([NAME]);
    await expect(fixture.store.describe(`${NAME}--pending`)).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('which is for companions'),
    });
  });

  it('takes over from a crash: what was added and not recorded is destroyed by the next rotation', async () => {
    await fixture.seed(NAME, OLD);
    await fixture.store.stage(NAME, NEW, 'r-0');
    await fixture.store.discard(NAME, 'v-r-0');
    fixture.server.fail('UpdateSecret', status.UNAVAILABLE);
    expect(await thrownBy(fixture.store.stage(NAME, NEW, 'r-1'))).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: true,
    });
    await fixture.store.stage(NAME, NEW, 'r-1');
    expect(await states(`${NAME}--pending`)).toEqual(['DESTROYED', 'ENABLED', 'ENABLED']);
    await fixture.store.discard(NAME, 'v-r-1');
    expect(await states(`${NAME}--pending`)).toEqual(['DESTROYED', 'DESTROYED', 'DESTROYED']);
  });

  it('keeps the first value when the response that staged it was lost', async () => {
    await fixture.seed(NAME, OLD);
    fixture.server.fail('UpdateSecret', status.DEADLINE_EXCEEDED, 'after');
    expect(await thrownBy(fixture.store.stage(NAME, NEW, 'r-1'))).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: true,
    });
    await fixture.store.stage(NAME, OLD, 'r-1');
    expect((await fixture.store.read(NAME, 'pending'))?.value).toEqual(NEW);
  });
});

describe('a secret that Keywheel did not make', () => {
  it('without an alias is at its newest enabled version, and has the alias before anything is added to it', async () => {
    await fixture.person.create(NAME);
    await fixture.person.add(NAME, NEW);
    await fixture.person.add(NAME, OLD);
    await fixture.person.add(NAME, 'not ours');
    await fixture.person.sdk.disableSecretVersion({ name: `${fixture.person.path(NAME)}/versions/3` });
    const before = await fixture.store.describe(NAME);
    expect(before?.labels).toEqual({ current: { id: '2', createdAt: fixture.clock.now() } });
    expect((await fixture.store.read(NAME, 'current'))?.value).toEqual(OLD);
    const { id } = await fixture.store.stage(NAME, NEW, 'r-1');
    expect((await secretOf(NAME)).versionAliases).toEqual({ current: '2' });
    expect((await fixture.store.describe(NAME))?.revision).toBe(before?.revision);
    await fixture.store.publish(NAME, id, before?.revision ?? '');
    expect((await secretOf(NAME)).versionAliases).toEqual({ current: '4', previous: '2' });
  });

  it('without a version has no label, and takes its first value as a new one', async () => {
    await fixture.person.create(NAME);
    expect(await fixture.store.describe(NAME)).toMatchObject({ name: NAME, labels: {} });
    expect(await all(fixture.store.list())).toEqual([{ name: NAME, labels: {} }]);
    const made = await fixture.store.put(NAME, OLD, null);
    expect(made.labels.current?.id).toBe('1');
    expect((await secretOf(NAME)).versionAliases).toEqual({ current: '1' });
  });

  it('whose value is no JSON object says how to write one, and not what it holds', async () => {
    await fixture.person.create(NAME);
    await fixture.person.add(NAME, CANARY);
    const error = await thrownBy(fixture.store.read(NAME, 'current'));
    expect(error).toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: 'version 1 of secret app/db is not one flat JSON object',
    });
    expect(leakForms(CANARY).filter((form) => String(error).includes(form))).toEqual([]);
  });

  it('whose current version is disabled or destroyed says so, with the command that mends it', async () => {
    await fixture.seed(NAME, OLD);
    const version = { name: `${fixture.person.path(NAME)}/versions/1` };
    await fixture.person.sdk.disableSecretVersion(version);
    await expect(fixture.store.read(NAME, 'current')).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: 'version 1 of secret app_x2f_db cannot be read, because it is disabled',
      hint: 'enable it: gcloud secrets versions enable 1 --secret=app_x2f_db',
    });
    await fixture.person.sdk.destroySecretVersion(version);
    await expect(fixture.store.read(NAME, 'current')).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: expect.stringContaining('because it is destroyed'),
    });
    expect((await current())?.id).toBe('1');
    expect(await fixture.store.read(NAME, { version: '1' })).toBeUndefined();
  });

  it('whose record was edited is not guessed at', async () => {
    await fixture.seed(NAME, OLD);
    const annotate = (keywheel: string) =>
      fixture.person.sdk.updateSecret({
        secret: { name: fixture.person.path(NAME), annotations: { keywheel } },
        updateMask: { paths: ['annotations'] },
      });
    await annotate('{"publishes":');
    await expect(fixture.store.describe(NAME)).rejects.toMatchObject({
      code: 'ERR_STORE_CORRUPT',
      message: expect.stringContaining('annotation keywheel'),
    });
    await annotate('{"schemaVersion":99}');
    await expect(fixture.store.describe(NAME)).rejects.toMatchObject({
      code: 'ERR_STATE_NEWER',
      message: expect.stringContaining('another version of Keywheel'),
    });
  });
});

describe('errors', () => {
  it.each([
    [status.PERMISSION_DENIED, 'ERR_STORE_FORBIDDEN', false, /not allowed/, /secretmanager\.secrets\.get/],
    [status.UNAUTHENTICATED, 'ERR_STORE_LOGIN', false, /credential/, /workload identity/],
    [status.RESOURCE_EXHAUSTED, 'ERR_STORE_THROTTLED', true, /quota/, /raise the quota/],
    [status.UNAVAILABLE, 'ERR_STORE_UNAVAILABLE', true, /did not answer/, /tried again/],
    [status.INTERNAL, 'ERR_STORE_UNAVAILABLE', true, /did not answer/, /tried again/],
    [status.INVALID_ARGUMENT, 'ERR_STORE_FAILED', false, /refused/, /annotations/],
  ])('tell status %s as %s, without what the vendor says', async (code, expected, retryable, message, hint) => {
    await fixture.seed(NAME, OLD);
    const answer = () => {
      throw new RpcError(code, `refused ${JSON.stringify(NEW)}`);
    };
    fixture.server.on('GetSecret', 'before', answer, 9);
    const error = await thrownBy(fixture.store.describe(NAME));
    expect(error).toMatchObject({
      code: expected,
      retryable,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    expect((error as Error).cause).toBeUndefined();
    expect(leakForms(CANARY).filter((form) => JSON.stringify([error, String(error)]).includes(form))).toEqual([]);
  });

  it('of a key that cannot be used are the key’s: the version is neither disabled nor destroyed', async () => {
    await fixture.seed(NAME, OLD);
    const key = 'projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1';
    const answer = () => {
      throw new RpcError(status.FAILED_PRECONDITION, `${key} is not enabled, current state is: DESTROYED.`);
    };
    fixture.server.on('AccessSecretVersion', 'before', answer, 9);
    const told = {
      code: 'ERR_STORE_KEY',
      retryable: false,
      message: expect.stringContaining('its Cloud KMS key cannot be used'),
    };
    await expect(fixture.store.read(NAME, 'current')).rejects.toMatchObject(told);
    await expect(fixture.store.read(NAME, { version: '1' })).rejects.toMatchObject(told);
    const reader = await openReader(fixture.config);
    await expect(reader.current(NAME)).rejects.toMatchObject(told);
    await reader.close();
  });

  it('that do not say what they are about make the store look: a version that cannot be read is disabled or destroyed', async () => {
    await fixture.seed(NAME, OLD);
    const version = { name: `${fixture.person.path(NAME)}/versions/1` };
    const answer = () => {
      throw new RpcError(status.FAILED_PRECONDITION, 'The version cannot be read in the state that it has.');
    };
    fixture.server.on('AccessSecretVersion', 'before', answer, 9);
    await expect(fixture.store.read(NAME, 'current')).rejects.toMatchObject({
      code: 'ERR_STORE_FAILED',
      message: expect.stringContaining('AccessSecretVersion of app_x2f_db'),
    });
    await fixture.person.sdk.disableSecretVersion(version);
    await expect(fixture.store.read(NAME, 'current')).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: expect.stringContaining('because it is disabled'),
    });
    await fixture.person.sdk.destroySecretVersion(version);
    expect(await fixture.store.read(NAME, { version: '1' })).toBeUndefined();
  });

  it('are not misread by what a secret is called', async () => {
    for (const name of ['kms-etag-disabled', 'cmek']) {
      await fixture.seed(name, OLD);
      await fixture.person.sdk.destroySecretVersion({ name: `${fixture.person.path(name)}/versions/1` });
      await expect(fixture.store.read(name, 'current')).rejects.toMatchObject({
        code: 'ERR_SECRET_INVALID',
        message: expect.stringContaining('because it is destroyed'),
      });
    }
  });

  it('of a moment are not seen: a read is asked again, and so is a write that a quota turned away', async () => {
    await fixture.seed(NAME, OLD);
    fixture.server.fail('GetSecret', status.UNAVAILABLE, 'before', 2);
    fixture.server.fail('AddSecretVersion', status.RESOURCE_EXHAUSTED);
    await fixture.store.stage(NAME, NEW, 'r-1');
    expect(await states(`${NAME}--pending`)).toEqual(['ENABLED']);
  });

  it('of a write that was not answered are told at once: it may have taken effect', async () => {
    await fixture.seed(NAME, OLD);
    fixture.server.fail('AddSecretVersion', status.UNAVAILABLE);
    expect(await thrownBy(fixture.store.stage(NAME, NEW, 'r-1'))).toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      retryable: true,
    });
    expect(fixture.server.calls.filter((call) => call.method === 'AddSecretVersion')).toHaveLength(2); // the seed, and this one
  });

  it.each(['secretmanager.versions.add', 'secretmanager.secrets.update', 'secretmanager.secrets.create'])(
    'name the permission that is missing: %s',
    async (missing) => {
      await fixture.seed(NAME, OLD);
      fixture.server.permit = (permission) => permission !== missing;
      const hint = expect.stringContaining(`grant ${missing} `);
      expect(await thrownBy(fixture.store.stage(NAME, NEW, 'r-1'))).toMatchObject({ code: 'ERR_STORE_FORBIDDEN', hint });
    },
  );

  it('come for a value that does not fit before anything is sent', async () => {
    await fixture.seed(NAME, OLD);
    const value = { text: 'x'.repeat(65_536) };
    expect(await thrownBy(fixture.store.stage(NAME, value, 'r-1'))).toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: expect.stringContaining('at most 65536'),
    });
    expect(await states(NAME)).toEqual(['ENABLED']);
  });
});

describe('opening', () => {
  const deps = { clock: { now: () => 0 }, random: realRandom, gate: openGate() };

  it('refuses cleartext to another machine', async () => {
    await expect(openGcpStore({ ...fixture.config, endpoint: 'http://vault.example:80' }, deps)).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('is http'),
    });
  });

  it('refuses a suffix that no id can have', async () => {
    await expect(openGcpStore({ ...fixture.config, pendingSuffix: '/pending' }, deps)).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('cannot be part of a secret id'),
    });
  });

  it('takes the lag that the configuration gives', async () => {
    const store = await openGcpStore({ ...fixture.config, readLag: 5_000 }, deps);
    expect(store.readLag).toBe(5_000);
  });

  it('reaches regional secrets, which have no replication', async () => {
    const regional = await openGcpFixture({ location: 'europe-west3' });
    try {
      await regional.store.put(NAME, OLD, null);
      const { id } = await regional.store.stage(NAME, NEW, 'r-1');
      await regional.store.publish(NAME, id, (await regional.store.describe(NAME))?.revision ?? '');
      expect((await regional.store.read(NAME, 'current'))?.value).toEqual(NEW);
      expect(regional.server.calls.every((call) => call.name.startsWith('locations/europe-west3'))).toBe(true);
    } finally {
      await regional.close();
    }
  });
});

describe('a rehearsal', () => {
  it('follows its own effects through, and refuses what a real run would', async () => {
    await fixture.person.create(NAME);
    await fixture.person.add(NAME, OLD);
    const rehearsal = (await fixture.rehearsal()) as typeof fixture.store;
    const sent = () => fixture.server.calls.filter((call) => !/^(Get|List|Access)/.test(call.method)).length;
    const before = sent();
    const at = (await rehearsal.describe(NAME))?.revision ?? '';
    const { id } = await rehearsal.stage(NAME, NEW, 'r-1');
    expect((await rehearsal.read(NAME, 'pending'))?.value).toEqual(NEW);
    await expect(rehearsal.stage(NAME, OLD, 'r-2')).rejects.toMatchObject(conflictOf(/pending/));
    const state = await rehearsal.publish(NAME, id, at);
    expect(state.labels).toMatchObject({ current: { id }, previous: { id: '1' } });
    expect((await rehearsal.read(NAME, 'current'))?.value).toEqual(NEW);
    await expect(rehearsal.discard(NAME, id)).rejects.toMatchObject(conflictOf(/current/));
    await rehearsal.put('web', OLD, null);
    expect((await all(rehearsal.list())).map((each) => each.name)).toEqual([NAME, 'web']);
    expect(sent()).toBe(before);
  });
});
