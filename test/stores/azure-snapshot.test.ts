/** Which version is which, where Key Vault tells neither an order nor more than whole seconds. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buriedEdit, viewOf } from '../../shared/stores/azure/snapshot.ts';
import type { Snapshot } from '../../shared/stores/azure/snapshot.ts';
import { pendingOf, tagsOfPending, tagsOfWrite, writtenOf } from '../../shared/stores/azure/tags.ts';
import type { VaultVersion } from '../../shared/stores/azure/vault.ts';

/** Ids whose order is not that of their making. */
const ids = ['e', '1', 'c', '5', 'a', '9', '3', '7'];
const made = (n: number, second: number, tags: Record<string, string> = {}): VaultVersion => ({
  kv: `${ids[n % ids.length] ?? ''}${n}`.padStart(32, '0'),
  created: second * 1000,
  enabled: true,
  tags,
});
const snapshot = (
  main: readonly VaultVersion[],
  newest: VaultVersion | undefined,
  companion: readonly VaultVersion[] = [],
): Snapshot => ({
  main,
  newest: newest === undefined ? undefined : { ...newest, text: '{}' },
  companion,
});
const ours = (nonce: string, base: VaultVersion, rotationId: string, previous: string, beside = 0) =>
  tagsOfWrite({ nonce, base: base.kv, beside, previous, ref: { id: `v-${rotationId}`, createdAt: 1, rotationId } }, {});

describe('versions', () => {
  it('are in the order of time, the newest being the one that Key Vault gives', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }), fc.nat(4), (order, newest) => {
        const main = [0, 1, 2, 3, 4].map((n) => made(n, n === newest ? 4 : Math.min(n, 4)));
        const view = viewOf(
          snapshot(
            order.map((n) => main[n] as VaultVersion),
            main[newest],
          ),
        );
        expect(view.labels.current?.id).toBe(main[newest]?.kv);
        expect(view.revision).toBe(main[newest]?.kv);
        const rest = view.main.slice(1).map(({ stored }) => stored.created);
        expect(rest).toEqual(rest.toSorted((a, b) => b - a));
      }),
    );
  });

  it('of one second are told apart by what was written upon what', () => {
    const first = made(0, 7);
    const second = made(1, 7, ours('n1', first, 'r-1', first.kv));
    const third = made(2, 7, ours('n2', second, 'r-2', 'v-r-1', 1));
    for (const main of [
      [first, second, third],
      [third, first, second],
      [second, third, first],
    ]) {
      const view = viewOf(snapshot(main, third));
      expect(view.main.map(({ ref }) => ref.id)).toEqual(['v-r-2', 'v-r-1', first.kv]);
      expect(view.labels.previous?.id).toBe('v-r-1');
      expect(buriedEdit(view)).toBeUndefined();
    }
  });

  it('with our tags copied by somebody are hand edits', () => {
    const first = made(0, 1);
    const published = made(1, 2, ours('n1', first, 'r-1', first.kv));
    const copy = made(2, 3, { ...published.tags, team: 'web' });
    const view = viewOf(snapshot([first, published, copy], copy));
    expect(view.labels).toMatchObject({ current: { id: copy.kv }, previous: { id: 'v-r-1', rotationId: 'r-1' } });
    expect(view.labels.current?.rotationId).toBeUndefined();
  });

  it('that are disabled are passed over for previous', () => {
    const [first, second, third] = [made(0, 1), { ...made(1, 2), enabled: false }, made(2, 3)];
    expect(viewOf(snapshot([first, second, third], third)).labels.previous?.id).toBe(first.kv);
  });
});

describe('a hand edit under a write of ours', () => {
  const [base, edit] = [made(0, 5), made(1, 6)];

  it('is found', () => {
    const over = made(2, 7, ours('n1', base, 'r-1', base.kv));
    expect(buriedEdit(viewOf(snapshot([over, base, edit], over)))?.stored).toBe(edit);
  });

  it('is found in the second of the write, and of what was before', () => {
    const over = made(2, 6, ours('n1', base, 'r-1', base.kv));
    expect(buriedEdit(viewOf(snapshot([over, base, edit], over)))?.stored).toBe(edit);
    const soon = made(3, 5);
    const same = made(2, 5, ours('n1', base, 'r-1', base.kv));
    expect(buriedEdit(viewOf(snapshot([same, base, soon], same)))?.stored).toBe(soon);
  });

  it('is not made of what was beside the base already, nor of our own write made twice, nor of what came later', () => {
    const beside = made(3, 5);
    const over = made(2, 7, ours('n1', base, 'r-1', base.kv, 1));
    expect(buriedEdit(viewOf(snapshot([over, base, beside], over)))).toBeUndefined();
    const twice = made(4, 7, ours('n2', base, 'r-1', base.kv));
    expect(buriedEdit(viewOf(snapshot([made(2, 7, ours('n1', base, 'r-1', base.kv)), base, twice], twice)))).toBeUndefined();
    expect(buriedEdit(viewOf(snapshot([over, base, beside, made(5, 9)], made(5, 9))))).toBeUndefined();
  });
});

describe('tags', () => {
  it('come back as they were written, beside those that people gave, and are never more than 15', () => {
    const theirs = Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`tag-${n}`, 'x']));
    const id = fc.string({ unit: fc.constantFrom('r', '-', '.', '0'), minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(id, fc.boolean(), (rotationId, first) => {
        const ref = { id: `v-${rotationId}`, createdAt: 1_700_000_000_000, rotationId };
        const written = { nonce: 'f'.repeat(16), beside: 3, ref, ...(first ? {} : { base: 'a'.repeat(32), previous: ref.id }) };
        const tags = tagsOfWrite(written, { ...theirs, 'keywheel-previous': 'old' });
        expect(writtenOf({ ...made(0, 1), tags })).toEqual(written);
        expect(Object.keys(tags).length).toBeLessThanOrEqual(15);
        for (const [name, value] of Object.entries(tags)) expect(Math.max(name.length, value.length)).toBeLessThanOrEqual(256);
      }),
    );
    expect(pendingOf({ ...made(0, 1), tags: tagsOfPending('r-1', 'discarded') })).toEqual({
      rotationId: 'r-1',
      state: 'discarded',
    });
  });

  it('of others are not ours', () => {
    for (const tags of [{}, { 'keywheel-write': '' }, { 'keywheel-write': 'n.b.x..' }, { 'keywheel-rotation': 'r-1' }]) {
      expect([writtenOf({ ...made(0, 1), tags }), pendingOf({ ...made(0, 1), tags })]).toEqual([undefined, undefined]);
    }
  });
});
