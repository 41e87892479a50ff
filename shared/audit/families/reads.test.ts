import { describe, expect, it } from 'vitest';
import {
  DAY,
  detectorsOf,
  event,
  found,
  HOUR,
  MINUTE,
  MONDAY,
  NO_NET,
  repeated,
  SECOND,
  world,
  type EventOver,
  type World,
} from '../../../test/audit/scenes.ts';
import { FLAG, type AuditEvent } from '../event.ts';
import { readsFamily } from './reads.ts';

/** Seven days of ten workloads, each of which reads its five secrets every hour. */
function history(audit: Parameters<typeof world>[0] = {}): World {
  const tenant = world(audit);
  const events: AuditEvent[] = [];
  for (let at = MONDAY; at < MONDAY + 7 * DAY; at += HOUR) {
    for (let app = 0; app < 10; app += 1) {
      for (let secret = 0; secret < 5; secret += 1) {
        events.push(
          event({ at: at + app * MINUTE + secret, by: `app-${app}`, secret: `s${app}-${secret}`, from: `10.0.${app}.7` }),
        );
      }
    }
  }
  tenant.play(readsFamily, events);
  return tenant;
}

const NOW = MONDAY + 7 * DAY;
const others = (n: number): string[] => Array.from({ length: n }, (_, at) => `s${1 + (at % 9)}-${Math.floor(at / 9)}`);
const sweep = (by: EventOver, gap: number, n = 20): AuditEvent[] =>
  others(n).map((secret, at) => event({ at: NOW + at * gap, secret, ...by }));

