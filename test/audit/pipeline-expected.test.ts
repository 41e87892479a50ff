/** Changes that rotations announce, and evidence of use: what the pipeline shares with the rotation engine. */
import { describe, expect, it } from 'vitest';
import type { AuditEvent, SecretRef } from '../../shared/audit/event.ts';
import { FLAG } from '../../shared/audit/event.ts';
import { announce } from '../../shared/expected/index.ts';
import { createPipeline, openStateProfiles } from '../../shared/audit/pipeline/index.ts';
import type { Scene } from '../../shared/audit/scene.ts';
import { settingsOf } from '../../shared/audit/settings.ts';
import { openUsage } from '../../shared/audit/usage/index.ts';
import { announcing } from '../../shared/engine/index.ts';
import type { RotationRecord } from '../../shared/rotation/index.ts';
import type { LoadedConfig } from '../../shared/config/index.ts';
import type { State } from '../../shared/state/index.ts';
import { fakeScorer } from './pipeline-scorer.ts';
import { memoryState } from './pipeline-state.ts';
import { DAY, event, HOUR, MINUTE, MONDAY } from './scenes.ts';

const settings = settingsOf();
const KEY = 'aws:sm:111122223333:eu-west-1:db';
const db = (version?: string): SecretRef => ({ key: KEY, name: 'db', ...(version === undefined ? {} : { version }) });

/** Of each event, whether it was ours; each batch by a worker of its own. */
async function own(state: State, ...batches: AuditEvent[][]): Promise<boolean[]> {
  const seen: boolean[] = [];
  for (const batch of batches) {
    const scorer = fakeScorer();
    const watching = { ...scorer, score: (scene: Scene) => (seen.push(scene.own), scorer.score(scene)) };
    const profiles = (slots: typeof scorer.slots) => openStateProfiles(state, { tenant: settings.tenant, slots });
    await createPipeline({ settings, scorer: watching, profiles }).process(batch);
  }
  return seen;
}

const announcement = { secret: 'db', rotationId: 'r-1', versions: ['v2'], from: MONDAY - HOUR, until: MONDAY + 6 * HOUR };
const write = (minute: number, over: Partial<Parameters<typeof event>[0]> = {}) =>
  event({ by: 'rotator', verb: 'write', secret: [db('v2')], at: MONDAY + minute * MINUTE, ...over });
const read = (minute: number, over: Partial<Parameters<typeof event>[0]> = {}) =>
  event({ by: 'rotator', secret: [db()], at: MONDAY + minute * MINUTE, ...over });

describe('an announced change', () => {
  it('makes who writes an announced version ours for that secret, also in later batches, until the window ends', async () => {
    const state = memoryState();
    await announce(state, announcement);
    const first = [read(0), write(1), read(2), read(3, { by: 'app' }), read(4, { secret: 'other' })];
    expect(await own(state, first, [read(5)], [read(361)])).toEqual([false, true, true, false, false, true, false]);
  });

  it('is not foreign writes, reads of the version, failures, other secrets of one call, or times outside', async () => {
    const state = memoryState();
    await announce(state, announcement);
    const events = [
      write(0, { secret: [db('v3')], by: 'eve' }),
      write(1, { secret: [db()], by: 'eve' }),
      read(2, { secret: [db('v2')], by: 'eve' }),
      write(3, { outcome: 'denied', by: 'eve' }),
      write(4, { verb: 'destroy', by: 'eve' }),
      write(5, { secret: [db('v2'), { key: 'other', name: 'other' }], by: 'eve' }),
      write(-61, { by: 'ann' }),
      write(361, { by: 'bob' }),
    ];
    expect(await own(state, events)).toEqual(events.map(() => false));
  });

  it('is none where nobody announced', async () => {
    expect(await own(memoryState(), [write(0), read(1)])).toEqual([false, false]);
  });

  it('adds up over the versions of one rotation, beside others of the same secret, by workers at once', async () => {
    const state = memoryState();
    const some = ['v2', 'v3', 'v4'].map((version) => announce(state, { ...announcement, versions: [version] }));
    await Promise.all([...some, announce(state, { ...announcement, rotationId: 'r-2', versions: ['v9'] })]);
    const events = ['v2', 'v3', 'v4', 'v9', 'v5'].map((version, n) => write(n, { by: `p${n}`, secret: [db(version)] }));
    expect(await own(state, events)).toEqual([true, true, true, true, false]);
  });
});

