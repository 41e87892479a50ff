/** The AWS artifact as it would be uploaded: packaged, unpacked, and run under AWS's own runtime client against Secrets Manager and DynamoDB. */
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateSecretCommand, DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Artifact } from '../../scripts/package/artifact.ts';
import { startVendor, type Vendor } from '../contract/aws-vendor.ts';
import { CREDENTIALS } from '../contract/aws.ts';
import { prepareRoom, type Room } from '../e2e/helpers/room.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';
import { rotateAsService, startRotationService, type RotationService } from '../hosts/rotation-service.ts';
import { peer, type Lambda, type Moto } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { extract } from './helpers/unzip.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../../scripts/package.ts');
const SECRET = 'packaged/db';
const runtime = await peer('lambda');

await describeWithPeer('moto', 'the packaged AWS functions', (startMoto) => {
  let server: Postgres;
  let moto: Moto;
  let vendor: Vendor;
  let service: RotationService;
  let room: Room;
  const running: Lambda[] = [];

  beforeAll(async () => {
    [server, moto] = await Promise.all([startPostgres(), startMoto({})]);
    vendor = await startVendor(moto.endpoint);
    const account = vendor.account();
    service = await startRotationService(account.endpoint);
    room = await prepareRoom(server, { secrets: [SECRET], put: 'not' });
    await room.configure((config) => {
      config.state = { kind: 'dynamodb', table: 'keywheel', region: 'us-east-1', endpoint: account.endpoint };
      config.stores = { main: { kind: 'aws', region: 'us-east-1', endpoint: service.endpoint } };
    });
    const credentials = { accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY };
    const dynamodb = new DynamoDBClient({ region: 'us-east-1', endpoint: account.endpoint, credentials });
    // As serverless.yml declares it.
    await dynamodb.send(
      new CreateTableCommand({
        TableName: 'keywheel',
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    );
    dynamodb.destroy();
    await service.client.send(
      new CreateSecretCommand({
        Name: SECRET,
        SecretString: JSON.stringify({ engine: 'postgres', ...room.pair(SECRET).value() }),
      }),
    );
  });
  afterAll(async () => {
    await Promise.all(running.map((each) => each.stop()));
    service.close();
    await room.close();
    await vendor.close();
    await Promise.all([server.stop(), moto.stop()]);
  });

  async function start(folder: string, handler: string): Promise<Lambda> {
    if (!runtime.available) throw new Error(runtime.reason);
    // keywheel.yaml is where the package put it; only what the function's role and configuration give is in the environment.
    const env = { ...room.env, ...CREDENTIALS, AWS_REGION: 'us-east-1', KEYWHEEL_CONFIG: path.join(folder, 'keywheel.yaml') };
    const started = await runtime.start({ module: path.join(folder, 'rotate.mjs'), handler, env });
    running.push(started);
    return started;
  }

  it('rotates a secret in four steps and ends the old password by the schedule', async () => {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [SCRIPT, 'aws', '--json', '--config', room.file('keywheel.yaml'), '--out', room.file('dist')],
      {
        cwd: room.folder,
        env: { ...process.env, ...room.env },
      },
    );
    const [artifact] = (JSON.parse(stdout) as { artifacts: Artifact[] }).artifacts;
    const folder = room.file('unpacked');
    await extract(await readFile(artifact?.file ?? ''), folder);
    const rotate = await start(folder, 'rotate');
    const advance = await start(folder, 'advance');
    const before = await value();

    const token = await rotateAsService(service, (event) => rotate.invoke(event), SECRET, 3);

    expect((await service.client.send(new DescribeSecretCommand({ SecretId: SECRET }))).VersionIdsToStages?.[token]).toContain(
      'AWSCURRENT',
    );
    await expect
      .poll(
        async () => {
          expect(await advance.invoke({})).toMatchObject({ ok: true });
          return /"message":"rotation closed"/.test(`${await rotate.log()}${await advance.log()}`);
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe(true);
    expect([await room.login(SECRET, before as never), await room.login(SECRET, (await value()) as never)]).toEqual([
      '28P01',
      'ok',
    ]);
    await rm(folder, { recursive: true });
  });

  async function value(): Promise<Record<string, string>> {
    const { SecretString } = await service.client.send(
      new GetSecretValueCommand({ SecretId: SECRET, VersionStage: 'AWSCURRENT' }),
    );
    return JSON.parse(SecretString ?? '{}') as Record<string, string>;
  }
});
