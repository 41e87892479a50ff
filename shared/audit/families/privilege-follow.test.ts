import { describe, expect, it } from 'vitest';
import { reads, said } from '../../../test/audit/said.ts';
import { DAY, HOUR, MINUTE, MONDAY, detectorsOf, world, type EventOver } from '../../../test/audit/scenes.ts';
import { FLAG } from '../event.ts';
import { privilegeFamily as family } from './privilege.ts';

const vault = (action: string, over: EventOver = {}): EventOver => ({ source: 'vault', action, verb: 'config', ...over });

describe('P4 and P17: let in, then reading', () => {
  const grant: EventOver = { by: 'admin', verb: 'policy', action: 'PutRolePolicy', grantee: 'reader', secret: [] };
  const role = { id: 'arn:aws:iam::111122223333:role/reader', name: 'reader' };

  it('says what a grantee reads for the first time within half an hour', () => {
    const test = world();
    test.play(family, [grant]);
    const one = said(test.observe(family, { by: role, at: MONDAY + 10 * MINUTE }), 'P4');
    expect(one.observed).toBe("first read of db 10 min after somebody's policy change");
    expect(test.observe(family, { by: role, at: MONDAY + 31 * MINUTE })).toEqual([]);
    expect(test.observe(family, { by: 'stranger', at: MONDAY + 10 * MINUTE })).toEqual([]);
  });

  it('says who lets itself in, with full bits, and not for what it knew', () => {
    const test = world();
    test.play(family, [{ ...grant, grantee: 'somebody' }]);
    expect(said(test.observe(family, { by: 'admin', at: MONDAY + MINUTE }), 'P4').bits).toBe(8);
    reads(test.profile('principal', 'admin'), test.profile('secret', 'aws:sm:111122223333:eu-west-1:db'));
    expect(test.observe(family, { by: 'admin', at: MONDAY + MINUTE })).toEqual([]);
  });

  it('says a read of a secret whose own policy was changed', () => {
    const test = world();
    test.play(family, [{ by: 'admin', verb: 'policy', action: 'PutResourcePolicy', secret: 'db' }]);
    expect(said(test.observe(family, { by: 'x', at: MONDAY + MINUTE }), 'P4').bits).toBeGreaterThan(0);
    expect(test.observe(family, { by: 'x', secret: 'other', at: MONDAY + MINUTE })).toEqual([]);
  });

  it('is silent when policies change every day, as with infrastructure as code', () => {
    const test = world();
    test.play(
      family,
      [0, 1, 2].map((at) => ({ ...grant, at: MONDAY + at * DAY })),
    );
    test.play(family, [{ ...grant, at: MONDAY + 3 * DAY }]);
    expect(test.observe(family, { by: role, at: MONDAY + 3 * DAY + MINUTE })).toEqual([]);
  });

  it('weighs a new workload of a usual grantor little', () => {
    const test = world();
    test.play(family, [grant, { ...grant, at: MONDAY + DAY }]);
    expect(said(test.observe(family, { by: role, at: MONDAY + DAY + MINUTE }), 'P4').bits).toBe(2);
  });

  it('says reads with a token that was made for another', () => {
    const test = world();
    const sa = 'deploy@p.iam.gserviceaccount.com';
    test.play(family, [
      { source: 'gcp', by: 'ann', verb: 'token', action: 'GenerateAccessToken', grantee: sa, secret: [], ttl: 3600 },
    ]);
    expect(detectorsOf(test.observe(family, { by: sa, at: MONDAY + MINUTE }))).toEqual(['P17']);
    expect(detectorsOf(test.observe(family, { by: 'ann', at: MONDAY + MINUTE }))).toEqual(['P17']);
    expect(test.observe(family, { by: sa, at: MONDAY + HOUR })).toEqual([]);
  });

  it('keeps sixteen changes', () => {
    const test = world();
    test.play(family, [
      grant,
      ...Array.from({ length: 16 }, (_, at) => ({ ...grant, by: `b${at}`, grantee: `g${at}`, at: MONDAY + 1 + at })),
    ]);
    expect(test.observe(family, { by: role, at: MONDAY + MINUTE })).toEqual([]);
    expect(said(test.observe(family, { by: 'g15', at: MONDAY + MINUTE }), 'P4').bits).toBe(4);
  });
});

describe('P13: wrapped secrets', () => {
  const unwrap = (at: number, over: EventOver = {}): EventOver =>
    vault('update sys/wrapping/unwrap', { verb: 'read', flags: FLAG.unwrap, secret: [], at, ...over });

  it('says a second opening, without a floor', () => {
    expect(said(world().observe(family, unwrap(MONDAY, { outcome: 'error' })), 'P13').bits).toBeLessThanOrEqual(5);
  });

  it('says an opening from where nothing was ever opened', () => {
    const test = world();
    test.play(
      family,
      Array.from({ length: 60 }, (_, at) => unwrap(MONDAY + at * HOUR)),
    );
    expect(test.observe(family, unwrap(MONDAY + 3 * DAY))).toEqual([]);
    expect(said(test.observe(family, unwrap(MONDAY + 3 * DAY, { from: '198.51.100.7' })), 'P13').bits).toBeGreaterThan(6);
  });
});
