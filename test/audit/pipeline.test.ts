/** The pipeline in memory: order, duplicates, scenes, and what it gives back. */
import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../shared/audit/event.ts';
import { FLAG } from '../../shared/audit/event.ts';
import { createPipeline, openMemoryProfiles, type PipelineDeps, type ProfileStore } from '../../shared/audit/pipeline/index.ts';
import { sliceIfAny } from '../../shared/audit/profiles/profile.ts';
import type { Scene } from '../../shared/audit/scene.ts';
import type { Scored } from '../../shared/audit/scored.ts';
import { settingsOf } from '../../shared/audit/settings.ts';
import { fakeScorer, LEARNED, say } from './pipeline-scorer.ts';
import { DAY, event, HOUR, MINUTE, MONDAY, world } from './scenes.ts';

function open(audit: Parameters<typeof world>[0] = {}) {
  const { settings } = world(audit);
  const scorer = fakeScorer();
  const scenes: Partial<Scene>[] = [];
  const watching = {
    ...scorer,
    score: (scene: Scene) => (scenes.push({ ...scene, secrets: [...scene.secrets] }), scorer.score(scene)),
  };
  let store: ProfileStore | undefined;
  const profiles: PipelineDeps['profiles'] = (slots) => (store = openMemoryProfiles(slots));
  const pipeline = createPipeline({ settings, scorer: watching, profiles });
  if (store === undefined) throw new Error('the pipeline opened no profiles');
  return { settings, scorer, scenes, store, pipeline };
}

describe('a batch', () => {
  it('is scored in the order of time and id, each event once', async () => {
    const { pipeline, scorer } = open();
    const at = (id: string, minute: number) => event({ id, at: MONDAY + minute * MINUTE });
    const seen: string[] = [];
    const given = [at('d', 2), at('b', 1), at('a', 1), at('c', 0), at('a', 1)];
    const result = await pipeline.process(given, (scored: Scored) => seen.push(scored.event.id));
    expect(scorer.scored).toEqual(['c', 'a', 'b', 'd']);
    expect(seen).toEqual(scorer.scored);
    expect(result).toMatchObject({ scored: 4, duplicates: 1, incidents: [], toSend: [], notices: [], writes: 0 });
    expect(await pipeline.process(given)).toMatchObject({ scored: 0, duplicates: 5 });
    expect(given.map(({ id }) => id)).toEqual(['d', 'b', 'a', 'c', 'a']);
  });

  it('knows an event again by its own id alone', async () => {
    const { pipeline } = open();
    await pipeline.process([event({ id: 'one|x', ref: 'x' })]);
    expect(await pipeline.process([event({ id: 'two|x', ref: 'x' })])).toMatchObject({ scored: 1, duplicates: 0 });
  });

  it('may be empty', async () => {
    expect(await open().pipeline.process([])).toMatchObject({ scored: 0, duplicates: 0, incidents: [] });
  });
});

describe('a scene', () => {
  it('has the profiles of all that the event touches, a secret named twice as one', async () => {
    const { pipeline, scenes, store } = open();
    await pipeline.process([event({ by: 'app', secret: ['a', 'b', 'a'], from: '198.51.100.7' })]);
    const [scene] = scenes;
    expect(scene?.principal).toMatchObject({ kind: 'principal', key: 'app' });
    expect(scene?.secrets?.map(({ key }) => key.split(':').at(-1))).toEqual(['a', 'b', 'a']);
    expect(scene?.secrets?.[0]).toBe(scene?.secrets?.[2]);
    expect(scene?.network).toMatchObject({ kind: 'network', key: '198.51.100.0/24' });
    expect(scene?.tenant).toMatchObject({ kind: 'tenant', key: 'default' });
    expect(store.get('secret', 'aws:sm:111122223333:eu-west-1:a')).toMatchObject({ n: 1, first: MONDAY, last: MONDAY, days: 1 });
  });

  it('takes kind, time zone and group from the first of `people` that matches', async () => {
    const people = [
      { match: 'deploy-*', kind: 'service' as const, timeZone: 'Asia/Tokyo', group: 'deployers' },
      { match: '*', timeZone: 'Europe/Berlin' },
    ];
    const { pipeline, scenes } = open({ people });
    await pipeline.process([
      event({ by: 'deploy-1' }),
      event({ by: { id: 'eve', kind: 'human', group: 'staff' }, at: MONDAY + 1 }),
    ]);
    expect(scenes.map(({ kind, timeZone, event: one }) => [kind, timeZone, one?.principal.group])).toEqual([
      ['service', 'Asia/Tokyo', 'deployers'],
      ['human', 'Europe/Berlin', 'staff'],
    ]);
  });

  it('has the highest tier of its secrets, and knows our own principals', async () => {
    const { pipeline, scenes } = open({ crownJewels: ['prod/*'], lowValue: ['tmp/*'], ownPrincipals: ['keywheel-*'] });
    const events = [['tmp/a'], ['tmp/a', 'db'], ['db', 'prod/x', 'tmp/a'], []].map((secret) => event({ secret }));
    const all = [...events, event({ by: 'keywheel-rotate', secret: ['tmp/a'] })];
    await pipeline.process(all.map((one, at) => ({ ...one, time: MONDAY + at })));
    expect(scenes.map(({ tier, own }) => [tier, own])).toEqual([
      ['low', false],
      ['ordinary', false],
      ['crown', false],
      ['ordinary', false],
      ['low', true],
    ]);
  });

  it('is late when it is more than 15 minutes behind the newest believable event', async () => {
    const { pipeline, scenes } = open();
    await pipeline.process([event({ at: MONDAY }), event({ at: MONDAY + 9 * HOUR, flags: FLAG.skewed })]);
    await pipeline.process([event({ at: MONDAY - 15 * MINUTE })]);
    await pipeline.process([event({ at: MONDAY - 15 * MINUTE - 1 })]);
    expect(scenes.map(({ late }) => late)).toEqual([false, false, false, true]);
  });
});

