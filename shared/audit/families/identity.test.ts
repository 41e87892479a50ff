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
  NO_NET,
  repeated,
  world,
  type EventOver,
} from '../../../test/audit/scenes.ts';
import { FLAG, type AuditEvent } from '../event.ts';
import { freshKnown, remember } from '../sketches/known.ts';
import { identityFamily } from './identity.ts';
import { IDENTITY, TENANT_IDENTITY, type Identity } from './identity-slices.ts';
import { readsFamily } from './reads.ts';

/** As the scorer has it: novelty knows the networks and clients that identity asks for. */
const family = both(identityFamily, readsFamily);
const HOME = '198.51.100.7';
const AWAY = '203.0.113.9';
const key: EventOver = { by: { id: 'app', credential: 'AKIA1' }, from: HOME };
const role = (credential: string, from: EventOver['from'] = HOME, over: EventOver = {}): EventOver => ({
  by: { id: 'role', session: 'i-0abc', credential },
  from,
  ...over,
});
/** Three days, each hour, until a minute before MONDAY. */
const history = (over: EventOver, days = 3): AuditEvent[] =>
  repeated(days * 24, HOUR, { ...over, at: MONDAY - days * DAY + 59 * MINUTE });
const minutes = (...list: readonly (readonly [number, EventOver])[]): AuditEvent[] =>
  list.map(([minute, over]) => event({ ...over, at: MONDAY + minute * MINUTE }));
const byTime = (events: readonly AuditEvent[]): AuditEvent[] => events.toSorted((a, b) => a.time - b.time);

describe('I1: one credential in two networks', () => {
  const stolen = minutes([0, key], [1, { ...key, from: AWAY }], [2, key], [3, { ...key, from: AWAY }]);

  it('fires when they alternate, more with another client', () => {
    const other = minutes([0, key], [1, { ...key, from: AWAY, client: 'curl' }], [2, key]);

    const findings = [stolen, other].map((attack) =>
      world()
        .play(family, [...history(key), ...attack])
        .slice(-4),
    );

    expect(findings[0]?.map((one) => found(one, 'I1')?.bits)).toEqual([undefined, undefined, 8, 8]);
    expect(found(findings[1]?.at(-1) ?? [], 'I1')).toMatchObject({ bits: 11, entity: 'principal' });
  });
  it('is silent about one switch, of a VPN or a new egress', () => {
    const moved = minutes(
      [0, key],
      [1, key],
      [2, { ...key, from: AWAY }],
      [3, { ...key, from: AWAY }],
      [9, { ...key, from: AWAY }],
    );

    expect(
      found(
        world()
          .play(family, [...history(key), ...moved])
          .flat(),
        'I1',
      ),
    ).toBeUndefined();
  });
  it('is silent where it always did so, in one pool, from a telephone, over IPv4 and IPv6, or by two credentials', () => {
    const always = byTime([
      ...history(key),
      ...history({ ...key, from: AWAY }).map((one) => ({ ...one, time: one.time + MINUTE })),
    ]);
    const from = (address: string): EventOver => ({ ...key, from: address });
    const cases = [
      [...always, ...stolen],
      [...history(key), ...minutes([0, key], [1, from('198.51.7.1')], [2, key], [3, from('198.51.7.1')])],
      [...history(key), ...minutes([0, key], [1, from('2001:db8:1::1')], [2, key], [3, from('2001:db8:1::1')])],
      [...history(role('one')), ...minutes([0, role('one')], [1, role('two', AWAY)], [2, role('one')], [3, role('two', AWAY)])],
      repeated(400, 3 * MINUTE, key).map((one, at) => ({ ...event({ ...key, from: `${11 + (at % 7)}.0.0.1`, at: one.time }) })),
    ];

    const seen = cases.map((events) =>
      world()
        .play(family, events)
        .slice(-4)
        .map((one) => found(one, 'I1')),
    );

    expect(seen.flat().filter((one) => one !== undefined)).toEqual([]);
  });
  it('is silent on a trusted way out, and where two others showed that the networks go together', () => {
    const trusted = world({ trustedNetworks: [`${AWAY}/32`, '198.51.100.0/24'] });
    const others = ['ann', 'bob', 'eve'].flatMap((id) => {
      const mine = { ...key, by: { id, credential: id } };
      return [...history(mine), ...minutes([0, mine], [1, { ...mine, from: AWAY }], [2, mine])];
    });

    const last = world().play(family, byTime(others)).slice(-1).flat();

    expect(found(trusted.play(family, [...history(key), ...stolen]).flat(), 'I1')).toBeUndefined();
    expect(last).toEqual([]);
  });
  it('does not depend on the order in which the events arrive', () => {
    const [a, b, c] = stolen as [AuditEvent, AuditEvent, AuditEvent];

    const last = [
      [a, b, c],
      [b, a, c],
      [c, a, b],
      [c, b, a],
    ].map((order) =>
      found(
        world()
          .play(family, [...history(key), ...order])
          .flat(),
        'I1',
      ),
    );

    expect(last.map((one) => one?.bits)).toEqual([8, 8, 8, 8]);
  });
});

