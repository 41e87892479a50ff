/** Leases. The item outlives the lease, because its fence must only ever grow. */
import type { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { awsFailure } from '../../aws.ts';
import { KeywheelError } from '../../errors.ts';
import type { Lease } from '../port.ts';
import { leaseItem, leaseKey, leaseOf, type LeaseRow } from './items.ts';
import { busy, type Item, type Table } from './table.ts';

const ATTEMPTS = 5;
const onCondition = (name: string): boolean => name === 'ConditionalCheckFailedException';

interface Ask {
  readonly key: string;
  readonly holder: string;
  readonly now: number;
  readonly expiresAt: number;
  readonly isDead?: ((holder: string) => boolean) | undefined;
  /** Names this call. */
  readonly nonce: string;
}

/** The same holder may ask again, and then its earlier lease is lost: after a restart it does not know what it had begun. */
export async function acquire(table: Table, ask: Ask): Promise<Lease | undefined> {
  const { key, holder, now, expiresAt, isDead, nonce } = ask;
  const what = `lease ${key} was not acquired`;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { Item: item } = await table.call(what, key, (client) =>
      client.getItem({ TableName: table.name, Key: leaseKey(key), ConsistentRead: true }),
    );
    const row = leaseOf(item, key);
    const held = row?.holder !== undefined && row.expires !== undefined && row.expires > now;
    if (held && row.holder !== holder && row.holder !== undefined && isDead?.(row.holder) !== true) return undefined;
    const lease: Lease = { key, holder, fence: (row?.fence ?? 0) + 1, expiresAt };
    if (await replace(table, lease, row, nonce, what)) return lease;
  }
  throw busy(what, key);
}

/** True when it is ours: the row was as it was read, also when an answer was lost and the SDK tried again. */
async function replace(table: Table, lease: Lease, row: LeaseRow | undefined, nonce: string, what: string): Promise<boolean> {
  const { condition, values, names } = unchanged(row);
  try {
    await table.call(
      what,
      lease.key,
      (client) =>
        client.putItem({
          TableName: table.name,
          Item: leaseItem(lease, nonce),
          ConditionExpression: condition,
          ...(names === undefined ? {} : { ExpressionAttributeNames: names, ExpressionAttributeValues: values }),
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      onCondition,
    );
    return true;
  } catch (error) {
    if (!onCondition(awsFailure(error).name)) throw error;
    const now = leaseOf((error as ConditionalCheckFailedException).Item, lease.key);
    return now?.nonce === nonce && now.fence === lease.fence;
  }
}

/** Its expiry too: a lease that was renewed after it was read is not to be taken. */
function unchanged(row: LeaseRow | undefined) {
  if (row === undefined) return { condition: 'attribute_not_exists(pk)' };
  const names = { '#fence': 'fence', '#holder': 'holder' };
  const values: Item = { ':fence': { N: String(row.fence) } };
  if (row.holder === undefined) return { condition: '#fence = :fence AND attribute_not_exists(#holder)', names, values };
  return {
    condition: '#fence = :fence AND #holder = :holder AND #expires = :expires',
    names: { ...names, '#expires': 'expires' },
    values: { ...values, ':holder': { S: row.holder }, ':expires': { N: String(row.expires ?? 0) } },
  };
}

/** A lease that ran out is renewed as long as nobody else was given one: then nobody else has acted either. */
export async function renew(table: Table, lease: Lease, expiresAt: number): Promise<Lease> {
  const refusal = await change(table, lease, 'SET #expires = :expires', { ':expires': { N: String(expiresAt) } }, 'renewed');
  if (refusal === undefined) return { ...lease, expiresAt };
  const why = (refusal.row?.fence ?? 0) > lease.fence ? 'a later one was given out' : 'it was released';
  throw new KeywheelError('ERR_LEASE_LOST', `lease ${lease.key} (fence ${lease.fence}) cannot be renewed, because ${why}`, {
    hint: 'stop at once; whoever holds the later lease goes on',
    subject: lease.key,
  });
}

export async function release(table: Table, lease: Lease): Promise<void> {
  await change(table, lease, 'REMOVE #holder, #expires', {}, 'released');
}

/** Undefined when it was changed; else the row as it is, which is somebody else's or nobody's. */
async function change(
  table: Table,
  { key, fence, holder }: Lease,
  expression: string,
  more: Item,
  done: string,
): Promise<{ row: LeaseRow | undefined } | undefined> {
  try {
    await table.call(
      `lease ${key} was not ${done}`,
      key,
      (client) =>
        client.updateItem({
          TableName: table.name,
          Key: leaseKey(key),
          UpdateExpression: expression,
          ConditionExpression: '#fence = :fence AND #holder = :holder',
          ExpressionAttributeNames: { '#fence': 'fence', '#holder': 'holder', '#expires': 'expires' },
          ExpressionAttributeValues: { ':fence': { N: String(fence) }, ':holder': { S: holder }, ...more },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      onCondition,
    );
    return undefined;
  } catch (error) {
    if (!onCondition(awsFailure(error).name)) throw error;
    return { row: leaseOf((error as ConditionalCheckFailedException).Item, key) };
  }
}
