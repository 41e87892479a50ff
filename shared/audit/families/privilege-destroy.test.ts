import { describe, expect, it } from 'vitest';
import { said } from '../../../test/audit/said.ts';
import { DAY, HOUR, MINUTE, MONDAY, world, type EventOver } from '../../../test/audit/scenes.ts';
import { FLAG } from '../event.ts';
import { privilegeFamily as family } from './privilege.ts';

describe('P7: what is destroyed', () => {
  const destroy = (secret: string, at = MONDAY, over: EventOver = {}): EventOver => ({
    verb: 'destroy',
    action: 'DeleteSecret',
    flags: FLAG.force,
    secret,
    at,
    ...over,
  });
  const version = (name: string, over: EventOver = {}): EventOver => ({
    verb: 'destroy',
    action: 'DestroySecretVersion',
    source: 'gcp',
    secret: [{ key: `gcp:p:${name}`, name, version: '3' }],
    ...over,
  });

  it('rises at the third in an hour', () => {
    const findings = world().play(
      family,
      ['a', 'b', 'c'].map((name, at) => destroy(name, MONDAY + at * MINUTE)),
    );
    expect(findings.map((of) => said(of, 'P7').floor)).toEqual([70, 70, 85]);
    expect(said(findings[2], 'P7').observed).toContain('3 in an hour');
  });

  it('counts the last hour only, and a secret once', () => {
    const apart = ['a', 'b', 'c'].map((name, at) => destroy(name, MONDAY + at * 61 * MINUTE));
    expect(
      world()
        .play(family, apart)
        .map((of) => said(of, 'P7').floor),
    ).toEqual([70, 70, 70]);
    const same = [0, 1, 2].map((at) => destroy('a', MONDAY + at * MINUTE));
    expect(
      world()
        .play(family, same)
        .map((of) => said(of, 'P7').floor),
    ).toEqual([70, 70, 70]);
  });

  it('lets a writer tidy up old versions, however many', () => {
    const test = world();
    const names = ['a', 'b', 'c', 'd'];
    const ref = (name: string) => [{ key: `gcp:p:${name}`, name }];
    test.play(
      family,
      names.map((name) => ({ source: 'gcp', verb: 'write', secret: ref(name) }) satisfies EventOver),
    );
    expect(
      test
        .play(
          family,
          names.map((name) => version(name)),
        )
        .flat(),
    ).toEqual([]);
    expect(said(test.observe(family, destroy('a', MONDAY, { secret: ref('a') })), 'P7').floor).toBe(70);
  });

  it('says a single version by a stranger without a floor, and a burst with one', () => {
    const test = world();
    const findings = test.play(
      family,
      ['a', 'b', 'c'].map((name) => version(name)),
    );
    expect(findings.map((of) => said(of, 'P7').floor)).toEqual([undefined, undefined, 85]);
  });

  it('lets a creator remove for good what it made today', () => {
    const test = world();
    test.play(family, [{ verb: 'create', secret: 'brief', at: MONDAY }]);
    expect(test.observe(family, destroy('brief', MONDAY + HOUR))).toEqual([]);
    expect(said(test.observe(family, destroy('brief', MONDAY + 2 * DAY)), 'P7').floor).toBe(70);
  });

  it('never takes the end of a key for tidying up, and leases for no secrets', () => {
    const test = world();
    test.play(family, [{ verb: 'create', secret: 'key', at: MONDAY }]);
    const over: EventOver = { verb: 'destroy', action: 'ScheduleKeyDeletion', secret: 'key', at: MONDAY + 2 * DAY };
    expect(said(test.observe(family, over), 'P7').floor).toBe(70);
    expect(said(world().observe(family, { verb: 'delete', action: 'KeyDelete', source: 'azure' }), 'P7').floor).toBe(70);
    expect(test.observe(family, destroy('x', MONDAY, { source: 'vault', action: 'update sys/leases/revoke-prefix/db' }))).toEqual(
      [],
    );
  });

  it('takes deletions that can be taken back only as a burst', () => {
    const deletes = ['a', 'b', 'c', 'd', 'e', 'f'].map(
      (secret, at) => ({ verb: 'delete', secret, at: MONDAY + at }) satisfies EventOver,
    );
    const findings = world().play(family, deletes);
    expect(findings.map((of) => of.length)).toEqual([0, 0, 0, 0, 1, 1]);
    expect(said(findings[4], 'P7').floor).toBeUndefined();
  });

  it('is silent for a rotation of ours, and for what the store does itself', () => {
    expect(world().observe(family, version('a'), { own: true })).toEqual([]);
    expect(world().observe(family, destroy('a', MONDAY, { flags: FLAG.force | FLAG.system }))).toEqual([]);
  });
});
