import { describe, expect, it } from 'vitest';
import { clientOver } from '../../../shared/client/index.ts';
import { runConsumer, type ConsumerPorts, type Credential, type QueryFailure } from './consumer.ts';

const PLAN = { maxCacheAge: 40, pool: 2, period: 4, freshEvery: 15 };

interface World {
  current: Credential;
  /** What the server would accept, by version. */
  readonly valid: Set<string>;
  readonly open: Set<string>;
  reads: number;
  refuse?: string;
}

function world(): World {
  return { current: credential('v1', 'app_a'), valid: new Set(['v1']), open: new Set(), reads: 0 };
}

function credential(version: string, username: string): Credential {
  return { version, username, password: `password-of-${version}` };
}

function ports(w: World): ConsumerPorts {
  let next = 0;
  const client = clientOver(
    async () => ({
      kind: 'fake',
      current: async () => {
        w.reads += 1;
        return { version: w.current.version, value: { ...w.current } };
      },
      close: async () => undefined,
    }),
    { maxAge: PLAN.maxCacheAge },
  );
  const made: ConsumerPorts = {
    async readCurrent() {
      const { value, version } = await client.get('app/db');
      return { version, username: String(value['username']), password: String(value['password']) };
    },
    pooled: async () => made.connect(await made.readCurrent(), () => undefined),
    connect: (login) => {
      if (!w.valid.has(login.version)) return Promise.reject(Object.assign(new Error('refused'), { code: '28P01' }));
      const id = `${login.version}#${(next += 1)}`;
      w.open.add(id);
      return Promise.resolve({
        query: () =>
          w.refuse === undefined
            ? Promise.resolve(login.username)
            : Promise.reject(Object.assign(new Error('no'), { code: w.refuse })),
        close: () => {
          w.open.delete(id);
          return Promise.resolve();
        },
      });
    },
    now: Date.now,
    uniform: () => 0.5,
    codeOf: (error) => String((error as { code?: string }).code),
  };
  return made;
}

/** Runs until `until` says so, then stops and waits for the end. */
async function run(w: World, until: (counts: Map<string, number>, failures: QueryFailure[]) => boolean) {
  const counts = new Map<string, number>();
  const failures: QueryFailure[] = [];
  const stop = new AbortController();
  const check = (): void => {
    if (until(counts, failures)) stop.abort();
  };
  const events = {
    queried(account: string) {
      counts.set(account, (counts.get(account) ?? 0) + 1);
      check();
    },
    failed(failure: QueryFailure) {
      failures.push(failure);
      check();
    },
  };
  await runConsumer(ports(w), PLAN, events, stop.signal);
  return { counts, failures };
}

describe('a consumer', () => {
  it('reads current once per cache lifetime, not once per query, and closes every connection at the end', async () => {
    const w = world();

    const { counts, failures } = await run(w, (seen) => (seen.get('app_a') ?? 0) >= 30);

    expect(failures).toEqual([]);
    expect(counts.get('app_a')).toBeGreaterThanOrEqual(30);
    expect(w.reads).toBeLessThan(10);
    expect(w.open.size).toBe(0);
  });

  it('moves to a new credential by its cache running out, without one failure, while the old one still works', async () => {
    const w = world();
    let moved = false;

    const { counts, failures } = await run(w, (seen) => {
      if (!moved && (seen.get('app_a') ?? 0) >= 5) {
        moved = true;
        w.valid.add('v2');
        w.current = credential('v2', 'app_b');
      }
      return (seen.get('app_b') ?? 0) >= 20;
    });

    expect(failures).toEqual([]);
    expect(counts.get('app_b')).toBeGreaterThanOrEqual(20);
  });

  it('counts a refused login of the cached credential, and does not read current at each because of it', async () => {
    const w = world();
    w.valid.clear();

    const { counts, failures } = await run(w, (_seen, failed) => failed.length >= 8);

    expect(counts.size).toBe(0);
    expect(failures.length).toBeGreaterThanOrEqual(8);
    expect(failures.find(({ account }) => account === 'app_a')).toMatchObject({ code: '28P01', during: 'connect' });
    expect(w.reads).toBeLessThan(failures.length);
  });

  it('counts a failed query once and asks the next one on a new connection', async () => {
    const w = world();
    w.refuse = '57P01';

    const { failures } = await run(w, (_seen, failed) => {
      delete w.refuse;
      return failed.length > 0;
    });

    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ code: '57P01', during: 'query' });
  });

  it('counts a store that cannot be read', async () => {
    const w = world();
    const broken = {
      ...ports(w),
      readCurrent: () => Promise.reject(Object.assign(new Error('gone'), { code: 'ERR_STORE_UNAVAILABLE' })),
      pooled: () => Promise.reject(Object.assign(new Error('gone'), { code: 'ERR_STORE_UNAVAILABLE' })),
    };
    const failures: QueryFailure[] = [];
    const stop = new AbortController();

    await runConsumer(
      broken,
      PLAN,
      {
        queried: () => undefined,
        failed: (failure) => {
          failures.push(failure);
          stop.abort();
        },
      },
      stop.signal,
    );

    expect(failures[0]).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', during: 'read' });
  });
});
