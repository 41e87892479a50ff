/** The SecretStore port as a page of plain code, and a property that compares an adapter with it. */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { isKeywheelError } from '../../shared/errors.ts';
import type { SecretStore, SecretValue } from '../../shared/stores/index.ts';
import type { StoreFixture, StoreHarness } from './store.ts';

type Operation =
  | { readonly do: 'seed'; readonly value: number }
  | { readonly do: 'stage'; readonly rotation: number; readonly value: number }
  | { readonly do: 'publish'; readonly rotation: number; readonly stale: boolean }
  | { readonly do: 'discard'; readonly rotation: number };

const rotation = fc.integer({ min: 1, max: 3 });
const value = fc.integer({ min: 0, max: 999 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constant('seed' as const), value }),
  fc.record({ do: fc.constant('stage' as const), rotation, value }),
  fc.record({ do: fc.constant('publish' as const), rotation, stale: fc.boolean() }),
  fc.record({ do: fc.constant('discard' as const), rotation }),
);

/** Versions are numbered by rotation; hand edits are `e1`, `e2`, … */
interface Model {
  current: string;
  previous: string | undefined;
  pending: string | undefined;
  moves: number;
  edits: number;
  values: Map<string, number>;
  discarded: Set<string>;
  published: Set<string>;
}

type Outcome = 'done' | 'conflict';

function step(model: Model, op: Operation): Outcome {
  if (op.do === 'seed') {
    const id = `e${++model.edits}`;
    model.values.set(id, op.value);
    model.previous = model.current;
    model.current = id;
    model.moves += 1;
    return 'done';
  }
  const id = `r-${op.rotation}`;
  if (op.do === 'stage') {
    if (model.discarded.has(id)) return 'conflict';
    if (model.published.has(id) || model.pending === id) return 'done';
    if (model.pending !== undefined) return 'conflict';
    if (!model.values.has(id)) model.values.set(id, op.value); // also when publishing another version took its label
    model.pending = id;
    return 'done';
  }
  if (op.do === 'discard') {
    if (model.current === id || model.previous === id) return 'conflict';
    if (!model.values.has(id) || model.published.has(id)) return 'done'; // gone, or history
    if (model.pending === id) model.pending = undefined;
    model.values.delete(id);
    model.discarded.add(id);
    return 'done';
  }
  if (model.current === id) return 'done';
  if (op.stale || !model.values.has(id)) return 'conflict';
  model.published.add(id);
  model.previous = model.current;
  model.current = id;
  model.pending = undefined;
  model.moves += 1;
  return 'done';
}

export async function storeModelProperty(harness: StoreHarness): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
      const fixture = await harness.open();
      try {
        await fixture.seed('s', field(0));
        const stores = [fixture.store, await fixture.second()];
        const model: Model = {
          current: 'e0',
          previous: undefined,
          pending: undefined,
          moves: 0,
          edits: 0,
          values: new Map([['e0', 0]]),
          discarded: new Set(),
          published: new Set(),
        };
        const ids = new Map<number, string>();
        const revisions = new Map([[0, await revisionOf(fixture.store)]]);
        const pairs = new Map([[0, pairOf(model)]]);
        for (const [turn, op] of operations.entries()) {
          const store = stores[turn % 2] as SecretStore;
          const before = model.moves;
          const expected = step(model, op);
          expect(await act(fixture, store, op, ids, revisions.get(before) ?? '')).toBe(expected);
          await compare(store, model);
          const revision = await revisionOf(store);
          const seen = [...revisions.entries()].find(([, one]) => one === revision)?.[0] ?? model.moves;
          pairs.set(model.moves, pairOf(model));
          // It changes when current moves, and only then.
          if (fixture.pairRevisions === true) expect(pairs.get(seen)).toBe(pairs.get(model.moves));
          else expect(seen).toBe(model.moves);
          revisions.set(model.moves, revision);
        }
      } finally {
        await fixture.close();
      }
    }),
    { numRuns: harness.modelRuns ?? 50 },
  );
}

const pairOf = ({ current, previous }: Model): string => `${current} ${previous ?? ''}`;

const field = (number: number): SecretValue => ({ password: `model-${number}` });

async function act(
  fixture: StoreFixture,
  store: SecretStore,
  op: Operation,
  ids: Map<number, string>,
  revision: string,
): Promise<Outcome> {
  try {
    if (op.do === 'seed') await fixture.seed('s', field(op.value));
    else if (op.do === 'stage') ids.set(op.rotation, (await store.stage('s', field(op.value), `r-${op.rotation}`)).id);
    else if (op.do === 'discard') await store.discard('s', ids.get(op.rotation) ?? 'never');
    else await store.publish('s', ids.get(op.rotation) ?? 'never', op.stale ? `${revision}-stale` : revision);
    return 'done';
  } catch (error) {
    if (isKeywheelError(error, 'ERR_STORE_CONFLICT')) return 'conflict';
    throw error;
  }
}

async function revisionOf(store: SecretStore): Promise<string> {
  return (await store.describe('s'))?.revision ?? '';
}

async function compare(store: SecretStore, model: Model): Promise<void> {
  for (const label of ['current', 'previous', 'pending'] as const) {
    const id = model[label];
    const read = await store.read('s', label);
    expect([label, read?.value]).toEqual([label, id === undefined ? undefined : field(model.values.get(id) ?? -1)]);
    if (id?.startsWith('r-')) expect(read?.rotationId).toBe(id);
  }
}
