/** Writing records: each write on its condition, one alone or several in one transaction. */
import type { CancellationReason, ConditionalCheckFailedException, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { setTimeout as delay } from 'node:timers/promises';
import { awsFailure } from '../../aws.ts';
import { KeywheelError } from '../../errors.ts';
import type { StateRevision } from '../port.ts';
import type { Prepared } from './check.ts';
import { isLive, recordItem, recordKey, revisionOf } from './items.ts';
import type { Records } from './reads.ts';
import { busy, isConflict, PAUSES, stateError, type Item } from './table.ts';

/** One write is a conditional PutItem or DeleteItem, several are one TransactWriteItems. */
export async function write(records: Records, writes: readonly Prepared[]): Promise<StateRevision[]> {
  const made = writes.map((one) => requestOf(records, one));
  const [only] = made;
  if (only === undefined) return [];
  const what =
    writes.length === 1 ? `state record ${only.key} was not changed` : `${writes.length} state records were not changed`;
  for (const pause of [...PAUSES, undefined]) {
    const done = made.length === 1 ? await one(records, only, what) : await transact(records, made, what);
    if (done) return made.map(({ revision }) => revision);
    if (pause === undefined) break;
    await delay(pause);
  }
  throw busy(what, only.key);
}

type Made = ReturnType<typeof requestOf>;

function requestOf({ table, now, fresh }: Records, { key, text, expected, ttl }: Prepared) {
  const revision = fresh();
  const at = now();
  const names = { '#expires': 'expires', ...(expected === null ? {} : { '#revision': 'revision' }) };
  const values: Item = { ':now': { N: String(at) }, ...(expected === null ? {} : { ':expected': { S: expected } }) };
  const condition =
    expected === null
      ? 'attribute_not_exists(pk) OR #expires <= :now'
      : '#revision = :expected AND (attribute_not_exists(#expires) OR #expires > :now)';
  const request = {
    TableName: table.name,
    ConditionExpression: condition,
    ExpressionAttributeNames: names,
    ExpressionAttributeValues: values,
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
  };
  const item =
    text === undefined ? undefined : recordItem(key, revision, text, ttl === undefined ? undefined : at + Math.ceil(ttl));
  return { key, revision, expected, request, item };
}

/** False when another transaction, or another region, is at the record: then nothing was written. */
async function one({ table, now }: Records, { key, revision, expected, request, item }: Made, what: string): Promise<boolean> {
  try {
    await table.call(
      what,
      key,
      (client) =>
        item === undefined ? client.deleteItem({ ...request, Key: recordKey(key) }) : client.putItem({ ...request, Item: item }),
      (name) => name === 'ConditionalCheckFailedException' || isConflict(name),
    );
    return true;
  } catch (error) {
    const { name } = awsFailure(error);
    if (isConflict(name)) return false;
    if (name !== 'ConditionalCheckFailedException') throw error;
    const found = (error as ConditionalCheckFailedException).Item;
    // The SDK tried again after an answer that was lost: the record is as we wrote it.
    if (revisionOf(found) === revision) return true;
    // Gone: by us, at an attempt whose answer was lost, or by another worker.
    const again = ((error as ConditionalCheckFailedException).$metadata.attempts ?? 1) > 1;
    if (again && item === undefined && found === undefined && expected !== null) {
      const hint = 'read it again';
      throw new KeywheelError('ERR_STATE_UNAVAILABLE', `${what} for certain, because an answer was lost`, {
        hint,
        retryable: true,
        subject: key,
      });
    }
    throw conflict(key, expected, found, now());
  }
}

/** The SDK gives each transaction a token, so trying again after a lost answer writes once. False when another transaction is at a record. */
async function transact({ table, now }: Records, made: readonly Made[], what: string): Promise<boolean> {
  const items = made.map(({ key, request, item }) =>
    item === undefined ? { Delete: { ...request, Key: recordKey(key) } } : { Put: { ...request, Item: item } },
  );
  const subject = made[0]?.key ?? '';
  try {
    await table.call(
      what,
      subject,
      (client) => client.transactWriteItems({ TransactItems: items }),
      (name) => name === 'TransactionCanceledException',
    );
    return true;
  } catch (error) {
    if (awsFailure(error).name !== 'TransactionCanceledException') throw error;
    const reasons: readonly CancellationReason[] = (error as TransactionCanceledException).CancellationReasons ?? [];
    const first = reasons.findIndex(({ Code }) => Code === 'ConditionalCheckFailed');
    const refused = made[first];
    if (refused !== undefined) throw conflict(refused.key, refused.expected, reasons[first]?.Item, now());
    if (reasons.some(({ Code }) => Code === 'TransactionConflict')) return false;
    const code = reasons.find(({ Code }) => Code !== undefined && Code !== 'None')?.Code ?? 'TransactionCanceledException';
    throw canceled(code, table.name, what, subject);
  }
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html */
function canceled(code: string, table: string, what: string, subject: string): KeywheelError {
  if (code === 'ItemCollectionSizeLimitExceeded') {
    return new KeywheelError('ERR_STATE_FULL', `${what}, because table ${table} holds too much: ${code}`, { subject });
  }
  const name =
    code === 'ThrottlingError' ? 'ThrottlingException' : code === 'ProvisionedThroughputExceeded' ? `${code}Exception` : code;
  return stateError({ name, $fault: 'client', $metadata: { httpStatusCode: 400 } }, table, what, subject);
}

function conflict(key: string, expected: StateRevision | null, found: Item | undefined, now: number): KeywheelError {
  const wanted = expected === null ? 'absent' : `at revision ${expected}`;
  const is = found === undefined || !isLive(found, now) ? 'absent' : `at revision ${revisionOf(found) ?? 'unknown'}`;
  const why = is === wanted ? 'it was changed meanwhile' : `it is ${is} and not ${wanted}`;
  return new KeywheelError('ERR_STATE_CONFLICT', `state record ${key} was not changed, because ${why}`, {
    hint: 'another worker was first; read it again',
    subject: key,
  });
}
