/** What becomes an incident, whose, for how long, and when people hear of it. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AuditEvent } from '../../shared/audit/event.ts';
import { FLAG } from '../../shared/audit/event.ts';
import { alertOf, type Incident } from '../../shared/audit/incidents/index.ts';
import { createPipeline, openMemoryProfiles, type BatchResult } from '../../shared/audit/pipeline/index.ts';
import type { AuditConfig } from '../../shared/config/index.ts';
import { fakeScorer, say } from './pipeline-scorer.ts';
import { DAY, HOUR, MINUTE, MONDAY, world, type EventOver } from './scenes.ts';

/** Each event a batch of its own, its time in minutes after MONDAY; the newest form of each incident, and of each batch what is to be told. */
async function play(
  events: readonly AuditEvent[],
  audit: Partial<AuditConfig> = {},
  tell = true,
): Promise<{ incidents: Incident[]; told: Incident[][]; notices: BatchResult['notices'][] }> {
  const { settings } = world(audit);
  const pipeline = createPipeline({ settings, scorer: fakeScorer(), profiles: openMemoryProfiles });
  const incidents = new Map<string, Incident>();
  const told: Incident[][] = [];
  const notices: BatchResult['notices'][] = [];
  for (const one of events) {
    const result = await pipeline.process([one]);
    for (const incident of result.incidents) incidents.set(incident.id, incident);
    told.push([...result.toSend]);
    notices.push(result.notices);
    if (tell) await pipeline.sent(result.toSend, result.notices);
  }
  return { incidents: [...incidents.values()], told, notices };
}

const at = (minute: number, said: string, over: EventOver = {}): AuditEvent =>
  say(said, { ref: `r${minute}`, ...over, at: MONDAY + minute * MINUTE });
const alerts = (over: Partial<AuditConfig['alerts']>): Partial<AuditConfig> => ({
  alerts: { from: 'medium', quiet: HOUR, longest: 6 * HOUR, budget: 5, storm: 20, channels: [], ...over },
});

describe('an incident', () => {
  it('opens at 20 and not below', async () => {
    const { incidents } = await play([at(0, 'N1=6.5', { by: 'a' }), at(1, 'N1=6.6', { by: 'b' })]);
    expect(incidents).toMatchObject([{ entityKey: 'b', score: 20, band: 'low', alertEvent: null, events: 1 }]);
  });

  it('gathers the best of each detector, and scores what they say together', async () => {
    const events = [
      at(0, 'N4=8', { secret: ['a'] }),
      at(1, 'N4=6 T1=6', { secret: ['b', 'a'] }),
      at(2, 'N4=10', { outcome: 'denied' }),
    ];
    const { incidents } = await play(events);
    expect(incidents).toMatchObject([
      {
        title: 'principal comes from a new address range: app',
        score: 65,
        events: 3,
        denied: 1,
        secrets: ['a', 'b', 'db'],
        secretCount: 3,
        reasons: [
          { detector: 'N4', bits: 10 },
          { detector: 'T1', bits: 6 },
        ],
        attack: ['T1078.004'],
        firstEvent: { id: 'r0', time: MONDAY },
        alertEvent: { id: 'r1', time: MONDAY + MINUTE },
        lastEvent: { id: 'r2', time: MONDAY + 2 * MINUTE },
        sampleEvents: ['r0', 'r1', 'r2'],
        context: { deniedOnly: false },
      },
    ]);
  });

  it('goes on for an hour after its last event of weight, and for six at the longest', async () => {
    const quiet = await play([at(0, 'N4=8'), at(60, 'N4=8'), at(120, 'N4=8'), at(181, 'N4=8')]);
    expect(quiet.incidents.map(({ events }) => events)).toEqual([3, 1]);
    const long = await play(Array.from({ length: 9 }, (_, n) => at(n * 50, 'N4=8')));
    expect(long.incidents.map(({ events }) => events)).toEqual([8, 1]);
    const weak = await play([at(0, 'N4=8'), at(40, 'N4=6'), at(70, 'N4=6'), at(71, 'N4=8')]);
    expect(weak.incidents.map(({ events }) => events)).toEqual([2, 1]);
  });

  it('takes in what comes late, and its id does not depend on what comes after', async () => {
    const one = await play([at(10, 'N4=8', { id: 'x' }), at(0, 'N4=8', { id: 'y' })]);
    expect(one.incidents).toMatchObject([{ events: 2, firstEvent: { time: MONDAY }, lastEvent: { time: MONDAY + 10 * MINUTE } }]);
    const alone = await play([at(10, 'N4=8', { id: 'x' })]);
    expect(one.incidents[0]?.id).toBe(alone.incidents[0]?.id);
    expect(one.incidents[0]?.id).toMatch(/^[\da-f]{16}$/);
  });

  it('is not held open, nor ended, by an unbelievable time', async () => {
    const skewed = at(9 * 60, 'N4=8', { flags: FLAG.skewed });
    const { incidents } = await play([at(0, 'N4=8'), skewed, at(30, 'N4=8'), at(120, 'N4=8')]);
    expect(incidents.map(({ events }) => events)).toEqual([3, 1]);
  });

  it('counts secrets beyond what it names, within an eighth or so', async () => {
    const events = Array.from({ length: 400 }, (_, n) => at(0, 'N4=8', { secret: `s${n}`, id: `${n}` }));
    const [incident] = (await play(events)).incidents;
    expect(incident?.secrets).toHaveLength(50);
    expect(incident?.sampleEvents).toHaveLength(1);
    expect(Math.abs((incident?.secretCount ?? 0) - 400)).toBeLessThan(100);
  });

  it('is the same whatever the order within a batch', () =>
    fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(
          Array.from({ length: 12 }, (_, n) => at(n, n % 3 === 0 ? 'N4=8 T1=5' : 'S1=9', { id: `e${n}` })),
          { minLength: 12 },
        ),
        async (events) => {
          const { settings } = world();
          const run = async (some: readonly AuditEvent[]) =>
            createPipeline({ settings, scorer: fakeScorer(), profiles: openMemoryProfiles }).process(some);
          expect(await run(events)).toEqual(await run(events.toSorted((a, b) => a.time - b.time)));
        },
      ),
      { numRuns: 30 },
    ));
});

