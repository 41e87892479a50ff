import { describe, expect, it } from 'vitest';
import { Interrupted, rotateMany, runRotation, type RotationEvent, type RunOptions } from '../../shared/rotation/index.ts';
import { CANARY, scene, SECRET, type Scene } from './scene.ts';

const HOUR = 3_600_000;
const request = { start: true, reason: 'test', resume: false };
const lease = `lease/${SECRET}`;

function run(world: Scene, options: Partial<RunOptions> = {}, change: Partial<typeof request> = {}) {
  return runRotation(
    SECRET,
    world.policy,
    world.open,
    { ...request, ...change },
    { waitUpTo: 0, holder: 'w1', ...options },
    world.deps,
  );
}

const never = (): Promise<never> => new Promise(() => {});

describe('runRotation', () => {
  it('waits as long as it may, tells each phase once, and ends with the proof', async () => {
    // Prepare
    const world = scene();
    const events: RotationEvent[] = [];
    // Act
    const result = await run(world, { waitUpTo: 3 * HOUR, onEvent: (event) => events.push(event) });
    // Assess
    expect(result).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
    expect(events.filter((each) => each.type === 'phase').map((each) => each.phase)).toEqual([
      'planned',
      'staged',
      'applied',
      'verified',
      'published',
      'grace',
      'retired',
      'proven',
      'closed',
    ]);
    expect(events.at(-1)).toMatchObject({ type: 'closed', secret: SECRET, rotationId: result.rotation?.rotationId });
    expect(world.slept.reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(HOUR);
  });

  it('returns with resumeAt when the wait is longer than it may be, without sleeping', async () => {
    const world = scene();
    const result = await run(world, { waitUpTo: 1000 });
    expect(result.status).toBe('waiting');
    expect(result.resumeAt).toBeGreaterThan(world.clock.now() + 1000);
    expect(world.slept).toEqual([]);
    expect(world.state.leases.get(lease)?.holder).toBeUndefined();
  });

  it('never tells material in an event or a result', async () => {
    const world = scene();
    const said: unknown[] = [];
    said.push(await run(world, { waitUpTo: 3 * HOUR, onEvent: (event) => said.push(event) }));
    world.target.setByHand('app_b', 'canary-by-hand');
    said.push(await run(world, { waitUpTo: 3 * HOUR, onEvent: (event) => said.push(event) }));
    const text = JSON.stringify(said);
    for (const material of [CANARY, 'canary-by-hand', 'generated-']) expect(text).not.toContain(material);
    expect(text).toContain('current-refused');
  });

  it('looks again every quarter of a second while another worker holds the lease, and goes on when it is free', async () => {
    const world = scene();
    world.state.acquire(lease, 'another', 1000);
    const result = await run(world, { waitUpTo: 10_000 });
    expect(world.slept).toEqual([250, 250, 250, 250]);
    expect(result).toMatchObject({ status: 'waiting', rotation: { phase: 'grace' } });
  });

  it('gives up on a lease that is held for longer than it may wait', async () => {
    const world = scene();
    world.state.acquire(lease, 'another', 60_000);
    const result = await run(world, { waitUpTo: 600 });
    expect(result).toEqual({ secret: SECRET, status: 'busy' });
    expect(world.slept).toEqual([250, 250]);
    expect(world.target.writes + world.store.writes).toBe(1);
  });

  it('tries a failed step of an open rotation again after its pause, and tells of the failure', async () => {
    const world = scene();
    const stage = world.store.stage.bind(world.store);
    let failures = 2;
    world.store.stage = (...args) => {
      if (failures > 0) {
        failures -= 1;
        throw new Error(`driver text with ${CANARY}`);
      }
      return stage(...args);
    };
    const events: RotationEvent[] = [];
    const result = await run(world, { waitUpTo: 60_000, onEvent: (event) => events.push(event) });
    expect(result).toMatchObject({ status: 'waiting', rotation: { phase: 'grace' } });
    expect(world.slept).toEqual([1500, 3000]);
    expect(events.filter((each) => each.type === 'failed').map((each) => each.message)).toEqual([
      'an unexpected error; its text is withheld because it may hold material',
      'an unexpected error; its text is withheld because it may hold material',
    ]);
    expect(JSON.stringify([...world.state.records])).not.toContain(CANARY);
  });

  it('begins no second rotation by waiting', async () => {
    const world = scene();
    await run(world, { waitUpTo: 24 * HOUR });
    expect([...world.state.list('history/')]).toHaveLength(1);
    expect(world.journal()?.rotation?.phase).toBe('closed');
  });

  it('releases its lease when it is interrupted between two calls, and a later run goes on', async () => {
    const world = scene();
    const stop = new AbortController();
    const interrupted = run(world, {
      signal: stop.signal,
      onEvent: (event) => {
        if (event.phase === 'applied') stop.abort();
      },
    });
    await expect(interrupted).rejects.toBeInstanceOf(Interrupted);
    expect(world.journal()?.rotation?.phase).toBe('applied');
    expect(world.state.leases.get(lease)?.holder).toBeUndefined();
    const result = await run(world, { waitUpTo: 3 * HOUR, holder: 'w2' }, { start: false });
    expect(result).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
  });

  it('ends at once when it is interrupted while it waits', async () => {
    const world = scene();
    const stop = new AbortController();
    const sleep = async (): Promise<void> => stop.abort();
    const interrupted = run({ ...world, deps: { ...world.deps, sleep } }, { waitUpTo: 3 * HOUR, signal: stop.signal });
    await expect(interrupted).rejects.toBeInstanceOf(Interrupted);
    expect(world.journal()?.rotation?.phase).toBe('grace');
  });
});

describe('bulkheads', () => {
  it('a target that hangs does not delay another, and times out by itself', async () => {
    // Prepare: a call may take a third of a lease.
    const hung = scene({ leaseTtl: 300 });
    hung.target.preflight = never as never;
    const fine = scene({ leaseTtl: 300 });
    const order: string[] = [];
    // Act
    const [first, second] = await Promise.all([
      run(hung).finally(() => order.push('hung')),
      run(fine).finally(() => order.push('fine')),
    ]);
    // Assess
    expect(order).toEqual(['fine', 'hung']);
    expect(second.status).toBe('waiting');
    expect(first).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_TIMEOUT', message: 'target did not answer preflight within 0.1 s' },
    });
    expect(first.resumeAt).toBeGreaterThan(hung.clock.now());
    expect(hung.journal()?.retryAt).toBe(first.resumeAt);
  });

  it('many at once: the others are done while one hangs, and a failure to open is its own', async () => {
    // Prepare: one state for all, as in production; the first hangs.
    const hung = scene({ leaseTtl: 300 });
    hung.target.preflight = never as never;
    const closed: string[] = [];
    const names = [SECRET, 'app/two', 'app/three'];
    const jobs = names.map((secret) => {
      const world = secret === SECRET ? hung : scene();
      if (secret !== SECRET) world.store.put(secret, world.current());
      return { secret, policy: hung.policy, open: async () => ({ ...world.open, close: async () => void closed.push(secret) }) };
    });
    const broken = { secret: 'app/broken', policy: hung.policy, open: () => Promise.reject(new Error(CANARY)) };
    // Act
    const selection = { mode: 'named', reason: 'test' } as const;
    const options = { waitUpTo: 0, holder: 'w1' };
    const results = await rotateMany([...jobs, broken], selection, hung.open.state, options, hung.deps);
    // Assess
    expect(results.map((each) => each.status)).toEqual(['failed', 'waiting', 'waiting', 'failed']);
    expect(closed.toSorted()).toEqual(names.toSorted());
    expect(closed.at(-1)).toBe(SECRET);
    expect(results[3]?.error).toMatchObject({
      code: 'ERR_INTERNAL',
      message: 'an unexpected error; its text is withheld because it may hold material',
    });
  });
});
