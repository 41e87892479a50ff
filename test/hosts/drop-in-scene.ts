/**
 * A secret as one of AWS's PostgreSQL rotation templates leaves it, in an account of its own, over a real database, and Keywheel's functions under the
 * real runtime client to take it over.
 */
import path from 'node:path';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  type GetSecretValueResponse,
} from '@aws-sdk/client-secrets-manager';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { RotationRecord } from '../../shared/rotation/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { startVendor, type Account, type Vendor } from '../contract/aws-vendor.ts';
import { CREDENTIALS } from '../contract/aws.ts';
import { prepareRoom, type Fields, type Room } from '../e2e/helpers/room.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { createTemplatePair, rotateAsTemplate, type Template, type TemplatePair } from '../helpers/template-pair.ts';
import { peer, type Invocation, type Lambda, type Moto } from '../peers/index.ts';
import type { Start } from '../peers/vitest.ts';
import { rotateAsService, startRotationService, type RotationService } from './rotation-service.ts';

const MODULE = path.resolve(import.meta.dirname, '../../functions/rotate/aws.ts');
/** RDS names the secret of its master so, and writes two fields into it. */
export const MASTER = 'rds!cluster-0d9e3f7c-7a3c-4f6f-9a55-2a8a4f0c8a11';

interface Scene {
  readonly account: Account;
  readonly service: RotationService;
  readonly secret: string;
  readonly pair: TemplatePair;
  readonly room: Room;
  readonly masterArn: string;
}

interface DropIn {
  /** What the present test has for itself. */
  readonly at: () => Scene;
  /** The secret as it was made, and then rotated by the template as often as `times` says. */
  readonly leftBy: (template: Template, times: number, fields?: Fields) => Promise<void>;
  /** keywheel.yaml pins what the secret only says, and both functions start with it. */
  readonly pin: (template: Template) => Promise<void>;
  /** One event for the rotation function. */
  readonly invoke: (event: unknown) => Promise<Invocation>;
  readonly got: (stage: string) => Promise<GetSecretValueResponse>;
  readonly current: () => Promise<SecretValue>;
  readonly labels: () => Promise<string[]>;
  /** `ok`, or the SQLSTATE. */
  readonly login: (value: SecretValue) => Promise<string>;
  readonly untilClosed: () => Promise<void>;
  /** What the application does with its login: reads, writes and migrates its own table, and reads somebody else's. */
  readonly works: (value: SecretValue) => Promise<void>;
  /** One rotation by the four steps, current tried after each, and by the timer up to its end. Gives what current was and is. */
  readonly rotateOnce: (overlaps?: boolean) => Promise<{ before: SecretValue; after: SecretValue }>;
  readonly logs: () => Promise<string>;
}

