/** A publish is three writes and a stage two. Each is lost on its way there and on its way back, on a real OpenBao. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SecretValue } from '../../shared/stores/index.ts';
import { leakForms } from '../contract/harness.ts';
import { conflictOf } from '../contract/store.ts';
import { PENDING } from '../contract/vault.ts';
import type { OpenBao } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { lossyProxy } from './vault-proxy.ts';
import type { LossyProxy } from './vault-proxy.ts';
import { openRoom } from './vault-room.ts';
import type { Room, VaultStore } from './vault-room.ts';

const NAME = 'app/db';
const OLD: SecretValue = { password: 'old-5d0c' };
const NEW: SecretValue = { password: 'new-77ab' };
const HAND: SecretValue = { password: 'hand-19fe' };
const WHERE = ['request', 'answer'] as const;
const cases = (writes: number) =>
  Array.from({ length: writes }, (_, index) => WHERE.map((when) => ({ nth: index + 1, when }))).flat();

await describeWithPeer('openbao', 'the Vault store, when a write is lost', (start) => {
  let bao: OpenBao;
  let proxy: LossyProxy;
  let room: Room;
  let direct: VaultStore;
  let fragile: VaultStore;
  beforeAll(async () => {
    bao = await start({});
    await bao.client.write('sys/auth/approle', { type: 'approle' });
    proxy = await lossyProxy(bao.address);
  });
  afterAll(async () => {
    await proxy.close();
    await bao.stop();
  });
  beforeEach(async () => {
    room = await openRoom(bao.client);
    direct = await room.open();
    fragile = await room.open({ address: proxy.address });
    await seed(OLD);
  });
  afterEach(() => room.close());

  const seed = (value: SecretValue) => bao.client.write(`${room.mount}/data/${NAME}`, { data: value });
  /** What a consumer reads, past every code of ours. */
  const consumed = async () => (await bao.client.read<{ data: SecretValue }>(`${room.mount}/data/${NAME}`)).data;
  const companion = async () => JSON.stringify(await bao.client.read(`${room.mount}/data/${PENDING}${NAME}`));
  const revision = async (): Promise<string> => (await direct.describe(NAME))?.revision ?? '';
  const labels = async () => (await direct.describe(NAME))?.labels;
  const unavailable = { code: 'ERR_STORE_UNAVAILABLE', retryable: true, message: expect.stringContaining('cut') as string };

  async function losing(nth: number, when: 'request' | 'answer', work: () => Promise<unknown>): Promise<void> {
    proxy.lose(nth, when);
    await expect(work()).rejects.toMatchObject(unavailable);
    expect(proxy.lost).toBe(true);
  }

  it.each(cases(2))('stages after losing the $when of write $nth, and the first value wins', async ({ nth, when }) => {
    await losing(nth, when, () => fragile.stage(NAME, NEW, 'r-1'));
    const staged = await direct.read(NAME, 'pending');

    const ref = await fragile.stage(NAME, nth === 2 && when === 'answer' ? HAND : NEW, 'r-1');

    expect(await direct.read(NAME, 'pending')).toEqual({ ...ref, value: NEW });
    if (staged !== undefined) expect(staged).toEqual({ ...ref, value: NEW });
    expect(await consumed()).toEqual(OLD);
  });

  describe('while it publishes', () => {
    it.each(cases(3))('says the truth after losing the $when of write $nth, and finishes', async ({ nth, when }) => {
      const before = await labels();
      const ref = await direct.stage(NAME, NEW, 'r-1');
      const expected = await revision();

      await losing(nth, when, () => fragile.publish(NAME, ref.id, expected));

      const done = nth === 3 || (nth === 2 && when === 'answer');
      const after = { current: ref, previous: before?.current };
      expect(await consumed()).toEqual(done ? NEW : OLD);
      expect(await labels()).toEqual(done ? after : { current: before?.current, pending: ref });
      expect(await direct.stage(NAME, HAND, 'r-1')).toEqual(ref);
      expect((await fragile.publish(NAME, ref.id, expected)).labels).toEqual(after);
      expect(await labels()).toEqual(after);
      expect(await direct.read(NAME, 'previous')).toEqual({ ...before?.current, value: OLD });
      expect(await consumed()).toEqual(NEW);
      const { current_version } = await bao.client.read<{ current_version: number }>(`${room.mount}/metadata/${NAME}`);
      expect(current_version).toBe(2); // published once
      expect(leakForms('new-77ab').filter((form) => form.length > 3 && JSON.stringify(room.calls).includes(form))).toEqual([]);
      expect(await companion()).not.toContain('new-77ab');
    });

    it.each(cases(3))('keeps a hand edit that comes after losing the $when of write $nth', async ({ nth, when }) => {
      const ref = await direct.stage(NAME, NEW, 'r-1');
      const expected = await revision();
      await losing(nth, when, () => fragile.publish(NAME, ref.id, expected));

      await seed(HAND);

      const done = nth === 3 || (nth === 2 && when === 'answer');
      expect((await labels())?.previous?.id).toBe(done ? ref.id : 'kv-1');
      await expect(fragile.publish(NAME, ref.id, expected)).rejects.toMatchObject(conflictOf(/moved/));
      expect(await consumed()).toEqual(HAND);
      const next = await direct.stage(NAME, { password: 'next' }, 'r-2').catch((error: unknown) => error);
      if (done) expect(next).toMatchObject({ rotationId: 'r-2' });
      else expect(next).toMatchObject(conflictOf(/pending/));
    });

    it.each(cases(3))('goes back to previous after losing the $when of write $nth', async ({ nth, when }) => {
      const before = await labels();
      const ref = await direct.stage(NAME, NEW, 'r-1');
      const forth = await direct.publish(NAME, ref.id, await revision());
      await losing(nth, when, () => fragile.publish(NAME, 'kv-1', forth.revision));

      const back = await fragile.publish(NAME, 'kv-1', forth.revision);

      expect(back.labels).toEqual({ current: before?.current, previous: ref });
      expect(await labels()).toEqual(back.labels);
      expect(await consumed()).toEqual(OLD);
    });
  });

  it.each(cases(1))('discards after losing the $when of write $nth', async ({ nth, when }) => {
    const ref = await direct.stage(NAME, NEW, 'r-1');
    await losing(nth, when, () => fragile.discard(NAME, ref.id));

    await fragile.discard(NAME, ref.id);

    expect(await direct.read(NAME, 'pending')).toBeUndefined();
    expect(await companion()).not.toContain('new-77ab');
    await expect(direct.stage(NAME, NEW, 'r-1')).rejects.toMatchObject(conflictOf(/discarded/));
  });

  it.each(cases(1))('does not put twice after losing the $when of write $nth', async ({ nth, when }) => {
    const expected = await revision();
    await losing(nth, when, () => fragile.put(NAME, NEW, expected));

    const again = await fragile.put(NAME, NEW, expected).catch((error: unknown) => error);

    if (when === 'request') expect(again).toMatchObject({ labels: { previous: { id: 'kv-1' } } });
    else expect(again).toMatchObject(conflictOf(/moved/));
    expect(await consumed()).toEqual(NEW);
    expect((await labels())?.current?.id).toBe('kv-2');
  });

  it('publishes once when two workers publish the same version at once', async () => {
    const ref = await direct.stage(NAME, NEW, 'r-1');
    const expected = await revision();

    const states = await Promise.all([direct.publish(NAME, ref.id, expected), fragile.publish(NAME, ref.id, expected)]);

    expect(states.map((state) => state.labels.current)).toEqual([ref, ref]);
    const { current_version } = await bao.client.read<{ current_version: number }>(`${room.mount}/metadata/${NAME}`);
    expect(current_version).toBe(2);
  });
});