describe('after seven quiet days', () => {
  it('says nothing of what goes on as before', () => {
    const tenant = history();

    const findings = tenant.play(readsFamily, repeated(50, HOUR, { at: NOW, by: 'app-0', secret: 's0-0', from: '10.0.0.7' }));

    expect(detectorsOf(findings)).toEqual([]);
  });

  it.each([1 * SECOND, 20 * SECOND, MINUTE])('sees a sweep of 20 by the 8th read, one each %i ms', (gap) => {
    const tenant = history();

    const findings = tenant.play(readsFamily, sweep({ by: 'app-0', from: '10.0.0.7' }, gap));

    const first = findings.findIndex((each) => (found(each, 'S1')?.floor ?? 0) >= 70);
    expect(first).toBe(7);
  });

  it('sees a secret an hour within a day', () => {
    const tenant = history();

    const findings = tenant.play(readsFamily, sweep({ by: 'app-0', from: '10.0.0.7' }, HOUR, 12));

    const bits = findings.map((each) => found(each, 'S2')?.bits ?? 0);
    expect(bits[3]).toBe(0);
    expect(bits[8]).toBeGreaterThan(6);
    expect(detectorsOf(findings)).not.toContain('S1');
  });

  it('counts a batch by the secrets that it names, at the first call', () => {
    const tenant = history();

    const [findings = []] = tenant.play(readsFamily, [
      event({ at: NOW, by: 'app-0', secret: others(20), weight: 20, flags: FLAG.batch, from: '10.0.0.7' }),
    ]);

    expect(found(findings, 'S1')?.floor).toBe(70);
    expect(detectorsOf(findings)).toContain('N10');
  });

  it.each([
    ['S7', FLAG.batch | FLAG.catchAll],
    ['S8', FLAG.byPath | FLAG.catchAll],
  ] as const)('%s: tells a call that reaches everything, until it is a habit of days', (id, flags) => {
    const tenant = history();
    const all = (at: number): AuditEvent =>
      event({ at, by: 'backup', secret: [], weight: 20, flags, action: 'GetParametersByPath', from: '10.0.0.9' });

    const nights = tenant.play(
      readsFamily,
      [0, 1, 2, 3].map((night) => all(NOW + night * DAY)),
    );

    expect(nights.map((each) => found(each, id)?.floor)).toEqual([60, 60, undefined, undefined]);
  });

  it('lets a release read three more, and finds them only a little surprising', () => {
    const tenant = history();

    const findings = tenant.play(readsFamily, [
      event({ at: NOW, by: 'ci', verb: 'create', action: 'CreateSecret', secret: 'fresh-1' }),
      event({ at: NOW + MINUTE, by: 'app-0', secret: 'fresh-1', from: '10.0.0.7' }),
      event({ at: NOW + MINUTE, by: 'app-0', secret: 's1-0', from: '10.0.0.7' }),
    ]);

    expect(found(findings[1] ?? [], 'N1')).toBeUndefined();
    expect(detectorsOf(findings[2] ?? [])).toEqual(['N1', 'N3']);
    expect(found(findings[2] ?? [], 'N1')?.bits).toBe(6);
  });

  it('knows a new address range from one that others use', () => {
    const tenant = history();

    const [alien = []] = tenant.play(readsFamily, [event({ at: NOW, by: 'app-0', secret: 's0-0', from: '203.0.113.9' })]);
    const [shared = []] = tenant.play(readsFamily, [
      event({ at: NOW + 2 * HOUR, by: 'app-1', secret: 's1-0', from: '203.0.113.9' }),
    ]);

    expect(found(alien, 'N4')?.bits).toBeGreaterThan(5);
    expect(found(alien, 'N4')?.observed).toBe('203.0.113.0/24');
    expect(found(shared, 'N4')?.bits ?? 0).toBeLessThan((found(alien, 'N4')?.bits ?? 0) / 2);
  });

  it('takes addresses of trusted ranges, of any size, for no news', () => {
    const tenant = history({ trustedNetworks: ['203.0.112.0/22'] });
    const gcp = { key: 'gcp:p:db', name: 'db' };

    const findings = tenant.play(readsFamily, [
      event({ at: NOW, by: 'app-0', secret: 's0-0', from: '203.0.113.9' }),
      event({ at: NOW + MINUTE, by: 'sa', source: 'gcp', secret: [gcp], from: '203.0.113.9' }),
    ]);

    expect(detectorsOf(findings).filter((id) => id === 'N4' || id === 'X1')).toEqual([]);
  });

  it('finds thirty times the usual reads of one secret surprising, and twice the usual not', () => {
    const burst = history();
    const twice = history();

    const many = burst.play(readsFamily, repeated(300, SECOND, { at: NOW, by: 'app-0', secret: 's0-0', from: '10.0.0.7' }));
    const few = twice.play(readsFamily, repeated(20, HOUR / 2, { at: NOW, by: 'app-0', secret: 's0-0', from: '10.0.0.7' }));

    expect(found(many.at(-1) ?? [], 'V1')?.bits).toBeGreaterThan(12);
    expect(detectorsOf(few)).toEqual([]);
  });

  it('takes a nightly job for usual, and a fleet that starts for half', () => {
    const tenant = history();
    const job = (night: number, n: number): AuditEvent[] =>
      repeated(n, SECOND, { at: NOW + night * DAY, by: 'batch', secret: 'job', from: '10.0.9.7' });
    const nights = [0, 1, 2, 3, 4].flatMap((night) => job(night, 100));
    tenant.play(readsFamily, nights);

    const usual = tenant.play(readsFamily, job(5, 120));
    const hoard = tenant.play(readsFamily, job(6, 900));

    expect(detectorsOf(usual)).toEqual([]);
    expect(found(hoard.at(-1) ?? [], 'V1')?.bits).toBeGreaterThan(6);
  });

  it('sees names guessed, lists that are followed by reads, and an order in names', () => {
    const tenant = history();

    const guesses = tenant.play(
      readsFamily,
      Array.from({ length: 10 }, (_, at) =>
        event({ at: NOW + at * SECOND, by: 'app-0', outcome: 'notfound', secret: `no-${at}`, from: '10.0.0.7' }),
      ),
    );
    const listed = tenant.play(readsFamily, [
      event({ at: NOW + HOUR, by: 'app-1', verb: 'list', action: 'ListSecrets', secret: [], from: '10.0.1.7' }),
      ...['s2-0', 's2-1', 's2-2', 's2-3', 's2-4', 's3-0', 's3-1', 's3-2'].map((secret, at) =>
        event({ at: NOW + HOUR + at * SECOND, by: 'app-1', secret, from: '10.0.1.7' }),
      ),
    ]);

    expect(found(guesses[4] ?? [], 'S6')).toBeUndefined();
    expect(found(guesses[5] ?? [], 'S6')?.bits).toBe(5);
    expect(found(listed[1] ?? [], 'S4')?.bits).toBe(5);
    expect(found(listed.at(-1) ?? [], 'S9')?.bits).toBe(3);
  });

  it('sees one address in two stores, and a crowd from a new range', () => {
    const tenant = history();
    const gcp = { key: 'gcp:p:db', name: 'db' };

    const stores = tenant.play(readsFamily, [
      event({ at: NOW, by: 'app-0', secret: 's0-0', from: '203.0.113.9' }),
      event({ at: NOW + MINUTE, by: 'sa', source: 'gcp', secret: [gcp], from: '203.0.113.9' }),
    ]);
    const crowd = tenant.play(
      readsFamily,
      ['app-2', 'app-3', 'app-4'].map((by, at) => event({ at: NOW + at * MINUTE, by, secret: `s5-${at}`, from: '198.51.100.9' })),
    );

    expect(found(stores[1] ?? [], 'X1')?.bits).toBe(9);
    expect(found(stores[1] ?? [], 'X1')?.observed).toBe('secrets read in aws and gcp from 203.0.113.9');
    expect(crowd.map((each) => found(each, 'X4') !== undefined)).toEqual([false, false, true]);
  });

  it('sees a chain from who-am-I to reading, once', () => {
    const tenant = history();
    const step = (at: number, verb: AuditEvent['verb'], action: string): AuditEvent =>
      event({ at: NOW + at * MINUTE, by: 'app-0', verb, action, secret: [], from: '10.0.0.7' });

    const chain = tenant.play(readsFamily, [
      step(0, 'whoami', 'GetCallerIdentity'),
      step(1, 'list', 'ListUsers'),
      step(2, 'list', 'ListSecrets'),
      event({ at: NOW + 3 * MINUTE, by: 'app-0', secret: 's4-0', from: '10.0.0.7' }),
    ]);

    expect(found(chain.at(-1) ?? [], 'X3')?.bits).toBe(10);
  });

  it('counts nothing of echoes, of what the store writes about itself, and of our own rotations', () => {
    const tenant = history();
    const by = { by: 'app-0', from: NO_NET } as const;

    const echoes = tenant.play(readsFamily, sweep({ ...by, flags: FLAG.echo }, SECOND));
    const own = tenant.play(readsFamily, sweep(by, SECOND), { own: true });

    expect(detectorsOf([...echoes, ...own])).toEqual([]);
  });

  it('does not learn a sweep as usual', () => {
    const tenant = history();
    const again = (at: number): AuditEvent[] =>
      others(20).map((secret, index) => event({ at: at + index * SECOND, by: 'app-0', secret, from: '10.0.0.7' }));
    const scenes = again(NOW).map((of) => tenant.scene(of));
    for (const scene of scenes) readsFamily.learn(scene, true);

    const findings = tenant.play(readsFamily, again(NOW + 2 * HOUR));

    expect(found(findings[7] ?? [], 'S1')?.floor).toBe(70);
  });
});