describe('whose it is', () => {
  it('a spray is one incident of its network, also when accounts say a little', async () => {
    const events = Array.from({ length: 6 }, (_, n) => at(n, 'A3=10@network!60 N7=4', { by: `p${n}` }));
    const { incidents, told } = await play(events);
    expect(incidents).toMatchObject([
      { entity: 'network', entityKey: '192.0.2.0/24', title: 'password spray: 192.0.2.0/24', events: 6 },
    ]);
    expect(told.flat()).toHaveLength(1);
  });

  it('what is said of the network and the secret counts with the principal, when that says more', async () => {
    const { incidents } = await play([at(0, 'S1=12 X4=6@network V1=5@secret V3=8@tenant')]);
    expect(incidents).toMatchObject([
      { entity: 'principal', score: 81 },
      { entity: 'tenant', band: 'low' },
    ]);
    expect(incidents[0]?.reasons.map(({ detector }) => detector)).toEqual(['S1', 'X4', 'V1']);
  });

  it('a surge of all is the tenant’s, and what is odd of one principal beside it is its own', async () => {
    const { incidents } = await play([at(0, 'V3=12@tenant N1=7', { by: 'a' }), at(1, 'V3=12@tenant', { by: 'b' })]);
    expect(incidents.map(({ entity, entityKey, events }) => [entity, entityKey, events])).toEqual([
      ['tenant', 'default', 2],
      ['principal', 'a', 1],
    ]);
  });

  it('a secret’s own surge is the secret’s', async () => {
    const { incidents } = await play([at(0, 'V1=14@secret N1=3', { by: 'a' }), at(1, 'V1=14@secret', { by: 'b' })]);
    expect(incidents).toMatchObject([{ entity: 'secret', entityKey: 'aws:sm:111122223333:eu-west-1:db', events: 2 }]);
  });
});

