/** What only the Azure Tables state promises: what it does when answers are lost, and what it leaves in the table. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openState } from '../../shared/state/index.ts';
import { openAzureTablesState } from '../../shared/state/azure-tables.ts';
import type { State } from '../../shared/state/index.ts';
import { all, realRandom } from '../contract/harness.ts';
import { openTablesFixture } from '../contract/azure-tables.ts';
import type { TablesFixture } from '../contract/azure-tables.ts';
import type { Azurite } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { startProxy } from './azure-tables-proxy.ts';
import type { Proxy } from './azure-tables-proxy.ts';

await describeWithPeer('azurite', 'the Azure Tables state', (start) => {
  let azurite: Azurite;
  let fixture: TablesFixture;
  let state: State;
  beforeAll(async () => {
    azurite = await start({});
    vi.stubEnv('AZURE_STORAGE_CONNECTION_STRING', azurite.env.AZURE_STORAGE_CONNECTION_STRING);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await azurite.stop();
  });
  beforeEach(async () => {
    fixture = await openTablesFixture(azurite);
    state = fixture.state;
  });
  afterEach(() => fixture.close());

  const rows = async () => (await all(fixture.client.listEntities())).map(({ rowKey }) => String(rowKey)).toSorted();

  describe('with a line that loses answers', () => {
    let proxy: Proxy;
    let shaky: State;
    beforeEach(async () => {
      proxy = await startProxy(azurite.url);
      const deps = { clock: fixture.clock, random: realRandom };
      shaky = await openAzureTablesState({ ...fixture.config, url: proxy.url }, deps);
    });
    afterEach(() => proxy.stop());
    const once = (fate: 'busy' | 'cut', methods: readonly string[]) => {
      let left = 1;
      proxy.fate = (method) => (methods.includes(method) && left-- > 0 ? fate : 'pass');
    };

    it('finds out that a write was made whose answer was lost', async () => {
      once('cut', ['POST']);
      const made = await shaky.put({ key: 'k', value: 1, expected: null });
      expect(await state.get('k')).toEqual({ key: 'k', value: 1, revision: made });

      once('cut', ['PUT']);
      const replaced = await shaky.put({ key: 'k', value: 2, expected: made });
      expect(await state.get('k')).toEqual({ key: 'k', value: 2, revision: replaced });
    });

    it('finds out that a transaction was made whose answer was lost, deletes too', async () => {
      const old = await state.put({ key: 'old', value: 1, expected: null });
      once('cut', ['POST']);
      const revisions = await shaky.transact([
        { key: 'old', value: undefined, expected: old },
        { key: 'new', value: 2, expected: null },
      ]);
      expect(await all(state.list(''))).toEqual([{ key: 'new', value: 2, revision: revisions[1] }]);
    });

    it('reports a write of which nothing can be found out as unavailable, and tells afterwards', async () => {
      proxy.fate = () => 'cut';
      await expect(shaky.put({ key: 'k', value: 1, expected: null })).rejects.toMatchObject({
        code: 'ERR_STATE_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('k could not be'),
      });
      proxy.fate = () => 'pass';
      expect((await shaky.get('k'))?.value).toBe(1); // it was made: only the answers were lost
    });

    it('says that it is throttled at once, and sends no second write', async () => {
      proxy.fate = () => 'busy';
      proxy.seen.length = 0;
      await expect(shaky.put({ key: 'k', value: 1, expected: null })).rejects.toMatchObject({
        code: 'ERR_STATE_THROTTLED',
        retryable: true,
        message: expect.stringContaining('throttles'),
      });
      expect(proxy.seen).toEqual(['POST']);
      expect(await state.get('k')).toBeUndefined();
    });

    it('reads again when a reading was lost', async () => {
      await state.put({ key: 'k', value: 1, expected: null });
      once('cut', ['GET']);
      expect((await shaky.get('k'))?.value).toBe(1);
    });

    it('does not keep a lease that it could not be told of: the same worker takes it again', async () => {
      once('cut', ['POST']);
      await expect(shaky.acquire('lease/s', 'one', 1000)).rejects.toMatchObject({
        code: 'ERR_STATE_UNAVAILABLE',
        message: expect.stringContaining('lease/s'),
      });
      const again = await shaky.acquire('lease/s', 'one', 1000);
      expect(again?.fence).toBe(2);
    });
  });

  it('deletes in a transaction only what is as expected, which the SDK’s own delete does not', async () => {
    const first = await state.put({ key: 'a', value: 1, expected: null });
    await state.put({ key: 'a', value: 2, expected: first });
    const attempt = state.transact([
      { key: 'b', value: 1, expected: null },
      { key: 'a', value: undefined, expected: first },
    ]);
    await expect(attempt).rejects.toMatchObject({
      code: 'ERR_STATE_CONFLICT',
      subject: 'a',
      message: expect.stringContaining('a'),
    });
    expect((await state.get('a'))?.value).toBe(2);
    expect(await state.get('b')).toBeUndefined();
  });

  it('leaves no row of what was deleted, and sweeps what ended when it lists', async () => {
    const made = await state.put({ key: 'deleted', value: 1, expected: null });
    await state.put({ key: 'deleted', value: undefined, expected: made });
    await state.put({ key: 'absent', value: undefined, expected: null });
    await state.put({ key: 'ends', value: 1, expected: null, ttl: 1000 });
    await state.put({ key: 'stays', value: 1, expected: null });
    expect(await rows()).toEqual(['ends', 'stays']);

    fixture.clock.advance(60_000);
    await all(state.list(''));
    expect(await rows()).toEqual(['ends', 'stays']); // other workers’ clocks may be behind

    fixture.clock.advance(3_600_000);
    await all(state.list(''));
    expect(await rows()).toEqual(['stays']);
  });

  it('writes over ended records in one transaction with others', async () => {
    await state.put({ key: 'a', value: 1, expected: null, ttl: 10 });
    await state.put({ key: 'b', value: 1, expected: null, ttl: 10 });
    const c = await state.put({ key: 'c', value: 1, expected: null });
    fixture.clock.advance(10);
    await state.transact([
      { key: 'a', value: 2, expected: null },
      { key: 'c', value: 2, expected: c },
      { key: 'b', value: 2, expected: null },
    ]);
    expect((await all(state.list<number>(''))).map(({ value }) => value)).toEqual([2, 2, 2]);
  });

  it('keeps values up to its limit, of any characters', async () => {
    const value = { text: '\u{1f511}"\\\u0000'.repeat(20_000) };
    await state.put({ key: 'k', value, expected: null });
    expect((await state.get('k'))?.value).toEqual(value);
    await expect(state.put({ key: 'l', value: 'x'.repeat(600_000), expected: null })).rejects.toMatchObject({
      code: 'ERR_STATE_FULL',
      message: expect.stringContaining('l was not written'),
    });
  });

  it('reads many keys side by side', async () => {
    const keys = Array.from({ length: 60 }, (_, n) => `k${n}`);
    await state.transact(keys.slice(0, 25).map((key) => ({ key, value: key, expected: null })));
    const found = await state.getMany<string>(keys);
    expect(found.map(({ key }) => key).toSorted()).toEqual(keys.slice(0, 25).toSorted());
  });

  it('counts to an exact number from four adapters at once', async () => {
    const adapters = [state, await fixture.second(), await fixture.second(), await fixture.second()];
    const count = async (on: State) => {
      for (let left = 10; left > 0;) {
        const now = await on.get<number>('counter');
        const write = { key: 'counter', value: (now?.value ?? 0) + 1, expected: now?.revision ?? null };
        const error = await on.put(write).then(
          () => undefined,
          (caught: unknown) => caught,
        );
        if (error === undefined) left -= 1;
        else expect(error).toMatchObject({ code: 'ERR_STATE_CONFLICT', message: expect.stringContaining('counter') });
      }
    };
    await Promise.all(adapters.map(count));
    expect((await state.get('counter'))?.value).toBe(40);
  });

  it('makes the installation only when it is asked for it, once for all who ask together', async () => {
    expect(await state.installationIfAny?.()).toBeUndefined();
    expect(await rows()).toEqual([]);
    const others = await Promise.all([1, 2, 3].map(() => fixture.second()));
    const ids = await Promise.all([state, ...others].map((one) => one.installation()));
    expect(new Set(ids).size).toBe(1);
    expect(await (await fixture.second()).installationIfAny?.()).toBe(ids[0]);
  });

  it('says that the table is missing, and how to make it', async () => {
    const deps = { clock: fixture.clock, random: realRandom };
    const other = await openState({ ...fixture.config, table: 'missing' }, deps);
    const missing = {
      code: 'ERR_STATE_FAILED',
      message: expect.stringContaining('there is no table missing'),
      hint: expect.stringContaining('az storage table create'),
    };
    await expect(other.get('k')).rejects.toMatchObject(missing);
    await expect(other.put({ key: 'k', value: 1, expected: null })).rejects.toMatchObject(missing);
    await expect(other.transact(['a', 'b'].map((key) => ({ key, value: 1, expected: null })))).rejects.toMatchObject(missing);
    await expect(all(other.list(''))).rejects.toMatchObject(missing);
    await expect(other.acquire('l', 'one', 1000)).rejects.toMatchObject(missing);
  });

  it('says that the login was refused, never with what', async () => {
    const connection = `AccountName=devstoreaccount1;AccountKey=${Buffer.from('hunter2-hunter2').toString('base64')}`;
    vi.stubEnv('AZURE_STORAGE_CONNECTION_STRING', connection);
    const stranger = await fixture.second();
    vi.stubEnv('AZURE_STORAGE_CONNECTION_STRING', azurite.env.AZURE_STORAGE_CONNECTION_STRING);
    const error = await stranger.get('k').catch((caught: unknown) => caught);
    // Table Storage says AuthenticationFailed, which is a login; Azurite says AuthorizationFailure.
    expect(error).toMatchObject({
      code: expect.stringMatching(/^ERR_STATE_(LOGIN|FORBIDDEN)$/),
      message: expect.stringContaining('k could not be read'),
    });
    expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
  });

  it('says that nobody is there', async () => {
    const deps = { clock: fixture.clock, random: realRandom };
    const nobody = await openState({ ...fixture.config, url: 'http://127.0.0.1:9/devstoreaccount1' }, deps);
    await expect(nobody.get('k')).rejects.toMatchObject({
      code: 'ERR_STATE_UNAVAILABLE',
      retryable: true,
      message: expect.stringContaining('cannot be reached'),
    });
  });

  it.each(['http://example.com', 'nonsense'])('refuses %s: account keys and tokens are for https', async (url) => {
    const opening = openState({ ...fixture.config, url }, { clock: fixture.clock, random: realRandom });
    await expect(opening).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('no https address'),
    });
  });
});
