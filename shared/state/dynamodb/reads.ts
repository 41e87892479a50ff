/** Reading records: strongly consistent, and without those whose time is over by our clock. */
import { setTimeout as delay } from 'node:timers/promises';
import { KeywheelError } from '../../errors.ts';
import type { Stored } from '../port.ts';
import { recordKey, RECORDS, storedOf } from './items.ts';
import { PAUSES, type Item, type Table } from './table.ts';

const MOST_KEYS = 100; // of one BatchGetItem
const PAGE = 100;

/** What reads and writes of one open state share. */
export interface Records {
  readonly table: Table;
  readonly now: () => number;
  /** A revision that never was before. */
  readonly fresh: () => string;
}

export async function get<T>({ table, now }: Records, key: string): Promise<Stored<T> | undefined> {
  const { Item: item } = await table.call(`state record ${key} could not be read`, key, (client) =>
    client.getItem({ TableName: table.name, Key: recordKey(key), ConsistentRead: true }),
  );
  return item === undefined ? undefined : storedOf<T>(item, now());
}

export async function getMany<T>({ table, now }: Records, keys: readonly string[]): Promise<Stored<T>[]> {
  const unique = [...new Set(keys)];
  const items: Item[] = [];
  for (let start = 0; start < unique.length; start += MOST_KEYS) {
    items.push(...(await batch(table, unique.slice(start, start + MOST_KEYS).map(recordKey))));
  }
  const at = now();
  return items.map((item) => storedOf<T>(item, at)).filter((one) => one !== undefined);
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html: what does not fit into an answer is asked for again. */
async function batch(table: Table, keys: Item[]): Promise<Item[]> {
  const what = `${keys.length} state records could not be read`;
  const items: Item[] = [];
  let rest = keys;
  for (let failures = 0; rest.length > 0;) {
    const request = { [table.name]: { Keys: rest, ConsistentRead: true } };
    const answer = await table.call(what, table.name, (client) => client.batchGetItem({ RequestItems: request }));
    const found = Object.values(answer.Responses ?? {}).flat();
    items.push(...found);
    rest = Object.values(answer.UnprocessedKeys ?? {}).flatMap(({ Keys = [] }) => Keys);
    if (rest.length === 0 || found.length > 0) continue;
    const pause = PAUSES[failures++];
    if (pause === undefined) {
      const why = `table ${table.name} is throttled and left ${rest.length} unread`;
      const hint = 'it is tried again; give the table on-demand capacity';
      throw new KeywheelError('ERR_STATE_THROTTLED', `${what}, because ${why}`, { hint, retryable: true, subject: table.name });
    }
    await delay(pause);
  }
  return items;
}

export async function* list<T>({ table, now }: Records, prefix: string): AsyncGenerator<Stored<T>> {
  const condition = prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)';
  const values: Item = { ':pk': { S: RECORDS }, ...(prefix === '' ? {} : { ':prefix': { S: prefix } }) };
  const query = {
    TableName: table.name,
    KeyConditionExpression: condition,
    ExpressionAttributeValues: values,
    ConsistentRead: true,
    Limit: PAGE,
  };
  let next: Item | undefined;
  do {
    const start = next === undefined ? {} : { ExclusiveStartKey: next };
    const page = await table.call(`state records ${JSON.stringify(prefix)}* could not be listed`, prefix, (client) =>
      client.query({ ...query, ...start }),
    );
    for (const item of page.Items ?? []) {
      const stored = storedOf<T>(item, now());
      if (stored !== undefined) yield stored;
    }
    next = page.LastEvaluatedKey;
  } while (next !== undefined);
}
