import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { clientOver } from '../../shared/client/index.ts';
import { CANARY, settle, unavailable, world } from './world.ts';

const NAME = 'app/db';
const MINUTE = 60_000;

describe('a cached secret', () => {
  it('is read once for any number of callers, and then given from the cache', async () => {
    const { client, store } = world();
    store.put(NAME, 'v1');

    const given = await Promise.all(Array.from({ length: 50 }, () => client.get(NAME)));
    const later = await client.get(NAME);

    expect(new Set(given.map(({ version }) => version))).toEqual(new Set(['v1']));
    expect(later).toMatchObject({ version: 'v1', age: 0, stale: false });
    expect(later.value).toEqual({ username: 'user-of-v1', password: `${CANARY}-v1` });
    expect(store.reads).toHaveLength(1);
    expect(store.opened).toBe(1);
  });

  it('is read again in the background, after 60 to 90 % of its age, while it is used', async () => {
    const chances = [0, 1];
    const at = await Promise.all(
      chances.map(async (chance) => {
        const { client, store, timers } = world({ maxAge: 10 * MINUTE }, () => chance);
        store.put(NAME, 'v1');
        await client.get(NAME);
        await client.get(NAME);
        const start = timers.now();
        await timers.advance(10 * MINUTE);
        return (store.reads[1]?.at ?? 0) - start;
      }),
    );

    expect(at).toEqual([6 * MINUTE, 9 * MINUTE]);
  });

  it('that nobody asks for any more is not read any more', async () => {
    const { client, store, timers } = world({ maxAge: MINUTE });
    store.put(NAME, 'v1');
    await client.get(NAME);
    await client.get(NAME);

    await timers.advance(100 * MINUTE);

    expect(store.reads.length).toBeLessThanOrEqual(2);
    expect(timers.pending).toBe(0);
  });

  it('moves to a new version without anybody waiting', async () => {
    const { client, store, timers, events } = world({ maxAge: 10 * MINUTE });
    store.put(NAME, 'v1');
    await client.get(NAME);
    store.put(NAME, 'v2');
    await timers.advance(5 * MINUTE);
    const before = await client.get(NAME);

    await timers.advance(5 * MINUTE);
    const after = await client.get(NAME);

    expect([before.version, after.version]).toEqual(['v1', 'v2']);
    expect(after.age).toBeLessThan(10 * MINUTE);
    expect(events).toEqual([
      { type: 'changed', name: NAME, version: 'v1' },
      { type: 'changed', name: NAME, version: 'v2', from: 'v1' },
    ]);
  });

  it('counts its age from before the read', async () => {
    const { client, store, timers } = world();
    store.put(NAME, 'v1');
    store.delay = 700;

    const asked = client.get(NAME);
    await timers.advance(700);

    expect((await asked).age).toBe(700);
  });

  it('a process that was frozen beyond maxAge reads before it answers', async () => {
    const { client, store, timers } = world({ maxAge: MINUTE });
    store.put(NAME, 'v1');
    await client.get(NAME);
    await timers.advance(60 * MINUTE);
    store.put(NAME, 'v2');

    const thawed = await client.get(NAME);

    expect(thawed).toMatchObject({ version: 'v2', stale: false, age: 0 });
  });

  it('cannot be changed by who was given it', async () => {
    const { client, store } = world();
    store.put(NAME, 'v1');
    const secret = await client.get(NAME);

    expect(() => Object.assign(secret.value, { username: 'other' })).toThrow(TypeError);
    expect((await client.get(NAME)).value['username']).toBe('user-of-v1');
  });
});