describe('I2: another kind of network', () => {
  const inside: EventOver = { ...role('one', '10.0.0.5') };

  it('surprises when a workload was never seen outside, by how long it is known', () => {
    const bits = [2, 10].map(
      (days) =>
        found(
          world()
            .play(family, [...history(inside, days), event({ ...role('one', AWAY), at: MONDAY })])
            .at(-1) ?? [],
          'I2',
        )?.bits,
    );

    expect(bits[0]).toBeGreaterThan(6);
    expect(bits[1]).toBeGreaterThan(bits[0] ?? 0);
  });
  it('is silent about people, who was outside before, and a trusted range', () => {
    const ann: EventOver = { by: { id: 'ann', kind: 'human' }, from: '10.0.0.5' };
    const cases = [
      world().play(family, [...history(ann), event({ ...ann, from: AWAY })]),
      world().play(family, [
        event({ ...key, at: MONDAY - 9 * DAY }),
        ...history({ ...key, from: '10.0.0.5' }),
        event({ ...key, from: AWAY }),
      ]),
      world({ trustedNetworks: ['203.0.113.0/24'] }).play(family, [...history(inside), event(role('one', AWAY))]),
    ];

    expect(cases.map((findings) => found(findings.flat(), 'I2'))).toEqual([undefined, undefined, undefined]);
  });
});

describe('I3: a cloud’s role outside of it', () => {
  it('has its floor when the credential is in two places, or the client is another, and both places are alive', () => {
    const attacks = [role('one', AWAY), role('new', AWAY, { client: 'aws-cli' }), role('new', AWAY)];

    const seen = attacks.map((attack) =>
      found(
        world()
          .play(family, [...history(role('one')), event(attack)])
          .at(-1) ?? [],
        'I3',
      ),
    );

    expect(seen.map((one) => one?.floor)).toEqual([85, 85, undefined]);
    expect(seen[2]?.bits).toBe(2);
  });
  it('sees a role that was only ever seen inside', () => {
    const internal: EventOver = role('one', { kind: 'internal' });

    const findings = world().play(family, [...history(internal), event(role('two', AWAY, { client: 'curl' }))]);

    expect(found(findings.at(-1) ?? [], 'I3')).toMatchObject({ bits: 11, floor: 85 });
  });
  it('is silent where a fleet fails over, moves, grows in a pool, or comes from where others come from', () => {
    const moved = world().play(family, [...history(role('one')), event({ ...role('two', AWAY), at: MONDAY + 2 * HOUR })]);
    const pool = world().play(family, [
      ...history(key).map((one, at) => event({ ...role(`c${at}`, `${20 + (at % 30)}.0.0.1`), at: one.time })),
      event(role('new', AWAY, { client: 'curl' })),
    ]);
    const shared = world().play(
      family,
      byTime([...history(role('one')), ...history({ by: 'other', from: AWAY }), event(role('two', AWAY, { client: 'curl' }))]),
    );
    const trusted = world({ trustedNetworks: [AWAY] }).play(family, [...history(role('one')), event(role('one', AWAY))]);

    expect([moved, pool, shared, trusted].map((findings) => found(findings.flat(), 'I3'))).toEqual(Array.from({ length: 4 }));
  });
  it('gives a fixed key that its owner copies no floor', () => {
    const findings = world().play(family, [...history(key), event({ ...key, from: AWAY, at: MONDAY })]);

    expect(found(findings.at(-1) ?? [], 'I3')).toEqual(expect.not.objectContaining({ floor: 85 }));
  });
  it('is silent about a principal of yesterday', () => {
    expect(
      found(
        world()
          .play(family, [...history(role('one'), 1), event(role('one', AWAY))])
          .flat(),
        'I3',
      ),
    ).toBeUndefined();
  });
});

