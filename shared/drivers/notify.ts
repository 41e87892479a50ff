/** Events by which a store asks for a rotation: at least once, in any order, sometimes about something else. */
import { secretOf } from '../config/index.ts';
import { KeywheelError, type ErrorCode } from '../errors.ts';
import { journalKey, nextStart, type AdvanceResult, type SecretJournal } from '../rotation/index.ts';
import { rotationPolicyOf } from '../engine/index.ts';
import type { Host } from './host.ts';
import { secretOfResource, secretOfVault } from './names.ts';
import { withSecret } from './one.ts';

export interface Notification {
  /** `ask`: rotate now. `near`: rotate if the schedule wants it, else only if there is none. */
  readonly kind: 'ask' | 'near';
  readonly secret: string;
  /** When the store sent it, milliseconds since the epoch. */
  readonly at: number;
  /** For the journal: which event it was. */
  readonly reason: string;
}

/** Why an event is none of ours; not an error, since one topic carries many kinds. */
export interface Ignored {
  readonly ignored: string;
}

/** A rotation that began up to this long before the event answers it too: clocks differ, and deliveries come twice. The shortest period of Secret Manager is 1 h. */
const TOLERANCE = 300_000;

export async function answerNotification(notification: Notification, host: Host): Promise<AdvanceResult | Ignored> {
  const { secret, at, kind, reason } = notification;
  const configured = await secretOf(host.config, secret);
  return withSecret(host, secret, {}, async (one) => {
    const journal = (await one.ports.state.get<SecretJournal>(journalKey(secret)))?.value;
    const last = journal?.rotation;
    if (last !== undefined && last.startedAt + TOLERANCE >= at) {
      const ignored = `rotation ${last.rotationId} answered it already`;
      if (last.phase === 'closed') return { ignored };
      return (await one.advance({ start: false, reason, resume: false })) ?? { ignored: 'the function’s time was up' };
    }
    if (kind === 'near' && configured.schedule !== undefined) {
      const policy = await rotationPolicyOf(host.config, secret);
      const due = journal === undefined ? undefined : nextStart(configured.schedule, journal, policy);
      if (due === undefined || due > host.deps.clock.now()) {
        return {
          ignored:
            due === undefined
              ? 'the schedule has not seen this secret yet'
              : `the schedule wants it at ${new Date(due).toISOString()}`,
        };
      }
    }
    // What began since the journal was read is not followed by a second rotation.
    const result = await one.advance({ start: true, after: last?.rotationId ?? null, reason, resume: false });
    return begun(secret, last?.rotationId, result);
  });
}

/** What has begun goes on by the timer. What has not is nobody's but the event's: it must be delivered again. */
function begun(secret: string, last: string | undefined, result: AdvanceResult | undefined): AdvanceResult {
  if (result?.rotation !== undefined && result.rotation.rotationId === last && result.status !== 'idle') {
    throw new KeywheelError(
      'ERR_ROTATION_CONFLICT',
      `rotation ${result.rotation.rotationId} of ${secret} began before this event and is not finished`,
      {
        hint: 'the event is delivered again until it is',
        retryable: true,
        subject: secret,
      },
    );
  }
  if (result?.rotation !== undefined || result?.status === 'idle' || result?.status === 'disabled') return result;
  const why = result?.error;
  const code = why?.code.startsWith('ERR_') === true ? (why.code as ErrorCode) : 'ERR_ROTATION_HELD';
  const reason =
    why?.message ??
    (result?.blackout === undefined ? `it is ${result?.status ?? 'out of time'}` : `blackout: ${result.blackout}`);
  throw new KeywheelError(result === undefined ? 'ERR_TIMEOUT' : code, `the rotation of ${secret} could not begin: ${reason}`, {
    retryable: true,
    subject: secret,
    ...(why?.hint === undefined ? {} : { hint: why.hint }),
  });
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** A CloudEvent as the functions framework gives it. */
export interface PubSubCloudEvent {
  readonly id: string;
  readonly type: string;
  readonly time?: string | undefined;
  readonly data?: unknown;
}

const PUBSUB = 'google.cloud.pubsub.topic.v1.messagePublished';

/**
 * Secret Manager's notification on a Pub/Sub topic: attributes `eventType` and `secretId`, and the moment in `timestamp`.
 * https://cloud.google.com/secret-manager/docs/event-notifications
 */
export function secretManagerNotification(event: PubSubCloudEvent, host: Pick<Host, 'config'>): Notification | Ignored {
  if (event.type !== PUBSUB) return { ignored: `an event of type ${JSON.stringify(event.type)}` };
  const message = record(record(event.data)['message']);
  const attributes = record(message['attributes']);
  const { eventType, secretId, timestamp } = attributes;
  if (typeof eventType !== 'string')
    throw invalid('the message has no attribute eventType', 'it was not published by Secret Manager');
  // The same topic tells of versions that were added, enabled, disabled and destroyed: our own publishing among them.
  if (eventType !== 'SECRET_ROTATE') return { ignored: eventType };
  if (typeof secretId !== 'string')
    throw invalid('the message has no attribute secretId', 'it was not published by Secret Manager');
  const at = moment(timestamp) ?? moment(message['publishTime']) ?? moment(event.time);
  if (at === undefined) throw invalid('the message has no time', 'it was not published by Secret Manager');
  return {
    kind: 'ask',
    secret: secretOfResource(host.config, secretId),
    at,
    reason: `asked for by Secret Manager (message ${text(message['messageId'] ?? event.id)})`,
  };
}

/** An Event Grid event as the functions runtime gives it. */
export interface GridEvent {
  readonly id: string;
  readonly eventType: string;
  readonly eventTime: string;
  readonly data?: unknown;
}

const KEY_VAULT: Readonly<Record<string, Notification['kind']>> = {
  'Microsoft.KeyVault.SecretNearExpiry': 'near',
  'Microsoft.KeyVault.SecretExpired': 'ask',
};

/** https://learn.microsoft.com/azure/event-grid/event-schema-key-vault: NearExpiry comes a fixed 30 days ahead, whatever the schedule says. */
export function keyVaultNotification(event: GridEvent, host: Pick<Host, 'config'>): Notification | Ignored {
  const kind = KEY_VAULT[event.eventType];
  if (kind === undefined) return { ignored: `an event of type ${JSON.stringify(event.eventType)}` };
  const { VaultName, ObjectName, ObjectType } = record(event.data);
  if (ObjectType !== undefined && ObjectType !== 'Secret') return { ignored: `an event about a ${text(ObjectType)}` };
  if (typeof VaultName !== 'string' || typeof ObjectName !== 'string') {
    throw invalid('the event names no vault or no secret', 'it was not sent by Key Vault');
  }
  const at = moment(event.eventTime);
  if (at === undefined) throw invalid('the event has no time', 'it was not sent by Event Grid');
  const what = event.eventType.slice(event.eventType.lastIndexOf('.') + 1);
  return {
    kind,
    secret: secretOfVault(host.config, VaultName, ObjectName),
    at,
    reason: `${what} from Key Vault (event ${text(event.id)})`,
  };
}

function moment(value: unknown): number | undefined {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(at) ? at : undefined;
}

/** Ids are shown in the journal: short and printable whatever was sent. */
const text = (value: unknown): string => (typeof value === 'string' ? value.replaceAll(/[^\w.:-]/g, '?').slice(0, 64) : '?');

function invalid(message: string, hint: string): KeywheelError {
  return new KeywheelError('ERR_EVENT_INVALID', message, { hint: `${hint}; events/ has a sample of what is understood` });
}
