import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  both,
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
} from '../../../test/audit/scenes.ts';
import { FLAG, type AuditEvent } from '../event.ts';
import { authFamily } from './auth.ts';
import { AUTH, NETWORK_AUTH, type Auth, type NetworkAuth } from './auth-slices.ts';
import { identityFamily } from './identity.ts';
import { readsFamily } from './reads.ts';

const LOGIN: EventOver = { verb: 'login', action: 'login', outcome: 'authfail', secret: [], source: 'vault' };
const login = (over: EventOver = {}): AuditEvent => event({ ...LOGIN, outcome: 'ok', ...over });
/** Gaps as of somebody who types: no clock. */
const GAPS = [0, 7, 11, 30, 34, 55, 61, 80, 84, 99, 121, 130];
const typed = (n: number, over: EventOver = {}): AuditEvent[] =>
  GAPS.slice(0, n).map((gap) => event({ ...LOGIN, ...over, at: (over.at ?? MONDAY) + gap * SECOND }));

describe('A1, A2: failures in a row', () => {
  it('fires at the seventh straight failure from one source, and not before', () => {
    const findings = world().play(authFamily, typed(8, { by: 'ann' }));

    expect(findings.slice(0, 6).flat()).toEqual([]);
    expect(found(findings[6] ?? [], 'A1')).toMatchObject({ entity: 'network', floor: 50 });
    expect(found(findings[6] ?? [], 'A2')).toMatchObject({ entity: 'principal' });
  });
  it('counts one source whatever accounts it tries, and calls it a spray', () => {
    const events = typed(8).map((one, at) => ({ ...one, principal: { id: `u${at}`, kind: 'human' as const, name: `u${at}` } }));

    const findings = world().play(authFamily, events);

    expect(found(findings[4] ?? [], 'A3')).toMatchObject({ entity: 'network', floor: 60 });
    expect(found(findings[6] ?? [], 'A1')).toBeDefined();
    expect(detectorsOf(findings)).toEqual(['A1', 'A3']);
  });
  it('sees one account that is guessed among hundreds that log in behind the same address', () => {
    const others = Array.from({ length: 300 }, (_, at) => login({ by: `p${at}`, at: MONDAY + at * 500 }));
    const events = [...others, ...typed(8, { by: 'ann' })].sort((a, b) => a.time - b.time);

    const findings = world().play(authFamily, events);

    expect(detectorsOf(findings)).toEqual(['A1', 'A2']);
  });
  it('is silent when hundreds log in on a Monday and one in ten mistypes', () => {
    const events = Array.from({ length: 300 }, (_, at) => {
      const by = `p${at}`;
      const at0 = MONDAY + at * 2 * SECOND;
      return at % 10 === 3 ? [event({ ...LOGIN, by, at: at0 }), login({ by, at: at0 + 9 * SECOND })] : [login({ by, at: at0 })];
    }).flat();
    const sorted = events.sort((a, b) => a.time - b.time);

    expect(detectorsOf(world().play(authFamily, sorted))).toEqual([]);
  });
  it('is silent where logins without a name fail behind a proxy through which others get in', () => {
    const nameless: EventOver = { ...LOGIN, by: 'vault:approle:192.0.2.0/24' };
    const events = Array.from({ length: 200 }, (_, at) => {
      const time = MONDAY + at * 20 * SECOND;
      return at % 4 === 1 ? event({ ...nameless, at: time }) : login({ by: `p${at % 50}`, at: time });
    });

    expect(detectorsOf(world().play(authFamily, events))).toEqual([]);
    expect(detectorsOf(world().play(authFamily, typed(8, nameless)))).toEqual(['A1']);
  });
  it('is silent about a token that was good and expired, however often it is shown', () => {
    const by = { id: 'app', credential: 'AKIA1' };
    const before = repeated(5, MINUTE, { by });
    const dead = GAPS.map((gap) => event({ by, outcome: 'authfail', at: MONDAY + HOUR + gap * SECOND }));

    const findings = world().play(both(authFamily, identityFamily), [...before, ...dead]);

    expect(detectorsOf(findings)).toEqual(['A7']);
  });
  it('is silent about a retry loop on the beat of a clock', () => {
    const loop = repeated(200, 30 * SECOND, { by: { id: 'app', credential: 'dead' }, outcome: 'authfail' });

    const findings = world().play(authFamily, loop);

    expect(detectorsOf(findings.slice(4))).toEqual([]);
    expect(found(findings.flat(), 'A1')).toBeUndefined();
  });
  it('is silent about loops that show neither name nor credential, one after another', () => {
    const by = { id: 'nobody', kind: 'unknown' as const };
    const loop = (secret: string, at: number): AuditEvent[] => repeated(40, 10 * SECOND, { by, outcome: 'authfail', secret, at });
    const events = [...loop('db', MONDAY), ...loop('db', MONDAY + 25 * MINUTE), ...loop('mq', MONDAY + 33 * MINUTE + 3 * SECOND)];

    expect(detectorsOf(world().play(authFamily, events))).toEqual([]);
  });
  it('is silent about challenges, throttling and what is not there', () => {
    const outcomes = ['challenge', 'throttled', 'notfound', 'error'] as const;

    const findings = world().play(
      authFamily,
      outcomes.flatMap((outcome) => repeated(20, 3 * SECOND, { ...LOGIN, outcome })),
    );

    expect(findings.flat()).toEqual([]);
  });
  it('does not depend on the order in which the failures arrive', () => {
    const events = typed(7, { by: 'ann' });
    const orders = [events, events.toReversed(), [...events.slice(3), ...events.slice(0, 3)]];

    const last = orders.map((order) => world().play(authFamily, order).at(-1) ?? []);

    expect(last.map((findings) => detectorsOf(findings))).toEqual([
      ['A1', 'A2'],
      ['A1', 'A2'],
      ['A1', 'A2'],
    ]);
  });
  it('says nothing when it is switched off', () => {
    const off = world({ detectors: { A1: { enabled: false }, A2: { enabled: false } } });

    expect(off.play(authFamily, typed(10)).flat()).toEqual([]);
  });
});

