/**
 * A webhook. `pagerduty`: an event of the Events API v2, with the incident as its deduplication key, so that revisions change one alert. `json`: the alert
 * itself, signed. A request is made to the configured address only: redirects are not followed.
 */
import { createHmac } from 'node:crypto';
import type { Alert } from '../audit/index.ts';
import type { ChannelConfig } from '../config/index.ts';
import { addressOf } from './address.ts';
import { textField } from './credential.ts';
import { alertError, failureOfStatus, retryAfterOf, type Failure } from './failure.ts';
import { deliveryId, headlineOf, jsonOf, recordOf } from './json.ts';
import type { AlertDeps, Channel } from './port.ts';
import { untilSent } from './retry.ts';
import { isoOf, plain } from './text.ts';

export type WebhookConfig = Extract<ChannelConfig, { kind: 'webhook' }>;

const TIMEOUT = 5_000;
const BODY = 255 * 1024;
/** https://developer.pagerduty.com/docs/send-alert-event */
const SUMMARY = 1024;
const SEVERITIES = { critical: 'critical', high: 'error', medium: 'warning', low: 'info', none: 'info' } as const;

export function openWebhook(config: WebhookConfig, deps: AlertDeps): Channel {
  const host = URL.canParse(config.url) ? new URL(config.url).host : 'address';
  const name = `webhook ${config.format} ${host}`;
  const { url } = addressOf(config.url, name);
  const field = (key: 'routingKey' | 'signingKey'): Promise<string | undefined> => {
    if (config.credential !== undefined) return textField(deps, config.credential, key, name);
    if (key === 'signingKey') return Promise.resolve(undefined);
    const hint = 'give the channel a credential: a secret with the field routingKey';
    throw alertError(name, { kind: 'login', why: 'PagerDuty needs a routingKey', hint });
  };
  return {
    kind: 'webhook',
    name,
    from: config.from,
    async send(alert) {
      const request =
        config.format === 'pagerduty'
          ? pagerduty(alert, (await field('routingKey')) ?? '')
          : plainJson(alert, await field('signingKey'));
      await untilSent(name, deps, () => post(url, request(deps.clock.now()), deps.clock.now()));
    },
  };
}

interface Request {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

function pagerduty(alert: Alert, routingKey: string): () => Request {
  const body = JSON.stringify({
    routing_key: routingKey,
    event_action: 'trigger',
    dedup_key: `keywheel-${alert.id}`,
    client: 'Keywheel',
    payload: {
      summary: headlineOf(alert, SUMMARY),
      source: plain(`${alert.source} ${alert.account}`, 255) || 'unknown',
      severity: SEVERITIES[alert.band],
      timestamp: isoOf(alert.lastEvent.time),
      component: plain(alert.principal.name, 255) || 'unknown',
      group: plain(alert.tenant, 255),
      class: alert.reasons[0]?.detector ?? alert.kind,
      custom_details: recordOf(alert),
    },
  });
  return () => ({ body, headers: {} });
}

/** The signature is of the time, a full stop and the body, so that neither can be exchanged; receivers refuse what is older than five minutes. */
function plainJson(alert: Alert, signingKey: string | undefined): (now: number) => Request {
  const body = jsonOf(alert, BODY);
  return (now) => {
    const delivery = { 'keywheel-delivery': deliveryId(alert) };
    if (signingKey === undefined) return { body, headers: delivery };
    const timestamp = String(Math.floor(now / 1000));
    const signature = createHmac('sha256', signingKey).update(`${timestamp}.${body}`).digest('hex');
    return { body, headers: { ...delivery, 'keywheel-timestamp': timestamp, 'keywheel-signature': `v1=${signature}` } };
  };
}

async function post(url: URL, { body, headers }: Request, now: number): Promise<Failure | undefined> {
  let answer: Response;
  try {
    answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT),
    });
    await answer.body?.cancel();
  } catch {
    return { kind: 'unavailable', why: 'it does not answer' };
  }
  if (answer.ok) return undefined;
  return failureOfStatus(answer.status, retryAfterOf(answer.headers.get('retry-after'), now));
}
