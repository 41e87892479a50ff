/** The contract of the SecretStore port: every sentence of shared/stores/port.ts is a test here, over any adapter or fake. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Call } from '../../shared/deps.ts';
import { supportsPut } from '../../shared/stores/index.ts';
import type { SecretState, SecretStore, SecretValue } from '../../shared/stores/index.ts';
import { all, leakForms } from './harness.ts';
import type { ManualClock } from './harness.ts';
import { storeModelProperty } from './store-model.ts';

export interface StoreFixture {
  readonly store: SecretStore;
  /** The calls that `store` and its seconds have made or told, oldest first. */
  readonly calls: readonly Call[];
  readonly clock: ManualClock;
  /** Makes `value` current as a person would, past the adapter or through the vendor's own means. */
  seed(name: string, value: SecretValue): Promise<void>;
  /** Another adapter over the same data, as another process has. */
  second(): Promise<SecretStore>;
  /** An adapter over the same data whose gate rehearses. */
  rehearsal(): Promise<SecretStore>;
  close(): Promise<void>;
  /** How many effects `stage` and `publish` take together, where the vendor has no call that does both of publishing's parts; 2 when absent. */
  readonly rotationEffects?: number;
  /** A name that would match too much in a careless query, where the vendor's names may not hold the `%` of `app%`. */
  readonly oddName?: string;
  /**
   * True where a revision names the two versions that are current and previous. Versions never change, so when both are back after moves there and
   * back again, so is the revision: nothing is then otherwise than it was. Secrets Manager has nothing that counts moves.
   */
  readonly pairRevisions?: boolean;
  /** The most bytes that the vendor keeps of a value, where they are fewer than the port's 64 KiB; a larger one is refused in words. */
  readonly largest?: number;
}

export interface StoreHarness {
  /** How many random sequences are compared with the model; 50 when absent. Fewer where each operation is several requests to a slow emulator. */
  readonly modelRuns?: number;
  open(): Promise<StoreFixture>;
}

const CANARY = 'Zq7%"\\ \u00e9/+canary-5f1c';
const NAME = 'app/db';
const OLD: SecretValue = { username: 'app_a', password: `${CANARY}-old` };
const NEW: SecretValue = { username: 'app_b', password: `${CANARY}-new` };
const OTHER: SecretValue = { username: 'app_b', password: `${CANARY}-other` };

export const conflictOf = (text: RegExp) => ({ code: 'ERR_STORE_CONFLICT', message: expect.stringMatching(text) });

