/** A press of the button below an alert in Slack. Only Slack's signature says who asks; nothing is looked at before it is checked. */
import type { Channel } from '../alerts/index.ts';
import type { ChannelConfig } from '../config/index.ts';
import { isKeywheelError } from '../errors.ts';
import { openState, type State } from '../state/index.ts';
import type { Host } from './host.ts';
import { alertDepsOf, openConfigured } from './score-alerts.ts';

export interface AckRequest {
  readonly method: string;
  /** X-Slack-Request-Timestamp. */
  readonly timestamp: string | undefined;
  /** X-Slack-Signature. */
  readonly signature: string | undefined;
  /** As it was received, to the byte: the signature is of that. */
  readonly body: string | undefined;
}

export interface AckReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type SlackChannel = Extract<ChannelConfig, { kind: 'slack' }>;

/** A press repeats the message; Slack's messages are far smaller. */
const MOST_BYTES = 256 * 1024;
/** Milliseconds for the reply in the thread: Slack waits three seconds for all. https://docs.slack.dev/interactivity/handling-user-interaction#acknowledgment_response */
const THREAD = 1_500;
/** Milliseconds for which a signing secret is kept, so that unsigned requests cost no reads of a store. */
const KEPT = 300_000;

const kept = new WeakMap<Host['config'], { readonly until: number; readonly secrets: readonly string[] }>();

/** Never throws. 401 tells nothing of why; 503 makes Slack show the person that it did not work. */
export async function answerAck(request: AckRequest, host: Host): Promise<AckReply> {
  try {
    return await answer(request, host);
  } catch (error) {
    const code = isKeywheelError(error) ? error.code : 'ERR_INTERNAL';
    host.log.error('an acknowledgement could not be recorded', {
      code,
      ...(isKeywheelError(error) ? { reason: error.message } : {}),
    });
    return reply(503);
  }
}

async function answer({ method, timestamp, signature, body = '' }: AckRequest, host: Host): Promise<AckReply> {
  if (method.toUpperCase() !== 'POST') return reply(405, { allow: 'POST' });
  if (Buffer.byteLength(body) > MOST_BYTES) return reply(413);
  const now = host.deps.clock.now();
  if (timestamp === undefined || signature === undefined) return refused(host);
  const { isFromSlack, interactionOf, acknowledge } = await import('../alerts/index.ts');
  const slack = (host.config.audit?.alerts.channels ?? []).filter((each): each is SlackChannel => each.kind === 'slack');
  if (slack.length === 0) return refused(host);
  const state = await (host.openState?.() ?? openState(host.config.state, host.deps));
  try {
    const secrets = await signingSecrets(host, state, slack, now);
    // Each is tried, so that the time taken says nothing of which.
    const signed = secrets.map((secret) => isFromSlack({ timestamp, signature, body }, secret, now)).includes(true);
    if (!signed) return refused(host);
    const press = interactionOf(body);
    // Slack sends every interaction of the app here; what is not ours is taken and left.
    if (press === undefined) return reply(200);
    const { acknowledgement, recorded } = await acknowledge(state, press.incident, {
      by: press.by,
      at: Number(timestamp) * 1000,
    });
    if (!recorded) return reply(200);
    host.log.info('incident acknowledged', { incident: press.incident, by: press.by, until: acknowledgement.until });
    const channels = await openConfigured(host, alertDepsOf(host, state));
    await withinTime(host, sayThere(host, channels, press.incident, acknowledgement));
    return reply(200);
  } finally {
    await state.close();
  }
}

async function signingSecrets(host: Host, state: State, slack: readonly SlackChannel[], now: number): Promise<readonly string[]> {
  const found = kept.get(host.config);
  if (found !== undefined && found.until > now) return found.secrets;
  const { readSecret } = alertDepsOf(host, state);
  const places = new Map(slack.map(({ credential }) => [JSON.stringify([credential.store, credential.secret]), credential]));
  const values = await Promise.all([...places.values()].map((place) => readSecret(place)));
  const secrets = values.flatMap((value) => {
    const secret = value?.['signingSecret'];
    return typeof secret === 'string' && secret !== '' ? [secret] : [];
  });
  if (secrets.length === 0) {
    host.log.error('no Slack channel has a signing secret, so no button can be believed', {
      hint: 'put the field signingSecret beside botToken into the channel’s credential',
    });
  }
  kept.set(host.config, { until: now + KEPT, secrets });
  return secrets;
}

type Acknowledged = Parameters<NonNullable<Channel['acknowledged']>>[1];

/** The record is what counts; what the thread says of it is for people. */
async function sayThere(
  host: Host,
  channels: readonly Channel[],
  incident: string,
  acknowledgement: Acknowledged,
): Promise<void> {
  await Promise.all(
    channels.map(async (channel) => {
      try {
        await channel.acknowledged?.(incident, acknowledgement);
      } catch (error) {
        const code = isKeywheelError(error) ? error.code : 'ERR_INTERNAL';
        host.log.warn('an acknowledgement was recorded and not said in its thread', { incident, channel: channel.name, code });
      }
    }),
  );
}

async function withinTime(host: Host, work: Promise<void>): Promise<void> {
  const controller = new AbortController();
  await Promise.race([work, host.deps.sleep(THREAD, controller.signal)]);
  controller.abort();
}

function refused(host: Host): AckReply {
  host.log.warn('a request that Slack did not sign was refused', { code: 'ERR_REQUEST_UNAUTHENTICATED' });
  return reply(401);
}

const reply = (status: number, headers: Readonly<Record<string, string>> = {}): AckReply => ({
  status,
  headers: { 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8', ...headers },
  body: '',
});
