import { describe, expect, it } from 'vitest';
import { reads, said } from '../../../test/audit/said.ts';
import { DAY, HOUR, MINUTE, MONDAY, repeated, world, type EventOver } from '../../../test/audit/scenes.ts';
import { FLAG } from '../event.ts';
import { privilegeFamily as family } from './privilege.ts';

describe('P11: writers', () => {
  const write = (by: string, at: number, over: EventOver = {}): EventOver => ({
    by,
    at,
    verb: 'write',
    action: 'PutSecretValue',
    ...over,
  });
  const settled = () => {
    const test = world();
    test.play(family, [write('rotator', MONDAY), ...repeated(60, 10 * MINUTE, { at: MONDAY + HOUR })]);
    test.play(family, [write('rotator', MONDAY + 2 * DAY)]);
    return test;
  };

  it('says a write by a reader that never wrote', () => {
    const one = said(settled().observe(family, write('app', MONDAY + 8 * DAY)), 'P11');
    expect(one).toMatchObject({ entity: 'principal', about: 'aws:sm:111122223333:eu-west-1:db', expected: '1 known writer' });
    expect(one.bits).toBeGreaterThan(10);
  });

  it('is silent for known writers, creators, and rotations of ours', () => {
    const test = settled();
    test.play(family, [{ by: 'maker', verb: 'create', secret: 'new', at: MONDAY }, ...repeated(9, MINUTE, { secret: 'new' })]);
    expect(test.observe(family, write('rotator', MONDAY + 8 * DAY))).toEqual([]);
    expect(test.observe(family, write('maker', MONDAY + 8 * DAY, { secret: 'new' }))).toEqual([]);
    expect(test.observe(family, write('app', MONDAY + 8 * DAY), { own: true })).toEqual([]);
  });

  it('does not alarm at the first write on record in the first week, and does after it', () => {
    const test = world();
    test.play(family, repeated(20, HOUR, {}));
    expect(test.observe(family, write('other', MONDAY + 2 * DAY))).toEqual([]);
    expect(said(test.observe(family, write('other', MONDAY + 8 * DAY)), 'P11').expected).toBe('20 reads and no writer on record');
  });

  it('expects little else of what writes ever new secrets', () => {
    const test = settled();
    test.play(
      family,
      Array.from({ length: 40 }, (_, at) => write('terraform', MONDAY + at * HOUR, { secret: `s-${at}` })),
    );
    expect(said(test.observe(family, write('terraform', MONDAY + 8 * DAY)), 'P11').bits).toBeLessThan(7);
  });

  it('tells who keeps its own one secret from who keeps many', () => {
    const bits = (own: number): number => {
      const test = settled();
      test.play(family, repeated(200, MINUTE, { by: 'keeper', secret: 'other' }));
      test.play(
        family,
        Array.from({ length: 8 }, (_, at) => write('keeper', MONDAY + at * HOUR, { secret: `own-${at % own}` })),
      );
      return said(test.observe(family, write('keeper', MONDAY + 8 * DAY)), 'P11').bits;
    };
    expect(bits(1)).toBeGreaterThan(10);
    expect(bits(8)).toBeLessThan(6);
  });

  it("weighs a peer of the writer, and the store's own rotation, less", () => {
    const test = world();
    test.play(family, [write('blue', MONDAY, { by: { id: 'blue', group: 'app' } }), ...repeated(60, MINUTE)]);
    const stranger = said(test.observe(family, write('x', MONDAY + DAY)), 'P11').bits;
    expect(said(test.observe(family, write('x', MONDAY + DAY, { by: { id: 'green', group: 'app' } })), 'P11').bits).toBeLessThan(
      stranger / 2,
    );
    test.play(family, [{ at: MONDAY + DAY, verb: 'config', action: 'RotationStarted', flags: FLAG.system, by: 'store' }]);
    expect(said(test.observe(family, write('x', MONDAY + DAY + MINUTE)), 'P11').bits).toBeLessThan(stranger / 2);
  });

  it('weighs a person less that uses what it writes', () => {
    const test = settled();
    const over = write('', MONDAY + 8 * DAY, { by: { id: 'ann', kind: 'human' } });
    const before = said(test.observe(family, over), 'P11').bits;
    reads(test.profile('principal', 'ann'), test.profile('secret', 'aws:sm:111122223333:eu-west-1:db'));
    expect(said(test.observe(family, over), 'P11').bits).toBeCloseTo(before - 3);
  });

  it('does not take a quarantined writer for known until its third day has passed', () => {
    const test = world({}, (findings) => findings.length > 0);
    test.play(family, [write('rotator', MONDAY), ...repeated(60, MINUTE)]);
    const findings = [1, 2, 3, 4].map((at) => test.play(family, [write('thief', MONDAY + at * DAY)]).flat().length);
    expect(findings).toEqual([1, 1, 1, 0]);
  });
});
