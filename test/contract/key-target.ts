/** The contract of the Target port for targets whose provider makes the material: every sentence of shared/targets/port.ts on minting. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openGate } from '../../shared/deps.ts';
import type { Call, Gate } from '../../shared/deps.ts';
import { KeywheelError } from '../../shared/errors.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { supportsUsage } from '../../shared/targets/index.ts';
import type { CredentialId, Stamp, SupportsMinting, Target } from '../../shared/targets/index.ts';
import { leakForms } from './harness.ts';

export interface KeyTargetFixture {
  readonly target: Target & SupportsMinting;
  /** The calls that `target` and its rehearsals made or told, oldest first. */
  readonly calls: readonly Call[];
  /** A value whose key was made by hand and is in place. */
  readonly adopted: SecretValue;
  /** The response of the next call that makes a key never arrives; the key is made. */
  loseNextMint(): void;
  /** An adapter over the same world whose gate rehearses and tells to `calls` too. */
  rehearsal(): Promise<Target & SupportsMinting>;
  /** The ids of all keys that exist at the provider, read without the adapter. */
  ids(): Promise<string[]>;
  /** A person makes another key; its id. */
  createByHand(): Promise<string>;
  /** A consumer uses the key. False when it is refused. */
  use(value: SecretValue): Promise<boolean>;
  /** The fields of a value that are secret. */
  readonly secrets: readonly string[];
  close(): Promise<void>;
}

export interface KeyTargetHarness {
  /** True where the provider has a place for the fence; else only what was minted tells of later workers. */
  readonly keepsFence: boolean;
  /** True where the provider has a place to record keys, so that one that no rotation recorded is not retired. */
  readonly recordsKeys: boolean;
  /** A new world for each test. */
  open(): Promise<KeyTargetFixture>;
}

/** A gate that makes calls, and throws away the answer of the one that `lost` matches. */
export function losingGate(observe: (call: Call) => void, lost: (call: Call) => boolean): Gate {
  const gate = openGate(observe);
  return {
    rehearsing: false,
    async run(call, perform, rehearsed) {
      const result = await gate.run(call, perform, rehearsed);
      if (lost(call)) throw new KeywheelError('ERR_TIMEOUT', 'the answer was lost', { retryable: true });
      return result;
    },
  };
}

