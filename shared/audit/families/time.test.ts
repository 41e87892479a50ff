import fc from 'fast-check';
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
  SECOND,
  world,
  type EventOver,
  type World,
} from '../../../test/audit/scenes.ts';
import type { AuditEvent } from '../event.ts';
import { timeFamily } from './time.ts';
import { GROUP_HOURS, HOURS, MOST_GROUPS, PACE, type Pace } from './time-slices.ts';

const person = (id: string): EventOver => ({ by: { id, kind: 'human', group: 'ops' }, client: 'aws-cli' });
const ANN = person('ann');
const MIDNIGHT = MONDAY - 9 * HOUR;
/** Reads at these hours on these days after Monday, twenty minutes past. */
const at = (days: readonly number[], hours: readonly number[], over: EventOver = ANN): AuditEvent[] =>
  days.flatMap((day) => hours.map((hour) => event({ ...over, at: MIDNIGHT + day * DAY + hour * HOUR + 20 * MINUTE })));
const WEEK = [0, 1, 2, 3, 4];
const OFFICE = [9, 10, 11, 13, 14, 16];
/** Bits of T1 for one more read, on a day and at an hour after `events`. */
function surprise(
  events: readonly AuditEvent[],
  day: number,
  hour: number,
  over: EventOver = ANN,
  here: World = world(),
): number {
  here.play(
    timeFamily,
    events.toSorted((a, b) => a.time - b.time),
  );
  const [last] = at([day], [hour], over);
  return found(here.observe(timeFamily, last ?? {}), 'T1')?.bits ?? 0;
}

describe('T1: a person at an unusual hour', () => {
  it.each([
    ['at three in the night', 7, 3],
    ['at four in the night after five days', 5, 4],
    ['on a Sunday', 6, 14],
    ['on a Saturday in the night', 5, 2],
  ])('is sure after a week of office hours: %s', (_, day, hour) => {
    expect(surprise(at(WEEK, OFFICE), day, hour)).toBeGreaterThanOrEqual(8);
  });
  it('is silent in the office hours, and an hour beside', () => {
    const events = at(WEEK, OFFICE);

    expect([8, 9, 12, 15, 17].map((hour) => surprise(events, 7, hour))).toEqual([0, 0, 0, 0, 0]);
  });
  it('says little of a shift worker, and of who was on call before', () => {
    const shift = at([...WEEK, 6], [22, 23, 0, 1, 3, 5]);
    const called = [...at(WEEK, OFFICE), ...at([1], [3])];

    expect(surprise(shift, 7, 2)).toBe(0);
    expect(surprise(called, 8, 3)).toBeLessThanOrEqual(3);
    expect(surprise(called, 9, 4)).toBeLessThanOrEqual(3);
  });
  it('says little when a peer was on call, but much when it was only somebody of another group', () => {
    const peer = at([2], [3], person('bob'));
    const stranger = at([2], [3], { by: { id: 'eve', kind: 'human', group: 'sales' } });
    const own = at(WEEK, OFFICE);

    expect(surprise([...own, ...peer], 7, 3)).toBeLessThanOrEqual(3);
    expect(surprise([...own, ...stranger], 7, 3)).toBeGreaterThanOrEqual(8);
  });
  it('is silent about newcomers', () => {
    expect(surprise([], 0, 3)).toBe(0);
    expect(surprise(at([0], OFFICE), 1, 3)).toBeLessThanOrEqual(3);
  });
  it('knows people and their zones, and no machine', () => {
    const tokyo = (over: EventOver): World => world({ people: [{ match: 'ann', timeZone: 'Asia/Tokyo' }], ...over });
    const machine: EventOver = { by: 'app' };

    // 19:00 to 03:00 in UTC is 04:00 to 12:00 in Tokyo.
    expect(surprise(at(WEEK, [0, 1, 2, 3, 5, 7]), 7, 19, ANN, tokyo({}))).toBeGreaterThanOrEqual(8);
    expect(surprise(at(WEEK, OFFICE, machine), 7, 3, machine)).toBe(0);
  });
  it('finds the night of a person whose zone nobody configured', () => {
    // Nine to five in Los Angeles.
    const events = at(WEEK, [16, 17, 19, 20, 22, 23]);

    expect(surprise(events, 7, 18)).toBe(0);
    expect(surprise(events, 7, 10)).toBeGreaterThanOrEqual(8);
  });
  it('goes along when clocks change', () => {
    // Berlin leaves summer time on 25 October 2026: nine o'clock is 07:00 in UTC before, and 08:00 after.
    const berlin = world({ timeZone: 'Europe/Berlin' });
    const week = Date.UTC(2026, 9, 19) - MIDNIGHT;
    const shifted = (events: AuditEvent[]): AuditEvent[] => events.map((one) => ({ ...one, time: one.time + week }));
    berlin.play(timeFamily, shifted(at(WEEK, [7, 8, 9, 11, 13, 14])));

    const after = [8, 9, 10, 14, 15].flatMap((hour) => berlin.observe(timeFamily, shifted(at([7], [hour]))[0] ?? {}));

    expect(detectorsOf(after)).toEqual([]);
  });
  it('does not explain one night by itself, nor learn it from quarantine', () => {
    const night = at([7], [1, 2, 3]);
    const here = world({}, (findings) => findings.some(({ detector }) => detector === 'T1'));
    here.play(timeFamily, at(WEEK, OFFICE));

    const bits = [...here.play(timeFamily, night), ...here.play(timeFamily, at([8], [2]))].map(
      (one) => found(one, 'T1')?.bits ?? 0,
    );

    expect(Math.min(...bits)).toBeGreaterThanOrEqual(8);
  });
  it('remembers the same whatever the order within ten minutes', () => {
    const events = [...at(WEEK, OFFICE), ...at(WEEK, OFFICE).map((one) => ({ ...one, time: one.time + 8 * MINUTE }))];
    const orders = [
      events.toSorted((a, b) => a.time - b.time),
      events.toSorted((a, b) => Math.floor(a.time / HOUR) - Math.floor(b.time / HOUR) || b.time - a.time),
    ];

    const [one, other] = orders.map((order) => {
      const here = world();
      here.play(timeFamily, order);
      return JSON.stringify([
        HOURS.pack(here.profile('principal', 'ann').slices[HOURS.index] as never),
        GROUP_HOURS.pack(here.tenant.slices[GROUP_HOURS.index] as never),
      ]);
    });

    expect(one).toBe(other);
  });
});

