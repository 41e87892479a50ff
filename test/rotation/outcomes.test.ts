/** What `advance` answers when it cannot go on: what it found, that nothing was changed, and when it looks again. */
import { describe, expect, it } from 'vitest';
import { KeywheelError } from '../../shared/errors.ts';
import type { Probe } from '../../shared/targets/index.ts';
import { scene, SECRET, type Scene } from './scene.ts';

const HOUR = 3_600_000;
const finding = (code: string) => [{ code, level: 'error' as const, message: `${code} is so`, hint: `mend ${code}` }];
const throwing = (error: Error) => () => {
  throw error;
};
const answering =
  (outcome: Probe['outcome']) =>
  (_value: unknown, endpoint: string): Probe => ({ outcome, endpoint, detail: `says ${outcome}` });

async function untilClosed(world: Scene): Promise<void> {
  for (let turns = 0; turns < 30; turns += 1) {
    const result = await world.advance();
    if (result.status === 'closed' || result.status === 'idle') return;
    world.tick(Math.max(1, (result.resumeAt ?? 0) - world.clock.now()));
  }
  throw new Error('it never closed');
}

describe('a rotation that cannot begin', () => {
  it.each([
    {
      what: 'no such secret',
      break: (w: Scene) => (w.store.describe = () => undefined),
      status: 'failed',
      code: 'ERR_SECRET_NOT_FOUND',
      says: `${SECRET} is not in its store`,
    },
    {
      what: 'current that a lagging store does not show',
      break: (w: Scene) => (w.store.read = () => undefined),
      status: 'failed',
      code: 'ERR_STORE_UNAVAILABLE',
      says: `current of ${SECRET} cannot be read`,
    },
    {
      what: 'current that does not authenticate',
      break: (w: Scene) => w.target.setByHand('app_a', 'other'),
      status: 'held',
      code: 'current-refused',
      says: `current of ${SECRET} does not authenticate at primary: refused`,
    },
    {
      what: 'a target that cannot be reached',
      break: (w: Scene) => (w.target.probe = answering('unreachable')),
      status: 'failed',
      code: 'ERR_TARGET_UNREACHABLE',
      says: 'could not be verified at primary: says unreachable',
    },
    {
      what: 'a certificate of another name',
      break: (w: Scene) => (w.target.probe = answering('tls')),
      status: 'failed',
      code: 'ERR_TARGET_TLS',
      says: 'says tls',
    },
    {
      what: 'too many connections',
      break: (w: Scene) => (w.target.probe = answering('throttled')),
      status: 'failed',
      code: 'ERR_TARGET_THROTTLED',
      says: 'says throttled',
    },
    {
      what: 'a login that is not permitted',
      break: (w: Scene) => (w.target.probe = answering('forbidden')),
      status: 'failed',
      code: 'ERR_TARGET_FORBIDDEN',
      says: 'says forbidden',
    },
    {
      what: 'accounts that differ',
      break: (w: Scene) => (w.target.findings = finding('grants-differ')),
      status: 'held',
      code: 'grants-differ',
      says: 'grants-differ is so',
    },
    {
      what: 'a secret that names no pinned account',
      break: (w: Scene) => w.store.put(SECRET, { username: 'root', password: 'x' }),
      status: 'failed',
      code: 'ERR_SECRET_INVALID',
      says: 'names no account that is pinned',
    },
  ])('says so: $what', async ({ break: spoil, status, code, says }) => {
    // Prepare
    const world = scene();
    spoil(world);
    const before = { store: world.store.writes, target: world.target.writes };
    // Act
    const result = await world.advance({ start: true });
    // Assess
    expect(result).toMatchObject({ status, error: { code } });
    expect(result.error?.message).toContain(says);
    expect(result.resumeAt).toBeGreaterThan(world.clock.now());
    expect(world.journal()).toMatchObject({ retryAt: result.resumeAt, attempts: 1 });
    expect({ store: world.store.writes, target: world.target.writes }).toEqual(before);
  });

  it('several findings are all told', async () => {
    const world = scene();
    world.target.findings = [...finding('one'), ...finding('two'), { code: 'w', level: 'warning', message: 'only a warning' }];
    const result = await world.advance({ start: true });
    expect(result.error?.message).toBe('one is so; and 1 more: two is so');
  });

  it('a warning stops nothing', async () => {
    const world = scene();
    world.target.findings = [{ code: 'w', level: 'warning', message: 'only a warning' }];
    expect((await world.advance({ start: true })).rotation?.phase).toBe('grace');
  });

  it('a secret with one account does not fit two', async () => {
    const world = scene();
    const single = scene({ strategy: 'in-place' });
    const result = await scene({ strategy: 'dual-slot' }).advance({ start: true });
    expect(result.rotation?.phase).toBe('grace');
    Object.assign(single.policy, { strategy: 'dual-account' });
    expect((await single.advance({ start: true })).error).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: `dual-account does not fit the accounts that are pinned for ${SECRET}: app_a`,
    });
    expect((await world.advance({ start: false })).status).toBe('idle');
  });

  it('disabled changes nothing, not even the lease', async () => {
    const world = scene({ enabled: false });
    expect(await world.advance({ start: true })).toEqual({ secret: SECRET, status: 'disabled' });
    expect(world.state.writes).toBe(0);
  });

  it('waits for the end of a blackout', async () => {
    const at = scene().clock.now();
    const world = scene({ blackouts: [{ from: at, to: at + HOUR }] });
    expect(await world.advance({ start: true })).toEqual({ secret: SECRET, status: 'waiting', resumeAt: at + HOUR });
    world.tick(HOUR);
    expect((await world.advance({ start: true })).rotation?.phase).toBe('grace');
  });

  it('refuses the journal of a newer version and leaves it as it is', async () => {
    const world = scene();
    world.state.put({ key: `rotation/${SECRET}`, value: { schemaVersion: 99, secret: SECRET }, expected: null });
    const result = await world.advance({ start: true });
    expect(result).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_STATE_NEWER', message: expect.stringContaining('format 99') as string },
    });
    expect(world.journal()).toEqual({ schemaVersion: 99, secret: SECRET });
  });
});

