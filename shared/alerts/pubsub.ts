/** Google Cloud Pub/Sub: the alert as JSON, with what subscriptions filter by as attributes. The function needs pubsub.topics.publish on the topic. */
import type { v1 } from '@google-cloud/pubsub';
import type { Alert } from '../audit/index.ts';
import type { ChannelConfig, Environment } from '../config/index.ts';
import { addressOf } from './address.ts';
import { type Failure } from './failure.ts';
import { jsonOf, labelsOf } from './json.ts';
import type { AlertDeps, Channel } from './port.ts';
import { untilSent } from './retry.ts';

export type PubSubConfig = Extract<ChannelConfig, { kind: 'pubsub' }>;
type Publisher = InstanceType<typeof v1.PublisherClient>;

/** A message has 10 MB; an alert that is as long as elsewhere is easier on who reads it. https://docs.cloud.google.com/pubsub/quotas#resource_limits */
const MESSAGE = 255 * 1024;
const DEADLINE = 5_000;

export function openPubSub(config: PubSubConfig, deps: AlertDeps, env: Environment): Channel {
  const name = `pubsub ${config.topic}`;
  const emulator = env['PUBSUB_EMULATOR_HOST'];
  const given = config.endpoint ?? (emulator === undefined || emulator === '' ? undefined : `http://${emulator}`);
  const address = given === undefined ? undefined : addressOf(given, name);
  let opened: Promise<Publisher> | undefined;
  const client = (): Promise<Publisher> => {
    opened ??= open(address).catch((error: unknown) => {
      opened = undefined; // the SDK would never look for a credential again
      throw error;
    });
    return opened;
  };
  return {
    kind: 'pubsub',
    name,
    from: config.from,
    async send(alert) {
      const request = { topic: config.topic, messages: [messageOf(alert)] };
      await untilSent(name, deps, async () => {
        try {
          const publisher = await client();
          await publisher.publish(request, { timeout: DEADLINE, retry: null });
          return undefined;
        } catch (error) {
          return pubsubFailure(error);
        }
      });
    },
    async close() {
      await opened?.then((publisher) => publisher.close()).catch(() => undefined); // one that never opened has nothing to close
    },
  };
}

async function open(address: ReturnType<typeof addressOf> | undefined): Promise<Publisher> {
  const { v1: clients } = await import('@google-cloud/pubsub');
  if (address === undefined) return new clients.PublisherClient();
  const { url, cleartext } = address;
  const at = { servicePath: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port || (cleartext ? 80 : 443)) };
  if (!cleartext) return new clients.PublisherClient(at);
  const { grpc } = await import('google-gax');
  // Cleartext, and so no credential is sent, nor looked for; and no proxy between this machine and itself.
  const insecure = { sslCreds: grpc.credentials.createInsecure(), clientOptions: { universe_domain: 'googleapis.com' } };
  return new clients.PublisherClient({ ...at, ...insecure, 'grpc.enable_http_proxy': 0 });
}

function messageOf(alert: Alert): { data: Buffer; attributes: Record<string, string> } {
  const { score, band, source, families } = labelsOf(alert);
  return {
    data: Buffer.from(jsonOf(alert, MESSAGE)),
    // Attributes are text, and filters compare whole values: one for each family. https://docs.cloud.google.com/pubsub/docs/subscription-message-filter
    attributes: {
      id: alert.id,
      rev: String(alert.rev),
      kind: alert.kind,
      score: String(score),
      band,
      source,
      ...Object.fromEntries(families.map((family) => [`family_${family}`, 'true'])),
    },
  };
}

/** By the status. https://grpc.io/docs/guides/status-codes/ */
function pubsubFailure(error: unknown): Failure {
  const { code, details } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown; details?: unknown };
  // The token is fetched within the call, and that it could not be is told as a status of the call.
  const noToken = typeof details === 'string' && details.startsWith('Getting metadata from plugin failed');
  if (typeof code !== 'number' || noToken) return { kind: 'login', why: 'there is no Google Cloud credential that can be used' };
  const why = `Pub/Sub answered with status ${code}`;
  switch (code) {
    case 16:
      return { kind: 'login', why };
    case 7:
      return { kind: 'forbidden', why, hint: 'grant the function pubsub.topics.publish on the topic' };
    case 5:
      return { kind: 'failed', why: `${why}, there is no such topic`, hint: 'make the topic, or mend its name in keywheel.yaml' };
    case 8:
      return { kind: 'throttled', why };
    case 1:
    case 2:
    case 4:
    case 10:
    case 13:
    case 14:
      return { kind: 'unavailable', why };
    default:
      return { kind: 'failed', why };
  }
}