describe('A4: success after failures', () => {
  it('fires on the first success only', () => {
    const ok = [1, 2].map((at) => login({ by: 'ann', at: MONDAY + at * 4 * MINUTE }));

    const findings = world().play(authFamily, [...typed(5, { by: 'ann' }), ...ok]);

    expect(findings.map((one) => found(one, 'A4')?.bits)).toEqual([...Array.from({ length: 5 }), 6, undefined]);
  });
  it('is silent after three', () => {
    const findings = world().play(authFamily, [...typed(3, { by: 'ann' }), login({ by: 'ann', at: MONDAY + 4 * MINUTE })]);

    expect(findings.flat()).toEqual([]);
  });
});

const denied = (secret: string, at: number, over: EventOver = {}): AuditEvent =>
  event({ outcome: 'denied', secret, at, ...over });
/** Two days of its own work. */
const settled = (): AuditEvent[] => repeated(48, HOUR, { at: MONDAY - 3 * DAY, secret: 'own' });

describe('A5, A6: denied outside of its scope', () => {
  it('fires at the third secret, and with a floor at the fifth', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];

    const findings = world().play(both(authFamily, readsFamily), [
      ...settled(),
      ...names.map((name, at) => denied(name, MONDAY + at * 20 * SECOND)),
    ]);

    const last = findings.slice(-6);
    expect(last.map((one) => found(one, 'A5')?.bits)).toEqual([undefined, undefined, 12, 16, 20, 24]);
    expect(last.map((one) => found(one, 'A6')?.floor)).toEqual([undefined, undefined, undefined, undefined, 55, 55]);
  });
  it('is silent where the policy of a release came a little late', () => {
    const events = [denied('new', MONDAY), denied('new', MONDAY + 20 * SECOND), event({ secret: 'new', at: MONDAY + MINUTE })];

    const findings = world().play(both(authFamily, readsFamily), [...settled(), ...events, denied('other', MONDAY + 2 * MINUTE)]);

    expect(detectorsOf(findings)).toEqual([]);
  });
  it('is silent about a secret that it used to read', () => {
    const findings = world().play(both(authFamily, readsFamily), [
      ...settled(),
      ...[0, 7, 9, 30].map((gap) => denied('own', MONDAY + gap * SECOND)),
    ]);

    expect(detectorsOf(findings)).toEqual([]);
  });
  it('fires at the first on a crown jewel, but not on the first day of a principal', () => {
    const jewels = world({ crownJewels: ['root-*'] });

    const early = jewels.play(authFamily, [denied('root-ca', MONDAY, { by: 'new' })]);
    const later = jewels.play(authFamily, [...settled(), denied('root-ca', MONDAY)]);

    expect(detectorsOf(early)).toEqual([]);
    expect(found(later.at(-1) ?? [], 'A5')).toMatchObject({ bits: 4, entity: 'principal' });
  });
  it('takes denials on a clock’s beat for a program that nobody mends', () => {
    const loop = Array.from({ length: 40 }, (_, at) => denied('gone', MONDAY + at * 30 * SECOND));

    const findings = world().play(authFamily, [...settled(), ...loop]);

    expect(findings.slice(52).flat()).toEqual([]);
  });
  it('gets used to a scanner that is denied every day', () => {
    const day = (at: number): AuditEvent[] =>
      ['a', 'b', 'c', 'd', 'e'].map((name, n) => denied(name, MONDAY + at * DAY + n * n * SECOND));

    const findings = world().play(authFamily, [...settled(), ...[0, 1, 2, 3].flatMap(day)]);

    const floors = findings
      .flat()
      .filter(({ detector }) => detector === 'A6')
      .map(({ floor }) => floor);
    expect(floors).toEqual([55, 55, 55, undefined]);
  });
});

