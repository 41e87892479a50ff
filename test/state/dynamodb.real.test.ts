/** What only DynamoDB asks of its adapter, on moto: its items, limits, transactions of others, partial answers, lost answers, bad days. */
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openState } from '../../shared/state/index.ts';
import { CREDENTIALS } from '../contract/aws.ts';
import { startVendor } from '../contract/aws-vendor.ts';
import type { Fault, Vendor } from '../contract/aws-vendor.ts';
import { dynamodbStateHarness } from '../contract/dynamodb.ts';
import type { DynamodbFixture } from '../contract/dynamodb.ts';
import { all, realRandom } from '../contract/harness.ts';
import type { Moto } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';

/** More than the SDK tries. */
const ALWAYS = 99;

await describeWithPeer('moto', 'DynamoDB', (start) => {
  let moto: Moto;
  let vendor: Vendor;
  let fixture: DynamodbFixture;
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
    fixture = await dynamodbStateHarness(() => vendor).open();
  });
  afterEach(() => fixture.close());

  const fault = (...faults: Fault[]): void => void fixture.account.faults.push(...faults);
  const made = (operation: string) => fixture.account.requests.filter((request) => request.operation === operation);
  const item = async (pk: string, sk: string) => {
    const request = { TableName: fixture.table, Key: { pk: { S: pk }, sk: { S: sk } } };
    return (await fixture.client.send(new GetItemCommand(request))).Item;
  };
  const until = (milliseconds: number) => fixture.clock.now() + milliseconds;

  it('writes the items that the documentation shows', async () => {
    const revision = await fixture.state.put({ key: 'k/1', value: { a: 1 }, expected: null, ttl: 1500 });
    await fixture.state.acquire('lease/s', 'one', 1000);

    expect(await item('record', 'k/1')).toEqual({
      pk: { S: 'record' },
      sk: { S: 'k/1' },
      format: { N: '1' },
      revision: { S: revision },
      value: { S: '{"a":1}' },
      expires: { N: String(until(1500)) },
      ttl: { N: String(Math.ceil(until(1500) / 1000) + 3600) }, // an hour after, since DynamoDB deletes by its own clock
    });
    expect(await item('lease#lease/s', 'lease')).toMatchObject({
      fence: { N: '1' },
      holder: { S: 'one' },
      expires: { N: String(until(1000)) },
    });
    expect(await item('lease#lease/s', 'lease')).not.toHaveProperty('ttl');
  });

  it('reads the installation without making it, where that is asked', async () => {
    const before = await fixture.state.installationIfAny?.();
    const id = await fixture.state.installation();

    expect(before).toBeUndefined();
    expect(await (await fixture.second()).installationIfAny?.()).toBe(id);
  });

  it('gives one installation to all who ask first at the same moment', async () => {
    const states = [fixture.state, await fixture.second(), await fixture.second()];

    const ids = await Promise.all(states.map((state) => state.installation()));

    expect(new Set(ids).size).toBe(1);
  });

  describe('what was written otherwise', () => {
    const write = (more: Record<string, { S: string } | { N: string }>) =>
      fixture.client.send(
        new PutItemCommand({ TableName: fixture.table, Item: { pk: { S: 'record' }, sk: { S: 'k' }, ...more } }),
      );

    it.each([
      ['by a newer keywheel', { format: { N: '2' }, revision: { S: 'r' }, value: { S: '1' } }, 'ERR_STATE_NEWER', 'newer than 1'],
      ['by hand', { value: { S: '1' } }, 'ERR_STATE_CORRUPT', 'record k is not as keywheel writes it'],
      [
        'by hand, no JSON',
        { format: { N: '1' }, revision: { S: 'r' }, value: { S: 'canary' } },
        'ERR_STATE_CORRUPT',
        'record k is not',
      ],
    ])('is refused: %s', async (_, more, code, message) => {
      await write(more);

      const told = { code, message: expect.stringContaining(message) as string };
      await expect(fixture.state.get('k')).rejects.toMatchObject(told);
      await expect(all(fixture.state.list(''))).rejects.toMatchObject(told);
    });
  });

  describe('limits', () => {
    it('a record that fits 400 KB is kept, a larger one refused before anything is sent', async () => {
      const text = 'é'.repeat(200_000); // moto's limit is 405,000 bytes
      const revision = await fixture.state.put({ key: 'k', value: text, expected: null });
      const puts = made('PutItem').length;

      const attempt = fixture.state.put({ key: 'k', value: `${text}${'x'.repeat(9_600)}`, expected: revision });

      await expect(attempt).rejects.toMatchObject({
        code: 'ERR_STATE_FULL',
        subject: 'k',
        message: expect.stringContaining('DynamoDB takes 409600') as string,
      });
      expect(made('PutItem')).toHaveLength(puts);
      expect(await fixture.state.get('k')).toMatchObject({ value: text });
    });

    it('a transaction over 4 MB is refused before anything is sent', async () => {
      const writes = Array.from({ length: 12 }, (_, n) => ({ key: `k${n}`, value: 'x'.repeat(380_000), expected: null }));

      await expect(fixture.state.transact(writes)).rejects.toMatchObject({
        code: 'ERR_STATE_FULL',
        message: expect.stringContaining('one transaction takes 4194304') as string,
      });
      expect(made('TransactWriteItems')).toHaveLength(0);
    });

    it.each([
      ['an empty key', { key: '', value: 1, expected: null }],
      ['a key that UTF-8 cannot write', { key: 'a\ud800', value: 1, expected: null }],
      ['a key over 1024 bytes', { key: 'é'.repeat(513), value: 1, expected: null }],
      ['no time to live', { key: 'a', value: 1, expected: null, ttl: 0 }],
    ])('misuse is refused before anything is sent: %s', async (_, write) => {
      const attempt = fixture.state.transact([{ key: 'first', value: 1, expected: null }, write]);

      await expect(attempt).rejects.toMatchObject({
        code: 'ERR_INTERNAL',
        message: expect.stringContaining('was not changed') as string,
      });
      expect(await fixture.state.get('first')).toBeUndefined();
    });

    it('one key twice in one transaction is refused', async () => {
      const write = { key: 'a', value: 1, expected: null };

      await expect(fixture.state.transact([write, write])).rejects.toMatchObject({
        code: 'ERR_INTERNAL',
        message: expect.stringContaining('twice') as string,
      });
    });
  });

  describe('reads', () => {
    it('many by batches of 100, and asks again for what was left unprocessed', async () => {
      const keys = Array.from({ length: 120 }, (_, n) => `k${n}`);
      for (let n = 0; n < keys.length; n += 25) {
        await fixture.state.transact(keys.slice(n, n + 25).map((key) => ({ key, value: key, expected: null })));
      }
      const left = { [fixture.table]: { Keys: [{ pk: { S: 'record' }, sk: { S: 'k7' } }] } };
      const rid = (body: Record<string, unknown>): void => {
        const responses = body['Responses'] as Record<string, { sk: { S: string } }[]>;
        responses[fixture.table] = (responses[fixture.table] ?? []).filter(({ sk }) => sk.S !== 'k7');
        body['UnprocessedKeys'] = left;
      };
      fault({ on: 'BatchGetItem', when: 'after', change: rid });

      const found = await fixture.state.getMany<string>(keys);

      expect(found.map(({ value }) => value).toSorted()).toEqual(keys.toSorted());
      expect(made('BatchGetItem')).toHaveLength(3);
      for (const { body } of made('BatchGetItem'))
        expect(body).toMatchObject({ RequestItems: { [fixture.table]: { ConsistentRead: true } } });
    });

    it('give up, and say that they may be tried again, when nothing is processed', async () => {
      const nothing = (body: Record<string, unknown>): void => {
        body['Responses'] = {};
        body['UnprocessedKeys'] = { [fixture.table]: { Keys: [{ pk: { S: 'record' }, sk: { S: 'k' } }] } };
      };
      fault({ on: 'BatchGetItem', when: 'after', times: ALWAYS, change: nothing });

      await expect(fixture.state.getMany(['k'])).rejects.toMatchObject({
        code: 'ERR_STATE_THROTTLED',
        retryable: true,
        message: expect.stringContaining('left 1 unread') as string,
      });
    });

    it('are strongly consistent', async () => {
      await fixture.state.get('k');
      await all(fixture.state.list('k'));
      await fixture.state.acquire('l', 'one', 1000);

      for (const { body } of [...made('GetItem'), ...made('Query')]) expect(body).toMatchObject({ ConsistentRead: true });
    });
  });

  describe('answers that are lost', () => {
    it('a put, a transaction, a lease and an installation are made once', async () => {
      for (const on of ['PutItem', 'TransactWriteItems']) fault({ on, when: 'after' });
      const revision = await fixture.state.put({ key: 'a', value: 1, expected: null });
      fault({ on: 'PutItem', when: 'after' });
      const second = await fixture.state.put({ key: 'a', value: 2, expected: revision });
      fault({ on: 'PutItem', when: 'after' });
      const lease = await fixture.state.acquire('l', 'one', 1000);
      fault({ on: 'PutItem', when: 'after' });
      const id = await fixture.state.installation();

      expect(await fixture.state.get('a')).toEqual({ key: 'a', value: 2, revision: second });
      expect(lease?.fence).toBe(1);
      expect(await (await fixture.second()).installation()).toBe(id);
    });

    it('a transaction carries one token over its attempts, by which the service knows it again', async () => {
      fault({ on: 'TransactWriteItems', when: 'before' });

      await fixture.state.transact([
        { key: 'a', value: 1, expected: null },
        { key: 'b', value: 1, expected: null },
      ]);

      const tokens = made('TransactWriteItems').map(({ body }) => body['ClientRequestToken']);
      expect(tokens).toHaveLength(2);
      expect(tokens[0]).toEqual(expect.stringMatching(/^.{36}$/));
      expect(new Set(tokens).size).toBe(1);
    });

    it('a delete that cannot be told from another worker’s is not called done', async () => {
      const revision = await fixture.state.put({ key: 'a', value: 1, expected: null });
      fault({ on: 'DeleteItem', when: 'after' });

      await expect(fixture.state.put({ key: 'a', value: undefined, expected: revision })).rejects.toMatchObject({
        code: 'ERR_STATE_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('for certain, because an answer was lost') as string,
      });
    });
  });

  describe('other workers', () => {
    const conflicting = (times: number, codes: readonly string[] = ['None', 'TransactionConflict']): Fault => ({
      on: 'TransactWriteItems',
      when: 'before',
      times,
      answer: {
        status: 400,
        type: 'TransactionCanceledException',
        more: { CancellationReasons: codes.map((Code) => ({ Code })) },
      },
    });
    const writes = ['a', 'b'].map((key) => ({ key, value: 1, expected: null }));

    it('are waited for when they are at the same records', async () => {
      fault(conflicting(2));
      fault({ on: 'PutItem', when: 'before', times: 2, answer: { status: 400, type: 'TransactionConflictException' } });

      expect(await fixture.state.transact(writes)).toHaveLength(2);
      expect(await fixture.state.put({ key: 'c', value: 1, expected: null })).toEqual(expect.any(String));
    });

    it('are waited for when they are in another region, which a global table tells otherwise', async () => {
      // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html#API_PutItem_Errors
      const elsewhere = { status: 400, type: 'ReplicatedWriteConflictException' };
      fault({ on: 'PutItem', when: 'before', times: 3, answer: elsewhere });
      expect(await fixture.state.put({ key: 'c', value: 1, expected: null })).toEqual(expect.any(String));

      fault({ on: 'PutItem', when: 'before', times: ALWAYS, answer: elsewhere });
      await expect(fixture.state.acquire('l', 'one', 1000)).rejects.toMatchObject({
        code: 'ERR_STATE_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('other workers write it at this moment') as string,
      });
    });

    it('may be ourselves: a transaction whose first attempt is still under way is not refused for good', async () => {
      // https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html#API_TransactWriteItems_Errors
      fault({
        on: 'TransactWriteItems',
        when: 'before',
        times: ALWAYS,
        answer: { status: 400, type: 'TransactionInProgressException' },
      });

      await expect(fixture.state.transact(writes)).rejects.toMatchObject({
        code: 'ERR_STATE_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('an attempt of the same transaction is not finished yet') as string,
      });
    });

    it('that stay make it not done yet', async () => {
      fault(conflicting(ALWAYS));

      await expect(fixture.state.transact(writes)).rejects.toMatchObject({
        code: 'ERR_STATE_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('other workers write it at this moment') as string,
      });
    });

    it('and a condition that is not met are a conflict, which no retry mends', async () => {
      fault(conflicting(1, ['TransactionConflict', 'ConditionalCheckFailed']));

      await expect(fixture.state.transact(writes)).rejects.toMatchObject({
        code: 'ERR_STATE_CONFLICT',
        subject: 'b',
        message: expect.stringContaining('state record b was not changed') as string,
      });
      expect(made('TransactWriteItems')).toHaveLength(1);
    });

    it('who use up the capacity are a throttle', async () => {
      fault(conflicting(ALWAYS, ['None', 'ThrottlingError']));

      await expect(fixture.state.transact(writes)).rejects.toMatchObject({
        code: 'ERR_STATE_THROTTLED',
        retryable: true,
        message: expect.stringContaining('is throttled') as string,
      });
    });

    it('cannot take a lease that was renewed after they looked', async () => {
      const lease = await fixture.state.acquire('l', 'one', 1000);
      const other = await fixture.second();
      fixture.clock.advance(1000);
      // The other one has read the lease as expired; it is renewed before the other one writes.
      fault({ on: 'GetItem', when: 'after', change: () => (lease === undefined ? undefined : fixture.state.renew(lease, 1000)) });

      const taken = await other.acquire('l', 'two', 1000);

      expect(taken).toBeUndefined();
      expect(made('GetItem')).toHaveLength(3); // by each to acquire, and again after the refusal
    });
  });

  describe('bad days', () => {
    it.each([
      ['ThrottlingException', 400, 'ERR_STATE_THROTTLED', true],
      ['UnrecognizedClientException', 400, 'ERR_STATE_LOGIN', false],
      ['AccessDeniedException', 400, 'ERR_STATE_FORBIDDEN', false],
      ['InternalServerError', 500, 'ERR_STATE_UNAVAILABLE', true],
      ['ValidationException', 400, 'ERR_STATE_FAILED', false],
    ])('%s is %s %s', async (type, status, code, retryable) => {
      for (const on of ['GetItem', 'PutItem'])
        fault({ on, when: 'before', times: ALWAYS, answer: { status, type, message: 'canary' } });

      const failures = await Promise.all([
        fixture.state.get('k').catch((error: unknown) => error),
        fixture.state.put({ key: 'k', value: 1, expected: null }).catch((error: unknown) => error),
      ]);

      for (const failure of failures)
        expect(failure).toMatchObject({ code, retryable, message: expect.stringContaining(type) as string });
      expect(failures.map(String).join()).not.toContain('canary');
    });

    it('a table that is not there says how to deploy it', async () => {
      const { endpoint } = fixture.account;
      const config = { kind: 'dynamodb' as const, table: 'no-such-table', region: 'us-east-1', endpoint };
      const state = await openState(config, { clock: fixture.clock, random: realRandom });

      await expect(state.get('k')).rejects.toMatchObject({
        code: 'ERR_STATE_FAILED',
        message: expect.stringContaining('there is no table no-such-table') as string,
        hint: expect.stringContaining('deploy the table') as string,
      });
      await state.close();
    });
  });
});
