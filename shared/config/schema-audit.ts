/** How audit events are scored, and who is told. zod is imported as a namespace: the named import would bundle five times as much. */
import * as z from 'zod';
import { CATALOG } from '../detectors/index.ts';
import { duration, endpoint } from './schema-basics.ts';

const timeOfDay = z.string().regex(/^([01]\d|2[0-4]):[0-5]\d$/, 'write a time of day as HH:MM, for example 08:00');
const day = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);
const date = z.iso.date('write a date such as 2026-12-24');
const instant = z.iso.datetime({ offset: true, error: 'write an instant with its offset, for example 2026-12-24T00:00:00Z' });
const patterns = z.array(z.string().min(1).max(512)).describe('Names, with * for any characters. Case counts.');
const band = z.enum(['low', 'medium', 'high', 'critical']);

const detectors = z
  .strictObject(
    Object.fromEntries(
      Object.entries(CATALOG).map(([id, spec]) => [
        id,
        z
          .strictObject({
            enabled: z.boolean().optional(),
            cap: z.number().min(0).max(40).optional().describe('The most bits that it gives.'),
            floor: z.number().min(0).max(100).optional().describe('The least score of an event on which it fires.'),
            ...Object.fromEntries(Object.keys(spec.params).map((name) => [name, z.number().min(0).optional()])),
          })
          .describe(`${spec.title} (${spec.attack.join(', ')})`)
          .optional(),
      ]),
    ),
  )
  .describe('Each detector can be switched off and tuned.');

const hours = z
  .strictObject({
    days: z.array(day).min(1).default(['mon', 'tue', 'wed', 'thu', 'fri']),
    from: timeOfDay.default('08:00'),
    to: timeOfDay.default('19:00'),
    holidays: z.array(date).default([]),
  })
  .describe('When people work, in the time zone of the person, else of the tenant.');

const people = z.strictObject({
  match: z.string().min(1).describe('A principal’s id or name, with * for any characters.'),
  kind: z.enum(['human', 'workload', 'service']).optional(),
  timeZone: z.string().min(1).optional(),
  group: z.string().min(1).optional(),
});

const suppression = z.strictObject({
  principal: z.string().min(1).optional(),
  secret: z.string().min(1).optional(),
  network: z.string().min(1).optional().describe('An address range such as 198.51.100.0/24.'),
  detectors: z.array(z.enum(Object.keys(CATALOG) as [string, ...string[]])).optional(),
  until: instant.describe('A suppression ends; 30 days is a good length.'),
  reason: z.string().min(1),
});

const from = band.default('medium').describe('The least band that is sent here.');
const credential = z
  .strictObject({ store: z.string().min(1), secret: z.string().min(1) })
  .describe('A secret in one of the stores; its value is JSON. It is read when it is first needed and never logged.');

const channel = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('slack'),
    credential: credential.describe('A secret with botToken and, for acknowledgements, signingSecret.'),
    channel: z.string().min(1).describe('The id of the channel, for example C0123456789.'),
    endpoint: endpoint.optional(),
    from,
  }),
  z.strictObject({
    kind: z.literal('sns'),
    topicArn: z.string().regex(/^arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]{1,256}(\.fifo)?$/, 'write the ARN of a topic'),
    endpoint: endpoint.optional(),
    from,
  }),
  z.strictObject({
    kind: z.literal('pubsub'),
    topic: z.string().regex(/^projects\/[^/]+\/topics\/[^/]+$/, 'write projects/PROJECT/topics/TOPIC'),
    endpoint: endpoint.optional(),
    from,
  }),
  z.strictObject({
    kind: z.literal('event-grid'),
    endpoint: endpoint.describe(
      'The endpoint of a topic that takes CloudEvents 1.0, for example https://NAME.REGION-1.eventgrid.azure.net/api/events.',
    ),
    from,
  }),
  z.strictObject({
    kind: z.literal('webhook'),
    url: endpoint,
    credential: credential
      .optional()
      .describe('A secret with routingKey (PagerDuty Events v2) or signingKey (HMAC-SHA256 of the body).'),
    format: z.enum(['pagerduty', 'json']).default('json'),
    from,
  }),
]);

const trail = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal('cloudtrail'),
      region: z.string().min(1).optional().describe('Default: the region that the SDK is told of.'),
      endpoint: endpoint.optional(),
      first: duration.default(3_600_000).describe('How far the first look goes back; at most 90d.'),
    })
    .describe('CloudTrail’s event history, for accounts without a trail that is delivered. One region each.'),
]);

export const audit = z.strictObject({
  tenant: z
    .string()
    .min(1)
    .max(64)
    .default('default')
    .describe('What is scored together: one baseline for all its accounts and stores.'),
  timeZone: z.string().min(1).default('UTC').describe('An IANA time zone.'),
  hours: hours.prefault({}),
  people: z.array(people).default([]).describe('What is known of principals. The first that matches counts.'),
  canaries: patterns.default([]).describe('Secrets that nobody needs: whatever is done to one is told at once.'),
  crownJewels: patterns.default([]).describe('Secrets that weigh 1.3 times.'),
  lowValue: patterns.default([]).describe('Secrets that weigh 0.7 times.'),
  breakGlass: patterns.default([]).describe('Principals that may use root, at any hour.'),
  ownPrincipals: patterns
    .default([])
    .describe('Principals of Keywheel’s own functions. Its rotations announce themselves too, by version.'),
  trustedNetworks: z.array(z.string().min(1)).default([]).describe('Address ranges of your own egress, such as 198.51.100.0/24.'),
  blockedNetworks: z.array(z.string().min(1)).default([]).describe('Address ranges that nobody of yours uses.'),
  detectors: detectors.prefault({}),
  suppressions: z.array(suppression).default([]),
  trails: z.array(trail).optional().describe('Where audit records are asked for, by the scoring function’s schedule.'),
  alerts: z
    .strictObject({
      from: band.default('medium').describe('The least band that is sent.'),
      quiet: duration.default(3_600_000).describe('An incident takes in what follows within this time.'),
      longest: duration.default(21_600_000).describe('After this, what follows is another incident.'),
      budget: z.int().min(1).default(5).describe('Alerts of the medium band in a day; what is over it goes into the digest.'),
      storm: z.int().min(1).default(20).describe('Alerts in ten minutes, after which one alert tells of all.'),
      channels: z.array(channel).default([]),
    })
    .prefault({}),
});