describe('A7 to A10', () => {
  it('A7 sees a dead credential come back out of rhythm', () => {
    const events = typed(5, { verb: 'read', by: { id: 'x', credential: 'dead' } });

    expect(found(world().play(authFamily, events).at(-1) ?? [], 'A7')).toMatchObject({ bits: 10, entity: 'principal' });
  });
  it('A8 asks root for a second factor, and people where they used to show one', () => {
    const jewels = world({ crownJewels: ['*'] });
    const ann: EventOver = { by: { id: 'ann', kind: 'human' } };
    const root: EventOver = { by: { id: 'root', kind: 'root' }, flags: FLAG.noMfa };

    const findings = jewels.play(authFamily, [...repeated(30, HOUR, ann), event({ ...ann, flags: FLAG.noMfa }), event(root)]);
    const never = jewels.play(authFamily, repeated(30, HOUR, { by: { id: 'bob', kind: 'human' }, flags: FLAG.noMfa }));

    expect(findings.slice(-2).map((one) => found(one, 'A8')?.bits)).toEqual([expect.closeTo(5.95, 1), 4]);
    expect(never.slice(2).flat()).toEqual([]);
  });
  it('A9 sees a burst of new credentials, not the one of every day', () => {
    const burst = (day: number): AuditEvent[] => repeated(8, 10 * SECOND, { verb: 'token', at: MONDAY + day * DAY });

    const [first, second] = [
      world().play(authFamily, burst(0)),
      world()
        .play(authFamily, [...burst(0), ...burst(1)])
        .slice(8),
    ];

    expect(found(first?.at(-1) ?? [], 'A9')).toMatchObject({ entity: 'principal', bits: expect.closeTo(10, 5) as number });
    expect(second?.flat()).toEqual([]);
  });
  it('A10 sees roles refused in a burst', () => {
    const tries = GAPS.map((gap) =>
      event({ verb: 'login', action: 'AssumeRole', outcome: 'denied', secret: [], at: MONDAY + gap * SECOND }),
    );

    const findings = world().play(authFamily, tries);

    expect(findings.findIndex((one) => found(one, 'A10') !== undefined)).toBe(7);
    expect(detectorsOf(findings)).toEqual(['A10']);
  });
});

describe('the family', () => {
  it('changes nothing when it observes', () => {
    const here = world();
    here.play(authFamily, typed(6, { by: 'ann' }));
    const before = JSON.stringify([here.profile('principal', 'ann'), here.profile('network', '192.0.2.0/24')]);

    here.observe(authFamily, { ...LOGIN, by: 'ann', at: MONDAY + 5 * MINUTE });

    expect(JSON.stringify([here.profile('principal', 'ann'), here.profile('network', '192.0.2.0/24')])).toBe(before);
  });
  it('keeps no slice of a principal to whom nothing was refused', () => {
    const here = world();
    here.play(authFamily, repeated(50, MINUTE));

    expect(here.profile('principal', 'app').slices).toEqual([]);
  });
});

const time = fc.integer({ min: 1, max: 2 ** 41 });
const hash = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const days = fc.record({ day: fc.integer({ min: -1, max: 30_000 }), mask: fc.integer({ min: 0, max: 2 ** 31 - 1 }) });
const ascending = (most: number) => fc.array(time, { maxLength: most }).map((times) => times.sort((a, b) => a - b));
const count = fc.nat(1_000);

describe('what is remembered', () => {
  const attempts = fc
    .array(fc.record({ at: time, ended: fc.nat(3), secret: hash, credential: hash, action: hash }), { maxLength: 32 })
    .map((list) => list.sort((a, b) => a.at - b.at));
  const auth: fc.Arbitrary<Auth> = fc.record({
    attempts,
    oks: ascending(16),
    denied: days,
    roles: days,
    made: ascending(32),
    most: count,
    today: count,
    day: fc.integer({ min: -1, max: 30_000 }),
    sensitive: count,
    single: count,
  });
  const tries = fc
    .array(fc.record({ at: time, who: hash, mark: fc.nat(1) }), { maxLength: 32 })
    .map((list) => list.sort((a, b) => a.at - b.at));
  const network: fc.Arbitrary<NetworkAuth> = fc.record({ fails: tries, oks: tries });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(auth, network, (one, other) => {
        expect(AUTH.unpack(JSON.parse(JSON.stringify(AUTH.pack(one))))).toEqual(one);
        expect(NETWORK_AUTH.unpack(JSON.parse(JSON.stringify(NETWORK_AUTH.pack(other))))).toEqual(other);
      }),
    );
  });
  it('is not taken from foreign shapes', () => {
    const foreign = [
      undefined,
      null,
      7,
      'x',
      {},
      [],
      [2, [], [], [], [], []],
      [1],
      [1, [1], [], [], [], [0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ];

    expect(foreign.map((packed) => AUTH.unpack(packed))).toEqual(foreign.map(() => undefined));
    expect([...foreign, [1, [1], [1]]].map((packed) => NETWORK_AUTH.unpack(packed))).toEqual(
      [...foreign, 0].map(() => undefined),
    );
    fc.assert(
      fc.property(fc.jsonValue(), (packed) => {
        expect(() => [AUTH.unpack(packed), NETWORK_AUTH.unpack(packed)]).not.toThrow();
      }),
    );
  });
});