describe('what is kept of an entity', () => {
  it('counts events and distinct UTC days in any order, and not echoes', async () => {
    const { pipeline, store } = open();
    for (const day of [3, 0, 3, 1, 0, 40, 39, 3]) await pipeline.process([event({ at: MONDAY + day * DAY })]);
    await pipeline.process([event({ at: MONDAY + 41 * DAY, flags: FLAG.echo })]);
    expect(store.get('principal', 'app')).toMatchObject({ n: 8, days: 6, first: MONDAY, last: MONDAY + 41 * DAY });
  });

  it('is the same after profiles were packed and unpacked many times', async () => {
    const settings = settingsOf();
    const scorer = fakeScorer();
    const events: AuditEvent[] = [];
    for (let n = 0; n < 4000; n += 1)
      events.push(event({ by: `p${(n * 37) % 900}`, secret: `s${n % 700}`, at: MONDAY + n * MINUTE }));
    const stores: ProfileStore[] = [];
    for (const live of [1, 100_000]) {
      const profiles: PipelineDeps['profiles'] = (slots) => {
        stores.push(openMemoryProfiles(slots, { live }));
        return stores.at(-1) as ProfileStore;
      };
      const pipeline = createPipeline({ settings, scorer, profiles });
      for (let at = 0; at < events.length; at += 500) await pipeline.process(events.slice(at, at + 500));
    }
    const [small, large] = stores as [ProfileStore, ProfileStore];
    expect(small.size().live).toBeLessThan(1300);
    expect(small.size().packed).toBeGreaterThan(900);
    for (let n = 0; n < 900; n += 1) {
      const [one, other] = [small.get('principal', `p${n}`), large.get('principal', `p${n}`)];
      expect(sliceIfAny(one, LEARNED)).toEqual(sliceIfAny(other, LEARNED));
      expect([one.n, one.days, one.first, one.last]).toEqual([other.n, other.days, other.first, other.last]);
    }
  });
});

describe('incidents of a batch', () => {
  it('are given as they are after it, with what must be told now', async () => {
    const { pipeline, store } = open();
    const events = [
      say('N4=10', { id: '1' }),
      say('S1=16!70', { id: '2', at: MONDAY + MINUTE }),
      event({ id: '3', at: MONDAY + 2 * MINUTE }),
    ];
    const { incidents, toSend } = await pipeline.process(events);
    expect(incidents).toHaveLength(1);
    expect(incidents[0]).toMatchObject({ events: 2, band: 'critical', rev: 2, sentRev: 0, held: undefined });
    expect(toSend).toEqual(incidents);
    await pipeline.sent(toSend);
    expect((await pipeline.process([say('N4=9', { at: MONDAY + 3 * MINUTE })])).toSend).toEqual([]);
    expect(sliceIfAny(store.get('principal', 'app'), LEARNED)?.quarantined).toBe(2);
  });

  it('that end within one batch are all given', async () => {
    const { pipeline } = open();
    const { incidents } = await pipeline.process([0, 3, 6].map((hour) => say('N4=7', { at: MONDAY + hour * HOUR })));
    expect(incidents.map(({ firstEvent, band }) => [firstEvent.time - MONDAY, band])).toEqual([
      [0, 'low'],
      [3 * HOUR, 'low'],
      [6 * HOUR, 'low'],
    ]);
  });
});
