import { expect, it } from 'vitest';
import { startLoad } from './load.ts';
import type { Credential, LoadOptions } from './load.ts';

/** A server with one account, whose password the test changes; it hands out what `published` says. */
function world() {
  const seen = { published: 'first', accepted: 'first', reads: 0, open: 0 };
  const refusal = Object.assign(new Error('no'), { code: '28P01' });
  const options = {
    readCredential: async (): Promise<Credential> => {
      seen.reads++;
      return { username: 'app', password: seen.published };
    },
    connect: async (credential: Credential) => {
      await new Promise(setImmediate);
      if (credential.password !== seen.accepted) throw refusal;
      seen.open++;
      return { query: async () => {}, close: async () => void seen.open-- };
    },
    workers: 2,
  } satisfies Partial<LoadOptions>;
  return { seen, options };
}

it('logs in anew for each query and reads the credential once while the cache lasts', async () => {
  const { seen, options } = world();
  const load = startLoad({ ...options, maxCacheAgeMs: 60_000 });
  await expect.poll(() => load.counts().queries).toBeGreaterThan(20);

  const result = await load.stop();

  expect(result.failed).toBe(0);
  expect(seen).toMatchObject({ reads: options.workers, open: 0 });
});

it('reads the credential for every query when nothing may be cached', async () => {
  const { seen, options } = world();
  const load = startLoad({ ...options, maxCacheAgeMs: 0 });
  await expect.poll(() => load.counts().queries).toBeGreaterThan(20);

  const result = await load.stop();

  expect(seen.reads).toBe(result.queries);
});

it('after a refusal counts it and reads again, where the consumer is careful', async () => {
  const { seen, options } = world();
  const load = startLoad({ ...options, maxCacheAgeMs: 60_000, onRefusal: 'reread' });
  await expect.poll(() => load.counts().queries).toBeGreaterThan(20);

  Object.assign(seen, { published: 'second', accepted: 'second' });
  const changedAt = load.counts().queries;
  await expect.poll(() => load.counts().queries).toBeGreaterThan(changedAt + 20);

  const result = await load.stop();
  expect(result.failures).toEqual(new Map([['28P01', options.workers]]));
  expect(seen.reads).toBe(2 * options.workers);
});

it('after a refusal keeps failing until the cache is too old, where the consumer keeps what it has', async () => {
  const { seen, options } = world();
  const load = startLoad({ ...options, maxCacheAgeMs: 60_000, onRefusal: 'keep' });
  await expect.poll(() => load.counts().queries).toBeGreaterThan(20);

  Object.assign(seen, { published: 'second', accepted: 'second' });
  await expect.poll(() => load.counts().failed).toBeGreaterThan(2 * options.workers);

  const result = await load.stop();
  expect([...result.failures.keys()]).toEqual(['28P01']);
  expect(seen.reads).toBe(options.workers);
});

it('counts a credential that cannot be read as a failed query, by its code alone', async () => {
  const { options } = world();
  const readCredential = () => Promise.reject(Object.assign(new Error('hunter2'), { code: 'ECONNREFUSED' }));
  const load = startLoad({ ...options, readCredential, maxCacheAgeMs: 1000 });
  await expect.poll(() => load.counts().failed).toBeGreaterThan(2);

  const result = await load.stop();

  expect([...result.failures.keys()]).toEqual(['read: ECONNREFUSED']);
  expect(result.failed).toBe(result.queries);
});