/** To be called inside `describe`: it registers what starts and ends all of it. */
export function dropInScene(startMoto: Start<'moto'>): DropIn {
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

  let scene: Scene | undefined;
  let rotate: Lambda | undefined;
  let advance: Lambda | undefined;
  let rooms = 0;
  let changes = 0;
  const at = (): Scene => {
    if (scene === undefined) throw new Error('there is a scene inside of tests only');
    return scene;
  };

  beforeEach(async () => {
    const account = vendor.account();
    const service = await startRotationService(account.endpoint);
    rooms += 1;
    const secret = `prod/app${rooms}/db`;
    const pair = await createTemplatePair(server, { name: `shop${rooms}`, clone: false });
    const master = { Name: MASTER, SecretString: JSON.stringify(pair.admin) };
    const masterArn = (await service.client.send(new CreateSecretCommand(master))).ARN ?? '';
    const room = await prepareRoom(server, { secrets: [secret], pairs: { [secret]: pair }, put: 'not' });
    scene = { account, service, secret, pair, room, masterArn };
  });
  afterEach(async () => {
    await Promise.all([rotate?.stop(), advance?.stop()]);
    [rotate, advance] = [undefined, undefined];
    scene?.service.close();
    await scene?.room.close();
  });

  async function leftBy(template: Template, times: number, fields: Fields = {}): Promise<void> {
    const { masterArn, pair, secret, service } = at();
    const value = {
      ...pair.value(),
      dbInstanceIdentifier: 'shop-1',
      ...(template === 'multi-user' ? { masterarn: masterArn } : {}),
    };
    const text = JSON.stringify({ ...value, ...fields });
    await service.client.send(new CreateSecretCommand({ Name: secret, SecretString: text }));
    for (let left = times; left > 0; left -= 1) await rotateAsTemplate(service.client, secret, pair, template);
  }

  async function pin(template: Template): Promise<void> {
    const { pair, room, secret, service } = at();
    await room.configure((config) => {
      config.stores = { main: { kind: 'aws', region: 'us-east-1', endpoint: service.endpoint } };
      const each = config.secrets[secret];
      if (each === undefined) throw new Error(`no secret ${secret}`);
      // Longer than the four steps take, so that the old password is still in its grace when they are done.
      Object.assign(each, { grace: '2s', consumers: { maxCacheAge: '2s' } });
      each.target.admin = { username: pair.admin.username, secret: MASTER };
      if (template === 'single-user') {
        Object.assign(each, { strategy: 'in-place', acceptDeadWindow: true });
        delete each['grace'];
        each.target['accounts'] = [pair.base];
        delete each.target['ownerRole'];
      }
    });
    const runtime = await peer('lambda');
    if (!runtime.available) throw new Error(runtime.reason);
    await Promise.all([rotate?.stop(), advance?.stop()]);
    const env = { ...room.env, ...CREDENTIALS, AWS_REGION: 'us-east-1', KEYWHEEL_CONFIG: room.file('keywheel.yaml') };
    rotate = await runtime.start({ module: MODULE, handler: 'rotate', env });
    advance = await runtime.start({ module: MODULE, handler: 'advance', env });
  }

  const started = (lambda: Lambda | undefined): Lambda => {
    if (lambda === undefined) throw new Error('pin starts the functions');
    return lambda;
  };
  const invoke = (event: unknown): Promise<Invocation> => started(rotate).invoke(event);
  const got = (stage: string): Promise<GetSecretValueResponse> =>
    at().service.client.send(new GetSecretValueCommand({ SecretId: at().secret, VersionStage: stage }));
  const current = async (): Promise<SecretValue> => JSON.parse((await got('AWSCURRENT')).SecretString ?? '{}') as SecretValue;
  const labels = async (): Promise<string[]> => {
    const { VersionIdsToStages } = await at().service.client.send(new DescribeSecretCommand({ SecretId: at().secret }));
    return Object.values(VersionIdsToStages ?? {}).flat();
  };
  const login = (value: SecretValue): Promise<string> => at().room.login(at().secret, value);
  async function journal(): Promise<RotationRecord | undefined> {
    const state = await at().room.openState();
    try {
      return (await state.get<{ rotation?: RotationRecord }>(`rotation/${at().secret}`))?.value.rotation;
    } finally {
      await state.close();
    }
  }
  async function untilClosed(): Promise<void> {
    const tick = async (): Promise<string | undefined> => {
      await started(advance).invoke({});
      return (await journal())?.phase;
    };
    await expect.poll(tick, { timeout: 20_000, interval: 100 }).toBe('closed');
  }
  async function works(value: SecretValue): Promise<void> {
    changes += 1;
    await at().pair.as(
      value,
      `SELECT count(*) FROM shop.orders; INSERT INTO shop.orders (item) VALUES ('spoke'); UPDATE shop.orders SET item = item; DELETE FROM shop.orders WHERE id < 0;
       ALTER TABLE shop.orders ADD COLUMN added_${changes} int; CREATE INDEX ON shop.orders (added_${changes}); SELECT * FROM reference.prices`,
    );
  }
  async function rotateOnce(overlaps = true): Promise<{ before: SecretValue; after: SecretValue }> {
    const before = await current();
    const tries: string[] = [];
    const tried = async (event: unknown): Promise<Invocation> => {
      const answer = await invoke(event);
      tries.push(await login(await current()));
      return answer;
    };
    await rotateAsService(at().service, tried, at().secret, 1);
    // In place there is one password: between the change and publishing, current is dead.
    expect(tries).toEqual(overlaps ? ['ok', 'ok', 'ok', 'ok'] : ['ok', '28P01', '28P01', 'ok']);
    const after = await current();
    if (overlaps) await works(before);
    await works(after);
    await untilClosed();
    expect([await login(before), await login(after)]).toEqual(['28P01', 'ok']);
    expect(await labels()).not.toContain('AWSPENDING');
    await works(after);
    return { before, after };
  }
  return {
    at,
    leftBy,
    pin,
    invoke,
    got,
    current,
    labels,
    login,
    untilClosed,
    works,
    rotateOnce,
    logs: async () => `${await started(rotate).log()}${await started(advance).log()}`,
  };
}