describe('T2: outside of the configured hours', () => {
  it('has a floor on crown jewels only', () => {
    const here = world({ crownJewels: ['ca'], hours: { days: ['mon'], from: '08:00', to: '19:00', holidays: ['2026-06-08'] } });
    const seen = (day: number, hour: number, secret: string) =>
      found(here.observe(timeFamily, at([day], [hour], { ...ANN, secret })[0] ?? {}), 'T2');

    expect(seen(0, 10, 'ca')).toBeUndefined();
    expect(seen(0, 20, 'ca')).toMatchObject({ bits: 3, floor: 40, observed: 'Monday 20:20 in UTC' });
    expect(seen(1, 10, 'db')).toMatchObject({ bits: 3 });
    expect(seen(1, 10, 'db')).not.toHaveProperty('floor');
    expect(seen(7, 10, 'ca')).toMatchObject({ floor: 40 });
  });
  it('gets used to a shift', () => {
    const here = world({ crownJewels: ['*'] });
    here.play(timeFamily, at(WEEK, [22, 23, 1]));

    expect(here.observe(timeFamily, at([7], [23])[0] ?? {})).toEqual([]);
    expect(detectorsOf(here.observe(timeFamily, at([6], [14])[0] ?? {}))).toContain('T2');
  });
});

describe('T3: a machine out of its rhythm', () => {
  const beat = (n: number): AuditEvent[] => repeated(n, 5 * MINUTE);
  const off = [90, 130, 155].map((seconds) => event({ at: MONDAY + 59 * 5 * MINUTE + seconds * SECOND }));

  it('sees reads between the beats, but not one restart', () => {
    const findings = world().play(timeFamily, [...beat(60), ...off]);

    expect(findings.slice(0, 61).flat()).toEqual([]);
    expect(found(findings.at(-1) ?? [], 'T3')).toMatchObject({ bits: 3, expected: 'one every 300 s' });
  });
  it('takes what is read together for one beat', () => {
    const events = beat(60).flatMap((one) => [0, 1, 2, 3].map((second) => ({ ...one, time: one.time + second * SECOND })));

    expect(world().play(timeFamily, events).flat()).toEqual([]);
  });
  it('says nothing of who has no rhythm, as at the end of a month', () => {
    const events = Array.from({ length: 200 }, (_, n) =>
      event({ at: MONDAY + n * 10 * MINUTE + ((n * n * 7) % 11) * 2 * MINUTE }),
    );
    const burst = repeated(40, 20 * SECOND, { at: MONDAY + 2_000 * MINUTE });

    expect(detectorsOf(world().play(timeFamily, [...events.toSorted((a, b) => a.time - b.time), ...burst]))).toEqual([]);
  });
});

