/** What only Secrets Manager asks of its adapter, on moto with the vendor's rules: announced versions, lag, replicas, lost answers, bad days. */
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openGate, rehearsalGate } from '../../shared/deps.ts';
import { openAwsStore } from '../../shared/stores/aws.ts';
import { openReader } from '../../shared/stores/index.ts';
import { awsStoreHarness, CREDENTIALS } from '../contract/aws.ts';
import type { AwsFixture } from '../contract/aws.ts';
import { startVendor } from '../contract/aws-vendor.ts';
import type { Fault, Vendor } from '../contract/aws-vendor.ts';
import { all, realRandom } from '../contract/harness.ts';
import type { Moto } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';

const NAME = 'app/db';
const OLD = { username: 'app_a', password: 'canary-old' };
const NEW = { username: 'app_b', password: 'canary-new' };
const OTHER = { username: 'app_b', password: 'canary-other' };
const UUIDS = [1, 2, 3, 4].map((n) => `4b8a3a2e-6f0d-4f1c-9d3e-0c7f5f2f9b0${n}`) as [string, string, string, string];
/** More than the SDK tries. */
const ALWAYS = 99;

await describeWithPeer('moto', 'Secrets Manager', (start) => {
  let moto: Moto;
  let vendor: Vendor;
  let fixture: AwsFixture;
  beforeAll(async () => {
    for (const [name, value] of Object.entries(CREDENTIALS)) vi.stubEnv(name, value);
    moto = await start({});
    vendor = await startVendor(moto.endpoint);
  });
  afterAll(async () => {
    await vendor.close();
    await moto.stop();
    vi.unstubAllEnvs();
  });
  beforeEach(async () => {
    fixture = await awsStoreHarness(() => vendor).open();
  });
  afterEach(() => fixture.close());

  const stages = async (): Promise<Record<string, string[]>> =>
    (await fixture.person.send(new DescribeSecretCommand({ SecretId: NAME }))).VersionIdsToStages ?? {};
  const seeded = async (): Promise<string> => {
    await fixture.seed(NAME, OLD);
    return (await fixture.store.describe(NAME))?.revision ?? '';
  };
  const fault = (...faults: Fault[]): void => void fixture.account.faults.push(...faults);
  const rotate = async (value: typeof NEW, rotationId: string): Promise<string> => {
    const revision = (await fixture.store.describe(NAME))?.revision ?? '';
    const ref = await fixture.store.stage(NAME, value, rotationId);
    await fixture.store.publish(NAME, ref.id, revision);
    return ref.id;
  };
  const effects = () => fixture.account.requests.filter(({ operation }) => /^(Put|Update|Create)/.test(operation));

  describe('a rotation that Secrets Manager named', () => {
    it('stages under its token, is told by a label as long as it matters, and leaves no label behind', async () => {
      await seeded();
      await rotate(NEW, UUIDS[0]);
      const first = await fixture.store.describe(NAME);
      await rotate(OTHER, UUIDS[1]);
      await rotate(NEW, UUIDS[2]);

      expect(first?.labels.current).toMatchObject({ id: UUIDS[0], rotationId: UUIDS[0] });
      expect(first?.labels.previous).not.toHaveProperty('rotationId');
      expect(await stages()).toEqual({
        [UUIDS[1]]: expect.arrayContaining(['AWSPREVIOUS', `keywheel-rotation-${UUIDS[1]}`]) as string[],
        [UUIDS[2]]: expect.arrayContaining(['AWSCURRENT', `keywheel-rotation-${UUIDS[2]}`]) as string[],
      });
      expect(Object.values(await stages()).flat()).toHaveLength(4);
    });

    it('counts as pending only when it has a value; staging fills what RotateSecret announced', async () => {
      await seeded();
      fixture.account.announce(NAME, UUIDS[0]);

      const announced = await fixture.store.describe(NAME);
      const read = await fixture.store.read(NAME, 'pending');
      const service = await fixture.store.serviceRotation(NAME, UUIDS[0]);
      const ref = await fixture.store.stage(NAME, NEW, UUIDS[0]);

      expect(announced?.labels).not.toHaveProperty('pending');
      expect(read).toBeUndefined();
      expect(service).toEqual({ enabled: false, stages: ['AWSPENDING'] });
      expect(await fixture.store.serviceRotation(NAME, UUIDS[1])).toEqual({ enabled: false, stages: undefined });
      expect(await fixture.store.serviceRotation('nobody', UUIDS[1])).toBeUndefined();
      expect(ref).toMatchObject({ id: UUIDS[0], rotationId: UUIDS[0] });
      expect(await fixture.store.read(NAME, 'pending')).toEqual({ ...ref, value: NEW });
    });

    it('gives way, while it is only announced, to a rotation that stages', async () => {
      await seeded();
      fixture.account.announce(NAME, UUIDS[0]);

      const ref = await fixture.store.stage(NAME, NEW, 'r-1');

      expect((await fixture.store.describe(NAME))?.labels.pending).toEqual(ref);
    });

    it('passes the RotationToken of a cross-account rotation on', async () => {
      await seeded();
      const store = await fixture.open({ rotationToken: 'token-of-the-event' });

      await store.stage(NAME, NEW, UUIDS[0]);

      expect(effects().at(-1)?.body).toMatchObject({ RotationToken: 'token-of-the-event', ClientRequestToken: UUIDS[0] });
    });
  });

  describe('publishing', () => {
    it('removes AWSPENDING that AWS’s own templates leave on the version that is current, whoever published it', async () => {
      const revision = await seeded();
      const ref = await fixture.store.stage(NAME, NEW, 'r-1');
      const [current = ''] = Object.entries(await stages()).find(([, labels]) => labels.includes('AWSCURRENT')) ?? [];
      const way = { SecretId: NAME, VersionStage: 'AWSCURRENT', MoveToVersionId: ref.id, RemoveFromVersionId: current };
      await fixture.person.send(new UpdateSecretVersionStageCommand(way));
      const left = await fixture.store.describe(NAME);

      const state = await fixture.store.publish(NAME, ref.id, revision);

      expect(left?.labels).not.toHaveProperty('pending');
      expect(await fixture.store.read(NAME, 'pending')).toBeUndefined();
      expect(state.labels.current).toEqual(ref);
      expect(
        Object.values(await stages())
          .flat()
          .toSorted(),
      ).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
    });

    it('lets what was pending give way to another version, and be staged again with its first value', async () => {
      await seeded();
      const first = await rotate(NEW, 'r-1');
      const second = await fixture.store.stage(NAME, OTHER, 'r-2');
      await fixture.seed(NAME, OLD);
      const { revision = '' } = (await fixture.store.describe(NAME)) ?? {};

      const state = await fixture.store.publish(NAME, first, revision);
      const again = await fixture.store.stage(NAME, NEW, 'r-2');

      expect(state.labels).not.toHaveProperty('pending');
      expect(again).toEqual(second);
      expect((await fixture.store.read(NAME, 'pending'))?.value).toEqual(OTHER);
      expect(
        Object.values(await stages())
          .flat()
          .filter((label) => label.startsWith('keywheel')),
      ).toEqual([]);
    });

    it.each([
      ['the label’s move', 'AWSCURRENT'],
      ['the removal of AWSPENDING', 'AWSPENDING'],
    ])('goes on where it was when %s happened and its answer was lost', async (_, label) => {
      const revision = await seeded();
      const ref = await fixture.store.stage(NAME, NEW, 'r-1');
      fault({ on: 'UpdateSecretVersionStage', about: `"${label}"`, when: 'after' });

      const state = await fixture.store.publish(NAME, ref.id, revision);

      expect(state.labels.current).toEqual(ref);
      expect(
        Object.values(await stages())
          .flat()
          .toSorted(),
      ).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
    });

    it.each([
      ['the label’s move', 'AWSCURRENT', 'after'],
      ['the removal of AWSPENDING', 'AWSPENDING', 'before'],
    ] as const)(
      'says that it does not know when every answer to %s is lost, and converges when it is called again',
      async (_, label, when) => {
        const revision = await seeded();
        const ref = await fixture.store.stage(NAME, NEW, 'r-1');
        fault({ on: 'UpdateSecretVersionStage', about: `"${label}"`, when, times: 3 });

        const attempt = fixture.store.publish(NAME, ref.id, revision);

        await expect(attempt).rejects.toMatchObject({
          code: 'ERR_STORE_UNAVAILABLE',
          retryable: true,
          message: expect.stringContaining(`label ${label} of ${NAME} was not moved for certain`) as string,
        });
        expect((await fixture.store.describe(NAME))?.labels).toEqual({ current: ref, previous: expect.anything() as unknown });
        await fixture.store.publish(NAME, ref.id, revision);
        expect(
          Object.values(await stages())
            .flat()
            .toSorted(),
        ).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
      },
    );

    it('tells what the service refuses, and does not take it for an edit', async () => {
      const revision = await seeded();
      const ref = await fixture.store.stage(NAME, NEW, 'r-1');
      fault({ on: 'UpdateSecretVersionStage', when: 'before', answer: { status: 400, type: 'InvalidRequestException' } });

      const attempt = fixture.store.publish(NAME, ref.id, revision);

      const message = expect.stringContaining('a state that does not allow it: InvalidRequestException') as string;
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_STORE_FAILED', message });
    });
  });

  describe('replicas', () => {
    const replica = (status: string, times: number): Fault => ({
      on: 'DescribeSecret',
      when: 'after',
      times,
      change: (body) => void (body['ReplicationStatus'] = [{ Region: 'eu-west-1', Status: status, StatusMessage: 'canary' }]),
    });

    it('are waited for before each label and before it is said to be done', async () => {
      const revision = await seeded();
      const ref = await fixture.store.stage(NAME, NEW, 'r-1');
      fault(
        replica('InSync', 1),
        replica('InProgress', 2),
        replica('InSync', 1),
        replica('InProgress', 1),
        replica('InSync', ALWAYS),
      );
      const from = fixture.account.requests.length;

      await fixture.store.publish(NAME, ref.id, revision);

      const made = fixture.account.requests.slice(from).map(({ operation }) => operation);
      const [d, u] = ['DescribeSecret', 'UpdateSecretVersionStage'];
      expect(made).toEqual([d, u, d, d, d, u, d, d]);
    });

    it('that take longer make publishing not done yet; the same call converges and moves nothing twice', async () => {
      const revision = await seeded();
      const ref = await fixture.store.stage(NAME, NEW, 'r-1');
      fault(replica('InSync', 1), replica('InProgress', 4), replica('InProgress', 2), replica('InSync', ALWAYS));
      const notYet = {
        code: 'ERR_STORE_UNAVAILABLE',
        retryable: true,
        message: 'secret app/db is not the same everywhere yet: eu-west-1 is not InSync',
      };

      await expect(fixture.store.publish(NAME, ref.id, revision)).rejects.toMatchObject(notYet);
      const state = await fixture.store.publish(NAME, ref.id, revision);

      expect(state.labels.current).toEqual(ref);
      const moves = effects().filter(({ body }) => body['VersionStage'] === 'AWSCURRENT');
      expect(moves).toHaveLength(1);
      expect(
        Object.values(await stages())
          .flat()
          .toSorted(),
      ).toEqual(['AWSCURRENT', 'AWSPREVIOUS']);
    });

    it('that failed stop it before anything is moved', async () => {
      const revision = await seeded();
      const ref = await fixture.store.stage(NAME, NEW, 'r-1');
      fault(replica('Failed', ALWAYS));

      const attempt = fixture.store.publish(NAME, ref.id, revision);

      const message = 'secret app/db is not the same everywhere, because replication to eu-west-1 failed';
      await expect(attempt).rejects.toMatchObject({ code: 'ERR_STORE_FAILED', retryable: false, message });
      expect((await stages())[ref.id]).toEqual(['AWSPENDING']);
    });
  });

  describe('reads that lag', () => {
    const missing = { status: 400, type: 'ResourceNotFoundException' };
    const hidden = (times: number): Fault => ({
      on: 'GetSecretValue',
      about: 'VersionId',
      when: 'before',
      times,
      answer: missing,
    });

    it('are tried again by version, for a moment', async () => {
      await seeded();
      const ref = await fixture.store.stage(NAME, NEW, 'r-1');
      fault(hidden(3));

      expect((await fixture.store.read(NAME, { version: ref.id }))?.value).toEqual(NEW);
      fault(hidden(4));
      expect(await fixture.store.read(NAME, { version: ref.id })).toBeUndefined();
    });

    it('of the label go by the version that it is said to be on', async () => {
      await seeded();
      await fixture.store.stage(NAME, NEW, 'r-1');
      fault({ on: 'GetSecretValue', about: 'AWSPENDING', when: 'before', answer: missing }, hidden(2));

      expect((await fixture.store.read(NAME, 'pending'))?.value).toEqual(NEW);
    });

    it('make staging not done yet, and the same call finds its version', async () => {
      await seeded();
      fault(hidden(5));

      const attempt = fixture.store.stage(NAME, NEW, 'r-1');

      await expect(attempt).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('was written and cannot be read yet') as string,
      });
      await fixture.store.stage(NAME, OTHER, 'r-1');
      expect((await fixture.store.read(NAME, 'pending'))?.value).toEqual(NEW);
    });

    it('let the first value win when somebody staged it and it cannot be seen yet', async () => {
      await seeded();
      const ref = await fixture.store.stage(NAME, NEW, 'r-1');
      const other = await fixture.open();
      fault(hidden(1));

      expect(await other.stage(NAME, OTHER, 'r-1')).toEqual(ref);
      expect((await other.read(NAME, 'pending'))?.value).toEqual(NEW);
    });
  });

  it('stages once when the answer is lost', async () => {
    await seeded();
    fault({ on: 'PutSecretValue', when: 'after' });

    const ref = await fixture.store.stage(NAME, NEW, 'r-1');

    expect((await fixture.store.describe(NAME))?.labels.pending).toEqual(ref);
    expect(effects().filter(({ operation }) => operation === 'PutSecretValue')).toHaveLength(3); // the seed, and two attempts
  });

  it('keeps the newest discarded versions told apart, and stays far from the quota of labels', async () => {
    await seeded();
    const first = await fixture.store.stage(NAME, NEW, 'r-0');
    await fixture.store.discard(NAME, first.id);
    for (let n = 1; n <= 7; n += 1) {
      const { id } = await fixture.store.stage(NAME, NEW, n === 4 ? UUIDS[0] : `r-${n}`);
      await fixture.store.discard(NAME, id);
    }

    const labels = Object.values(await stages()).flat();
    expect(labels.filter((label) => label.startsWith('keywheel-discarded-'))).toHaveLength(5);
    expect(labels).toHaveLength(6);
    await expect(fixture.store.stage(NAME, NEW, 'r-7')).rejects.toMatchObject({
      code: 'ERR_STORE_CONFLICT',
      message: expect.stringContaining('was discarded') as string,
    });
  });

  it('lists with an exact prefix, over pages', async () => {
    for (const name of ['App/one', 'app/one', 'app/two', 'apple']) await fixture.seed(name, OLD);

    const listed = await all(fixture.store.list({ prefix: 'app/' }));
    const negated = await all(fixture.store.list({ prefix: '!app/' }));

    expect(listed.map(({ name }) => name)).toEqual(['app/one', 'app/two']);
    expect(negated).toEqual([]);
  });

  describe('bad days', () => {
    it.each([
      ['ThrottlingException', 400, 'ERR_STORE_THROTTLED', true],
      ['ExpiredTokenException', 400, 'ERR_STORE_LOGIN', false],
      ['AccessDeniedException', 400, 'ERR_STORE_FORBIDDEN', false],
      ['DecryptionFailure', 400, 'ERR_STORE_KEY', false],
      ['InternalServiceError', 500, 'ERR_STORE_UNAVAILABLE', true],
    ])('%s is %s %s', async (type, status, code, retryable) => {
      await seeded();
      const answer = { status, type, message: 'canary-old' };
      for (const on of ['GetSecretValue', 'DescribeSecret', 'PutSecretValue', 'ListSecrets', 'ListSecretVersionIds']) {
        fault({ on, when: 'before', times: ALWAYS, answer });
      }
      const store = await fixture.open();

      const failures = await Promise.all([
        store.read(NAME, 'current').catch((error: unknown) => error),
        store.describe(NAME).catch((error: unknown) => error),
        all(store.list()).catch((error: unknown) => error),
      ]);

      for (const failure of failures)
        expect(failure).toMatchObject({ code, retryable, message: expect.stringContaining(type) as string });
      expect(failures.map(String).join()).not.toContain('canary');
    });

    it('a secret that is scheduled for deletion is nobody’s to change, and says so', async () => {
      const revision = await seeded();
      await fixture.person.send(new DeleteSecretCommand({ SecretId: NAME, RecoveryWindowInDays: 7 }));
      const told = {
        code: 'ERR_SECRET_NOT_FOUND',
        message: expect.stringContaining('it is scheduled for deletion on 20') as string,
      };

      await expect(fixture.store.describe(NAME)).rejects.toMatchObject(told);
      await expect(fixture.store.stage(NAME, NEW, 'r-1')).rejects.toMatchObject(told);
      await expect(fixture.store.publish(NAME, 'x'.repeat(32), revision)).rejects.toMatchObject(told);
      expect(await all(fixture.store.list())).toEqual([]);
    });

    it('a value that is binary or no flat object is refused and not told', async () => {
      await seeded();
      await fixture.person.send(new PutSecretValueCommand({ SecretId: NAME, SecretBinary: Buffer.from('canary') }));
      const binary = await fixture.store.read(NAME, 'current').catch((error: unknown) => error);
      await fixture.person.send(new PutSecretValueCommand({ SecretId: NAME, SecretString: 'canary' }));
      const text = await fixture.store.read(NAME, 'current').catch((error: unknown) => error);

      expect(binary).toMatchObject({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('SecretBinary') as string });
      expect(text).toMatchObject({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('it is no JSON') as string });
      expect(`${String(binary)} ${String(text)}`).not.toContain('canary');
    });

    it('a secret that was made without a value takes its first one, and nothing can be pending in it before', async () => {
      await fixture.person.send(new CreateSecretCommand({ Name: NAME }));
      expect((await fixture.store.describe(NAME))?.labels).toEqual({});
      expect(await fixture.store.read(NAME, 'current')).toBeUndefined();
      await expect(fixture.store.stage(NAME, NEW, 'r-1')).rejects.toMatchObject({
        code: 'ERR_SECRET_NOT_FOUND',
        message: 'secret app/db has no current value, beside which one could be pending',
        hint: expect.stringContaining('keywheel put app/db') as string,
      });
      expect(effects()).toHaveLength(1);

      const made = await fixture.store.put(NAME, OLD, null);

      expect(Object.keys(made.labels)).toEqual(['current']);
      expect((await fixture.store.read(NAME, 'current'))?.value).toEqual(OLD);
      expect(await stages()).toEqual({ [made.labels.current?.id ?? '']: ['AWSCURRENT'] });
      await expect(fixture.store.put(NAME, NEW, null)).rejects.toMatchObject({
        code: 'ERR_STORE_CONFLICT',
        message: expect.stringContaining('it exists already') as string,
      });
    });

    it('and takes it once, when two give it at the same moment', async () => {
      await fixture.person.send(new CreateSecretCommand({ Name: NAME }));
      const other = await fixture.open();

      const gave = await Promise.allSettled([fixture.store.put(NAME, OLD, null), other.put(NAME, NEW, null)]);

      const refused = gave.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
      expect(refused).toEqual([expect.objectContaining({ code: 'ERR_STORE_CONFLICT' })]);
      const winner = gave[0].status === 'fulfilled' ? OLD : NEW;
      expect((await fixture.store.read(NAME, 'current'))?.value).toEqual(winner);
      expect((await fixture.store.describe(NAME))?.labels.previous).toBeUndefined();
    });

    it('a rotation of a secret that does not exist says so', async () => {
      const told = { code: 'ERR_SECRET_NOT_FOUND', message: 'secret nobody is not in Secrets Manager' };

      await expect(fixture.store.stage('nobody', NEW, 'r-1')).rejects.toMatchObject(told);
    });
  });

  describe('without configuration', () => {
    const open = () =>
      openAwsStore({ kind: 'aws', replicaTimeout: 1 }, { clock: fixture.clock, random: realRandom, gate: openGate() });
    beforeEach(() => {
      for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/dev/null');
      vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
      vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', fixture.account.endpoint);
      vi.stubEnv('AWS_REGION', 'us-east-1');
    });
    afterEach(() => {
      vi.unstubAllEnvs();
      for (const [name, value] of Object.entries(CREDENTIALS)) vi.stubEnv(name, value);
    });

    it('the vendor’s own variables say where it is', async () => {
      await seeded();

      expect((await (await open()).read(NAME, 'current'))?.value).toEqual(OLD);
    });

    it('and without a region or a login it says so', async () => {
      vi.stubEnv('AWS_REGION', undefined);
      await expect((await open()).describe(NAME)).rejects.toMatchObject({
        code: 'ERR_CONFIG_INVALID',
        message: expect.stringContaining('no region is known') as string,
      });
      vi.stubEnv('AWS_REGION', 'us-east-1');
      vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);

      await expect((await open()).describe(NAME)).rejects.toMatchObject({
        code: 'ERR_STORE_LOGIN',
        message: expect.stringContaining('CredentialsProviderError') as string,
      });
    });
  });

  it('rehearses the exact calls', async () => {
    const revision = await seeded();
    const told: string[] = [];
    const rehearsal = await fixture.open({
      gate: rehearsalGate(({ kind, text }) => void (kind === 'effect' && told.push(text))),
    });
    const [from = ''] = Object.keys(await stages());
    const before = await stages();

    const ref = await rehearsal.stage(NAME, NEW, 'r-new');
    const state = await rehearsal.publish(NAME, ref.id, revision);

    expect(told).toEqual([
      `aws: PutSecretValue app/db version ${ref.id} as AWSPENDING (rotation r-new)`,
      `aws: UpdateSecretVersionStage app/db AWSCURRENT from ${from} to ${ref.id}`,
      `aws: UpdateSecretVersionStage app/db AWSPENDING from ${ref.id}`,
    ]);
    expect(state.labels).toEqual({ current: ref, previous: expect.objectContaining({ id: from }) as unknown });
    expect(await stages()).toEqual(before);
  });

  describe('the reader', () => {
    const open = () => openReader({ kind: 'aws', region: 'us-east-1', endpoint: fixture.account.endpoint, replicaTimeout: 1 });

    it('gives what is current, and nothing that is not', async () => {
      await seeded();
      await fixture.store.stage(NAME, NEW, 'r-1');
      const reader = await open();

      const before = await reader.current(NAME);
      const id = await rotate(NEW, 'r-1');
      const after = await reader.current(NAME);

      expect(before?.value).toEqual(OLD);
      expect(after).toEqual({ version: id, value: NEW });
      expect(await reader.current('nobody')).toBeUndefined();
      await reader.close();
    });

    it('tells an expired login and a call that was stopped apart', async () => {
      await seeded();
      const reader = await open();
      const stopped = reader.current(NAME, AbortSignal.abort());
      await expect(stopped).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('AbortError') as string,
      });
      fault({ on: 'GetSecretValue', when: 'before', times: ALWAYS, answer: { status: 400, type: 'ExpiredTokenException' } });

      await expect(reader.current(NAME)).rejects.toMatchObject({
        code: 'ERR_STORE_LOGIN',
        message: expect.stringContaining('does not accept our credentials') as string,
      });
      await reader.close();
    });
  });
});
