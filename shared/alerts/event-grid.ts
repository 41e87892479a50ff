/** Azure Event Grid: the alert as a CloudEvent 1.0. The function's identity needs the role EventGrid Data Sender on the topic. */
import type { EventGridPublisherClient } from '@azure/eventgrid';
import type { Alert } from '../audit/index.ts';
import type { ChannelConfig } from '../config/index.ts';
import { addressOf, type Address } from './address.ts';
import { failureOfStatus, retryAfterOf, type Failure } from './failure.ts';
import { deliveryId, recordOf } from './json.ts';
import type { AlertDeps, Channel } from './port.ts';
import { untilSent } from './retry.ts';

export type EventGridConfig = Extract<ChannelConfig, { kind: 'event-grid' }>;
type Publisher = EventGridPublisherClient<'CloudEvent'>;

const TIMEOUT = 5_000;

export function openEventGrid(config: EventGridConfig, deps: AlertDeps): Channel {
  const host = URL.canParse(config.endpoint) ? new URL(config.endpoint).host : 'topic';
  const name = `event-grid ${host}`;
  const address = addressOf(config.endpoint, name);
  let opened: Promise<Publisher> | undefined;
  const client = (): Promise<Publisher> => {
    opened ??= open(address).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };
  return {
    kind: 'event-grid',
    name,
    from: config.from,
    async send(alert) {
      const event = eventOf(alert);
      await untilSent(name, deps, async () => {
        try {
          await (await client()).send([event], { abortSignal: AbortSignal.timeout(TIMEOUT) });
          return undefined;
        } catch (error) {
          return eventGridFailure(error, deps.clock.now());
        }
      });
    },
  };
}

/** An event has 1 MB, which no alert comes near. https://learn.microsoft.com/azure/event-grid/quotas-limits */
function eventOf(alert: Alert) {
  return {
    type: `keywheel.audit.${alert.kind}`,
    source: `keywheel/${encodeURIComponent(alert.tenant)}`,
    subject: `${alert.kind}/${alert.id}`,
    id: deliveryId(alert),
    time: new Date(alert.lastEvent.time),
    datacontenttype: 'application/json',
    data: { ...recordOf(alert) },
    // Filters of subscriptions reach into data, up to five levels: https://learn.microsoft.com/azure/event-grid/event-filtering
  };
}

async function open({ url, cleartext }: Address): Promise<Publisher> {
  const { EventGridPublisherClient: Sdk } = await import('@azure/eventgrid');
  const retryOptions = { maxRetries: 0 }; // a Retry-After may be longer than a function lives
  if (cleartext) {
    const { AzureKeyCredential } = await import('@azure/eventgrid');
    // On this machine there is nobody to log in to, and no token goes over a wire in clear.
    return new Sdk(url.href, 'CloudEvent', new AzureKeyCredential('of-no-worth'), {
      retryOptions,
      allowInsecureConnection: true,
    });
  }
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new Sdk(url.href, 'CloudEvent', new DefaultAzureCredential(), { retryOptions });
}

/** Names of what @azure/identity throws when no identity can be used. */
const NO_IDENTITY = new Set([
  'CredentialUnavailableError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'AggregateAuthenticationError',
]);

function eventGridFailure(error: unknown, now: number): Failure {
  const { name, statusCode, response } = (typeof error === 'object' && error !== null ? error : {}) as {
    name?: unknown;
    statusCode?: unknown;
    response?: { headers?: { get?(name: string): string | undefined } };
  };
  if (typeof name === 'string' && NO_IDENTITY.has(name))
    return { kind: 'login', why: 'there is no Azure identity that can be used' };
  if (typeof statusCode !== 'number') return { kind: 'unavailable', why: 'Event Grid does not answer' };
  const failure = failureOfStatus(statusCode, retryAfterOf(response?.headers?.get?.('retry-after'), now));
  return { ...failure, why: `Event Grid: ${failure.why}` };
}