describe('a rotation that stands still', () => {
  it('holds when the accounts differ after the change, and publishes nothing', async () => {
    const world = scene();
    world.target.differences = finding('grants-differ');
    const result = await world.advance({ start: true });
    expect(result).toMatchObject({ status: 'held', rotation: { phase: 'applied', hold: { code: 'grants-differ' } } });
    expect(world.current()['username']).toBe('app_a');
    world.target.differences = [];
    expect((await world.advance({ resume: true })).rotation?.phase).toBe('grace');
  });

  it('holds while somebody else rotates the account', async () => {
    const world = scene();
    world.target.apply = throwing(
      new KeywheelError('ERR_TARGET_OWNED', 'app_b is rotated by another installation', { hint: 'stop one' }),
    );
    const result = await world.advance({ start: true });
    expect(result.rotation?.hold).toMatchObject({
      code: 'target-owned',
      message: 'app_b is rotated by another installation',
      hint: 'stop one',
    });
  });

  it('holds when the target has seen a later fence although the lease is ours: the state is an old copy', async () => {
    const world = scene();
    world.target.apply = throwing(new KeywheelError('ERR_FENCE_STALE', 'fence 1 is older than 9'));
    const result = await world.advance({ start: true });
    expect(result.rotation?.hold).toMatchObject({ code: 'fence-behind', message: 'fence 1 is older than 9' });
  });

  it('holds while the old account is used, keeps it alive, and ends it when use stops', async () => {
    // Prepare
    const world = scene();
    const session = world.target.login(world.current());
    await world.advance({ start: true });
    // Act: its statements go on until long after grace.
    let result = await world.advance();
    for (let hours = 0; hours < 5; hours += 1) {
      world.tick(HOUR);
      if (session !== undefined) session.lastAt = world.clock.now();
      result = await world.advance();
    }
    // Assess
    expect(result).toMatchObject({ status: 'held', rotation: { phase: 'grace', hold: { code: 'still-in-use' } } });
    expect(result.rotation?.hold?.message).toBe('app_a still runs statements: 1 open session');
    expect(world.target.live().get('app_a')).toBeDefined();
    if (session !== undefined) world.target.logout(session);
    await untilClosed(world);
    expect(world.target.live().get('app_a')).toBeUndefined();
  });

  it('never takes a failed reading of use for disuse', async () => {
    const world = scene();
    await world.advance({ start: true });
    world.target.lastUsed = throwing(new KeywheelError('ERR_TARGET_FORBIDDEN', 'pg_stat_activity is not permitted'));
    for (let hours = 0; hours < 8; hours += 1) {
      world.tick(HOUR);
      expect(await world.advance()).toMatchObject({
        status: 'failed',
        rotation: { phase: 'grace', failure: { code: 'ERR_TARGET_FORBIDDEN' } },
      });
    }
    expect(world.target.live().get('app_a')).toBeDefined();
  });

  it('retires nothing in a blackout, and does after it', async () => {
    const at = scene().clock.now();
    const world = scene({ blackouts: [{ from: at + 1, to: at + 9 * HOUR }] });
    await world.advance({ start: true });
    for (let hours = 0; hours < 8; hours += 1) {
      world.tick(HOUR);
      await world.advance();
    }
    expect(world.target.live().get('app_a')).toBeDefined();
    expect(world.journal()?.rotation).toMatchObject({ phase: 'grace', nextAt: at + 9 * HOUR });
    world.tick(HOUR);
    await untilClosed(world);
    expect(world.target.live().get('app_a')).toBeUndefined();
  });

  it('an old credential that lives on after it was retired is an incident, not a success', async () => {
    const world = scene();
    await world.advance({ start: true });
    const retire = world.target.retire.bind(world.target);
    world.target.retire = (...args) => {
      retire(...args);
      world.target.setByHand('app_a', 'canary-first');
    };
    world.tick(2 * HOUR);
    await world.advance();
    world.tick(HOUR);
    await world.advance();
    world.tick(HOUR);
    const result = await world.advance();
    expect(result).toMatchObject({ status: 'held', rotation: { phase: 'retired', hold: { code: 'still-accepted' } } });
    expect(result.rotation?.proof).toBeUndefined();
  });

  it('says a change again that was undone before it was verified, with the same material', async () => {
    const world = scene();
    const applied: unknown[] = [];
    const apply = world.target.apply.bind(world.target);
    world.target.apply = (slot, value, stamp) => {
      applied.push(value);
      if (applied.length > 1) apply(slot, value, stamp);
    };
    const first = await world.advance({ start: true });
    expect(first).toMatchObject({ status: 'failed', rotation: { phase: 'applied', failure: { code: 'ERR_TARGET_MISMATCH' } } });
    world.tick(10_000);
    const second = await world.advance();
    expect(second.rotation?.phase).toBe('grace');
    expect(applied).toHaveLength(2);
    expect(applied[0]).toEqual(applied[1]);
  });
});

