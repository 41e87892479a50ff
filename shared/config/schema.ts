/**
 * The shape of keywheel.yaml. The published JSON Schema is made from this file (`npm run schemas`).
 * zod is imported as a namespace: the named import would bundle five times as much.
 */
import * as z from 'zod';
import { DURATION_PATTERN, parseDuration } from './duration.ts';

const duration = z
  .string()
  .regex(DURATION_PATTERN, 'write a duration such as 90s, 15m, 1h or 30d')
  .transform((text) => parseDuration(text) ?? 0);

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'write a time of day as HH:MM, for example 02:30');

const localStore = z.strictObject({
  kind: z.literal('local'),
  path: z.string().min(1).describe('The store file, relative to keywheel.yaml. Values in it are encrypted with AES-256-GCM.'),
  keyFile: z.string().min(1).optional().describe('A file with mode 0600 that holds the 32-byte key in base64.'),
  keyEnv: z.string().min(1).optional().describe('The environment variable that holds the key in base64 instead of a file.'),
});

const sqliteState = z.strictObject({
  kind: z.literal('sqlite'),
  path: z.string().min(1).describe('The state file (journal and leases), relative to keywheel.yaml.'),
});

const tls = z.strictObject({
  mode: z
    .enum(['verify-full', 'disable'])
    .describe(
      'verify-full checks the certificate and the host name. disable is refused for hosts other than loopback. There is no mode that falls back.',
    ),
  ca: z.string().min(1).optional().describe('A PEM file with the certificate authorities to trust instead of the system ones.'),
  serverName: z.string().min(1).optional().describe('The name the certificate must carry, where it is not the host.'),
});

const host = z.string().min(1);
const port = z.int().min(1).max(65_535);

const postgresTarget = z.strictObject({
  kind: z.literal('postgres'),
  host: host.describe('The only host that the admin credential is ever sent to.'),
  port: port.default(5432),
  database: z.string().min(1),
  tls: tls.default({ mode: 'verify-full' }),
  admin: z
    .strictObject({
      username: z.string().min(1),
      passwordEnv: z.string().min(1).optional().describe('The environment variable that holds the password.'),
      passwordFile: z.string().min(1).optional().describe('A file with mode 0600 that holds the password.'),
      secret: z.string().min(1).optional().describe('A secret in the same store whose `password` field is used.'),
    })
    .describe('The role that changes passwords: CREATEROLE with ADMIN OPTION on the accounts is enough.'),
  accounts: z
    .array(z.string().min(1).max(63))
    .min(1)
    .max(2)
    .describe(
      'The login roles this secret may name: two for dual-account, one for in-place. Pinned: nothing in the secret can change them.',
    ),
  ownerRole: z
    .string()
    .min(1)
    .max(63)
    .optional()
    .describe('The NOLOGIN role that both accounts SET ROLE to, so that neither owns objects. Required for dual-account.'),
  endpoints: z
    .array(z.strictObject({ name: z.string().min(1), host, port: port.default(5432) }))
    .min(1)
    .optional()
    .describe(
      'Every endpoint that consumers connect to (writer, readers, pooler); new material is verified at each. Default: the host above.',
    ),
  connectTimeout: duration.default(5000),
  statementTimeout: duration.default(10_000),
});

const schedule = z.strictObject({
  every: duration.optional().describe('The interval between rotations, for example 30d.'),
  cron: z.string().min(1).optional().describe('A five-field cron expression instead of an interval.'),
  timeZone: z.string().min(1).default('UTC').describe('An IANA time zone for cron and window.'),
  window: z
    .strictObject({
      from: timeOfDay,
      to: timeOfDay,
      days: z
        .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']))
        .min(1)
        .optional(),
    })
    .optional()
    .describe('A rotation starts only inside this window; one that is past publishing finishes outside it.'),
  jitter: duration.default(0).describe('Each due time is delayed by up to this, the same for a given secret and turn.'),
});

const instant = z.iso.datetime({ offset: true, error: 'write an instant with its offset, for example 2026-12-24T00:00:00Z' });

const blackout = z.strictObject({
  from: instant.describe('An RFC 3339 instant.'),
  to: instant.describe('An RFC 3339 instant, later than from.'),
  reason: z.string().min(1).optional(),
});

const consumers = z.strictObject({
  maxCacheAge: duration
    .optional()
    .describe(
      'The longest that any consumer may cache `current`. Default 1h, as the vendors’ own caches. Grace is never shorter.',
    ),
});

const evidence = z.strictObject({
  samples: z.int().min(1).max(1000).default(3).describe('How many readings of use must be taken during grace.'),
  quiet: duration.default(60_000).describe('A session that ran a statement within this time counts as use.'),
});

const secret = z.strictObject({
  store: z.string().min(1),
  strategy: z.enum(['dual-account', 'in-place']),
  acceptDeadWindow: z
    .literal(true)
    .optional()
    .describe('in-place only: current does not authenticate between the change and publishing; say that you accept it.'),
  target: z.discriminatedUnion('kind', [postgresTarget]),
  schedule: schedule.optional().describe('Without one, the secret rotates only when asked.'),
  consumers: consumers.optional(),
  grace: duration.optional().describe('How long previous keeps working. Default and least: consumers.maxCacheAge.'),
  evidence: evidence.prefault({}),
  enabled: z.boolean().default(true).describe('false: nothing changes this secret, by schedule or by hand.'),
});

export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  state: z.discriminatedUnion('kind', [sqliteState]),
  stores: z.record(z.string().min(1), z.discriminatedUnion('kind', [localStore])),
  blackouts: z.array(blackout).default([]).describe('No rotation starts and nothing is retired in these times.'),
  secrets: z.record(z.string().min(1).max(256), secret),
});

export type Config = z.infer<typeof configSchema>;
export type SecretConfig = Config['secrets'][string];
export type StoreConfig = Config['stores'][string];
export type StateConfig = Config['state'];
export type TargetConfig = SecretConfig['target'];
export type PostgresTargetConfig = Extract<TargetConfig, { kind: 'postgres' }>;
export type LocalStoreConfig = Extract<StoreConfig, { kind: 'local' }>;
export type SqliteStateConfig = Extract<StateConfig, { kind: 'sqlite' }>;
export type ScheduleConfig = NonNullable<SecretConfig['schedule']>;
export type BlackoutConfig = Config['blackouts'][number];