export function storeContract(name: string, harness: StoreHarness): void {
  // Every write waits for the disk, which other tests may keep busy.
  describe(`SecretStore contract: ${name}`, { timeout: 60_000 }, () => {
    let fixture: StoreFixture;
    let store: SecretStore;
    beforeEach(async () => {
      fixture = await harness.open();
      store = fixture.store;
    });
    afterEach(() => fixture.close());
    afterAll(() => console.log(`SecretStore contract ran over: ${name}`));

    async function seeded(value: SecretValue = OLD): Promise<SecretState> {
      await fixture.seed(NAME, value);
      return stateOf();
    }
    async function stateOf(): Promise<SecretState> {
      const state = await store.describe(NAME);
      if (state === undefined) throw new Error('the secret is gone');
      return state;
    }
    const valueAt = async (at: 'current' | 'pending' | 'previous') => (await store.read(NAME, at))?.value;

    describe('describe and read', () => {
      it('say undefined of a secret that does not exist', async () => {
        expect(await store.describe('nobody')).toBeUndefined();
        expect(await store.read('nobody', 'current')).toBeUndefined();
        expect(await store.read('nobody', { version: 'v-1' })).toBeUndefined();
      });

      it('show a seeded secret as current and nothing else', async () => {
        const state = await seeded();
        expect(state.name).toBe(NAME);
        expect(Object.keys(state.labels)).toEqual(['current']);
        expect(state.labels.current?.rotationId).toBeUndefined();
        expect(await valueAt('current')).toEqual(OLD);
        expect(await store.read(NAME, 'pending')).toBeUndefined();
        expect(await store.read(NAME, 'previous')).toBeUndefined();
      });

      it('read by the id that a label named', async () => {
        const { labels } = await seeded();
        const version = await store.read(NAME, { version: labels.current?.id ?? '' });
        expect(version).toEqual({ ...labels.current, value: OLD });
        expect(await store.read(NAME, { version: 'v-none' })).toBeUndefined();
      });

      it('keep every kind of field as it was', async () => {
        const value = {
          text: 'a\u0000b"\\\u2028',
          number: -1.5e-7,
          yes: true,
          nothing: null,
          '': 'empty name',
          ['__proto__']: 'own',
        };
        await seeded(value);
        expect(JSON.stringify(await valueAt('current'))).toBe(JSON.stringify(value));
      });

      it('keep 64 KiB; where the vendor keeps less, that much, and refuse more in words', async () => {
        const largest = fixture.largest ?? 65_536;
        const value = { text: 'x'.repeat(largest - '{"text":""}'.length) };
        await seeded(value);
        expect(await valueAt('current')).toEqual(value);
        if (fixture.largest === undefined) return;
        const tooLarge = store.stage(NAME, { text: `x${value.text}` }, 'r-1');
        await expect(tooLarge).rejects.toMatchObject({
          code: 'ERR_SECRET_INVALID',
          message: expect.stringContaining(String(largest)),
        });
      });
    });

    describe('stage', () => {
      it('writes a version labelled pending that readers of current cannot see, and leaves the revision', async () => {
        const before = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        const after = await stateOf();
        expect(ref).toMatchObject({ rotationId: 'r-1', id: expect.any(String) });
        expect(after).toEqual({ ...before, labels: { ...before.labels, pending: ref } });
        expect(await valueAt('current')).toEqual(OLD);
        expect(await store.read(NAME, 'pending')).toEqual({ ...ref, value: NEW });
      });

      it('gives the same version for the same rotation, and the first value wins', async () => {
        await seeded();
        const first = await store.stage(NAME, NEW, 'r-1');
        fixture.clock.advance(60_000);
        expect(await store.stage(NAME, OTHER, 'r-1')).toEqual(first);
        expect(await valueAt('pending')).toEqual(NEW);
      });

      it('gives the same version also after it was published, and stages nothing', async () => {
        const { revision } = await seeded();
        const first = await store.stage(NAME, NEW, 'r-1');
        await store.publish(NAME, first.id, revision);
        expect(await store.stage(NAME, OTHER, 'r-1')).toEqual(first);
        expect((await stateOf()).labels.pending).toBeUndefined();
        expect(await valueAt('current')).toEqual(NEW);
      });

      it("refuses while another rotation's version is pending", async () => {
        await seeded();
        const first = await store.stage(NAME, NEW, 'r-1');
        await expect(store.stage(NAME, OTHER, 'r-2')).rejects.toMatchObject(conflictOf(/pending/));
        expect((await stateOf()).labels.pending).toEqual(first);
        expect(await valueAt('pending')).toEqual(NEW);
      });

      it("refuses when this rotation's version was discarded, and takes another rotation's", async () => {
        await seeded();
        const first = await store.stage(NAME, NEW, 'r-1');
        await store.discard(NAME, first.id);
        await expect(store.stage(NAME, NEW, 'r-1')).rejects.toMatchObject(conflictOf(/discarded/));
        const second = await store.stage(NAME, OTHER, 'r-2');
        expect(second.id).not.toBe(first.id);
        expect(await valueAt('pending')).toEqual(OTHER);
      });

      it('keeps secrets apart: one rotation id may serve two of them', async () => {
        await seeded();
        await fixture.seed('app/api', OLD);
        await store.stage(NAME, NEW, 'r-1');
        await store.stage('app/api', OTHER, 'r-1');
        expect(await valueAt('pending')).toEqual(NEW);
        expect((await store.read('app/api', 'pending'))?.value).toEqual(OTHER);
      });
    });

    describe('publish', () => {
      it('moves current to the version, the old current to previous, and removes pending', async () => {
        const before = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        const state = await store.publish(NAME, ref.id, before.revision);
        expect(state.labels).toEqual({ current: ref, previous: before.labels.current });
        expect(state.revision).not.toBe(before.revision);
        expect(await stateOf()).toEqual(state);
        expect(await valueAt('current')).toEqual(NEW);
        expect(await valueAt('previous')).toEqual(OLD);
        expect(await store.read(NAME, { version: ref.id })).toEqual({ ...ref, value: NEW });
      });

      it('refuses after a hand edit, which stays, and changes nothing', async () => {
        const { revision } = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        await fixture.seed(NAME, OTHER);
        const edited = await stateOf();
        expect(edited.revision).not.toBe(revision);
        await expect(store.publish(NAME, ref.id, revision)).rejects.toMatchObject(conflictOf(/moved|edited/));
        expect(await stateOf()).toEqual(edited);
        expect(await valueAt('current')).toEqual(OTHER);
      });

      it('refuses after a hand edit that put the same value back', async () => {
        const { revision } = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        await fixture.seed(NAME, OTHER);
        await fixture.seed(NAME, OLD);
        await expect(store.publish(NAME, ref.id, revision)).rejects.toMatchObject(conflictOf(/moved|edited/));
      });

      it('is a no-op for the version that is current, whatever is expected', async () => {
        const { revision } = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        const published = await store.publish(NAME, ref.id, revision);
        expect(await store.publish(NAME, ref.id, revision)).toEqual(published);
        expect(await store.publish(NAME, ref.id, 'never-was')).toEqual(published);
        expect(await stateOf()).toEqual(published);
      });

      it("leaves a later rotation's pending version when an old publish is delivered again", async () => {
        const { revision } = await seeded();
        const first = await store.stage(NAME, NEW, 'r-1');
        await store.publish(NAME, first.id, revision);
        const second = await store.stage(NAME, OTHER, 'r-2');
        await store.publish(NAME, first.id, revision);
        expect((await stateOf()).labels.pending).toEqual(second);
      });

      it('refuses a version that was discarded or never was', async () => {
        const { revision } = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        await store.discard(NAME, ref.id);
        await expect(store.publish(NAME, ref.id, revision)).rejects.toMatchObject(conflictOf(/not in the store|discarded/));
        await expect(store.publish(NAME, 'v-none', revision)).rejects.toMatchObject(conflictOf(/not in the store/));
        expect(await valueAt('current')).toEqual(OLD);
      });

      it('can go back to previous, and then forth', async () => {
        const before = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        const forth = await store.publish(NAME, ref.id, before.revision);
        const back = await store.publish(NAME, before.labels.current?.id ?? '', forth.revision);
        expect(back.labels).toEqual({ current: before.labels.current, previous: ref });
        expect(back.revision).not.toBe(before.revision); // current has moved, twice
      });

      it('lets one of two adapters win a race', async () => {
        const { revision } = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        const other = await fixture.second();
        const [first, second] = await Promise.allSettled([fixture.seed(NAME, OTHER), other.publish(NAME, ref.id, revision)]);
        expect(first.status).toBe('fulfilled');
        expect(await valueAt('current')).toEqual(OTHER);
        if (second.status === 'fulfilled') expect(await valueAt('previous')).toEqual(NEW);
        else expect(second.reason).toMatchObject(conflictOf(/moved|edited/));
      });
    });

    describe('discard', () => {
      it('removes the pending version, its value too, and leaves the revision', async () => {
        const before = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        await store.discard(NAME, ref.id);
        expect(await stateOf()).toEqual(before);
        expect(await store.read(NAME, { version: ref.id })).toBeUndefined();
      });

      it('is a no-op when it is gone, never was, or its secret never was', async () => {
        const before = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        await store.discard(NAME, ref.id);
        await store.discard(NAME, ref.id);
        await store.discard(NAME, 'v-none');
        await store.discard('nobody', 'v-none');
        expect(await stateOf()).toEqual(before);
      });

      it('refuses when current or previous names it', async () => {
        const { revision, labels } = await seeded();
        const ref = await store.stage(NAME, NEW, 'r-1');
        const published = await store.publish(NAME, ref.id, revision);
        await expect(store.discard(NAME, ref.id)).rejects.toMatchObject(conflictOf(/current/));
        await expect(store.discard(NAME, labels.current?.id ?? '')).rejects.toMatchObject(conflictOf(/previous/));
        expect(await stateOf()).toEqual(published);
        expect(await valueAt('previous')).toEqual(OLD);
      });
    });

    describe('list', () => {
      it('gives every secret with its labels, or those with a prefix', async () => {
        const odd = fixture.oddName ?? 'app%';
        for (const one of ['app/db', 'app/api', 'web/db', odd]) await fixture.seed(one, OLD);
        const pending = await store.stage(NAME, NEW, 'r-1');
        const every = await all(store.list());
        expect(every.map((summary) => summary.name).toSorted()).toEqual([odd, 'app/api', 'app/db', 'web/db'].toSorted());
        expect(every.find((summary) => summary.name === NAME)?.labels).toEqual((await stateOf()).labels);
        expect((await stateOf()).labels.pending).toEqual(pending);
        const some = await all(store.list({ prefix: 'app/' }));
        expect(some.map((summary) => summary.name).toSorted()).toEqual(['app/api', 'app/db']);
        expect(JSON.stringify(every)).not.toContain('canary');
      });
    });

    describe('across adapters and time', () => {
      it('shows what another adapter wrote', async () => {
        const { revision } = await seeded();
        const other = await fixture.second();
        const ref = await other.stage(NAME, NEW, 'r-1');
        expect(await store.read(NAME, 'pending')).toEqual({ ...ref, value: NEW });
        await store.publish(NAME, ref.id, revision);
        expect((await other.read(NAME, 'current'))?.value).toEqual(NEW);
      });

      it('stages one value when two adapters stage the same rotation', async () => {
        await seeded();
        const other = await fixture.second();
        const [a, b] = await Promise.all([store.stage(NAME, NEW, 'r-1'), other.stage(NAME, OTHER, 'r-1')]);
        expect(a).toEqual(b);
        expect(await store.read(NAME, 'pending')).toEqual(await other.read(NAME, 'pending'));
      });
    });

    describe('put, where it is supported', () => {
      it('creates only what is new with null, replaces what is at a revision, and keeps pending', async () => {
        if (!supportsPut(store)) return expect(Object.keys(store)).not.toContain('put');
        const made = await store.put(NAME, OLD, null);
        expect(Object.keys(made.labels)).toEqual(['current']);
        await expect(store.put(NAME, NEW, null)).rejects.toMatchObject(conflictOf(/exists/));
        const pending = await store.stage(NAME, OTHER, 'r-1');
        const next = await store.put(NAME, NEW, made.revision);
        expect(next.labels).toEqual({ current: expect.anything(), previous: made.labels.current, pending });
        expect(next.revision).not.toBe(made.revision);
        await expect(store.put(NAME, OLD, made.revision)).rejects.toMatchObject(conflictOf(/moved/));
        await expect(store.put('nobody', OLD, made.revision)).rejects.toMatchObject(conflictOf(/no such secret/));
        await store.put(NAME, OLD);
        expect(await valueAt('current')).toEqual(OLD);
        expect(await valueAt('previous')).toEqual(NEW);
      });
    });

    describe('calls and rehearsal', () => {
      async function rotate(through: SecretStore, revision: string): Promise<void> {
        const ref = await through.stage(NAME, NEW, 'r-1');
        await through.publish(NAME, ref.id, revision);
      }
      const effects = () => fixture.calls.filter((call) => call.kind !== 'read').map((call) => call.text);

      it('go through the gate with texts that a rehearsal prints alike, and a rehearsal changes nothing', async () => {
        const before = await seeded();
        const rehearsed = await fixture.rehearsal();
        const start = effects().length;
        await rotate(rehearsed, before.revision);
        const told = effects().slice(start);
        expect(await stateOf()).toEqual(before);
        await rotate(store, before.revision);
        const made = effects().slice(start + told.length);
        expect(made).toEqual(told);
        expect(told).toHaveLength(fixture.rotationEffects ?? 2);
        expect(told[0]).toContain(NAME);
        expect(told[0]).toContain('r-1');
      });

      it('rehearse a ref that a real run would give', async () => {
        await seeded();
        const told = await (await fixture.rehearsal()).stage(NAME, NEW, 'r-1');
        expect(await store.stage(NAME, NEW, 'r-1')).toMatchObject({ id: told.id, rotationId: 'r-1' });
      });

      it('never hold material, nor do errors', async () => {
        const { revision } = await seeded();
        await rotate(await fixture.rehearsal(), revision);
        await rotate(store, revision);
        const pending = await store.stage(NAME, OTHER, 'r-2');
        const errors = await Promise.all([
          store.stage(NAME, OTHER, 'r-3').catch((error: unknown) => String(error)),
          store.publish(NAME, pending.id, revision).catch((error: unknown) => String(error)),
          store.discard(NAME, (await stateOf()).labels.current?.id ?? '').catch((error: unknown) => String(error)),
        ]);
        const said = JSON.stringify([fixture.calls, errors]);
        expect(errors).toEqual([1, 2, 3].map(() => expect.stringContaining('KeywheelError')));
        expect(leakForms(CANARY).filter((form) => said.includes(form))).toEqual([]);
      });
    });

    it('agrees with a model on random sequences of operations', () => storeModelProperty(harness), 60_000);
  });
}
