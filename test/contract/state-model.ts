/** The State port as a page of plain code, and a property that compares an adapter with it. */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { isKeywheelError } from '../../shared/errors.ts';
import type { Lease, State, Write } from '../../shared/state/index.ts';
import { all } from './harness.ts';
import type { StateFixture, StateHarness } from './state.ts';

/** What a write expects: the revision the record has now, one it had before, or that it is absent. */
type Expectation = 'now' | 'stale' | 'absent';

interface Change {
  readonly key: string;
  readonly value: number | undefined;
  readonly expect: Expectation;
  readonly ttl: number | undefined;
}

type Operation =
  | { readonly do: 'write'; readonly changes: readonly Change[] }
  | { readonly do: 'wait'; readonly by: number }
  | { readonly do: 'acquire' | 'renew' | 'release'; readonly key: string; readonly holder: string; readonly ttl: number };

const key = fc.constantFrom('a', 'b', 'c');
const ttl = fc.integer({ min: 1, max: 50 });
const change: fc.Arbitrary<Change> = fc.record({
  key,
  value: fc.option(fc.nat(99), { nil: undefined }),
  expect: fc.constantFrom<Expectation>('now', 'now', 'stale', 'absent'),
  ttl: fc.option(ttl, { nil: undefined }),
});
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    do: fc.constant('write' as const),
    changes: fc.uniqueArray(change, { selector: (one) => one.key, minLength: 1, maxLength: 3 }),
  }),
  fc.record({ do: fc.constant('wait' as const), by: ttl }),
  fc.record({
    do: fc.constantFrom('acquire' as const, 'renew' as const, 'release' as const),
    key,
    holder: fc.constantFrom('x', 'y'),
    ttl,
  }),
);

interface Record {
  readonly value: number;
  readonly revision: string;
  readonly until: number;
}

/** Records by key, every revision seen, and per lease key the highest fence and who holds it until when. */
interface Model {
  readonly records: Map<string, Record>;
  readonly seen: Set<string>;
  readonly leases: Map<string, { fence: number; holder: string | undefined; until: number }>;
  readonly given: Map<string, Lease>;
}

export async function stateModelProperty(harness: StateHarness): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
      const fixture = await harness.open();
      try {
        const states = [fixture.state, await fixture.second()];
        const model: Model = { records: new Map(), seen: new Set(), leases: new Map(), given: new Map() };
        for (const [turn, op] of operations.entries()) {
          const state = states[turn % 2] as State;
          if (op.do === 'wait') fixture.clock.advance(op.by);
          else if (op.do === 'write') await write(fixture, state, model, op.changes);
          else await lease(fixture, state, model, op);
          await compare(fixture, state, model);
        }
      } finally {
        await fixture.close();
      }
    }),
    { numRuns: harness.modelRuns ?? 50 },
  );
}

async function write(fixture: StateFixture, state: State, model: Model, changes: readonly Change[]): Promise<void> {
  const now = fixture.clock.now();
  const alive = (one: Change) => {
    const record = model.records.get(one.key);
    return record !== undefined && record.until > now ? record : undefined;
  };
  const writes = changes.map((one): Write => {
    const stale = [...model.seen].find((revision) => revision !== alive(one)?.revision) ?? 'never-was';
    const expected = one.expect === 'absent' ? null : one.expect === 'stale' ? stale : (alive(one)?.revision ?? null);
    return { key: one.key, value: one.value, expected, ...(one.ttl === undefined ? {} : { ttl: one.ttl }) };
  });
  const refused = changes.find((one, n) => (alive(one)?.revision ?? null) !== writes[n]?.expected);
  const only = writes.length === 1 ? writes[0] : undefined;
  const outcome = await (only === undefined ? state.transact(writes) : state.put(only).then((one) => [one])).catch(
    (error: unknown) => error,
  );
  if (refused !== undefined) {
    expect(outcome).toMatchObject({ code: 'ERR_STATE_CONFLICT', subject: refused.key });
    return;
  }
  for (const [n, one] of changes.entries()) {
    const revision = (outcome as string[])[n] ?? '';
    expect(model.seen).not.toContain(revision);
    model.seen.add(revision);
    if (one.value === undefined) model.records.delete(one.key);
    else model.records.set(one.key, { value: one.value, revision, until: one.ttl === undefined ? Infinity : now + one.ttl });
  }
}

async function lease(
  fixture: StateFixture,
  state: State,
  model: Model,
  op: Extract<Operation, { readonly holder: string }>,
): Promise<void> {
  const now = fixture.clock.now();
  const was = model.leases.get(op.key) ?? { fence: 0, holder: undefined, until: 0 };
  const mine = model.given.get(`${op.key} ${op.holder}`);
  if (op.do === 'acquire') {
    const got = await state.acquire(op.key, op.holder, op.ttl);
    const free = was.holder === undefined || was.until <= now || was.holder === op.holder;
    expect(got !== undefined).toBe(free);
    if (got === undefined) return;
    expect(got.fence).toBeGreaterThan(was.fence);
    model.leases.set(op.key, { fence: got.fence, holder: op.holder, until: now + op.ttl });
    model.given.set(`${op.key} ${op.holder}`, got);
    return;
  }
  if (mine === undefined) return;
  const held = was.holder === op.holder && was.fence === mine.fence;
  if (op.do === 'release') {
    await state.release(mine);
    if (held) model.leases.set(op.key, { ...was, holder: undefined });
    return;
  }
  const renewed = await state.renew(mine, op.ttl).catch((error: unknown) => error);
  if (held) {
    expect(renewed).toEqual({ ...mine, expiresAt: now + op.ttl });
    model.leases.set(op.key, { ...was, until: now + op.ttl });
  } else {
    expect(isKeywheelError(renewed, 'ERR_LEASE_LOST')).toBe(true);
  }
}

async function compare(fixture: StateFixture, state: State, model: Model): Promise<void> {
  const now = fixture.clock.now();
  const expected = [...model.records.entries()]
    .filter(([, record]) => record.until > now)
    .map(([key, { value, revision }]) => ({ key, value, revision }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  expect(await all(state.list(''))).toEqual(expected);
  for (const one of ['a', 'b', 'c']) expect(await state.get(one)).toEqual(expected.find((record) => record.key === one));
}
