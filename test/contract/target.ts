/** The contract of the Target port: every sentence of shared/targets/port.ts that any client-origin adapter or fake must keep. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Call } from '../../shared/deps.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { supportsUsage } from '../../shared/targets/index.ts';
import type { Stamp, Target } from '../../shared/targets/index.ts';
import { leakForms } from './harness.ts';

export interface TargetFixture {
  readonly target: Target;
  /** The calls that `target` and its rehearsals made or told, oldest first. */
  readonly calls: readonly Call[];
  /** A value whose material is in place at the first slot and was not set by Keywheel: credential `adopted`. */
  readonly adopted: SecretValue;
  /** An adapter over the same world whose gate rehearses and tells to `calls` too. */
  rehearsal(): Promise<Target>;
  /** Opens a session as a consumer does. `alive` runs something on it. */
  consumer(value: SecretValue): Promise<{ alive(): Promise<boolean>; close(): Promise<void> }>;
  close(): Promise<void>;
}

export interface TargetHarness {
  /** A new world for each test. */
  open(): Promise<TargetFixture>;
}

const random = (length: number): Uint8Array => randomBytes(length);

export function targetContract(name: string, harness: TargetHarness): void {
  describe(`Target contract: ${name}`, () => {
    let fixture: TargetFixture;
    let target: Target;
    let first: string;
    let last: string;
    let endpoint: string;
    const stamp = (fence = 1, rotationId = 'r1', over: Partial<Stamp> = {}): Stamp => ({
      installation: 'here',
      secret: 'app/db',
      rotationId,
      fence,
      ...over,
    });
    const outcome = async (value: SecretValue): Promise<string> => (await target.probe(value, endpoint)).outcome;
    const fresh = (): SecretValue => target.compose(last, fixture.adopted, random);

    afterAll(() => console.log(`Target contract ran over: ${name}`));
    beforeEach(async () => {
      fixture = await harness.open();
      target = fixture.target;
      first = target.slots[0] ?? '';
      last = target.slots.at(-1) ?? '';
      endpoint = target.endpoints[0] ?? '';
    });
    afterEach(async () => {
      await target.close();
      await fixture.close();
    });

    describe('slotOf and compose', () => {
      it('name the slot of a value, and refuse a value that names none', () => {
        expect(target.slotOf(fixture.adopted)).toBe(first);
        expect(() => target.slotOf({ ...fixture.adopted, username: 'somebody-else' })).toThrow(
          expect.objectContaining({ code: 'ERR_SECRET_INVALID', message: expect.stringContaining('username') }),
        );
      });

      it('make new material for the slot and keep every other field', () => {
        const current: SecretValue = { ...fixture.adopted, note: 'kept', retries: 3 };
        const [one, two] = [target.compose(last, current, random), target.compose(last, current, random)];
        expect(one).toMatchObject({ note: 'kept', retries: 3 });
        expect(target.slotOf(one)).toBe(last);
        expect(new Set([one['password'], two['password'], current['password']]).size).toBe(3);
      });

      it('depend on nothing but the random bytes', () => {
        const fixed = (length: number): Uint8Array => new Uint8Array(length).fill(7);
        expect(target.compose(last, fixture.adopted, fixed)).toEqual(target.compose(last, fixture.adopted, fixed));
      });
    });

    describe('apply', () => {
      it('makes the material authenticate at every endpoint, and may be repeated', async () => {
        const value = fresh();
        expect(await outcome(value)).toBe('refused');
        await target.apply(last, value, stamp());
        await target.apply(last, value, stamp());
        for (const each of target.endpoints) expect((await target.probe(value, each)).outcome).toBe('accepted');
      });

      it('leaves other slots alone', async () => {
        if (first !== last) {
          await target.apply(last, fresh(), stamp());
          expect(await outcome(fixture.adopted)).toBe('accepted');
        } else {
          await target.apply(last, fresh(), stamp());
          expect(await outcome(fixture.adopted)).toBe('refused');
        }
      });

      it('is refused with a fence lower than one it has seen, and changes nothing', async () => {
        const value = fresh();
        await target.apply(last, value, stamp(5));
        const late = target.apply(last, fresh(), stamp(4, 'r0'));
        await expect(late).rejects.toMatchObject({ code: 'ERR_FENCE_STALE', message: expect.stringContaining('5') });
        expect(await outcome(value)).toBe('accepted');
      });

      it.each([{ installation: 'elsewhere' }, { secret: 'other/db' }])(
        'is refused for the account of %j, and changes nothing',
        async (over) => {
          const value = fresh();
          await target.apply(last, value, stamp(1, 'r1', over));
          const ours = target.apply(last, fresh(), stamp(9, 'r2'));
          await expect(ours).rejects.toMatchObject({
            code: 'ERR_TARGET_OWNED',
            message: expect.stringContaining(Object.values(over)[0] ?? ''),
          });
          expect(await outcome(value)).toBe('accepted');
        },
      );
    });

    describe('fence', () => {
      it('stops every effect of an earlier lease and leaves all material as it is', async () => {
        const value = fresh();
        await target.apply(last, value, stamp(1));
        await target.fence(stamp(7, 'r2'));
        await expect(target.apply(last, fresh(), stamp(6))).rejects.toMatchObject({ code: 'ERR_FENCE_STALE' });
        await expect(target.retire({ slot: last, key: 'r1' }, stamp(6), 'accepted')).rejects.toMatchObject({
          code: 'ERR_FENCE_STALE',
        });
        await expect(target.fence(stamp(6))).rejects.toMatchObject({ code: 'ERR_FENCE_STALE' });
        expect(await outcome(value)).toBe('accepted');
        if (first !== last) expect(await outcome(fixture.adopted)).toBe('accepted');
      });

      it('does not change which credential a slot records', async () => {
        const value = fresh();
        await target.apply(last, value, stamp(1));
        await target.fence(stamp(2));
        await target.retire({ slot: last, key: 'r1' }, stamp(2), 'accepted');
        expect(await outcome(value)).toBe('refused');
      });
    });

    describe('retire', () => {
      it('ends the credential by its id, and may be repeated', async () => {
        const value = fresh();
        await target.apply(last, value, stamp());
        await target.retire({ slot: last, key: 'r1' }, stamp(), 'accepted');
        expect(await outcome(value)).toBe('refused');
        await target.retire({ slot: last, key: 'r1' }, stamp(2), 'refused');
        await target.retire({ slot: last, key: 'r1' }, stamp(2), 'accepted');
        expect(await outcome(value)).toBe('refused');
      });

      it('ends one that was found in place, before and after the fence was raised', async () => {
        await target.fence(stamp());
        await target.retire({ slot: first, key: 'adopted' }, stamp(), 'accepted');
        expect(await outcome(fixture.adopted)).toBe('refused');
      });

      it('is refused when the slot records another credential, and changes nothing', async () => {
        const value = fresh();
        await target.apply(last, value, stamp(1, 'r2'));
        for (const key of ['r1', 'adopted']) {
          await expect(target.retire({ slot: last, key }, stamp(), 'accepted')).rejects.toMatchObject({
            code: 'ERR_TARGET_MISMATCH',
            message: expect.stringContaining(last),
          });
        }
        expect(await outcome(value)).toBe('accepted');
      });

      it('changes no credential when the recorded one is dead already', async () => {
        const value = fresh();
        await target.apply(last, value, stamp());
        await target.retire({ slot: last, key: 'r1' }, stamp(), 'refused');
        expect(await outcome(value)).toBe('accepted');
      });

      it('ends the sessions that the credential left', async () => {
        const value = fresh();
        await target.apply(last, value, stamp());
        const consumer = await fixture.consumer(value);
        expect(await consumer.alive()).toBe(true);
        await target.retire({ slot: last, key: 'r1' }, stamp(), 'accepted');
        expect(await consumer.alive()).toBe(false);
        await consumer.close();
      });
    });

    describe('evidence', () => {
      it('counts the open sessions of one slot by the target’s clock', async () => {
        if (!supportsUsage(target)) return expect(target.capability.usage).toBe(false);
        expect(target.capability.usage).toBe(true);
        expect(await target.lastUsed(first)).toMatchObject({ slot: first, sessions: 0 });
        const consumer = await fixture.consumer(fixture.adopted);
        const reading = await target.lastUsed(first);
        expect(reading.sessions).toBe(1);
        expect(reading.lastLoginAt).toBeLessThanOrEqual(reading.at + 1);
        expect(reading.lastUsedAt).toBeGreaterThanOrEqual(reading.lastLoginAt ?? Number.POSITIVE_INFINITY);
        await consumer.close();
      });

      it('does not count our own probes', async () => {
        if (!supportsUsage(target)) return expect(target.capability.usage).toBe(false);
        await Promise.all([1, 2, 3].map(() => target.probe(fixture.adopted, endpoint)));
        expect(await target.lastUsed(first)).toMatchObject({ sessions: 0 });
      });
    });

    it('finds a pair equal that was set up as the guide says', async () => {
      expect(await target.compare(first, last)).toEqual([]);
      expect(await target.preflight(first, last, stamp())).toEqual([]);
    });

    it('tells in a rehearsal the very calls that the real run makes, and changes nothing', async () => {
      const value = fresh();
      const run = async (over: Target, fence: number): Promise<Call[]> => {
        const before = fixture.calls.length;
        const at = stamp(fence);
        await over.preflight(first, last, at);
        await over.apply(last, value, at);
        expect((await over.probe(value, endpoint)).outcome).toBe('accepted');
        await over.fence(at);
        await over.retire({ slot: first, key: 'adopted' }, at, 'accepted');
        expect((await over.probe(fixture.adopted, endpoint)).outcome).toBe('refused');
        return fixture.calls.slice(before);
      };
      const dry = await fixture.rehearsal();
      if (first === last) {
        await dry.close();
        return expect(target.capability.slots).toBe(1);
      }
      const told = await run(dry, 3);
      await dry.close();
      expect(await outcome(value)).toBe('refused');
      expect(await outcome(fixture.adopted)).toBe('accepted');
      const made = await run(target, 4);
      expect(made).toEqual(told);
      expect(told.filter((call) => call.kind === 'effect').length).toBeGreaterThanOrEqual(3);
      const text = JSON.stringify(fixture.calls);
      for (const each of [value, fixture.adopted]) {
        for (const form of leakForms(String(each['password']))) expect(text).not.toContain(form);
      }
    });
  });
}