describe('T4: a person at the speed of a machine', () => {
  const script = (day = 0): AuditEvent[] => repeated(25, 2 * SECOND, { ...ANN, at: MONDAY + day * DAY });

  it('fires at the twentieth read of a minute', () => {
    const findings = world().play(timeFamily, script());

    expect(findings.findIndex((one) => found(one, 'T4') !== undefined)).toBe(19);
    expect(found(findings.at(-1) ?? [], 'T4')?.bits).toBeCloseTo(6.32, 1);
  });
  it('is silent about hands, and about machines', () => {
    const hands = Array.from({ length: 25 }, (_, n) =>
      event({ ...ANN, at: MONDAY + n * 2 * SECOND + (n % 5 === 0 ? 0 : 90 * SECOND * n) }),
    );

    expect(
      detectorsOf(
        world().play(
          timeFamily,
          hands.toSorted((a, b) => a.time - b.time),
        ),
      ),
    ).toEqual([]);
    expect(detectorsOf(world().play(timeFamily, repeated(60, SECOND)))).toEqual([]);
  });
  it('gets used to a person’s own script', () => {
    const findings = world().play(
      timeFamily,
      [0, 1, 2, 3].flatMap((day) => script(day)),
    );

    expect(found(findings.at(-1) ?? [], 'T4')?.bits).toBeLessThan(2);
  });
});

describe('the family', () => {
  it('changes nothing when it observes', () => {
    const here = world();
    here.play(timeFamily, at(WEEK, OFFICE));
    const before = JSON.stringify([here.profile('principal', 'ann'), here.tenant]);

    here.observe(timeFamily, at([7], [3])[0] ?? {});

    expect(JSON.stringify([here.profile('principal', 'ann'), here.tenant])).toBe(before);
  });
});

describe('what is remembered', () => {
  const ascending = (most: number) =>
    fc.array(fc.integer({ min: 1, max: 2 ** 41 }), { maxLength: most }).map((times) => times.sort((a, b) => a - b));
  const pace: fc.Arbitrary<Pace> = fc.record({
    reads: ascending(48),
    fast: fc.record({ day: fc.integer({ min: -1, max: 30_000 }), mask: fc.nat(2 ** 31 - 1) }),
    beats: ascending(8),
    gaps: fc.nat(50),
    mean: fc.double({ min: 0, max: 1e9, noNaN: true }).map((value) => value + 0),
    variance: fc.double({ min: 0, max: 1e15, noNaN: true }).map((value) => value + 0),
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(pace, (slice) => {
        expect(PACE.unpack(JSON.parse(JSON.stringify(PACE.pack(slice))))).toEqual(slice);
      }),
    );
    const here = world();
    here.play(timeFamily, at(WEEK, OFFICE));
    const groups = GROUP_HOURS.pack(here.tenant.slices[GROUP_HOURS.index] as never);
    expect(GROUP_HOURS.pack(GROUP_HOURS.unpack(JSON.parse(JSON.stringify(groups))) ?? new Map())).toEqual(groups);
  });
  it('is not taken from foreign shapes', () => {
    const foreign = [undefined, null, 7, 'x', {}, [], [2], [1, 'x'], [1, [1]], [1, 0, 0, 0, 0, 0, 99]];

    expect(foreign.map((packed) => PACE.unpack(packed))).toEqual(foreign.map(() => undefined));
    expect(foreign.slice(0, 9).map((packed) => GROUP_HOURS.unpack(packed))).toEqual(foreign.slice(0, 9).map(() => undefined));
    fc.assert(
      fc.property(fc.jsonValue(), (packed) => {
        expect(() => [PACE.unpack(packed), GROUP_HOURS.unpack(packed), HOURS.unpack(packed)]).not.toThrow();
      }),
    );
  });
  it('is bounded: groups beyond the limit go, the longest unseen first', () => {
    const here = world();
    here.play(
      timeFamily,
      Array.from({ length: 40 }, (_, n) => event({ by: { id: `p${n}`, kind: 'human', group: `g${n}` }, at: MONDAY + n * HOUR })),
    );

    expect(GROUP_HOURS.pack(here.tenant.slices[GROUP_HOURS.index] as never)).toHaveLength(MOST_GROUPS + 1);
  });
});
