import { describe, expect, it } from 'vitest';
import {
  both,
  DAY,
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
import { identityFamily } from './identity.ts';
import { readsFamily } from './reads.ts';

/** As the scorer has it: novelty knows the clients that identity asks for. */
const family = both(identityFamily, readsFamily);
const AWAY = '203.0.113.9';
const key: EventOver = { by: { id: 'app', credential: 'AKIA1' }, from: '198.51.100.7' };
/** Each hour, until a minute before MONDAY. */
const history = (over: EventOver, days: number): AuditEvent[] =>
  repeated(days * 24, HOUR, { ...over, at: MONDAY - days * DAY + 59 * MINUTE });
const byTime = (events: readonly AuditEvent[]): AuditEvent[] => events.toSorted((a, b) => a.time - b.time);

describe('I4 to I9: signs', () => {
  const warm = history(key, 9);
  const last = (events: readonly AuditEvent[], here = world()) => here.play(family, events).at(-1) ?? [];

  it('I4 tells a first reader of another account, and not the second month of a shared service', () => {
    const guest = (home: string, at = MONDAY): AuditEvent => event({ by: { id: `g-${home}`, home }, flags: FLAG.external, at });
    const shared = Array.from({ length: 200 }, (_, n) => guest('222222222222', MONDAY - 6 * DAY + n * MINUTE));

    expect(found(last([...warm, guest('333333333333')]), 'I4')?.bits).toBeGreaterThan(4);
    expect(found(last(byTime([...warm, ...shared, guest('222222222222')])), 'I4')).toBeUndefined();
    expect(found(last([...warm, event({ by: { id: 'x', home: '111122223333' } })]), 'I4')).toBeUndefined();
  });
  it('I5 tells a token of another address, until the pair is known', () => {
    const replay = event({ ...key, claimIp: '192.0.3.1' });

    expect(found(last([...warm, replay]), 'I5')).toMatchObject({ bits: 3 });
    expect(found(last([...warm, { ...replay, time: MONDAY - 2 * HOUR }, replay]), 'I5')).toBeUndefined();
    expect(found(last([...warm, event({ ...key, claimIp: '10.0.0.1' })]), 'I5')).toBeUndefined();
    expect(found(last([...warm, event({ ...key, claimIp: '198.51.100.99' })]), 'I5')).toBeUndefined();
  });
  it('I6 tells a chain that is longer than ever', () => {
    expect(found(last([...warm, event({ ...key, chain: 4 })]), 'I6')).toMatchObject({ bits: 4 });
    expect(
      found(last([...warm, event({ ...key, chain: 4, at: MONDAY }), event({ ...key, chain: 3, at: MONDAY + 1 })]), 'I6'),
    ).toBeUndefined();
    expect(found(last([...warm, event({ ...key, chain: 2 })]), 'I6')).toBeUndefined();
  });
  it('I7 tells a person’s tool on an application, not on what is worked by hand at times', () => {
    const tool = event({ ...key, client: 'azure-cli' });
    const byHand = history({ ...key, client: 'aws-cli' }, 3);

    expect(found(last([...warm, tool]), 'I7')?.bits).toBeGreaterThan(7);
    expect(found(last([...byHand, tool]), 'I7')).toBeUndefined();
    expect(found(last([...warm, event({ ...key, client: 'aws-sdk-go' })]), 'I7')).toBeUndefined();
  });
  it('I8 tells any act from the block list', () => {
    const here = world({ blockedNetworks: ['203.0.113.0/25', '2001:db8:bad::/48', 'no range'] });
    const seen = (from: string, over: EventOver = {}) => found(here.observe(identityFamily, { from, ...over }), 'I8');

    expect(seen(AWAY)).toMatchObject({ floor: 60, bits: 10, entity: 'principal' });
    expect(seen('2001:db8:bad::7', { outcome: 'authfail' })).toMatchObject({ entity: 'network' });
    expect(seen('203.0.113.200')).toBeUndefined();
    expect(seen(AWAY, { outcome: 'challenge' })).toBeUndefined();
  });
  it('I9 tells a first console', () => {
    const console = event({ ...key, flags: FLAG.console });

    expect(found(last([...warm, console]), 'I9')).toMatchObject({ bits: 3 });
    expect(found(last([...warm, console, { ...console, time: MONDAY + SECOND }]), 'I9')).toBeUndefined();
    expect(found(last([console]), 'I9')).toBeUndefined();
  });
});
