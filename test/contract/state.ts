/** The contract of the State port: every sentence of shared/state/port.ts is a test here, over any adapter or fake. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Lease, State } from '../../shared/state/index.ts';
import { all } from './harness.ts';
import type { ManualClock } from './harness.ts';
import { stateModelProperty } from './state-model.ts';

export interface StateFixture {
  readonly state: State;
  readonly clock: ManualClock;
  /** Another adapter over the same data and clock, as another process has. */
  second(): Promise<State>;
  close(): Promise<void>;
}

export interface StateHarness {
  /** How many random sequences are compared with the model; 50 when absent. Fewer where each operation is several requests to a slow emulator. */
  readonly modelRuns?: number;
  /** How many records the test of long lists writes; 600 when absent. */
  readonly many?: number;
  open(): Promise<StateFixture>;
}

const conflictOn = (key: string) => ({ code: 'ERR_STATE_CONFLICT', subject: key, message: expect.stringContaining(key) });
const lost = (key: string) => ({ code: 'ERR_LEASE_LOST', message: expect.stringContaining(key) });

export function stateContract(name: string, harness: StateHarness): void {
  // Every write waits for the disk, which other tests may keep busy.
  describe(`State contract: ${name}`, { timeout: 60_000 }, () => {
    let fixture: StateFixture;
    let state: State;
    beforeEach(async () => {
      fixture = await harness.open();
      state = fixture.state;
    });
    afterEach(() => fixture.close());
    afterAll(() => console.log(`State contract ran over: ${name}`));

    const keys = async (prefix: string) => (await all(state.list(prefix))).map((record) => record.key);

    describe('installation', () => {
      it('is random, stays, and is the same for every adapter over the same data', async () => {
        const id = await state.installation();
        expect(id).toMatch(/^[\w-]{16,64}$/);
        expect(await state.installation()).toBe(id);
        expect(await (await fixture.second()).installation()).toBe(id);
        const elsewhere = await harness.open();
        expect(await elsewhere.state.installation()).not.toBe(id);
        await elsewhere.close();
      });
    });

    describe('get and put', () => {
      it('say undefined of what is absent, and give back what was put', async () => {
        expect(await state.get('k')).toBeUndefined();
        const value = { list: [1, 'two', null, { three: true }], text: '\u0000\u2028 \u{1f511}' };
        const revision = await state.put({ key: 'k', value, expected: null });
        expect(await state.get('k')).toEqual({ key: 'k', value, revision });
        expect(await (await fixture.second()).get('k')).toEqual({ key: 'k', value, revision });
      });

      it('keep null apart from absence', async () => {
        const revision = await state.put({ key: 'k', value: null, expected: null });
        expect(await state.get('k')).toEqual({ key: 'k', value: null, revision });
      });

      it('replace at the revision that was read, and give a new one', async () => {
        const first = await state.put({ key: 'k', value: 1, expected: null });
        const second = await state.put({ key: 'k', value: 1, expected: first });
        expect(second).not.toBe(first);
        await expect(state.put({ key: 'k', value: 3, expected: first })).rejects.toMatchObject(conflictOn('k'));
        await expect(state.put({ key: 'k', value: 3, expected: null })).rejects.toMatchObject(conflictOn('k'));
        await expect(state.put({ key: 'absent', value: 3, expected: first })).rejects.toMatchObject(conflictOn('absent'));
        expect(await state.get('k')).toMatchObject({ value: 1, revision: second });
      });

      it('delete with undefined, and tell a record that was made again from the first', async () => {
        const first = await state.put({ key: 'k', value: 1, expected: null });
        await state.put({ key: 'k', value: undefined, expected: first });
        expect(await state.get('k')).toBeUndefined();
        const again = await state.put({ key: 'k', value: 1, expected: null });
        expect(again).not.toBe(first);
        await expect(state.put({ key: 'k', value: 2, expected: first })).rejects.toMatchObject(conflictOn('k'));
      });

      it('let one of many writers with the same revision win', async () => {
        const others = [state, await fixture.second(), await fixture.second()];
        const revision = await state.put({ key: 'k', value: 'start', expected: null });
        const settled = await Promise.allSettled(others.map((one, n) => one.put({ key: 'k', value: n, expected: revision })));
        expect(settled.filter((one) => one.status === 'fulfilled')).toHaveLength(1);
        const failures = settled.filter((one) => one.status === 'rejected').map((one): unknown => one.reason);
        expect(failures).toEqual([expect.objectContaining(conflictOn('k')), expect.objectContaining(conflictOn('k'))]);
      });

      it('refuse a value that JSON has no words for', async () => {
        const loop: unknown[] = [];
        loop.push(loop);
        for (const value of [loop, 10n, () => 1]) {
          const attempt = state.put({ key: 'k', value, expected: null });
          await expect(attempt).rejects.toMatchObject({ code: 'ERR_INTERNAL', message: expect.stringContaining('JSON') });
        }
        expect(await state.get('k')).toBeUndefined();
      });
    });

    describe('time to live', () => {
      it('ends a record when the clock says so, to the millisecond', async () => {
        await state.put({ key: 'k', value: 1, expected: null, ttl: 1000 });
        await state.put({ key: 'stays', value: 1, expected: null });
        fixture.clock.advance(999);
        expect(await state.get('k')).toMatchObject({ value: 1 });
        fixture.clock.advance(1);
        expect(await state.get('k')).toBeUndefined();
        expect(await state.getMany(['k', 'stays'])).toHaveLength(1);
        expect(await keys('')).toEqual(['stays']);
      });

      it('makes the key absent for compare-and-set too', async () => {
        const first = await state.put({ key: 'k', value: 1, expected: null, ttl: 1000 });
        fixture.clock.advance(1000);
        await expect(state.put({ key: 'k', value: 2, expected: first })).rejects.toMatchObject(conflictOn('k'));
        const second = await state.put({ key: 'k', value: 2, expected: null });
        fixture.clock.advance(1e9);
        expect(await state.get('k')).toEqual({ key: 'k', value: 2, revision: second }); // no ttl: for ever
      });
    });

    describe('getMany', () => {
      it('gives present records only, each once', async () => {
        await state.put({ key: 'a', value: 1, expected: null });
        await state.put({ key: 'b', value: 2, expected: null });
        const found = await state.getMany<number>(['b', 'missing', 'a', 'b']);
        expect(found.map((one) => `${one.key}=${one.value}`).toSorted()).toEqual(['a=1', 'b=2']);
        expect(await state.getMany([])).toEqual([]);
      });
    });

    describe('list', () => {
      it('gives the records with a prefix, in key order', async () => {
        for (const key of ['b/2', 'a', 'b/10', 'b', 'b0', 'c', 'b/%', 'b/\u{1f511}', 'b/\uffee']) {
          await state.put({ key, value: key, expected: null });
        }
        expect(await keys('b/')).toEqual(['b/%', 'b/10', 'b/2', 'b/\uffee', 'b/\u{1f511}']);
        expect(await keys('nothing')).toEqual([]);
        expect((await keys('')).length).toBe(9);
      });

      it('gives many, and bears writes by the one who walks it', async () => {
        const expected = Array.from({ length: harness.many ?? 600 }, (_, n) => `k/${String(n).padStart(4, '0')}`);
        for (let n = 0; n < expected.length; n += 25) {
          await state.transact(expected.slice(n, n + 25).map((key) => ({ key, value: 0, expected: null })));
        }
        const seen: string[] = [];
        for await (const record of state.list<number>('k/')) {
          seen.push(record.key);
          await state.put({ key: record.key, value: 1, expected: record.revision });
        }
        expect(seen).toEqual(expected);
      });
    });

    describe('transact', () => {
      it('writes all', async () => {
        const first = await state.put({ key: 'a', value: 1, expected: null });
        const revisions = await state.transact([
          { key: 'a', value: undefined, expected: first },
          { key: 'b', value: 2, expected: null },
          { key: 'c', value: 3, expected: null, ttl: 10 },
        ]);
        expect(revisions).toHaveLength(3);
        expect(await state.get('b')).toEqual({ key: 'b', value: 2, revision: revisions[1] });
        expect(await state.get('c')).toEqual({ key: 'c', value: 3, revision: revisions[2] });
        expect(await keys('')).toEqual(['b', 'c']);
        expect(await state.transact([])).toEqual([]);
      });

      it('writes nothing when one is not as expected, and names the first', async () => {
        const first = await state.put({ key: 'b', value: 1, expected: null });
        const attempt = state.transact([
          { key: 'a', value: 1, expected: null },
          { key: 'b', value: 2, expected: 'stale' },
          { key: 'c', value: 3, expected: 'stale' },
        ]);
        await expect(attempt).rejects.toMatchObject(conflictOn('b'));
        expect(await keys('')).toEqual(['b']);
        expect(await state.get('b')).toMatchObject({ revision: first, value: 1 });
      });

      it('takes 25 writes and no more', async () => {
        const writes = Array.from({ length: 26 }, (_, n) => ({ key: `k${n}`, value: n, expected: null }));
        await expect(state.transact(writes)).rejects.toMatchObject({
          code: 'ERR_INTERNAL',
          message: expect.stringContaining('25'),
        });
        expect(await keys('')).toEqual([]);
        expect(await state.transact(writes.slice(1))).toHaveLength(25);
      });
    });

    describe('leases', () => {
      const take = async (holder: string, ttl = 1000): Promise<Lease> => {
        const lease = await state.acquire('lease/s', holder, ttl);
        if (lease === undefined) throw new Error(`${holder} was refused`);
        return lease;
      };

      it('are exclusive until they expire, by the clock of the one who asks', async () => {
        const other = await fixture.second();
        const lease = await take('one');
        expect(lease).toMatchObject({ key: 'lease/s', holder: 'one', expiresAt: fixture.clock.now() + 1000 });
        expect(await other.acquire('lease/s', 'two', 1000)).toBeUndefined();
        expect(await other.acquire('lease/other', 'two', 1000)).toBeDefined();
        fixture.clock.advance(999);
        expect(await other.acquire('lease/s', 'two', 1000)).toBeUndefined();
        fixture.clock.advance(1);
        expect((await other.acquire('lease/s', 'two', 1000))?.fence).toBeGreaterThan(lease.fence);
      });

      it('have a fence that only grows: after release, expiry, and for the same holder', async () => {
        const fences: number[] = [];
        const note = (lease: Lease) => (fences.push(lease.fence), lease);
        await state.release(note(await take('one')));
        note(await take('two'));
        fixture.clock.advance(1000);
        note(await take('three'));
        note(await take('three'));
        fixture.clock.advance(1e12);
        note(await take('one'));
        expect(fences).toEqual([...new Set(fences)].toSorted((a, b) => a - b));
        expect(fences).toHaveLength(5);
      });

      it('are renewed for longer, with the same fence', async () => {
        const lease = await take('one');
        fixture.clock.advance(900);
        const renewed = await state.renew(lease, 1000);
        expect(renewed).toEqual({ ...lease, expiresAt: lease.expiresAt + 900 });
        fixture.clock.advance(999);
        expect(await state.acquire('lease/s', 'two', 1000)).toBeUndefined();
        expect((await state.renew(lease, 1000)).fence).toBe(lease.fence);
      });

      it('are renewed also when they ran out and nobody took them', async () => {
        const lease = await take('one');
        fixture.clock.advance(5000);
        expect((await state.renew(lease, 1000)).fence).toBe(lease.fence);
        expect(await state.acquire('lease/s', 'two', 1000)).toBeUndefined();
      });

      it('are lost when a later fence was given out, to anybody', async () => {
        const first = await take('one');
        const again = await take('one');
        await expect(state.renew(first, 1000)).rejects.toMatchObject(lost('lease/s'));
        fixture.clock.advance(1000);
        await take('two');
        await expect(state.renew(again, 1000)).rejects.toMatchObject(lost('lease/s'));
      });

      it('are lost when they were released', async () => {
        const lease = await take('one');
        await state.release(lease);
        await expect(state.renew(lease, 1000)).rejects.toMatchObject(lost('lease/s'));
        expect(await state.acquire('lease/s', 'two', 1000)).toBeDefined();
      });

      it('are lost when nobody ever had them', async () => {
        const forged: Lease = { key: 'lease/s', holder: 'one', fence: 1, expiresAt: 0 };
        await expect(state.renew(forged, 1000)).rejects.toMatchObject(lost('lease/s'));
        await state.release(forged);
        expect((await take('two')).fence).toBeGreaterThan(0);
      });

      it('are not released by one who no longer has them', async () => {
        const first = await take('one');
        fixture.clock.advance(1000);
        const second = await take('two');
        await state.release(first);
        await state.release(first);
        expect(await state.acquire('lease/s', 'three', 1000)).toBeUndefined();
        expect((await state.renew(second, 1000)).fence).toBe(second.fence);
      });

      it('of a holder that is known to be gone are taken over at once, with a later fence', async () => {
        const lease = await take('one');
        const asked: string[] = [];
        const dead = (holder: string): boolean => (asked.push(holder), holder === 'one');
        expect(await state.acquire('lease/s', 'two', 1000, () => false)).toBeUndefined();
        const taken = await state.acquire('lease/s', 'two', 1000, dead);
        expect(taken?.fence).toBeGreaterThan(lease.fence);
        expect(asked).toEqual(['one']);
        expect(await state.acquire('lease/s', 'three', 1000, dead)).toBeUndefined();
        await expect(state.renew(lease, 1000)).rejects.toMatchObject(lost('lease/s'));
      });

      it('are kept apart from records of the same key', async () => {
        const revision = await state.put({ key: 'lease/s', value: 'record', expected: null });
        await state.release(await take('one'));
        expect(await state.get('lease/s')).toEqual({ key: 'lease/s', value: 'record', revision });
      });
    });

    it('agrees with a model on random sequences of operations', () => stateModelProperty(harness), 60_000);
  });
}