describe('the engine announces', () => {
  const record = {
    secret: 'db',
    rotationId: 'r-1',
    staged: { version: 'v2', id: { slot: 'b', key: 'r-1' } },
    startedAt: MONDAY,
    updatedAt: MONDAY,
  };
  const rotation = record as unknown as RotationRecord;
  const config = (audit: object | undefined) => ({ audit }) as unknown as LoadedConfig;

  it('what a rotation stages, from an hour before until a day after grace', async () => {
    const state = memoryState();
    const { onStaged, settled } = announcing(config({}), state, async () => ({ grace: DAY }));
    onStaged(rotation);
    await settled();
    expect(await own(state, [write(-59), write(2 * 24 * 60 - 1)])).toEqual([true, true]);
    expect(await own(state, [write(2 * 24 * 60 + 1, { by: 'other' })])).toEqual([false]);
  });

  it('nothing where nobody scores, or nothing was staged', async () => {
    const state = memoryState();
    const silent = announcing(config(undefined), state, async () => ({ grace: DAY }));
    silent.onStaged(rotation);
    const { staged: _staged, ...planned } = record;
    const loud = announcing(config({}), state, async () => ({ grace: DAY }));
    loud.onStaged(planned as unknown as RotationRecord);
    await Promise.all([silent.settled(), loud.settled()]);
    expect(state.writes).toBe(0);
  });

  it('and fails no rotation when the state fails', async () => {
    const state = memoryState();
    state.failAt(1, 'before');
    const { onStaged, settled } = announcing(config({}), state, async () => ({ grace: DAY }));
    onStaged(rotation);
    await expect(settled()).resolves.toBeUndefined();
    expect(state.writes).toBe(0);
  });
});

describe('evidence of use', () => {
  const use = openUsageOf();

  it('names the last reader of each version and credential, and how far it reaches', async () => {
    const { state, usage } = use();
    await own(state, [
      read(0, { by: { id: 'app', credential: 'AKIA1' } }),
      read(5, { by: { id: 'app', credential: 'AKIA2' }, secret: [db('AWSPREVIOUS')] }),
      read(3, { by: { id: 'cron', credential: 'AKIA1' } }),
      event({ by: 'x', secret: 'other', at: MONDAY + HOUR }),
    ]);
    expect(await usage.lastUseOf(KEY)).toEqual({ time: MONDAY + 5 * MINUTE, by: 'app', since: MONDAY, asOf: MONDAY + HOUR });
    expect(await usage.lastUseOf(KEY, '')).toMatchObject({ time: MONDAY + 3 * MINUTE, by: 'cron' });
    expect(await usage.lastUseOf(KEY, 'AWSPREVIOUS')).toMatchObject({ time: MONDAY + 5 * MINUTE, by: 'app' });
    expect(await usage.lastUseOf(KEY, 'v1')).toEqual({ time: undefined, by: undefined, since: MONDAY, asOf: MONDAY + HOUR });
    expect(await usage.lastUseOf('nowhere')).toBeUndefined();
    expect(await usage.usesOf(KEY)).toMatchObject({
      versions: [{ version: 'AWSPREVIOUS' }, { version: '' }],
      credentials: [
        { credential: 'AKIA2', by: 'app' },
        { credential: 'AKIA1', time: MONDAY + 3 * MINUTE, by: 'cron' },
      ],
    });
  });

  it('is not what the store tells of itself, what failed, what was not read, or our own', async () => {
    const { state, usage } = use();
    await announce(state, announcement);
    await own(state, [
      write(0),
      read(1),
      read(2, { by: 'app', flags: FLAG.echo }),
      read(3, { by: 'app', flags: FLAG.system }),
      read(4, { by: 'app', outcome: 'denied' }),
      read(5, { by: 'app', verb: 'describe' }),
    ]);
    expect(await usage.lastUseOf(KEY)).toEqual({ time: undefined, by: undefined, since: MONDAY, asOf: MONDAY + 5 * MINUTE });
  });

  it('keeps the newest 8 versions, and says that it does not know of older ones', async () => {
    const { state, usage } = use();
    const reads = Array.from({ length: 12 }, (_, n) => read(n, { by: 'app', secret: [db(`v${n}`)] }));
    await own(state, reads.toReversed().slice(0, 6), reads.slice(0, 6));
    expect((await usage.usesOf(KEY))?.versions.map(({ version }) => version)).toEqual([
      'v11',
      'v10',
      'v9',
      'v8',
      'v7',
      'v6',
      'v5',
      'v4',
    ]);
    expect(await usage.lastUseOf(KEY, 'v1')).toMatchObject({ time: undefined, since: MONDAY + 4 * MINUTE });
  });
});

function openUsageOf() {
  return () => {
    const state = memoryState();
    return { state, usage: openUsage(state, settings.tenant) };
  };
}
