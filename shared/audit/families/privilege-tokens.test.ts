import { describe, expect, it } from 'vitest';
import { said } from '../../../test/audit/said.ts';
import { DAY, HOUR, MINUTE, MONDAY, repeated, world, type EventOver } from '../../../test/audit/scenes.ts';
import { FLAG } from '../event.ts';
import { privilegeFamily as family } from './privilege.ts';

describe('P1: lifetimes', () => {
  const login = (ttl: number, over: EventOver = {}): EventOver => ({
    source: 'vault',
    verb: 'login',
    action: 'update auth/approle/login',
    secret: [],
    ttl,
    ...over,
  });
  const history = Array.from({ length: 20 }, (_, at) =>
    login(1200 + at, { at: MONDAY + at * HOUR, by: { id: `pod-${at}`, group: 'approle/app' } }),
  );

  it('says a token that is far longer than the others of its group', () => {
    const test = world();
    test.play(family, history);
    const one = said(
      test.observe(family, login(86_400 * 30, { at: MONDAY + DAY, by: { id: 'pod-x', group: 'approle/app' } })),
      'P1',
    );
    expect(one).toMatchObject({ bits: 10, observed: 'a token of 30 days', expected: 'at most 20 minutes for its group' });
    expect(one.floor).toBeUndefined();
  });

  it('does not compare with other groups, nor below four times', () => {
    const test = world();
    test.play(family, history);
    expect(test.observe(family, login(86_400 * 30, { by: { id: 'ops', group: 'ldap/ops' } }))).toEqual([]);
    expect(test.observe(family, login(4500, { by: { id: 'pod-x', group: 'approle/app' } }))).toEqual([]);
  });

  it.each([3600, 12 * 3600, 86_400, 2_764_800])('never alarms at %s s alone', (ttl) => {
    expect(world().observe(family, login(ttl))).toEqual([]);
    expect(world().observe(family, { ttl })).toEqual([]);
  });

  it('has a floor beyond a year, when it is made', () => {
    expect(said(world().observe(family, login(32_000_000, { verb: 'token' })), 'P1').floor).toBe(60);
    const carried = said(world().observe(family, { ttl: 180_000_000 }), 'P1');
    expect(carried.floor).toBeUndefined();
    expect(said(world().observe(family, login(90 * 86_400)), 'P1').floor).toBeUndefined();
  });

  it('says more of the first long token of who never had one, and little where the group has them', () => {
    const test = world();
    const long = (over: EventOver = {}): EventOver => login(60 * 86_400, { at: MONDAY + DAY, by: 'ops', ...over });
    const fresh = said(test.observe(family, long()), 'P1').bits;
    test.play(family, repeated(500, MINUTE, { by: 'ops' }));
    expect(said(test.observe(family, long()), 'P1').bits).toBeGreaterThan(Math.max(9, fresh));
    test.play(
      family,
      Array.from({ length: 12 }, (_, at) => long({ at: MONDAY + at, by: { id: `batch-${at}`, group: 'batch' } })),
    );
    expect(said(test.observe(family, long({ by: { id: 'batch-x', group: 'batch' } })), 'P1').bits).toBe(3);
  });

  it('says a token without an end, until its group has had some', () => {
    const test = world();
    const endless = (at: number): EventOver => login(0, { at, flags: FLAG.endless, by: { id: `n-${at}`, group: 'nomad' } });
    expect(said(test.observe(family, endless(MONDAY)), 'P1').observed).toContain('without an end');
    test.play(
      family,
      [1, 2, 3].map((at) => endless(MONDAY + at)),
    );
    expect(test.observe(family, endless(MONDAY + HOUR))).toEqual([]);
  });

  it('learns nothing of what is quarantined', () => {
    const test = world({}, (findings) => findings.length > 0);
    test.play(family, history);
    const long = (at: number): EventOver =>
      login(86_400 * 30, { at: MONDAY + DAY + at, by: { id: 'pod-x', group: 'approle/app' } });
    test.play(family, [long(0), long(1)]);
    expect(said(test.observe(family, long(2)), 'P1').bits).toBe(10);
  });
});