describe('the family', () => {
  it('says nothing of ordinary work, of echoes and of what has no address', () => {
    const events = [
      ...history(role('one'), 9),
      ...repeated(50, MINUTE, { ...role('one'), from: NO_NET }),
      event({ ...role('one', AWAY), flags: FLAG.echo }),
    ];

    expect(detectorsOf(world().play(family, events))).toEqual([]);
  });
  it('says nothing of a person at home, in the office and on the road', () => {
    const ann = (from: string, client = 'aws-cli'): EventOver => ({
      by: { id: 'ann', kind: 'human', credential: 'ASIA1' },
      from,
      client,
    });
    const weeks = Array.from({ length: 14 }, (_, day) => [
      ...repeated(4, HOUR, { ...ann('11.0.0.1'), at: MONDAY + day * DAY }),
      ...repeated(2, HOUR, { ...ann('12.0.0.1'), at: MONDAY + day * DAY + 10 * HOUR }),
      event({ ...ann(`${13 + day}.0.0.1`), at: MONDAY + day * DAY + 13 * HOUR }),
    ]).flat();

    expect(detectorsOf(world().play(family, weeks))).toEqual([]);
  });
  it('changes nothing when it observes', () => {
    const here = world();
    here.play(family, history(role('one')));
    const before = JSON.stringify([here.profile('principal', 'role'), here.tenant]);

    here.observe(family, role('one', AWAY));

    expect(JSON.stringify([here.profile('principal', 'role'), here.tenant])).toBe(before);
  });
  it('learns nothing for good from quarantine', () => {
    const here = world({}, () => true);
    here.play(family, history(role('one')));

    expect(here.profile('principal', 'role').slices[IDENTITY.index]).toMatchObject({
      kinds: [0, 0, 0, 0],
      pairs: [],
      consoles: 0,
    });
  });
});

describe('what is remembered', () => {
  const hash = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  const span = fc.tuple(fc.nat(2 ** 30), fc.nat(2 ** 30)).map(([first, long]) => ({ first, last: first + long }));
  const seat = fc
    .tuple(fc.record({ net: hash, wide: hash, client: hash, six: fc.boolean() }), span)
    .map(([one, when]) => ({ ...one, ...when }));
  const identity: fc.Arbitrary<Identity> = fc.record({
    credentials: fc.array(fc.record({ hash, seats: fc.array(seat, { maxLength: 4 }) }), { maxLength: 6 }),
    pairs: fc.array(
      fc.tuple(hash, span).map(([pair, when]) => ({ pair, ...when })),
      { maxLength: 8 },
    ),
    kinds: fc.array(fc.nat(10_000), { minLength: 4, maxLength: 4 }),
    inner: fc.nat(),
    chain: fc.nat(9),
    consoles: fc.nat(9),
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(identity, fc.array(hash, { maxLength: 20 }), (one, hashes) => {
        expect(IDENTITY.unpack(JSON.parse(JSON.stringify(IDENTITY.pack(one))))).toEqual(one);
        const tenant = { homes: freshKnown(), claims: freshKnown(), pairs: freshKnown() };
        for (const [at, value] of hashes.entries()) remember(tenant.homes, value, at + 1, 64);
        expect(TENANT_IDENTITY.unpack(JSON.parse(JSON.stringify(TENANT_IDENTITY.pack(tenant))))).toEqual(tenant);
      }),
    );
  });
  it('is small, and not taken from foreign shapes', () => {
    const here = world();
    here.play(family, [...history(role('one')), ...history(role('two')), ...history(role('three', '10.0.0.9'))]);
    const foreign = [
      undefined,
      null,
      7,
      'x',
      {},
      [],
      [2, [], []],
      [1],
      [1, [1, 2], []],
      [1, [0, 0, 0, 0, 0, 0, 0], [1]],
      [1, [0, 0, 0, 0, 0, 0, 0], [], [1, 2]],
    ];

    expect(
      JSON.stringify(IDENTITY.pack(here.profile('principal', 'role').slices[IDENTITY.index] as Identity)).length,
    ).toBeLessThan(500);
    expect(foreign.map((packed) => IDENTITY.unpack(packed))).toEqual(foreign.map(() => undefined));
    expect(foreign.map((packed) => TENANT_IDENTITY.unpack(packed))).toEqual(foreign.map(() => undefined));
    fc.assert(
      fc.property(fc.jsonValue(), (packed) => {
        expect(() => [IDENTITY.unpack(packed), TENANT_IDENTITY.unpack(packed)]).not.toThrow();
      }),
    );
  });
});
