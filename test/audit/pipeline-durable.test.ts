/** The pipeline over durable state: replays, crashes between writes, other workers. Profiles are compared as they are written. */
import path from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../shared/audit/event.ts';
import { createPipeline, openStateProfiles, type Pipeline, type PipelineDeps } from '../../shared/audit/pipeline/index.ts';
import { settingsOf } from '../../shared/audit/settings.ts';
import type { State } from '../../shared/state/index.ts';
import { openSqliteState } from '../../shared/state/sqlite.ts';
import { all, manualClock, realRandom, scratch } from '../contract/harness.ts';
import { fakeScorer, say } from './pipeline-scorer.ts';
import { memoryState } from './pipeline-state.ts';
import { event, HOUR, MINUTE, MONDAY } from './scenes.ts';

const settings = settingsOf();

function open(state: State, options: { readonly cache?: number } = {}): Pipeline {
  const scorer = fakeScorer();
  const profiles: PipelineDeps['profiles'] = (slots) => openStateProfiles(state, { tenant: settings.tenant, slots, ...options });
  return createPipeline({ settings, scorer, profiles });
}

/** Few principals, secrets and networks, so that events meet; some are unusual. */
const events = fc
  .array(
    fc.record({
      minute: fc.integer({ min: 0, max: 300 }),
      by: fc.integer({ min: 0, max: 3 }),
      secrets: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
      from: fc.integer({ min: 0, max: 2 }),
      said: fc.constantFrom('', 'N4=6', 'N1=9 S1=8', 'A3=9@network', 'V1=10@secret', 'V3=12@tenant N1=3', 'D1=16!95'),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((some) =>
    some.map(({ minute, by, secrets, from, said }, n): AuditEvent => {
      const id = `e${n}`;
      const over = {
        id,
        ref: id,
        at: MONDAY + minute * MINUTE,
        by: `p${by}`,
        secret: secrets.map((each) => `s${each}`),
        from: `10.0.${from}.1`,
      };
      return said === '' ? event(over) : say(said, over);
    }),
  );

/** A stream cut into batches; and the same with each batch shuffled and events delivered more than once. */
const streams = events.chain((stream) => {
  const cuts = fc.array(fc.nat(stream.length), { maxLength: 4 });
  return cuts.chain((at) => {
    const edges = [0, ...at.toSorted((a, b) => a - b), stream.length];
    const batches = edges.slice(1).map((end, n) => stream.slice(edges[n], end));
    const shuffled = fc.tuple(
      ...batches.map((batch, n) => {
        const before = stream.slice(0, edges[n]);
        const again = fc.subarray([...before, ...batch]);
        return again.chain((more) => fc.shuffledSubarray([...batch, ...more], { minLength: batch.length + more.length }));
      }),
    );
    return fc.record({ stream: fc.constant(stream), batches: fc.constant(batches), shuffled });
  });
});

async function feed(pipeline: Pipeline, batches: readonly (readonly AuditEvent[])[]): Promise<void> {
  for (const batch of batches) await pipeline.process(batch);
}

/** Of each entity: which events it has learned, each how often; and the count that it keeps. */
function learned(bytes: readonly string[]): Map<string, { readonly times: Map<string, number>; readonly n: number }> {
  const found = new Map<string, { times: Map<string, number>; n: number }>();
  for (const line of bytes) {
    const packed = JSON.parse(line.slice(line.indexOf(' ') + 1)) as unknown[];
    const slices = packed.slice(7);
    const [, , times] = slices[slices.indexOf(900) + 1] as [number, number, [string, number][]];
    found.set(`${String(packed[1])} ${String(packed[2])}`, { times: new Map(times), n: packed[5] as number });
  }
  return found;
}

/** What exactly-once means: every entity of every event has learned it, once. */
function expectOnce(bytes: readonly string[], stream: readonly AuditEvent[]): void {
  const want = new Map<string, Set<string>>();
  for (const { id, principal, secrets, net } of stream) {
    const network = net.prefix === undefined ? [] : [`network ${net.prefix}`];
    const keys = [`principal ${principal.id}`, ...secrets.map(({ key }) => `secret ${key}`), ...network, 'tenant default'];
    for (const key of keys) want.set(key, (want.get(key) ?? new Set()).add(id));
  }
  const got = learned(bytes);
  expect([...got.keys()].toSorted()).toEqual([...want.keys()].toSorted());
  for (const [key, ids] of want) {
    expect([...(got.get(key)?.times ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual(
      [...ids].toSorted().map((id) => [id, 1]),
    );
    expect(got.get(key)?.n).toBe(ids.size);
  }
}

describe('over durable state', () => {
  it('writes each entity that changed once in a batch, and nothing for what it has seen', async () => {
    const state = memoryState();
    const pipeline = open(state);
    const batch = [0, 1, 2, 3].map((n) => event({ by: `p${n % 2}`, secret: ['a', `b${n}`], at: MONDAY + n }));
    const { writes, scored } = await pipeline.process(batch);
    expect({ writes, scored }).toEqual({ writes: 9, scored: 4 }); // two principals, five secrets, a network, the tenant
    expect(state.writes).toBe(9);
    expect(await pipeline.process(batch)).toMatchObject({ writes: 0, scored: 0, duplicates: 4 });
    expect(state.writes).toBe(9);
  });

  it('a replay changes no byte; shuffles within batches and duplicates change none either', () =>
    fc.assert(
      fc.asyncProperty(streams, async ({ stream, batches, shuffled }) => {
        const [straight, other] = [memoryState(), memoryState('dynamodb')];
        const pipeline = open(straight);
        await feed(pipeline, batches);
        const bytes = straight.bytes();
        expectOnce(bytes, stream);
        await feed(pipeline, batches);
        await feed(open(straight, { cache: 1000 }), batches);
        expect(straight.bytes()).toEqual(bytes);
        await feed(open(other, { cache: 1000 }), shuffled);
        expect(other.bytes()).toEqual(bytes);
      }),
      { numRuns: 150 },
    ));

  it('a crash before or after any write loses and repeats nothing, once the batch is delivered again', () =>
    fc.assert(
      fc.asyncProperty(streams, fc.nat(40), fc.constantFrom('before', 'after'), async ({ stream, batches }, at, how) => {
        const state = memoryState('dynamodb');
        state.failAt(at + 1, how);
        for (const batch of batches) {
          try {
            await open(state).process(batch);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_STATE_UNAVAILABLE', message: 'the state could not be reached' });
            await open(state).process(batch);
          }
        }
        expectOnce(state.bytes(), stream);
      }),
      { numRuns: 150 },
    ));

  it('workers that change the same profiles at once lose nothing of each other', () =>
    fc.assert(
      fc.asyncProperty(streams, streams, fc.constantFrom('dynamodb', 'memory'), async (one, two, kind) => {
        const state = memoryState(kind);
        const other = two.batches.map((batch) => batch.map((each) => ({ ...each, id: `other-${each.id}` })));
        const [a, b] = [open(state, { cache: 100 }), open(state)];
        await Promise.all([feed(a, one.batches), feed(b, other)]);
        expectOnce(state.bytes(), [...one.stream, ...other.flat()]);
      }),
      { numRuns: 100 },
    ));

  it('workers that are given the same batch apply it once between them', () =>
    fc.assert(
      fc.asyncProperty(streams, async ({ stream, batches }) => {
        const state = memoryState('dynamodb');
        await Promise.all([feed(open(state), batches), feed(open(state), batches)]);
        expectOnce(state.bytes(), stream);
      }),
      { numRuns: 100 },
    ));

  it('gives up when a profile is never free, and says that it may be tried again', async () => {
    const state = memoryState('dynamodb');
    const stubborn: State = {
      ...state,
      put: async (write) => {
        const [found] = await state.getMany(['audit/profile/none', write.key]);
        await state.put({ key: write.key, value: found?.value ?? 'somebody else', expected: found?.revision ?? null });
        return state.put(write);
      },
    };
    const failure = open(stubborn).process([event()]);
    await expect(failure).rejects.toMatchObject({
      code: 'ERR_STATE_CONFLICT',
      retryable: true,
      message: expect.stringContaining('other workers changed the same profiles'),
    });
  });
});

describe('alerts', () => {
  const sweep = [say('S1=16!70', { id: 's1', by: 'eve' }), say('N4=9', { id: 's2', by: 'eve', at: MONDAY + MINUTE })];

  it('are found again when a batch is delivered again, until they were marked as sent', async () => {
    const state = memoryState();
    const { toSend } = await open(state).process(sweep);
    expect(toSend).toHaveLength(1);
    const again = await open(state).process(sweep);
    expect(again).toMatchObject({ duplicates: 2, incidents: [] });
    expect(again.toSend).toEqual(toSend);
    await open(state).sent(again.toSend);
    expect((await open(state).process(sweep)).toSend).toEqual([]);
  });

  it('that were sent are marked beside what another worker does', async () => {
    const state = memoryState();
    const pipeline = open(state);
    const { toSend } = await pipeline.process(sweep);
    await Promise.all([
      pipeline.sent(toSend),
      open(state).process([say('N1=12 V2=10 T1=9', { by: 'eve', at: MONDAY + 2 * MINUTE })]),
    ]);
    const { incidents } = await open(state).process([say('N1=8', { by: 'eve', at: MONDAY + 3 * MINUTE })]);
    expect(incidents).toMatchObject([{ id: toSend[0]?.id, events: 4, sentRev: toSend[0]?.rev }]);
  });

  it('that somebody has acknowledged are told again only in a higher band', async () => {
    const state = memoryState();
    const [medium] = (await open(state).process([say('N4=10', { by: 'eve' })])).toSend;
    await open(state).sent(medium === undefined ? [] : [medium]);
    await state.put({ key: `audit/ack/${medium?.id}`, value: { by: 'ann', at: MONDAY, until: MONDAY + HOUR }, expected: null });
    const after = await open(state).process([say('N6=6', { by: 'eve', at: MONDAY + MINUTE })]);
    expect(after).toMatchObject({ toSend: [], incidents: [{ held: 'acknowledged', band: 'medium', rev: 1 }] });
    const higher = await open(state).process([say('T1=10', { by: 'eve', at: MONDAY + 2 * MINUTE })]);
    expect(higher.toSend).toMatchObject([{ id: medium?.id, held: undefined, band: 'high', rev: 2 }]);
  });

  it('that one worker decided count in the budget that another has changed meanwhile', async () => {
    const state = memoryState();
    const medium = (n: number) =>
      say('N4=10', { id: `m${n}`, by: `p${n}`, from: `10.${n}.0.1`, secret: `s${n}`, at: MONDAY + n });
    const results = await Promise.all([0, 1, 2].map((n) => open(state).process([medium(2 * n), medium(2 * n + 1)])));
    expect(results.flatMap(({ toSend }) => toSend)).toHaveLength(6); // each saw a ledger with room
    const after = await open(state).process([medium(7)]);
    expect(after).toMatchObject({ toSend: [], incidents: [{ held: 'budget', alertEvent: null }] });
  });
});

describe('SQLite', () => {
  let directory: ReturnType<typeof scratch>;
  beforeEach(() => {
    directory = scratch();
  });
  afterEach(() => directory.remove());

  it('holds the same bytes after a replay, shuffles and duplicates', { timeout: 60_000 }, () =>
    fc.assert(
      fc.asyncProperty(streams, async ({ batches, shuffled }) => {
        const files = [0, 1].map((n) => path.join(directory.path, `${Math.random()}-${n}.db`));
        const states = files.map((file) =>
          openSqliteState({ kind: 'sqlite', path: file }, { clock: manualClock(), random: realRandom }),
        );
        const [one, two] = states as [State, State];
        const bytes = async (state: State) =>
          (await all(state.list('audit/'))).map(({ key, value }) => `${key} ${JSON.stringify(value)}`);
        await feed(open(one), batches);
        const before = await bytes(one);
        await feed(open(one), batches);
        expect(await bytes(one)).toEqual(before);
        await feed(open(two), shuffled);
        expect(await bytes(two)).toEqual(before);
        for (const state of states) await state.close();
      }),
      { numRuns: 12 },
    ),
  );
});

describe('what lies far back', () => {
  it('is not applied again, also when its marks are gone', async () => {
    const state = memoryState();
    const old = [event({ id: 'old' })];
    await open(state).process(old);
    await open(state).process([event({ id: 'new', at: MONDAY + 30 * HOUR })]);
    const bytes = state.bytes();
    expect(await open(state).process(old)).toMatchObject({ scored: 0, duplicates: 1, writes: 0 });
    expect(state.bytes()).toEqual(bytes);
  });

  it('is applied where somebody remembers that it was not: a source that was cut off for days', async () => {
    const state = memoryState();
    await open(state).process([event({ id: 'new', at: MONDAY + 72 * HOUR })]);
    const late = event({ id: 'late', by: 'vault-app', secret: 'other', from: '192.0.3.1' });
    expect(await open(state).process([late])).toMatchObject({ scored: 1, duplicates: 0 });
    expect(await open(state).process([late])).toMatchObject({ scored: 0, duplicates: 1 });
  });
});
