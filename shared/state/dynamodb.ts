/**
 * Durable state in one DynamoDB table, which the deployment makes (string keys `pk` and `sk`, TTL on `ttl`); docs/storage-schema.md tells its items.
 * Rights on the table: GetItem, BatchGetItem, Query, PutItem, UpdateItem and DeleteItem.
 */
import type { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { awsFailure } from '../aws.ts';
import type { DynamodbStateConfig } from '../config/index.ts';
import { checkKey, checkTtl, prepare } from './dynamodb/check.ts';
import { INSTALLATION_KEY } from './dynamodb/items.ts';
import * as leases from './dynamodb/leases.ts';
import * as reads from './dynamodb/reads.ts';
import { openTable, type Item, type Table } from './dynamodb/table.ts';
import { write } from './dynamodb/writes.ts';
import type { StateDeps } from './open.ts';
import type { State } from './port.ts';

/**
 * Opens nothing yet: the SDK is loaded, and its default credential chain asked, by the first call. ERR_STATE_LOGIN, ERR_STATE_FORBIDDEN,
 * ERR_STATE_THROTTLED, ERR_STATE_UNAVAILABLE, ERR_STATE_FULL for a record over 400 KB, ERR_STATE_FAILED when there is no such table.
 */
export async function openDynamodbState(config: DynamodbStateConfig, deps: StateDeps): Promise<State> {
  const table = openTable(config);
  const hex = (length: number) => Buffer.from(deps.random.bytes(length)).toString('hex');
  const now = () => Math.trunc(deps.clock.now());
  const open: reads.Records = { table, now, fresh: () => hex(12) };

  return {
    kind: 'dynamodb',
    installation: async () => (await readInstallation(table)) ?? (await makeInstallation(table, hex(16))),
    installationIfAny: () => readInstallation(table),
    get: async (key) => {
      checkKey('record key', key);
      return reads.get(open, key);
    },
    getMany: async (keys) => {
      for (const key of keys) checkKey('record key', key);
      return reads.getMany(open, keys);
    },
    list: (prefix) => reads.list(open, prefix),
    put: async (one) => {
      const [revision = ''] = await write(open, prepare([one]));
      return revision;
    },
    transact: async (writes) => write(open, prepare(writes)),
    acquire: async (key, holder, ttl, isDead) => {
      checkKey('lease key', key);
      checkKey('lease holder', holder);
      checkTtl(key, ttl);
      return leases.acquire(table, { key, holder, now: now(), expiresAt: now() + Math.ceil(ttl), isDead, nonce: hex(12) });
    },
    renew: async (lease, ttl) => {
      checkTtl(lease.key, ttl);
      return leases.renew(table, lease, now() + Math.ceil(ttl));
    },
    release: async (lease) => leases.release(table, lease),
    close: async () => table.close(),
  };
}

async function readInstallation(table: Table): Promise<string | undefined> {
  const { Item: item } = await table.call('installation could not be read', table.name, (client) =>
    client.getItem({ TableName: table.name, Key: INSTALLATION_KEY, ConsistentRead: true }),
  );
  return item?.['value']?.S;
}

/** Who is first names it; everybody else takes that name. */
async function makeInstallation(table: Table, id: string): Promise<string> {
  const item: Item = { ...INSTALLATION_KEY, value: { S: id } };
  const request = { TableName: table.name, Item: item, ConditionExpression: 'attribute_not_exists(pk)' };
  const onCondition = (name: string) => name === 'ConditionalCheckFailedException';
  try {
    await table.call(
      'installation could not be written',
      table.name,
      (client) => client.putItem({ ...request, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
      onCondition,
    );
    return id;
  } catch (error) {
    if (!onCondition(awsFailure(error).name)) throw error;
    const found = (error as ConditionalCheckFailedException).Item?.['value']?.S;
    return found ?? (await readInstallation(table)) ?? id;
  }
}
