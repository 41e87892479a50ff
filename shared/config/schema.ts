/**
 * The shape of keywheel.yaml. The published JSON Schema is made from this file (`npm run schemas`).
 * zod is imported as a namespace: the named import would bundle five times as much.
 */
import * as z from 'zod';
import { audit } from './schema-audit.ts';
import { duration, endpoint } from './schema-basics.ts';
import { state } from './schema-state.ts';
import { store } from './schema-stores.ts';
import { target } from './schema-targets.ts';

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'write a time of day as HH:MM, for example 02:30');

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
  strategy: z.enum(['dual-account', 'overlap', 'in-place']),
  acceptDeadWindow: z
    .literal(true)
    .optional()
    .describe('in-place only: current does not authenticate between the change and publishing; say that you accept it.'),
  target,
  schedule: schedule.optional().describe('Without one, the secret rotates only when asked.'),
  consumers: consumers.optional(),
  grace: duration.optional().describe('How long previous keeps working. Default and least: consumers.maxCacheAge.'),
  evidence: evidence.prefault({}),
  enabled: z.boolean().default(true).describe('false: nothing changes this secret, by schedule or by hand.'),
});

const manual = z.strictObject({
  issuer: z.string().min(1).describe('The issuer that tokens must carry, exactly.'),
  audience: z
    .string()
    .min(1)
    .describe('The audience that tokens must carry. Pinned here: the Host header of a request says nothing.'),
  jwksUri: endpoint.describe('Where the issuer publishes its keys. Pinned here: nothing in a token can change it.'),
  subjects: z
    .array(z.string().min(1))
    .min(1)
    .describe('The subjects (or e-mail addresses, where the issuer verified them) that may ask. Nobody else may.'),
});

export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1),
  state,
  stores: z.record(z.string().min(1), store),
  manual: manual
    .optional()
    .describe('Who may rotate by HTTP. Without it the HTTP triggers refuse everybody but IAM-signed AWS callers.'),
  audit: audit.optional().describe('How audit events are scored, and who is told.'),
  blackouts: z.array(blackout).default([]).describe('No rotation starts and nothing is retired in these times.'),
  secrets: z.record(z.string().min(1).max(256), secret),
});

export type Config = z.infer<typeof configSchema>;
export type SecretConfig = Config['secrets'][string];
export type StoreConfig = Config['stores'][string];
export type StateConfig = Config['state'];
export type TargetConfig = SecretConfig['target'];
export type PostgresTargetConfig = Extract<TargetConfig, { kind: 'postgres' }>;
export type AwsIamKeyTargetConfig = Extract<TargetConfig, { kind: 'aws-iam-key' }>;
export type HttpTargetConfig = Extract<TargetConfig, { kind: 'http' }>;
export type LocalStoreConfig = Extract<StoreConfig, { kind: 'local' }>;
export type AwsStoreConfig = Extract<StoreConfig, { kind: 'aws' }>;
export type GcpStoreConfig = Extract<StoreConfig, { kind: 'gcp' }>;
export type AzureStoreConfig = Extract<StoreConfig, { kind: 'azure' }>;
export type VaultStoreConfig = Extract<StoreConfig, { kind: 'vault' }>;
export type SqliteStateConfig = Extract<StateConfig, { kind: 'sqlite' }>;
export type DynamodbStateConfig = Extract<StateConfig, { kind: 'dynamodb' }>;
export type FirestoreStateConfig = Extract<StateConfig, { kind: 'firestore' }>;
export type AzureTablesStateConfig = Extract<StateConfig, { kind: 'azure-tables' }>;
export type ManualConfig = NonNullable<Config['manual']>;
export type AuditConfig = NonNullable<Config['audit']>;
export type ChannelConfig = AuditConfig['alerts']['channels'][number];
export type ScheduleConfig = NonNullable<SecretConfig['schedule']>;
export type BlackoutConfig = Config['blackouts'][number];
