import { describe, expect, it } from 'vitest';
import {
  DAY,
  detectorsOf,
  event,
  found,
  HOUR,
  MINUTE,
  MONDAY,
  repeated,
  world,
  type EventOver,
  type World,
} from '../../../test/audit/scenes.ts';
import { FLAG, type AuditEvent } from '../event.ts';
import { logsFamily as family, malformedFinding, pairingFinding } from './logs.ts';
import { isWorking } from './logs-hours.ts';

const off = (action: string, over: EventOver = {}): EventOver => ({
  verb: 'audit',
  action,
  flags: FLAG.auditOff,
  secret: [],
  ...over,
});

describe('L1, L2, L8: auditing is turned off', () => {
  it.each([
    ['L1', 90, off('StopLogging')],
    ['L1', 90, off('PutEventSelectors')],
    ['L1', 90, off('delete sys/audit/file', { source: 'vault' })],
    ['L2', 80, off('google.logging.v2.ConfigServiceV2.DeleteSink', { source: 'gcp' })],
    ['L2', 80, off('MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE', { source: 'azure' })],
    ['L2', 80, off('DeleteSubscriptionFilter')],
    ['L8', 70, off('SetIamPolicy', { source: 'gcp' })],
    ['L8', 70, off('google.logging.v2.ConfigServiceV2.CreateExclusion', { source: 'gcp' })],
  ] as const)('says %s with floor %i', (id, floor, over) => {
    const test = world();
    const [one] = test.observe(family, over);
    expect(one).toMatchObject({ detector: id, floor, entity: 'principal' });
    const switched = world({ detectors: { [id]: { enabled: false } } });
    expect(switched.observe(family, over)).toEqual([]);
  });

  it('goes on saying so, however often it is done', () => {
    const days = Array.from({ length: 6 }, (_, at) => event(off('StopLogging', { at: MONDAY + at * DAY })));
    const said = world()
      .play(family, days)
      .map((of) => found(of, 'L1')?.floor);
    expect(said).toEqual([90, 90, 90, 90, 90, 90]);
  });

  it('gives a refused try half its bits and no floor', () => {
    const [one] = world().observe(family, off('StopLogging', { outcome: 'denied' }));
    expect(one).toMatchObject({ detector: 'L1', bits: 7 });
    expect(one?.floor).toBeUndefined();
  });

  it('lets audit settings be read and devices be added', () => {
    expect(world().observe(family, { verb: 'audit', action: 'update sys/audit/file', source: 'vault' })).toEqual([]);
  });
});

describe('L5 and L6: faults of every record', () => {
  it('says secrets in clear once a day, about the source', () => {
    const test = world();
    const clear = repeated(30, HOUR, { flags: FLAG.clear, source: 'vault', account: 'main' });
    const said = test.play(family, clear).map((of) => of.length);
    expect(said.filter((n) => n === 1)).toHaveLength(2);
    expect(said[0]).toBe(1);
    expect(said[24]).toBe(1);
    const [one] = world().observe(family, clear[0] as AuditEvent);
    expect(one).toMatchObject({ detector: 'L5', floor: 60, entity: 'tenant', about: 'vault/main' });
  });

  it('drops the floor where it stays so for days', () => {
    const said = world()
      .play(family, repeated(5, DAY, { flags: FLAG.clear }))
      .map(([one]) => one?.floor);
    expect(said).toEqual([60, 60, 60, undefined, undefined]);
  });

  it('says a wrong clock, and stops where it is always wrong', () => {
    const said = world()
      .play(family, repeated(6, DAY, { flags: FLAG.skewed }))
      .map((of) => detectorsOf(of));
    expect(said).toEqual([['L6'], ['L6'], ['L6'], [], [], []]);
  });
});