describe('people hear of it', () => {
  it('once, and again when it is worse by 15, in a higher band, in a new family, or with twice the secrets', async () => {
    const events = [
      at(0, 'N4=10'), // 41
      at(1, 'N4=10'),
      at(2, 'N4=10 N1=6'), // 49, of the same family
      at(3, 'N4=10 T1=6'), // high, and a new family
      at(4, 'S1=16!70'), // critical
      at(5, 'N4=10', { secret: Array.from({ length: 9 }, (_, n) => `s${n}`) }),
      at(6, 'N4=10', { secret: Array.from({ length: 15 }, (_, n) => `s${n}`) }),
      at(7, 'N4=10', { secret: Array.from({ length: 20 }, (_, n) => `s${n}`) }),
    ];
    const { told } = await play(events);
    expect(told.map(([incident]) => incident?.rev)).toEqual([1, undefined, undefined, 2, 3, 4, undefined, 5]);
    expect(told.flat().every(({ alertEvent }) => alertEvent?.time === MONDAY)).toBe(true);
  });

  it('until it is said that they did', async () => {
    const { told } = await play([at(0, 'N4=10'), at(1, 'N4=10')], {}, false);
    expect(told.map((some) => some.map(({ rev, sentRev }) => [rev, sentRev]))).toEqual([[[1, 0]], [[1, 0]]]);
  });

  it('also of what ended before it was told', async () => {
    const { told } = await play([at(0, 'N4=10', { id: 'a' }), at(200, 'N4=10', { id: 'b' })], {}, false);
    expect(told[1]?.map(({ firstEvent }) => firstEvent.time - MONDAY)).toEqual([0, 200 * MINUTE]);
  });

  it('from the configured band on', async () => {
    const { told } = await play([at(0, 'N4=10'), at(1, 'N4=12 T1=8')], alerts({ from: 'high' }));
    expect(told.map((some) => some.length)).toEqual([0, 1]);
    expect(told[1]).toMatchObject([{ alertEvent: { time: MONDAY + MINUTE }, rev: 1 }]);
  });
});

describe('a budget', () => {
  const mediums = Array.from({ length: 8 }, (_, n) => at(n, 'N4=10', { by: `p${n}` }));

  it('is for the medium band alone, for each day', async () => {
    const high = at(20, 'S1=16!70', { by: 'high' });
    const next = at(24 * 60, 'N4=10', { by: 'next' });
    const { told, incidents } = await play([...mediums, high, next]);
    expect(told.map((some) => some.length)).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 1, 1]);
    expect(incidents.map(({ held }) => held).slice(4, 9)).toEqual([undefined, 'budget', 'budget', 'budget', undefined]);
    expect(incidents.filter(({ held }) => held === 'budget').every(({ alertEvent }) => alertEvent === null)).toBe(true);
  });

  it('does not hold what gets worse', async () => {
    const { told } = await play([...mediums, at(30, 'N4=10 T1=8', { by: 'p7' })]);
    expect(told.at(-1)).toMatchObject([{ entityKey: 'p7', band: 'high', held: undefined }]);
  });

  it('ends in a digest, told on the next day until it was sent', async () => {
    const { notices } = await play([...mediums, at(24 * 60, 'N4=6'), at(24 * 60 + 1, 'N4=6')]);
    expect(notices.slice(0, 8).flat()).toEqual([]);
    expect(notices[8]).toMatchObject([
      {
        schema: 1,
        kind: 'digest',
        tenant: 'default',
        band: 'medium',
        counts: { events: 3 },
        title: expect.stringMatching(
          /^3 incidents of 2026-06-01 held back: [^;]*p[567] \(41, budget\); [^;]*p[567][^;]*; [^;]*p[567] [^;]*$/,
        ),
      },
    ]);
    expect(notices[9]).toEqual([]);
  });
});

