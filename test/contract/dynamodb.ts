/** How the contract suites open DynamoDB: one table of its own per test. */
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { randomUUID } from 'node:crypto';
import { openDynamodbState } from '../../shared/state/dynamodb.ts';
import type { State } from '../../shared/state/index.ts';
import { CREDENTIALS } from './aws.ts';
import type { Account, Vendor } from './aws-vendor.ts';
import { manualClock, realRandom } from './harness.ts';
import type { StateFixture, StateHarness } from './state.ts';

export interface DynamodbFixture extends StateFixture {
  readonly table: string;
  readonly client: DynamoDBClient;
  readonly account: Account;
}

export interface DynamodbHarness extends StateHarness {
  open(): Promise<DynamodbFixture>;
}

export function dynamodbStateHarness(vendor: () => Vendor): DynamodbHarness {
  return {
    modelRuns: 20,
    many: 250, // three pages
    async open() {
      const account = vendor().account();
      const { endpoint } = account;
      const table = `keywheel-${randomUUID()}`;
      const credentials = { accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY };
      const client = new DynamoDBClient({ region: 'us-east-1', endpoint, credentials });
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
      const clock = manualClock();
      const opened: State[] = [];
      const open = async () => {
        const config = { kind: 'dynamodb' as const, table, region: 'us-east-1', endpoint };
        const state = await openDynamodbState(config, { clock, random: realRandom });
        opened.push(state);
        return state;
      };
      return {
        account,
        table,
        client,
        clock,
        state: await open(),
        second: open,
        close: async () => {
          for (const state of opened) await state.close();
          await client.send(new DeleteTableCommand({ TableName: table }));
          client.destroy();
        },
      };
    },
  };
}