it('says nothing of novelty before the tenant is known', () => {
  const tenant = world();

  const findings = tenant.play(readsFamily, sweep({ by: 'app-0' }, MINUTE, 12));

  expect(detectorsOf(findings)).toEqual([]);
});

it('keeps slices that are read as they were written, and refuses others', async () => {
  const { readingSlots } = await import('./reads.ts');
  const tenant = history();
  tenant.play(readsFamily, sweep({ by: 'app-0', from: '10.0.0.7' }, MINUTE));

  for (const slot of readingSlots) {
    for (const [kind, key] of [
      ['principal', 'app-0'],
      ['secret', 'aws:sm:111122223333:eu-west-1:s1-0'],
      ['network', '10.0.0.0/24'],
      ['tenant', 'default'],
    ] as const) {
      const slice = tenant.profile(kind, key).slices[slot.index];
      if (slice === undefined) continue;
      const packed: unknown = JSON.parse(JSON.stringify(slot.pack(slice)));
      expect(JSON.stringify(slot.pack(slot.unpack(packed)))).toBe(JSON.stringify(packed));
    }
    expect([undefined, null, 0, 'x', {}, [], ['x'], [[['x']]]].map((each) => slot.unpack(each))).toEqual(
      Array(8).fill(undefined),
    );
  }
});
