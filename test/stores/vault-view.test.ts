/** The companion record and the labels that follow from it: pure, so tried on many. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry, KeyMetadata } from '../../shared/stores/vault/kv.ts';
import { checkPath, pathOf } from '../../shared/stores/vault/path.ts';
import { emptyRecord, fieldsOf, recordOf } from '../../shared/stores/vault/record.ts';
import type { CompanionRecord, Intent } from '../../shared/stores/vault/record.ts';
import { inDoubt, labelsOf, resolve, revisionOf } from '../../shared/stores/vault/view.ts';

const CREATED = '2026-11-23T22:30:17.591342803Z';
const at = (number: number): string => CREATED.replace('17.', `${10 + number}.`);
const metadata = (current: number, dead: readonly number[] = []): KeyMetadata => ({
  current,
  maxVersions: 0,
  versions: new Map(
    Array.from({ length: current }, (_, index) => {
      const number = index + 1;
      return [number, { number, created: at(number), live: !dead.includes(number) }];
    }),
  ),
});
const value = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.boolean(), fc.constant(null), fc.integer()), { maxKeys: 4 });
const staged = (rotation: string) => ({ id: `v-${rotation}`, rotationId: rotation, createdAt: 1, value: { password: rotation } });
const entry = (number: number, fields: Entry['fields']): Entry => ({ number, created: at(number), live: true, fields });

const sorted = (fields: object): string => JSON.stringify(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1)));

describe('the record', () => {
  it('comes back as it was written, values in the order of their fields', () => {
    fc.assert(
      fc.property(value, value, fc.nat(), (one, two, createdAt) => {
        const record: CompanionRecord = {
          number: 7,
          staged: [{ id: 'v-r-1', rotationId: 'r-1', createdAt: createdAt + 1, value: one }],
          pending: 'v-r-1',
          intents: [{ id: 'kv-1', createdAt: 5, number: 4, value: two }],
          published: [{ id: 'v-r-0', rotationId: 'r-0', createdAt: 3, number: 2, created: CREATED }],
          discarded: ['r-9'],
        };
        const wire = JSON.parse(JSON.stringify(fieldsOf(record))) as Entry['fields'];
        const back = recordOf('s', { number: 7, created: CREATED, live: true, fields: wire });
        expect(back).toEqual(record);
        expect(JSON.stringify(back.staged[0]?.value)).toBe(JSON.stringify(one));
      }),
    );
  });

  it('takes the time of what is new from the server', () => {
    const fields = fieldsOf({ ...emptyRecord(0), staged: [{ ...staged('r-1'), createdAt: 0 }], pending: 'v-r-1' });
    const back = recordOf('s', { number: 1, created: CREATED, live: true, fields });
    expect(back.staged[0]?.createdAt).toBe(Date.parse(CREATED));
  });

  it('drops what lost its label long ago, and remembers that it is gone', () => {
    const rotations = ['r-1', 'r-2', 'r-3', 'r-4', 'r-5'];
    const fields = fieldsOf({ ...emptyRecord(0), staged: rotations.map(staged), pending: 'v-r-1' });
    const back = recordOf('s', { number: 1, created: CREATED, live: true, fields });
    expect(back.staged.map((each) => each.rotationId)).toEqual(['r-1', 'r-4', 'r-5']);
    expect(back.discarded).toEqual(['r-2', 'r-3']);
  });

  it('stays far below what a storage entry may hold, whatever is pending', () => {
    const large = { text: '"'.repeat(32_000) };
    const rows = Array.from({ length: 500 }, (_, index) => index);
    const intents = rows.map((number): Intent => ({ id: `v-${number}`, createdAt: 1, number, value: large }));
    const fields = fieldsOf({
      number: 1,
      staged: rows.map((row) => ({ ...staged(`r-${row}`), value: large })),
      pending: 'v-r-499',
      intents,
      published: rows.map((number) => ({ id: `v-${number}`, createdAt: 1, number, created: CREATED })),
      discarded: rows.map((row) => `r-${row}`),
    });
    expect(JSON.stringify(fields).length).toBeLessThan(1_000_000); // Raft's max_entry_size is 1 MiB
  });
});

describe('labels', () => {
  const ids = (record: CompanionRecord, meta: KeyMetadata) =>
    Object.fromEntries(
      Object.entries(labelsOf({ name: 's', metadata: meta, record, behind: false })).map(([label, ref]) => [label, ref.id]),
    );

  it('are told by number and time, so that a number that began again is nobody’s', () => {
    const record = { ...emptyRecord(1), published: [{ id: 'v-r-1', createdAt: 1, number: 2, created: at(2) }] };
    expect(ids(record, metadata(2))).toEqual({ current: 'v-r-1', previous: 'kv-1' });
    const anew = { ...record, published: [{ id: 'v-r-1', createdAt: 1, number: 2, created: at(7) }] };
    expect(ids(anew, metadata(2))).toEqual({ current: 'kv-2', previous: 'kv-1' });
  });

  it('never call the version below a deleted current current', () => {
    expect(ids(emptyRecord(0), metadata(3, [3]))).toEqual({ previous: 'kv-2' });
    expect(ids(emptyRecord(0), metadata(3, [2]))).toEqual({ current: 'kv-3', previous: 'kv-1' });
    expect(revisionOf(metadata(3))).not.toBe(revisionOf(metadata(3, [3])));
  });

  it('believe an intent only where its number holds its very value', () => {
    fc.assert(
      fc.property(value, value, (meant, found) => {
        const intent: Intent = { id: 'v-r-1', rotationId: 'r-1', createdAt: 1, number: 2, value: meant };
        const record = { ...emptyRecord(3), staged: [{ ...staged('r-1'), value: meant }], pending: 'v-r-1', intents: [intent] };
        expect(inDoubt(metadata(1), record)).toEqual([]);
        expect(inDoubt(metadata(2), record).map((version) => version.number)).toEqual([2]);
        const view = resolve('s', metadata(2), record, [entry(2, found)]);
        const same = sorted(meant) === sorted(found);
        expect(ids(view.record, metadata(2))).toEqual(
          same ? { current: 'v-r-1', previous: 'kv-1' } : { current: 'kv-2', pending: 'v-r-1', previous: 'kv-1' },
        );
        expect(view.behind).toBe(same);
        expect(inDoubt(metadata(2), view.record)).toHaveLength(same ? 0 : 1);
      }),
    );
  });
});

describe('a path', () => {
  it('stays below its mount, whatever the name', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom('..', '.', '', '%2e%2e', '?', '#', 'a', '..;', '\\', '..\\'));
    fc.assert(
      fc.property(fc.array(part, { minLength: 1, maxLength: 5 }), (parts) => {
        const name = parts.join('/');
        if (!name.isWellFormed()) return; // names are checked for that before
        try {
          checkPath(name, 'keywheel-pending/');
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_CONFIG_INVALID' });
          return;
        }
        const url = new URL(`kv/data/${pathOf(name)}`, 'http://vault/v1/');
        expect(url.pathname.split('/').slice(0, 4)).toEqual(['', 'v1', 'kv', 'data']);
        expect(url.search + url.hash).toBe('');
        expect(url.pathname.split('/').slice(4).map(decodeURIComponent).join('/')).toBe(name);
      }),
      { numRuns: 500 },
    );
  });
});
