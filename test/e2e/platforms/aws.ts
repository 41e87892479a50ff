/**
 * AWS: the handlers under AWS's own runtime client, Secrets Manager and DynamoDB as moto and the proxy that holds the vendor's rules give them,
 * and the four steps of a rotation from a stand-in for the service that delivers them.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { startVendor } from '../../contract/aws-vendor.ts';
import { CREDENTIALS } from '../../contract/aws.ts';
import { startRotationService, stepEvent, STEPS, type Announced, type RotationService } from '../../hosts/rotation-service.ts';
import type { Invocation, Lambda, LambdaOptions } from '../../peers/index.ts';
import type { Definition, Hosted } from './cloud.ts';
import { keep, type Keeper } from './keeper.ts';
import { needed } from './peers.ts';

const MODULE = path.resolve(import.meta.dirname, '../../../functions/rotate/aws.ts');
const region = 'us-east-1';
const env = { ...CREDENTIALS, AWS_REGION: region, AWS_EC2_METADATA_DISABLED: 'true' };
/** The service delivers a step again while it fails. */
const TRIES = 5;

export const aws: Definition = {
  needs: ['lambda', 'moto'],
  async open(_job, secret) {
    const [startLambda, startMoto] = await Promise.all([needed('lambda'), needed('moto')]);
    const moto = await startMoto({});
    const vendor = await startVendor(moto.endpoint);
    const { endpoint } = vendor.account();
    const service = await startRotationService(endpoint);
    const table = await makeTable(endpoint);
    return {
      title: 'AWS Lambda’s own runtime client, with Secrets Manager and DynamoDB',
      sections: {
        store: { kind: 'aws', region, endpoint: service.endpoint },
        state: { kind: 'dynamodb', region, endpoint, table },
      },
      env,
      consumers: { store: { kind: 'aws', region, endpoint: service.endpoint }, env },
      rotator: (configFile) => rotator(startLambda, service, secret, configFile),
      async stop() {
        service.close();
        await vendor.close();
        await moto.stop();
      },
    };
  },
};

function rotator(
  start: (options: LambdaOptions) => Promise<Lambda>,
  service: RotationService,
  secret: string,
  configFile: string,
): Hosted {
  const host = (handler: 'rotate' | 'advance'): Keeper<Lambda> =>
    keep(`Lambda ${handler}`, () => start({ module: MODULE, handler, env: { ...env, KEYWHEEL_CONFIG: configFile } }));
  const [rotate, advance] = [host('rotate'), host('advance')];
  let working = rotate;
  let announced: Announced | undefined;

  async function invoke(keeper: Keeper<Lambda>, event: unknown, signal: AbortSignal): Promise<Invocation> {
    signal.throwIfAborted();
    working = keeper;
    return (await keeper.get()).invoke(event);
  }

  return {
    async ask(again, signal) {
      if (!again || announced === undefined) announced = await service.announce(secret);
      for (const step of STEPS) {
        for (let left = TRIES; ; left -= 1) {
          const answer = await invoke(rotate, stepEvent(step, announced), signal);
          if (answer.ok) break;
          if (left === 1) throw new Error(`${step}: ${answer.errorType}: ${answer.errorMessage}`);
        }
      }
    },
    async tick(signal) {
      const event = { id: randomUUID(), 'detail-type': 'Scheduled Event', source: 'aws.scheduler' };
      const answer = await invoke(advance, event, signal);
      if (!answer.ok) throw new Error(`advance: ${answer.errorType}: ${answer.errorMessage}`);
    },
    crash: () => working.crash(),
    output: async () => [...(await rotate.output()), ...(await advance.output())],
    stop: async () => void (await Promise.all([rotate.stop(), advance.stop()])),
  };
}

async function makeTable(endpoint: string): Promise<string> {
  const table = 'keywheel';
  const credentials = { accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY };
  const client = new DynamoDBClient({ region, endpoint, credentials });
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
    }),
  );
  client.destroy();
  return table;
}
