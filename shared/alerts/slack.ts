/**
 * Slack: one message for each incident, changed in place when it grows, with a reply in its thread so that people hear of it. Which message is which
 * incident's is kept in the State (`audit/slack/INCIDENT`). The app needs the scope chat:write, and to be in the channel.
 */
import type { WebClient } from '@slack/web-api';
import type { Alert } from '../audit/index.ts';
import type { ChannelConfig } from '../config/index.ts';
import { acknowledgementOf } from './acknowledgement.ts';
import { addressOf } from './address.ts';
import { textField } from './credential.ts';
import { alertError, type Failure } from './failure.ts';
import type { AlertDeps, Channel } from './port.ts';
import { untilSent } from './retry.ts';
import { acknowledgedText, blocksOf, summaryOf } from './slack/blocks.ts';
import { slackFailure } from './slack/errors.ts';

export type SlackConfig = Extract<ChannelConfig, { kind: 'slack' }>;

/** Milliseconds for one call. Slack answers in tenths of a second. */
const TIMEOUT = 5_000;
/** Milliseconds for which a message is remembered; an incident lasts hours. */
const REMEMBERED = 30 * 86_400_000;

interface Thread {
  /** The id of the message, as Slack writes it. */
  readonly ts: string;
  /** The last revision that it shows. */
  readonly rev: number;
}

const threadKey = (channel: string, incident: string): string => `audit/slack/${channel}/${incident}`;

/** ERR_CONFIG_INVALID for an endpoint in clear; ERR_ALERT_LOGIN when the credential is not there or has no botToken; told by `send`, since the credential is read then. */
export function openSlack(config: SlackConfig, deps: AlertDeps): Channel {
  const name = `slack ${config.channel}`;
  if (config.endpoint !== undefined) addressOf(config.endpoint, name);
  let opened: Promise<WebClient> | undefined;
  const client = (): Promise<WebClient> => {
    opened ??= open(config, deps, name).catch((error: unknown) => {
      opened = undefined;
      throw error;
    });
    return opened;
  };

  /** One call of the Web API. An answer in doubt is asked again: one message too many is better than none. */
  const call = async <T>(perform: (slack: WebClient) => Promise<T>): Promise<T | 'gone'> => {
    const slack = await client();
    let result: T | 'gone' = 'gone';
    await untilSent(name, deps, async (): Promise<Failure | undefined> => {
      try {
        result = await perform(slack);
        return undefined;
      } catch (error) {
        const failure = slackFailure(error);
        if (failure.gone) return undefined;
        if (failure.kind === 'login') opened = undefined; // it may have been rotated: read again by the next alert
        return failure;
      }
    });
    return result;
  };

  const message = {
    channel: config.channel,
    unfurl_links: false,
    unfurl_media: false,
    link_names: false,
    parse: 'none',
  } as const;
  type Said = { text: string; thread_ts?: string; mrkdwn?: boolean; blocks?: ReturnType<typeof blocksOf> };
  const say = (said: Said) =>
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- Slack's method, and no window's
    call((slack) => slack.chat.postMessage({ ...message, ...said }));
  const post = async (alert: Alert, blocks: ReturnType<typeof blocksOf>): Promise<string> => {
    const answer = await say({ text: summaryOf(alert), mrkdwn: false, blocks });
    if (answer !== 'gone' && typeof answer.ts === 'string') return answer.ts;
    throw alertError(name, { kind: 'failed', why: 'Slack took a message and named none' });
  };
  const change = (alert: Alert, blocks: ReturnType<typeof blocksOf>, ts: string) =>
    call((slack) =>
      slack.chat.update({ channel: config.channel, ts, text: summaryOf(alert), blocks, link_names: false, parse: 'none' }),
    );
  const reply = (ts: string, text: string) => say({ thread_ts: ts, text });

  return {
    kind: 'slack',
    name,
    from: config.from,
    async send(alert) {
      const key = threadKey(config.channel, alert.id);
      const [stored, acknowledged] = await Promise.all([
        deps.state.get<Thread>(key),
        acknowledgementOf(deps.state, alert.id, deps.clock.now()),
      ]);
      const thread = stored?.value;
      if (thread !== undefined && thread.rev >= alert.rev) return;
      const blocks = blocksOf(alert, acknowledged);
      let ts = thread?.ts;
      if (ts !== undefined && (await change(alert, blocks, ts)) === 'gone') ts = undefined;
      if (ts === undefined) ts = await post(alert, blocks);
      // A changed message is not told to anybody.
      else await reply(ts, summaryOf(alert));
      await deps.state.put({ key, value: { ts, rev: alert.rev }, expected: stored?.revision ?? null, ttl: REMEMBERED });
    },
    async acknowledged(incident, acknowledgement) {
      const thread = (await deps.state.get<Thread>(threadKey(config.channel, incident)))?.value;
      if (thread !== undefined) await reply(thread.ts, acknowledgedText(acknowledgement));
    },
  };
}

/** Says nothing: what it would say holds the message. */
const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  getLevel: () => 'error' as never,
  setName: () => undefined,
};

async function open({ credential, endpoint }: SlackConfig, deps: AlertDeps, name: string): Promise<WebClient> {
  const token = await textField(deps, credential, 'botToken', name);
  const { WebClient: Sdk } = await import('@slack/web-api');
  return new Sdk(token, {
    ...(endpoint === undefined ? {} : { slackApiUrl: endpoint.endsWith('/') ? endpoint : `${endpoint}/` }),
    timeout: TIMEOUT,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    allowAbsoluteUrls: false,
    logger: SILENT,
  });
}