describe('a pending version that nobody of ours staged', () => {
  it('is removed when it is dead', async () => {
    const world = scene();
    world.store.stage(SECRET, { username: 'app_b', password: 'dead', host: 'db' }, 'someone');
    const result = await world.advance({ start: true });
    expect(result.rotation?.phase).toBe('grace');
    expect(world.store.read(SECRET, { version: 'v-someone' })).toBeUndefined();
  });

  it('is kept when it authenticates, for it may be the only record of a live credential', async () => {
    const world = scene();
    world.target.setByHand('app_b', 'canary-alive');
    world.store.stage(SECRET, { username: 'app_b', password: 'canary-alive', host: 'db' }, 'someone');
    const result = await world.advance({ start: true });
    expect(result).toMatchObject({ status: 'held', rotation: { phase: 'planned', hold: { code: 'foreign-pending' } } });
    expect(world.store.read(SECRET, 'pending')?.value['password']).toBe('canary-alive');
    expect(world.target.live().get('app_b')).toBe('canary-alive');
  });

  it('is kept when it cannot be judged', async () => {
    const world = scene();
    world.store.stage(SECRET, { username: 'app_b', password: 'dead', host: 'db' }, 'someone');
    const probe = world.target.probe.bind(world.target);
    world.target.probe = (value, endpoint) =>
      value['password'] === 'dead' ? { outcome: 'unreachable', endpoint, detail: 'down' } : probe(value, endpoint);
    const result = await world.advance({ start: true });
    expect(result.rotation?.hold?.message).toBe(
      `${SECRET} has a pending version that this rotation did not stage, and it cannot be judged (unreachable)`,
    );
    expect(world.store.read(SECRET, 'pending')?.value['password']).toBe('dead');
  });
});