export function keyTargetContract(name: string, harness: KeyTargetHarness): void {
  describe(`Target contract for keys: ${name}`, () => {
    afterAll(() => console.log(`Target contract for keys ran over: ${name}`));
    let fixture: KeyTargetFixture;
    let target: Target & SupportsMinting;
    let slot: string;
    let adoptedId: CredentialId;
    const stamp = (fence = 1, rotationId = 'r1', over: Partial<Stamp> = {}): Stamp => ({
      installation: 'here',
      secret: 'app/key',
      rotationId,
      fence,
      ...over,
    });
    const keyOf = (value: SecretValue): string => target.keyOf?.(value) ?? String(value['keyId']);
    const outcomes = async (value: SecretValue): Promise<string[]> =>
      Promise.all(target.endpoints.map(async (each) => (await target.probe(value, each)).outcome));
    const mint = (at = stamp(), current = fixture.adopted) => target.mint(slot, at.rotationId, current, at);

    beforeEach(async () => {
      fixture = await harness.open();
      target = fixture.target;
      slot = target.slots[0] ?? '';
      adoptedId = { slot, key: keyOf(fixture.adopted) };
    });
    afterEach(async () => {
      await target.close();
      await fixture.close();
    });

    it('makes its own material, in one slot that a value names', () => {
      expect(target.capability).toMatchObject({ origin: 'provider' });
      expect(target.slots).toHaveLength(1);
      expect(target.slotOf(fixture.adopted)).toBe(slot);
      expect(keyOf(fixture.adopted)).not.toBe('undefined');
      expect(target.capability.usage).toBe(supportsUsage(target));
    });

    it.each(['{}', '[]'])('refuses a value without material: %s', (text) => {
      expect(() => target.slotOf(JSON.parse(text) as SecretValue)).toThrow(
        expect.objectContaining({ code: 'ERR_SECRET_INVALID', message: expect.stringMatching(/\w+ is missing/) }),
      );
    });

    describe('mint', () => {
      it('makes a key beside the one in place, and keeps every other field of the value', async () => {
        const { id, value } = await mint(stamp(), { ...fixture.adopted, note: 'kept', retries: 3 });
        expect(value).toMatchObject({ note: 'kept', retries: 3 });
        expect(id).toEqual({ slot, key: keyOf(value) });
        expect(new Set(await fixture.ids())).toEqual(new Set([adoptedId.key, id.key]));
        expect(new Set(await outcomes(value))).toEqual(new Set(['accepted']));
        expect(new Set(await outcomes(fixture.adopted))).toEqual(new Set(['accepted']));
      });

      it('is found by its marker, and by no other', async () => {
        expect(await target.find('r1')).toEqual([]);
        const { id } = await mint();
        expect(await target.find('r1')).toEqual([id]);
        expect(await target.find('r2')).toEqual([]);
      });

      it('is found by its marker when its material was lost, and can be retired and made again', async () => {
        fixture.loseNextMint();
        await expect(mint()).rejects.toMatchObject({ code: 'ERR_TIMEOUT' });
        const [orphan, ...others] = await target.find('r1');
        expect(others).toEqual([]);
        expect(orphan?.key).not.toBe(adoptedId.key);
        await target.retire(orphan ?? adoptedId, stamp(2), 'accepted');
        const { id } = await mint(stamp(2));
        expect(await target.find('r1')).toEqual([id]);
        expect(new Set(await fixture.ids())).toEqual(new Set([adoptedId.key, id.key]));
      });

      it('never takes a key for its own that a person made', async () => {
        const theirs = await fixture.createByHand();
        expect(await target.find('r1')).toEqual([]);
        expect(await fixture.ids()).toContain(theirs);
      });

      it('is refused with a fence lower than one that minted, and makes nothing', async () => {
        await mint(stamp(5));
        const before = await fixture.ids();
        await expect(mint(stamp(4, 'r0'))).rejects.toMatchObject({
          code: 'ERR_FENCE_STALE',
          message: expect.stringContaining('5'),
        });
        expect(await fixture.ids()).toEqual(before);
      });

      it.each([{ installation: 'elsewhere' }, { secret: 'other/key' }])('is refused for a key of %j', async (over) => {
        const theirs = await mint(stamp(1, 'r1', over));
        const before = await fixture.ids();
        const owned = { code: 'ERR_TARGET_OWNED', message: expect.stringMatching(/is rotated by/) };
        await expect(mint(stamp(9, 'r2'), theirs.value)).rejects.toMatchObject(owned);
        await expect(target.retire(theirs.id, stamp(9, 'r2'), 'accepted')).rejects.toMatchObject(owned);
        expect(await fixture.ids()).toEqual(before);
      });
    });

    describe('fence', () => {
      it('changes no key', async () => {
        await target.fence(stamp(3));
        expect(await fixture.ids()).toEqual([adoptedId.key]);
        expect(new Set(await outcomes(fixture.adopted))).toEqual(new Set(['accepted']));
      });

      it('stops every effect of an earlier lease', async () => {
        const { id } = await mint(stamp(7));
        if (harness.keepsFence) await target.fence(stamp(8, 'r2'));
        const stale = { code: 'ERR_FENCE_STALE' };
        await expect(mint(stamp(6, 'r0'))).rejects.toMatchObject(stale);
        await expect(target.retire(id, stamp(6, 'r0'), 'accepted')).rejects.toMatchObject(stale);
        await expect(target.fence(stamp(6, 'r0'))).rejects.toMatchObject(stale);
        expect(await fixture.ids()).toContain(id.key);
      });
    });

    describe('retire', () => {
      it('ends the key in place by its id once another one was minted, and may be repeated', async () => {
        const { id, value } = await mint();
        await target.retire(adoptedId, stamp(), 'accepted');
        await target.retire(adoptedId, stamp(2), 'refused');
        expect(await fixture.ids()).toEqual([id.key]);
        expect(new Set(await outcomes(fixture.adopted))).toEqual(new Set(['refused']));
        expect(new Set(await outcomes(value))).toEqual(new Set(['accepted']));
      });

      it('ends a minted key and no other', async () => {
        const { id, value } = await mint();
        await target.retire(id, stamp(), 'accepted');
        expect(await fixture.ids()).toEqual([adoptedId.key]);
        expect(new Set(await outcomes(value))).toEqual(new Set(['refused']));
      });

      it('is a success for a key that is gone already', async () => {
        const { id } = await mint();
        await target.retire(id, stamp(), 'accepted');
        await target.retire(id, stamp(), 'accepted');
        expect(await target.find('r1')).toEqual([]);
      });

      if (harness.recordsKeys) {
        it('is refused for a key that no rotation recorded, and changes nothing', async () => {
          const theirs = await fixture.createByHand();
          await expect(target.retire({ slot, key: theirs }, stamp(), 'accepted')).rejects.toMatchObject({
            code: 'ERR_TARGET_MISMATCH',
            message: expect.stringContaining(theirs),
          });
          expect(await fixture.ids()).toContain(theirs);
        });
      }

      it('is refused for another slot', async () => {
        await expect(target.retire({ slot: 'somebody', key: adoptedId.key }, stamp(), 'accepted')).rejects.toMatchObject({
          code: 'ERR_TARGET_MISMATCH',
          message: expect.stringContaining('somebody'),
        });
      });
    });

    it('stops before it begins where there is no room for another key, and names the keys', async () => {
      expect(await target.preflight(slot, slot, stamp())).toEqual([]);
      expect(await target.compare(slot, slot)).toEqual([]);
      const made: string[] = [];
      while (made.length + 1 < target.capability.slots) made.push(await fixture.createByHand());
      const [finding, ...others] = await target.preflight(slot, slot, stamp());
      expect(others).toEqual([]);
      expect(finding).toMatchObject({ code: 'key-limit', level: 'error', message: expect.stringContaining(made.at(-1) ?? '') });
      await expect(mint()).rejects.toMatchObject({
        code: 'ERR_TARGET_FAILED',
        message: expect.stringContaining(made.at(-1) ?? ''),
      });
      expect(new Set(await fixture.ids())).toEqual(new Set([adoptedId.key, ...made]));
    });

    describe('probe', () => {
      it('refuses material that is wrong by one character', async () => {
        const [field = ''] = fixture.secrets;
        const text = String(fixture.adopted[field]);
        const wrong = { ...fixture.adopted, [field]: `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}` };
        expect(new Set(await outcomes(wrong))).toEqual(new Set(['refused']));
      });
    });

    describe('evidence', () => {
      it('tells the last use of one key, and does not count our own probes', async () => {
        if (!supportsUsage(target)) return expect(target.capability.usage).toBe(false);
        const { id, value } = await mint();
        await outcomes(value);
        await outcomes(fixture.adopted);
        expect((await target.lastUsed(slot, id)).lastUsedAt).toBeUndefined();
        expect(await fixture.use(fixture.adopted)).toBe(true);
        const reading = await target.lastUsed(slot, adoptedId);
        expect(reading).toMatchObject({ slot, sessions: 0 });
        expect(reading.lastUsedAt).toBeLessThanOrEqual(reading.at + 1000);
        expect(reading.lastLoginAt).toBe(reading.lastUsedAt);
        expect((await target.lastUsed(slot, id)).lastUsedAt).toBeUndefined();
      });

      it('tells no use of a key that is gone', async () => {
        if (!supportsUsage(target)) return expect(target.capability.usage).toBe(false);
        const { id } = await mint();
        await target.retire(id, stamp(), 'accepted');
        expect((await target.lastUsed(slot, id)).lastUsedAt).toBeUndefined();
      });
    });

    it('tells in a rehearsal the very calls that the real run makes, and changes nothing', async () => {
      const run = async (over: Target & SupportsMinting, fence: number) => {
        const before = fixture.calls.length;
        const at = stamp(fence);
        await over.preflight(slot, slot, at);
        await over.fence(at);
        expect(await over.find('r1')).toEqual([]);
        const made = await over.mint(slot, 'r1', fixture.adopted, at);
        await over.fence(at);
        const endpoint = over.endpoints[0] ?? '';
        expect((await over.probe(made.value, endpoint)).outcome).toBe('accepted');
        expect(await over.find('r1')).toEqual([made.id]);
        await over.retire(adoptedId, at, 'accepted');
        expect((await over.probe(fixture.adopted, endpoint)).outcome).toBe('refused');
        return { calls: fixture.calls.slice(before), made };
      };
      const dry = await fixture.rehearsal();
      const told = await run(dry, 3);
      await dry.close();
      expect(await fixture.ids()).toEqual([adoptedId.key]);
      const { calls, made } = await run(target, 4);
      expect(calls).toEqual(told.calls);
      expect(calls.filter((call) => call.kind === 'effect').length).toBeGreaterThanOrEqual(2);
      const text = JSON.stringify(fixture.calls);
      for (const value of [made.value, fixture.adopted]) {
        for (const field of fixture.secrets) {
          for (const form of leakForms(String(value[field]))) expect(text).not.toContain(form);
        }
      }
    });
  });
}