describe('L3: a source is silent', () => {
  /** Ten days of a record every ten minutes from two accounts; the office one rests at night and over the weekend. */
  const office = (at: number): boolean => isWorking(at, world().settings);
  const busy = (until: number, quietFrom: number): AuditEvent[] => {
    const all: AuditEvent[] = [];
    for (let at = MONDAY; at < until; at += 10 * MINUTE) {
      all.push(event({ at, account: 'always' }));
      if (at < quietFrom && office(at)) all.push(event({ at: at + 1, account: 'office', source: 'gcp' }));
    }
    return all;
  };
  const silences = (test: World, events: readonly AuditEvent[]) =>
    test.play(family, events).flatMap((of, at) => of.map((one) => ({ one, at: events[at]?.time ?? 0 })));

  it('does not wonder at nights, weekends or a long holiday', () => {
    const twoWeeks = busy(MONDAY + 18 * DAY, Infinity).filter(
      ({ account, time }) => account === 'always' || time < MONDAY + 14 * DAY - HOUR || time > MONDAY + 15 * DAY - HOUR,
    );
    expect(silences(world(), twoWeeks)).toEqual([]);
  });

  it('says it once within a working day, an hour after the last record', () => {
    const stop = MONDAY + 9 * DAY + 2 * HOUR;
    const [first, ...more] = silences(world(), busy(stop + 5 * HOUR, stop));
    expect(first?.one).toMatchObject({
      detector: 'L3',
      floor: 60,
      entity: 'tenant',
      about: 'gcp/office',
      observed: 'no records of gcp office for 70 minutes',
    });
    expect(first?.at).toBeLessThanOrEqual(stop + 70 * MINUTE);
    expect(more).toEqual([]);
  });

  it('says it again after records came back', () => {
    const test = world();
    const stop = MONDAY + 9 * DAY + 2 * HOUR;
    expect(silences(test, busy(stop + 2 * HOUR, stop))).toHaveLength(1);
    test.play(family, [event({ at: stop + 2 * HOUR, account: 'office', source: 'gcp' })]);
    // The pause that was told of is now the longest that is known: it takes three times as long.
    expect(silences(test, repeated(30, 10 * MINUTE, { at: stop + 2 * HOUR + MINUTE, account: 'always' }))).toEqual([]);
    expect(silences(test, repeated(300, 10 * MINUTE, { at: stop + 8 * HOUR, account: 'always' }))).toHaveLength(0);
    expect(silences(test, repeated(1300, 10 * MINUTE, { at: stop + 8 * HOUR, account: 'always' }))).toHaveLength(1);
  });

  it('expects nothing of a source with little history', () => {
    const test = world();
    test.play(family, repeated(199, 15 * MINUTE, { account: 'few', at: MONDAY - 3 * DAY }));
    test.play(family, repeated(2000, MINUTE, { account: 'young', at: MONDAY - DAY }));
    expect(silences(test, repeated(500, 10 * MINUTE, { account: 'always', at: MONDAY + DAY }))).toEqual([]);
  });

  it('takes no late or wrongly timed record for a sign of time', () => {
    const test = world();
    const stop = MONDAY + 9 * DAY + 2 * HOUR;
    test.play(family, busy(stop, stop));
    const later = { at: stop + 4 * HOUR, account: 'always' };
    expect(test.observe(family, later)).toHaveLength(1);
    expect(test.observe(family, later, { late: true })).toEqual([]);
    expect(detectorsOf(test.observe(family, { ...later, flags: FLAG.skewed }))).toEqual(['L6']);
  });
});

describe('working hours', () => {
  const at = (text: string): number => Date.parse(text);
  const { settings } = world({ timeZone: 'Europe/Berlin' });
  it.each([
    ['2026-03-27T18:59:00+01:00', true],
    ['2026-03-27T19:00:00+01:00', false],
    ['2026-03-30T08:00:00+02:00', true],
    ['2026-03-30T07:59:00+02:00', false],
    ['2026-03-28T12:00:00+01:00', false],
  ])('%s: %s', (text, works) => expect(isWorking(at(text), settings)).toBe(works));

  it('knows holidays and nights', () => {
    const hours = { ...settings.hours, holidays: ['2026-03-27'], from: '22:00', to: '06:00' };
    expect(isWorking(at('2026-03-27T23:00:00+01:00'), { ...settings, hours })).toBe(false);
    expect(isWorking(at('2026-03-26T23:00:00+01:00'), { ...settings, hours })).toBe(true);
    expect(isWorking(at('2026-03-26T12:00:00+01:00'), { ...settings, hours })).toBe(false);
  });
});

describe('L4 and L7: shares of records', () => {
  const { L4, L7 } = world().settings.detectors;

  it('says requests without responses from a fifth on, of at least fifty', () => {
    expect(pairingFinding(L4, { requests: 49, unpaired: 49 }, 'vault/main')).toBeUndefined();
    expect(pairingFinding(L4, { requests: 100, unpaired: 19 }, 'vault/main')).toBeUndefined();
    expect(pairingFinding(L4, { requests: 100, unpaired: 20 }, 'vault/main')).toMatchObject({
      detector: 'L4',
      entity: 'tenant',
      about: 'vault/main',
      observed: '20 of 100 requests without a response',
    });
  });

  it('says malformed records from a tenth on, of at least twenty', () => {
    expect(malformedFinding(L7, { records: 19, malformed: 19 }, 'aws/1')).toBeUndefined();
    expect(malformedFinding(L7, { records: 20, malformed: 1 }, 'aws/1')).toBeUndefined();
    expect(malformedFinding(L7, { records: 20, malformed: 2 }, 'aws/1')?.bits).toBe(2);
    expect(malformedFinding(L7, { records: 1e6, malformed: 1e6 }, 'aws/1')?.bits).toBe(4);
    expect(malformedFinding({ ...L7, enabled: false }, { records: 20, malformed: 20 }, 'aws/1')).toBeUndefined();
  });
});
