/** Secrets Manager's rotation contract, delivered to the real runtime client, over a real PostgreSQL. */
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RotationRecord } from '../../shared/rotation/index.ts';
import { startVendor, type Account, type Vendor } from '../contract/aws-vendor.ts';
import { CREDENTIALS } from '../contract/aws.ts';
import { prepareRoom, type Room } from '../e2e/helpers/room.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { peer, type Lambda, type Moto } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import path from 'node:path';
import {
  rotateAsService,
  startRotationService,
  stepEvent,
  STEPS,
  type Announced,
  type RotationService,
  type Step,
} from './rotation-service.ts';

const MODULE = path.resolve(import.meta.dirname, '../../functions/rotate/aws.ts');
const runtime = await peer('lambda');
let rooms = 0;

await describeWithPeer('moto', 'the rotation function of Secrets Manager', (startMoto) => {
  let server: Postgres;
  let moto: Moto;
  let vendor: Vendor;
  beforeAll(async () => {
    [server, moto] = await Promise.all([startPostgres(), startMoto({})]);
    vendor = await startVendor(moto.endpoint);
  });
  afterAll(async () => {
    await vendor.close();
    await Promise.all([server.stop(), moto.stop()]);
  });

  let account: Account;
  let client: SecretsManagerClient;
  let room: Room;
  let secret: string;
  let service: RotationService;
  let rotate: Lambda;
  let advance: Lambda;
  const started: Lambda[] = [];

  async function start(handler: 'rotate' | 'advance'): Promise<Lambda> {
    if (!runtime.available) throw new Error(runtime.reason);
    const env = { ...room.env, ...CREDENTIALS, AWS_REGION: 'us-east-1', KEYWHEEL_CONFIG: room.file('keywheel.yaml') };
    const made = await runtime.start({ module: MODULE, handler, env });
    started.push(made);
    return made;
  }

  beforeEach(async () => {
    account = vendor.account();
    service = await startRotationService(account.endpoint);
    client = service.client;
    rooms += 1;
    secret = `app${rooms}/db`;
    room = await prepareRoom(server, { secrets: [secret], put: 'not' });
    await configure(() => undefined);
    // As AWS's own templates leave it.
    const value = {
      engine: 'postgres',
      ...room.pair(secret).value(),
      masterarn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:m',
      ssl: true,
    };
    await client.send(new CreateSecretCommand({ Name: secret, SecretString: JSON.stringify(value) }));
    rotate = await start('rotate');
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((each) => each.stop()));
    service.close();
    await room.close();
  });

  function configure(change: (secret: Record<string, unknown>) => void): Promise<void> {
    return room.configure((config) => {
      config.stores = { main: { kind: 'aws', region: 'us-east-1', endpoint: service.endpoint } };
      change(config.secrets[secret] as Record<string, unknown>);
    });
  }
  async function valueAt(stage: 'AWSCURRENT' | 'AWSPREVIOUS' | 'AWSPENDING'): Promise<Record<string, unknown> | undefined> {
    try {
      const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: secret, VersionStage: stage }));
      return JSON.parse(SecretString ?? '{}') as Record<string, unknown>;
    } catch (error) {
      if ((error as Error).name === 'ResourceNotFoundException') return undefined;
      throw error;
    }
  }
  const stages = async (): Promise<Record<string, string[]>> =>
    (await client.send(new DescribeSecretCommand({ SecretId: secret }))).VersionIdsToStages ?? {};
  async function journal(): Promise<RotationRecord | undefined> {
    const state = await room.openState();
    try {
      return (await state.get<{ rotation?: RotationRecord }>(`rotation/${secret}`))?.value.rotation;
    } finally {
      await state.close();
    }
  }
  const login = (value: Record<string, unknown> | undefined): Promise<string> => room.login(secret, (value ?? {}) as never);
  async function untilClosed(): Promise<void> {
    advance = await start('advance');
    await expect
      .poll(
        async () => {
          await advance.invoke({});
          return (await journal())?.phase;
        },
        { timeout: 20_000, interval: 100 },
      )
      .toBe('closed');
  }

  const deliver = (step: Step, announced: Announced) => rotate.invoke(stepEvent(step, announced));

  it('rotates in the four steps, keeps the rest of the secret, and the timer ends the old password', async () => {
    await configure((each) => {
      each['grace'] = '2s';
      each['consumers'] = { maxCacheAge: '2s' };
    });
    rotate = await start('rotate');
    const before = await valueAt('AWSCURRENT');

    const token = await rotateAsService(service, (event) => rotate.invoke(event), secret, 1);

    const current = await valueAt('AWSCURRENT');
    expect(current).toEqual({ ...before, username: room.pair(secret).accounts[1], password: expect.stringMatching(/^\w{40}$/) });
    expect((await stages())[token]).toEqual(expect.arrayContaining(['AWSCURRENT']));
    expect(Object.values(await stages()).flat()).not.toContain('AWSPENDING');
    expect(await journal()).toMatchObject({ rotationId: token, reason: 'asked for by Secrets Manager' });
    expect([await login(before), await login(current)]).toEqual(['ok', 'ok']);
    await untilClosed();
    expect([await login(before), await login(current)]).toEqual(['28P01', 'ok']);
    const logs = `${await rotate.log()}${await advance.log()}`;
    expect(logs).not.toContain(String(current?.['password']));
    expect(logs).not.toContain(String(before?.['password']));
  });

  it('answers every step that is delivered twice as it did the first time', async () => {
    const announced = await service.announce(secret);

    for (const step of STEPS) {
      expect(await deliver(step, announced)).toMatchObject({ ok: true });
      const once = { stages: await stages(), current: await valueAt('AWSCURRENT') };
      expect(await deliver(step, announced)).toMatchObject({ ok: true });
      expect({ stages: await stages(), current: await valueAt('AWSCURRENT') }).toEqual(once);
    }
    // All over again, from the beginning, also after the old password was ended.
    for (const step of STEPS) expect(await deliver(step, announced)).toMatchObject({ ok: true });
    await untilClosed();
    for (const step of STEPS) expect(await deliver(step, announced)).toMatchObject({ ok: true });
    expect(await login(await valueAt('AWSCURRENT'))).toBe('ok');
  });

  it('goes no further than what was asked for when steps come out of order', async () => {
    const announced = await service.announce(secret);
    const before = await valueAt('AWSCURRENT');

    const early = await deliver('setSecret', announced);
    const test = await deliver('testSecret', announced);
    const finish = await deliver('finishSecret', announced);

    expect(early).toMatchObject({
      ok: false,
      errorType: 'ERR_ROTATION_HELD',
      errorMessage: expect.stringMatching(/setSecret of .* came before createSecret/),
    });
    expect(test).toMatchObject({
      ok: false,
      errorType: 'ERR_EVENT_INVALID',
      errorMessage: expect.stringMatching(/testSecret of .* came before createSecret/),
    });
    expect(finish).toMatchObject({ ok: false, errorType: 'ERR_ROTATION_HELD' });
    expect(await valueAt('AWSCURRENT')).toEqual(before);
    // finishSecret before setSecret: everything that it stands on is done first.
    await deliver('createSecret', announced);
    expect(await deliver('finishSecret', announced)).toMatchObject({ ok: true });
    expect(await deliver('setSecret', announced)).toMatchObject({ ok: true });
    expect(await login(await valueAt('AWSCURRENT'))).toBe('ok');
  });

  it('only looks when RotateImmediately is false', async () => {
    const announced = await service.announce(secret, { immediately: false });
    const before = { stages: await stages(), current: await valueAt('AWSCURRENT') };

    const answer = await deliver('testSecret', announced);

    expect(answer).toMatchObject({ ok: true });
    expect({ stages: await stages(), current: await valueAt('AWSCURRENT') }).toEqual(before);
    expect(await journal()).toBeUndefined();
  });

  it('refuses a second rotation while the first one’s old password is in its grace, and does it afterwards', async () => {
    await configure((each) => {
      each['grace'] = '2s';
      each['consumers'] = { maxCacheAge: '2s' };
    });
    rotate = await start('rotate');
    await rotateAsService(service, (event) => rotate.invoke(event), secret, 1);
    const announced = await service.announce(secret);

    const answer = await deliver('createSecret', announced);

    expect(answer).toMatchObject({
      ok: false,
      errorType: 'ERR_ROTATION_CONFLICT',
      errorMessage: expect.stringMatching(/is not finished .*tries again by itself/s),
    });
    await untilClosed();
    for (const step of STEPS) expect(await deliver(step, announced)).toMatchObject({ ok: true });
    expect(await login(await valueAt('AWSCURRENT'))).toBe('ok');
  });

  it.each<[string, (announced: { token: string; arn: string }) => Promise<unknown>, string, RegExp]>([
    [
      'a token that names no version',
      async ({ arn }) => ({ Step: 'createSecret', SecretId: arn, ClientRequestToken: '0'.repeat(32) }),
      'ERR_EVENT_INVALID',
      /does not have/,
    ],
    [
      'another account',
      async ({ arn, token }) => ({
        Step: 'createSecret',
        SecretId: arn.replace(/us-east-1/, 'eu-west-1'),
        ClientRequestToken: token,
      }),
      'ERR_EVENT_INVALID',
      /another region/,
    ],
    [
      'an unknown secret',
      async ({ token }) => ({ Step: 'createSecret', SecretId: 'web/db', ClientRequestToken: token }),
      'ERR_EVENT_INVALID',
      /keywheel.yaml does not have/,
    ],
    [
      'an unknown step',
      async ({ arn, token }) => ({ Step: 'dropSecret', SecretId: arn, ClientRequestToken: token }),
      'ERR_EVENT_INVALID',
      /no rotation step/,
    ],
  ])('refuses %s with one clear message and changes nothing', async (_what, eventOf, errorType, message) => {
    const announced = await service.announce(secret);
    const before = await stages();

    const answer = await rotate.invoke(await eventOf(announced));

    expect(answer).toMatchObject({ ok: false, errorType, errorMessage: expect.stringMatching(message) });
    expect(await stages()).toEqual(before);
  });

  it('refuses while rotation is not enabled, or enabled is false in keywheel.yaml', async () => {
    const value = await valueAt('AWSCURRENT');
    const [version = ''] = Object.keys(await stages());
    const off = await rotate.invoke({ Step: 'createSecret', SecretId: secret, ClientRequestToken: version });
    const announced = await service.announce(secret);
    await configure((each) => {
      each['enabled'] = false;
    });
    rotate = await start('rotate');

    const disabled = await deliver('createSecret', announced);

    expect(off).toMatchObject({
      ok: false,
      errorType: 'ERR_ROTATION_DISABLED',
      errorMessage: expect.stringMatching(/not enabled in Secrets Manager/),
    });
    expect(disabled).toMatchObject({
      ok: false,
      errorType: 'ERR_ROTATION_DISABLED',
      errorMessage: expect.stringMatching(/enabled is false/),
    });
    expect(await valueAt('AWSCURRENT')).toEqual(value);
  });

  it('refuses a secret whose account is not pinned, in clear words', async () => {
    await configure((each) => {
      each['target'] = {
        ...(each['target'] as object),
        accounts: [`${room.pair(secret).accounts[0]}_x`, room.pair(secret).accounts[1]],
      };
    });
    rotate = await start('rotate');
    const announced = await service.announce(secret);

    const answer = await deliver('createSecret', announced);

    expect(answer).toMatchObject({
      ok: false,
      errorType: 'ERR_SECRET_INVALID',
      errorMessage: expect.stringMatching(/names an account that is not pinned/),
    });
  });

  it('takes over from a rotation that was given up and left its pending version', async () => {
    const abandoned = await service.announce(secret);
    await deliver('createSecret', abandoned);
    // Somebody edits the secret by hand: the edit wins, and the rotation is given up.
    await room.run(['put', secret], {
      stdin: JSON.stringify({ ...(await valueAt('AWSCURRENT')), note: 'edited' }),
      env: { ...CREDENTIALS },
    });
    const given = await deliver('setSecret', abandoned);
    expect(given.ok).toBe(false);

    const next = await service.announce(secret);
    for (const step of STEPS) expect(await deliver(step, next)).toMatchObject({ ok: true });

    expect(await valueAt('AWSCURRENT')).toMatchObject({ note: 'edited', username: room.pair(secret).accounts[1] });
    expect(await login(await valueAt('AWSCURRENT'))).toBe('ok');
  });

  describe('a store that is unwell', () => {
    it('throttled, it is tried again and loses nothing', async () => {
      account.faults.push({
        on: 'PutSecretValue',
        when: 'before',
        times: 20,
        answer: { status: 400, type: 'ThrottlingException' },
      });
      const announced = await service.announce(secret);

      const answer = await deliver('createSecret', announced);

      expect(answer).toMatchObject({ ok: false, errorType: 'ERR_STORE_THROTTLED' });
      account.faults.length = 0;
      for (const step of STEPS) expect(await deliver(step, announced)).toMatchObject({ ok: true });
      expect(await login(await valueAt('AWSCURRENT'))).toBe('ok');
    });

    it('says that our own login has expired', async () => {
      account.faults.push({
        on: 'DescribeSecret',
        when: 'before',
        times: 20,
        answer: { status: 400, type: 'ExpiredTokenException' },
      });

      const answer = await rotate.invoke({ Step: 'createSecret', SecretId: secret, ClientRequestToken: '0'.repeat(32) });

      expect(answer).toMatchObject({ ok: false, errorType: 'ERR_STORE_LOGIN' });
    });
  });
});
