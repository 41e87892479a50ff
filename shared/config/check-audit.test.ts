import { expect, it } from 'vitest';
import { checkAudit } from './check-audit.ts';
import { configSchema, type Config } from './schema.ts';

const configOf = (audit: object): Config =>
  configSchema.parse({
    version: 1,
    state: { kind: 'sqlite', path: 'state.db' },
    stores: { main: { kind: 'local', path: 'store.db', keyFile: 'key' } },
    secrets: {},
    audit,
  });
const told = (audit: object): string[] => checkAudit(configOf(audit)).map(({ path, message }) => `${path.join('.')}: ${message}`);

it('has nothing to say of defaults, of no audit section, and of one that is right', () => {
  expect(told({})).toEqual([]);
  expect(checkAudit({ ...configOf({}), audit: undefined })).toEqual([]);
  expect(
    told({
      timeZone: 'Europe/Berlin',
      trustedNetworks: ['198.51.100.0/24', '2001:db8::/48', '192.0.2.1'],
      people: [{ match: '*', timeZone: 'Asia/Tokyo' }],
      suppressions: [{ principal: 'ci', until: '2026-12-24T00:00:00Z', reason: 'moves house' }],
      alerts: {
        channels: [
          { kind: 'slack', channel: 'C0123456789', credential: { store: 'main', secret: 'slack' } },
          { kind: 'webhook', url: 'http://localhost:8080/hook' },
        ],
      },
    }),
  ).toEqual([]);
});

it.each<[object, string]>([
  [{ timeZone: 'Berlin' }, 'audit.timeZone: is no IANA time zone; write one such as UTC or Europe/Berlin'],
  [
    { people: [{ match: '*', timeZone: 'Mars/Base' }] },
    'audit.people.0.timeZone: is no IANA time zone; write one such as UTC or Europe/Berlin',
  ],
  [{ hours: { from: '08:00', to: '08:00' } }, 'audit.hours.to: is the same time as from, so nobody ever works'],
  ...['10.0.0.0/33', '10.0.0', 'x', '2001:db8::/129', '10.0.0.0/8/9', '10.0.0.0/'].map(
    (range) =>
      [
        { blockedNetworks: [range] },
        'audit.blockedNetworks.0: is no address range; write one such as 198.51.100.0/24 or 2001:db8::/48',
      ] as [object, string],
  ),
  [
    { suppressions: [{ until: '2026-12-24T00:00:00Z', reason: 'x' }] },
    'audit.suppressions.0: would suppress everything; name a principal, a secret, a network or detectors',
  ],
  [{ alerts: { quiet: '2h', longest: '1h' } }, 'audit.alerts.longest: is shorter than quiet'],
  [
    { alerts: { channels: [{ kind: 'webhook', url: 'http://hooks.example.com/x' }] } },
    'audit.alerts.channels.0.url: is http: on a network it would show alerts and their credential to who listens; use https',
  ],
  [
    { alerts: { channels: [{ kind: 'slack', channel: 'C1', credential: { store: 'mian', secret: 's' } }] } },
    'audit.alerts.channels.0.credential.store: there is no such store in stores, did you mean "main"',
  ],
])('says of %j what is wrong', (audit, message) => {
  expect(told(audit)).toEqual([message]);
});

it('refuses a detector or a parameter that there is none of', () => {
  expect(() => configOf({ detectors: { S11: {} } })).toThrow(/S11/);
  expect(() => configOf({ detectors: { S1: { distnct: 3 } } })).toThrow(/distnct/);
});