describe('a storm', () => {
  const storm = (n: number, minute = 0) => at(minute, 'S1=16!70', { by: `p${n}`, id: `e${n}` });

  it('is told once; what is worse than all that was told gets through', async () => {
    const events = [0, 1, 2, 3, 4, 5].map((n) => storm(n, n / 10));
    const worse = at(2, 'D1=16!95', { by: 'worst' });
    const { told, notices } = await play([...events, worse], alerts({ storm: 3 }));
    expect(told.map((some) => some.length)).toEqual([1, 1, 1, 0, 0, 0, 1]);
    expect(notices.map((some) => some.map(({ kind }) => kind))).toEqual([[], [], [], ['storm'], [], [], []]);
    expect(notices[3]?.[0]).toMatchObject({
      title: expect.stringContaining('alert storm: 3 incidents in ten minutes'),
      band: 'high',
    });
  });

  it('is over after ten minutes', async () => {
    const { told } = await play([...[0, 1, 2, 3].map((n) => storm(n)), storm(9, 11)], alerts({ storm: 3 }));
    expect(told.map((some) => some.length)).toEqual([1, 1, 1, 0, 1]);
  });
});

describe('a suppression', () => {
  const until = (days: number) => new Date(MONDAY + days * DAY).toISOString();
  const why = { until: until(1), reason: 'known' };

  it.each([
    ['by principal', { principal: 'ap*' }],
    ['by secret', { secret: 'db' }],
    ['by network', { network: '192.0.2.0/25' }],
    ['by detector', { detectors: ['N4'] }],
    ['by all of these', { principal: 'app', secret: '*:db', network: '192.0.2.10', detectors: ['N4', 'T1'] }],
  ])('%s holds the incident, which is kept and in the digest', async (_name, match) => {
    const { incidents, told, notices } = await play([at(0, 'N4=10'), at(24 * 60, 'N1=2')], {
      suppressions: [{ ...match, ...why }],
    });
    expect(told.flat()).toEqual([]);
    expect(incidents).toMatchObject([{ score: 41, band: 'medium', held: 'suppressed', alertEvent: null }]);
    expect(notices[1]).toMatchObject([{ kind: 'digest', title: expect.stringContaining('suppressed') }]);
  });

  it.each([
    ['another principal', { principal: 'other' }],
    ['a secret among several', { secret: 'db' }],
    ['another network', { network: '192.0.3.0/24' }],
    ['no range', { network: 'office' }],
    ['another detector', { detectors: ['N1'] }],
    ['a time that is over', { until: until(0) }],
  ])('does not hold what is not it: %s', async (_name, match) => {
    const { told } = await play([at(0, 'N4=10', { secret: ['db', 'other'] })], { suppressions: [{ ...why, ...match }] });
    expect(told.flat()).toHaveLength(1);
  });

  it('lets through what else there is', async () => {
    const { told } = await play([at(0, 'N4=10'), at(1, 'N4=10 S1=16!70')], { suppressions: [{ ...why, detectors: ['N4'] }] });
    expect(told.map((some) => some.length)).toEqual([0, 1]);
    expect(told[1]).toMatchObject([{ alertEvent: { time: MONDAY + MINUTE }, held: undefined }]);
  });
});

describe('an alert', () => {
  it('has no token, HMAC, control character or more than channels take, and is the same each time', async () => {
    const hmac = `hmac-sha256:${'0123456789abcdef'.repeat(4)}`;
    const token = ['hvs', 'CAESI'.repeat(8)].join('.');
    const name = `eve \u001b[31m${hmac} ${token}\u202e`;
    const hostile = at(0, 'N4=10', { by: { id: `id ${hmac}`, name }, secret: [{ key: 'k', name: `a\nb ${'x'.repeat(5000)}` }] });
    const [incident] = (await play([hostile])).incidents;
    if (incident === undefined) throw new Error('there is no incident');
    const alert = alertOf(incident, 'acme');
    const text = JSON.stringify(alert);
    expect(text).not.toMatch(/\p{Cc}|\p{Cf}|\\u00|\\n|CAESI/u);
    expect(text).not.toContain('0123456789abcdef');
    expect(alert.principal.name).toContain('hmac-sha256:01234567…');
    expect(text.length).toBeLessThan(3000);
    expect(alert).toMatchObject({
      schema: 1,
      id: incident.id,
      rev: 1,
      kind: 'incident',
      tenant: 'acme',
      score: 41,
      band: 'medium',
    });
    expect(alert.reasons[0]).toEqual({ detector: 'N4', family: 'N', bits: 10, observed: '10', expected: '0' });
    expect(alertOf(incident, 'acme')).toEqual(alert);
  });
});