describe('a store that is down', () => {
  it('gives the stale value within its bound, says so once, and recovers', async () => {
    const { client, store, timers, events, types } = world({ maxAge: MINUTE, maxStale: 10 * MINUTE });
    store.put(NAME, 'v1');
    await client.get(NAME);
    store.failure = unavailable();
    await timers.advance(2 * MINUTE);

    const [first, second] = [await client.get(NAME), await client.get(NAME)];
    delete store.failure;
    await timers.advance(2 * MINUTE);
    const after = await client.get(NAME);

    expect(first).toMatchObject({ version: 'v1', stale: true, age: 2 * MINUTE });
    expect(second.stale).toBe(true);
    expect(types().filter((type) => type === 'stale')).toHaveLength(1);
    expect(events.find(({ type }) => type === 'failed')).toMatchObject({
      error: { code: 'ERR_STORE_UNAVAILABLE' },
      retryIn: 750,
    });
    expect(types().filter((type) => type === 'recovered')).toHaveLength(1);
    expect(after.stale).toBe(false);
  });

  it('beyond the bound the error is given, and not the value', async () => {
    const { client, store, timers } = world({ maxAge: MINUTE, maxStale: MINUTE });
    store.put(NAME, 'v1');
    await client.get(NAME);
    store.failure = unavailable();

    await timers.advance(2 * MINUTE + 1);

    await expect(client.get(NAME)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: 'store fake cannot be reached',
      retryable: true,
    });
  });

  it('is not asked by every caller: between two tries the same error is given at once', async () => {
    const { client, store, timers } = world();
    store.failure = unavailable();

    for (let n = 0; n < 100; n += 1) await expect(client.get(NAME)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    const atOnce = store.reads.length;
    for (let n = 0; n < 60; n += 1) {
      await timers.advance(1000);
      await client.get(NAME).catch(() => undefined);
    }

    expect(atOnce).toBe(1);
    expect(store.reads.length).toBeLessThanOrEqual(8); // 1, 2, 4, 8, 16, 32 s
  });

  it('that hangs is waited for no longer than patience when a stale value is there', async () => {
    const { client, store, timers } = world({ maxAge: MINUTE, patience: 500 });
    store.put(NAME, 'v1');
    await client.get(NAME);
    await timers.advance(2 * MINUTE);
    store.delay = Infinity;

    let given: unknown;
    void client.get(NAME).then((secret) => (given = secret.stale));
    await timers.advance(499);
    const early = given;
    await timers.advance(1);

    expect([early, given]).toEqual([undefined, true]);
  });

  it('that hangs without a value ends in an error after readTimeout', async () => {
    const { client, store, timers } = world({ readTimeout: 3000 });
    store.delay = Infinity;

    const asked = expect(client.get(NAME)).rejects.toMatchObject({
      code: 'ERR_STORE_UNAVAILABLE',
      message: 'secret app/db was not read within 3000 ms',
    });
    await timers.advance(3000);

    await asked;
  });

  it('an error that is not ours is told by its kind alone', async () => {
    const { client, store } = world();
    store.failure = Object.assign(new TypeError(`bad ${CANARY}`), { request: { body: CANARY } });

    const error: unknown = await client.get(NAME).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({
      code: 'ERR_STORE_FAILED',
      message: 'secret app/db was not read, because the reader failed (TypeError)',
    });
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(CANARY);
  });

  it('a reader that cannot be opened is opened again at the next try', async () => {
    const { timers } = world();
    let opened = 0;
    const open = async () => {
      opened += 1;
      if (opened === 1) throw unavailable();
      return { kind: 'fake', current: async () => ({ version: 'v1', value: {} }), close: async () => undefined };
    };
    const client = clientOver(open, { deps: { now: timers.now, after: timers.after, uniform: () => 0.5 } });
    await expect(client.get(NAME)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    await timers.advance(1000);

    expect((await client.get(NAME)).version).toBe('v1');
  });
});

describe('a secret that is not there', () => {
  it('is an error of its own, believed for a short time', async () => {
    const { client, store, timers } = world({ missingAge: 4000 });

    await expect(client.get(NAME)).rejects.toMatchObject({
      code: 'ERR_SECRET_NOT_FOUND',
      message: 'secret app/db was not read, because the store has none of that name',
    });
    store.put(NAME, 'v1');
    await expect(client.get(NAME)).rejects.toMatchObject({ code: 'ERR_SECRET_NOT_FOUND' });
    expect(store.reads).toHaveLength(1);
    await timers.advance(4000);

    expect((await client.get(NAME)).version).toBe('v1');
  });

  it('deleted under a running application, its last value is kept within the stale bound', async () => {
    const { client, store, timers } = world({ maxAge: MINUTE, maxStale: MINUTE });
    store.put(NAME, 'v1');
    await client.get(NAME);
    store.secrets.delete(NAME);
    await timers.advance(1.5 * MINUTE);
    const kept = await client.get(NAME);
    await timers.advance(MINUTE);

    expect(kept).toMatchObject({ version: 'v1', stale: true });
    await expect(client.get(NAME)).rejects.toMatchObject({ code: 'ERR_SECRET_NOT_FOUND' });
  });
});

describe('current that goes back', () => {
  async function moved() {
    const made = world({ maxAge: 10 * MINUTE });
    made.store.put(NAME, 'v1');
    await made.client.get(NAME);
    made.store.put(NAME, 'v2');
    await made.client.refresh(NAME);
    made.client.watch(NAME, () => undefined);
    return made;
  }

  it('for one reading, as a replica that lags gives it, is not followed', async () => {
    const { client, store, timers, types } = await moved();
    store.put(NAME, 'v1');
    await timers.advance(7.5 * MINUTE + 1000); // the reading at 7.5 minutes gives v1
    store.put(NAME, 'v2');
    const reads = store.reads.length;
    const during = (await client.get(NAME)).version;
    await timers.advance(10_000);

    expect([during, (await client.get(NAME)).version]).toEqual(['v2', 'v2']);
    expect(types().filter((type) => type === 'doubted')).toHaveLength(1);
    expect(types().filter((type) => type === 'changed')).toHaveLength(2);
    expect(store.reads.length).toBe(reads + 1);
  });

  it('for two readings, as a rollback by hand, is followed within maxAge', async () => {
    const { client, store, timers } = await moved();
    store.put(NAME, 'v1');

    await timers.advance(10 * MINUTE);

    expect((await client.get(NAME)).version).toBe('v1');
  });

  it('is followed at once when the newer version was refused, or when somebody asks by hand', async () => {
    const [one, two] = [await moved(), await moved()];
    one.store.put(NAME, 'v1');
    two.store.put(NAME, 'v1');

    expect((await one.client.refused(NAME, 'v2'))?.version).toBe('v1');
    expect((await two.client.refresh(NAME)).version).toBe('v1');
  });
});

describe('a refused login', () => {
  it('reads at once, gives the new credential to everybody, and reads no more', async () => {
    const { client, store } = world();
    store.put(NAME, 'v1');
    await client.get(NAME);
    store.put(NAME, 'v2');

    const given = await Promise.all(Array.from({ length: 20 }, () => client.refused(NAME, 'v1')));

    expect(given.map((secret) => secret?.version)).toEqual(Array.from({ length: 20 }, () => 'v2'));
    expect(store.reads).toHaveLength(2);
    expect((await client.refused(NAME, 'v1'))?.version).toBe('v2');
    expect(store.reads).toHaveLength(2);
  });

  it('of a version that the store still names gives nothing, and storms neither store nor target', async () => {
    const { client, store, timers } = world({ maxAge: 60 * MINUTE });
    store.put(NAME, 'wrong');
    await client.get(NAME);
    let logins = 0;
    for (let second = 0; second < 600; second += 1) {
      for (let n = 0; n < 10; n += 1) {
        try {
          client.admit(NAME, 'wrong');
        } catch {
          continue;
        }
        logins += 1;
        expect(await client.refused(NAME, 'wrong')).toBeUndefined();
      }
      await timers.advance(1000);
    }

    // 1 s doubling to 1 minute, half of it for jitter: about 6 and then one for each 45 s.
    expect(logins).toBeLessThanOrEqual(22);
    expect(store.reads.length).toBeLessThanOrEqual(22);
  });

  it('is waited out with a clear error, which ends when the store is corrected', async () => {
    const { client, store, timers } = world();
    store.put(NAME, 'wrong');
    await client.get(NAME);
    await client.refused(NAME, 'wrong');

    expect(() => client.admit(NAME, 'wrong')).toThrow(
      expect.objectContaining({
        code: 'ERR_TARGET_REFUSED',
        message: 'login with app/db version wrong was not tried, because it was refused and the store has no other version',
        hint: 'correct app/db in the store; the next login is tried in 1 s',
      }),
    );
    store.put(NAME, 'right');
    await timers.advance(1000); // the pause of the store's reads; nobody had to log in
    expect((await client.get(NAME)).version).toBe('right');
    expect(() => client.admit(NAME, 'right')).not.toThrow();
  });

  it('that later succeeds is forgotten', async () => {
    const { client, store, timers } = world();
    store.put(NAME, 'v1');
    await client.get(NAME);
    await client.refused(NAME, 'v1');
    await timers.advance(1000);
    client.admit(NAME, 'v1');
    expect(() => client.admit(NAME, 'v1')).toThrow(expect.objectContaining({ code: 'ERR_TARGET_REFUSED' }));

    client.accepted(NAME, 'v1');

    for (let n = 0; n < 10; n += 1) expect(() => client.admit(NAME, 'v1')).not.toThrow();
  });

  it('while the store is down gives nothing and does not reject', async () => {
    const { client, store } = world();
    store.put(NAME, 'v1');
    await client.get(NAME);
    store.failure = unavailable();

    expect(await client.refused(NAME, 'v1')).toBeUndefined();
    expect((await client.get(NAME)).version).toBe('v1');
  });
});

describe('refresh', () => {
  it('reads at once, also when a read is under way, and rejects when the store is down', async () => {
    const { client, store, timers } = world();
    store.put(NAME, 'v1');
    store.delay = 100;
    const first = client.get(NAME);
    await settle();
    store.put(NAME, 'v2');
    const second = client.refresh(NAME);
    await timers.advance(200);

    expect([(await first).version, (await second).version]).toEqual(['v1', 'v2']);
    store.delay = 0;
    store.failure = unavailable();
    await expect(client.refresh(NAME)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' });
    expect((await client.get(NAME)).version).toBe('v2');
  });
});

describe('watch', () => {
  it('reads, keeps the secret fresh when nobody asks, tells each version, and ends', async () => {
    const { client, store, timers } = world({ maxAge: MINUTE });
    store.put(NAME, 'v1');
    const seen: string[] = [];
    const unwatch = client.watch(NAME, ({ version }) => seen.push(version));
    await timers.advance(10 * MINUTE);
    store.put(NAME, 'v2');
    await timers.advance(MINUTE);
    unwatch();
    store.put(NAME, 'v3');
    await timers.advance(10 * MINUTE);

    expect(seen).toEqual(['v1', 'v2']);
  });
});

describe('ending', () => {
  it('an abort ends one caller, and not the read that others wait for', async () => {
    const { client, store, timers } = world();
    store.put(NAME, 'v1');
    store.delay = 100;
    const stop = new AbortController();
    const aborted = expect(client.get(NAME, { signal: stop.signal })).rejects.toThrow('enough');
    const other = client.get(NAME);
    stop.abort(new Error('enough'));
    await aborted;
    await timers.advance(100);

    expect((await other).version).toBe('v1');
    await expect(client.get(NAME, { signal: stop.signal })).rejects.toThrow('enough');
    expect(store.reads).toHaveLength(1);
  });

  it('close ends what waits, stops every timer, closes the reader once, and refuses what comes after', async () => {
    const { client, store, timers } = world();
    store.put('other', 'v1');
    await client.get('other');
    store.delay = Infinity;
    const waiting = expect(client.get(NAME)).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: 'the client cannot be used, because it is closed',
    });
    await settle();

    await Promise.all([client.close(), client.close()]);

    await waiting;
    await settle();
    expect([store.closed, timers.pending]).toEqual([1, 0]);
    await expect(client.get('other')).rejects.toMatchObject({ code: 'ERR_USAGE' });
  });

  it('a listener that throws harms nothing', async () => {
    const { store, timers } = world();
    store.put(NAME, 'v1');
    const client = clientOver(
      async () => ({ kind: 'fake', current: async () => store.secrets.get(NAME), close: async () => undefined }),
      {
        onEvent: () => {
          throw new Error('the log is full');
        },
        deps: { now: timers.now, after: timers.after, uniform: () => 0.5 },
      },
    );

    expect((await client.get(NAME)).version).toBe('v1');
  });

  it.each([{ maxAge: 0 }, { maxStale: -1 }, { readTimeout: Number.NaN }, { patience: '1s' as unknown as number }])(
    'refuses %j',
    (options) => {
      const [name] = Object.keys(options);

      expect(() => world(options)).toThrow(
        expect.objectContaining({
          code: 'ERR_USAGE',
          message: `the client's ${name} cannot be used, because it is no number of milliseconds`,
        }),
      );
    },
  );
});
