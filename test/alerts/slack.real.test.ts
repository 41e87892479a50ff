/** The Slack channel against a server that holds Slack's documented rules. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openChannels, type Channel } from '../../shared/alerts/index.ts';
import { startSlack, type SlackServer } from '../peers/slack.ts';
import { alertScene, alertWith, hostileAlert, HOSTILE, START, type AlertScene } from './scene.ts';

const TOKEN = 'xoxb-1234-material-of-the-bot';
const CHANNEL = 'C0123456789';

let slack: SlackServer;
let scene: AlertScene;
let channel: Channel;

beforeEach(async () => {
  slack = await startSlack({ token: TOKEN, channels: [CHANNEL] });
  scene = alertScene({ 'alerts/slack': { botToken: TOKEN, signingSecret: 'of-no-worth' } });
  channel = await open();
});
afterEach(() => slack.close());

async function open(changes: object = {}): Promise<Channel> {
  const credential = { store: 'main', secret: 'alerts/slack' };
  const config = { kind: 'slack', channel: CHANNEL, credential, endpoint: slack.endpoint, from: 'medium', ...changes } as const;
  const [opened] = await openChannels([config], scene.deps, {});
  if (opened === undefined) throw new Error('no channel');
  return opened;
}
const refused = async (): Promise<unknown> => channel.send(alertWith()).catch((error: unknown) => error);

describe('the Slack channel', () => {
  it('posts one message, with a button, and nothing that unfolds', async () => {
    await channel.send(alertWith());

    const [message] = slack.messages;
    expect(slack.messages).toHaveLength(1);
    expect(message?.text).toBe('[high 72] Many secrets read by deployer');
    expect(message?.sent).toMatchObject({ unfurl_links: 'false', unfurl_media: 'false', link_names: 'false', parse: 'none' });
    expect(message?.blocks.at(-1)).toMatchObject({
      type: 'actions',
      elements: [{ type: 'button', action_id: 'keywheel_acknowledge', value: '0123456789abcdef' }],
    });
    expect(JSON.stringify(message?.blocks)).toContain('observed: 12 secrets in 10 min');
  });

  it('reads its credential at the first alert and not before', async () => {
    const before = [...scene.reads];
    await channel.send(alertWith());
    await channel.send(alertWith({ id: 'fedcba9876543210' }));

    expect(before).toEqual([]);
    expect(scene.reads).toEqual(['main/alerts/slack']);
  });

  it('changes the message and replies in its thread when the incident grows', async () => {
    await channel.send(alertWith());
    await channel.send(alertWith({ rev: 2, score: 90, band: 'critical' }));

    const [first, reply] = slack.messages;
    expect(slack.messages).toHaveLength(2);
    expect(first).toMatchObject({ edits: 1, thread: undefined, text: '[critical 90] Many secrets read by deployer' });
    expect(reply).toMatchObject({ thread: first?.ts, blocks: [] });
  });

  it('says a revision once, and never an older one after a newer', async () => {
    await channel.send(alertWith({ rev: 2 }));
    await channel.send(alertWith({ rev: 2 }));
    await channel.send(alertWith({ rev: 1 }));

    expect(slack.calls).toEqual(['chat.postMessage: ok']);
  });

  it('begins anew when somebody deleted the message', async () => {
    await channel.send(alertWith());
    slack.messages.splice(0);
    await channel.send(alertWith({ rev: 2 }));

    expect(slack.calls).toEqual(['chat.postMessage: ok', 'chat.update: message_not_found', 'chat.postMessage: ok']);
    expect(slack.messages[0]?.thread).toBeUndefined();
  });

  it('says who has acknowledged, in the thread and in what comes later', async () => {
    await channel.send(alertWith());
    const acknowledgement = { by: 'U0123456789', at: START, until: START + 3_600_000 };
    await channel.acknowledged?.('0123456789abcdef', acknowledgement);
    await scene.state.put({ key: 'audit/ack/0123456789abcdef', value: acknowledgement, expected: null });
    await channel.send(alertWith({ rev: 2 }));

    expect(slack.messages[1]).toMatchObject({
      thread: slack.messages[0]?.ts,
      text: 'Acknowledged by <@U0123456789> until 2026-11-24 03:00:00 UTC',
    });
    expect(slack.messages[0]?.blocks.some(({ type }) => type === 'actions')).toBe(false);
    expect(JSON.stringify(slack.messages[0]?.blocks)).toContain('Acknowledged by');
  });

  it.each(HOSTILE.map((text) => [JSON.stringify(text).slice(0, 40), text] as const))(
    'keeps to the limits and shows nothing but text: %s',
    async (_name, text) => {
      await channel.send(hostileAlert(text));

      expect(slack.calls).toEqual(['chat.postMessage: ok']);
      const [message] = slack.messages;
      const shown = JSON.stringify(message?.blocks);
      expect(shown).not.toMatch(/"mrkdwn"/); // nothing of a log is where Slack formats
      expect(`${shown} ${message?.text}`).not.toMatch(/[<>]|:\/\/|\u202e|\u200b|\\u00(?!0a)/i);
      expect(message?.text).not.toMatch(/[*_~`]/);
    },
  );

  it('is taken by Slack whatever a log holds', async () => {
    let id = 0;
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 1, max: 60 }), async (unit, times) => {
        id += 1;
        await channel.send(hostileAlert(unit.repeat(times), { id: id.toString(16).padStart(16, '0') }));
      }),
      { numRuns: 60 },
    );

    expect(new Set(slack.calls)).toEqual(new Set(['chat.postMessage: ok']));
  });
});

describe('when Slack does not take a message', () => {
  it('waits as long as it is told, and sends it then', async () => {
    slack.faults.push({ retryAfter: 2 });
    await channel.send(alertWith());

    expect(scene.waits).toEqual([2000]);
    expect(slack.messages).toHaveLength(1);
  });

  it('does not wait for longer than a function lives', async () => {
    slack.faults.push({ retryAfter: 60 });

    expect(await refused()).toMatchObject({
      code: 'ERR_ALERT_THROTTLED',
      message: `slack ${CHANNEL} did not take an alert, Slack asks to wait`,
      retryable: true,
    });
    expect(scene.waits).toEqual([]);
  });

  it('asks three times when it is unwell', async () => {
    slack.faults.push(503, 500, { error: 'internal_error' });

    expect(await refused()).toMatchObject({
      code: 'ERR_ALERT_UNAVAILABLE',
      message: `slack ${CHANNEL} did not take an alert, Slack answered internal_error`,
      retryable: true,
    });
    expect(slack.calls).toHaveLength(3);
  });

  it('sends again what may not have arrived: the answer was lost', async () => {
    slack.faults.push('cut');
    await channel.send(alertWith());

    expect(slack.calls).toEqual(['chat.postMessage: cut', 'chat.postMessage: ok']);
  });

  it.each([
    ['invalid_auth', 'ERR_ALERT_LOGIN'],
    ['token_revoked', 'ERR_ALERT_LOGIN'],
    ['missing_scope', 'ERR_ALERT_FORBIDDEN'],
    ['not_in_channel', 'ERR_ALERT_FORBIDDEN'],
    ['channel_not_found', 'ERR_ALERT_FAILED'],
    ['invalid_blocks', 'ERR_ALERT_FAILED'],
  ])('%s is %s, asked once', async (error, code) => {
    slack.faults.push({ error });

    expect(await refused()).toMatchObject({
      code,
      message: `slack ${CHANNEL} did not take an alert, Slack answered ${error}`,
      retryable: false,
    });
    expect(slack.calls).toHaveLength(1);
  });

  it('reads the credential again after a refused one: it may have been rotated', async () => {
    scene.secrets.set('alerts/slack', { botToken: 'xoxb-the-old-one-of-before' });
    const first = await refused();
    scene.secrets.set('alerts/slack', { botToken: TOKEN });
    await channel.send(alertWith());

    expect(first).toMatchObject({ code: 'ERR_ALERT_LOGIN', message: expect.stringContaining('invalid_auth') });
    expect(slack.messages).toHaveLength(1);
  });

  it.each([
    ['has no botToken', { signingSecret: 'x' }, /has no field botToken/],
    ['has an empty one', { botToken: '' }, /has no field botToken/],
  ])('tells that its secret %s', async (_what, fields, message) => {
    scene.secrets.set('alerts/slack', fields);

    expect(await refused()).toMatchObject({ code: 'ERR_ALERT_LOGIN', message: expect.stringMatching(message) });
  });

  it('tells that there is no such secret', async () => {
    scene.secrets.clear();

    expect(await refused()).toMatchObject({
      code: 'ERR_ALERT_LOGIN',
      message: expect.stringContaining('there is no secret alerts/slack in the store main'),
    });
  });

  it('holds no token in what it throws', async () => {
    const thrown: unknown[] = [];
    for (const fault of [{ error: 'invalid_auth' }, 500, 500, 500, 'cut', 'cut', 'cut'] as const) slack.faults.push(fault);
    for (let turn = 0; turn < 3; turn += 1) thrown.push(await refused());

    for (const error of thrown) {
      const { message, stack, hint, cause } = error as { message: string; stack: string; hint: string; cause?: unknown };
      expect(`${message} ${stack} ${hint} ${JSON.stringify(cause)}`).not.toContain('material');
      expect(cause).toBeUndefined();
    }
  });
});
