/** The button below an alert: what Slack sends is believed, and nothing else is. */
import { createHmac } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { answerAck, type AckRequest } from '../../shared/drivers/ack.ts';
import type { Host } from '../../shared/drivers/index.ts';
import { ackRequestOf } from '../../shared/drivers/score-lambda.ts';
import type { LoadedConfig } from '../../shared/config/index.ts';
import { configSchema } from '../../shared/config/schema.ts';
import { openNamedStore, systemDeps } from '../../shared/engine/index.ts';
import { openGate } from '../../shared/deps.ts';
import { createLocalStoreKey, type SupportsPut } from '../../shared/stores/index.ts';
import { openChannels } from '../../shared/alerts/index.ts';
import { alertScene, alertWith, START, stateOf, type AlertScene } from '../alerts/scene.ts';
import { scratch } from '../contract/harness.ts';
import { startSlack, type SlackServer } from '../peers/slack.ts';

const TOKEN = 'xoxb-1234-material-of-the-bot';
const SIGNING = 'signing-material-0123456789';
const INCIDENT = '0123456789abcdef';

let slack: SlackServer;
let scene: AlertScene;
let host: Host;
let lines: { message: string; fields: Readonly<Record<string, unknown>> }[];
let folder: ReturnType<typeof scratch>;
let storeReads: number;

beforeEach(async () => {
  slack = await startSlack({ token: TOKEN, channels: ['C0123456789'] });
  scene = alertScene({ 'alerts/slack': { botToken: TOKEN, signingSecret: SIGNING } });
  folder = scratch();
  lines = [];
  storeReads = 0;
  const log = (message: string, fields: Readonly<Record<string, unknown>>): void => void lines.push({ message, fields });
  createLocalStoreKey(`${folder.path}/key`);
  host = {
    config: configOf(`${folder.path}/key`),
    env: {},
    deps: { ...systemDeps, clock: scene.clock },
    log: { info: log, warn: log, error: log },
    signal: new AbortController().signal,
    measure: () => undefined,
    openState: async () => scene.state,
    gate: openGate(() => {
      storeReads += 1;
    }),
  };
  const store = (await openNamedStore(host.config, 'main', systemDeps, openGate(), { env: {} })) as unknown as SupportsPut & {
    close?(): Promise<void>;
  };
  await store.put('alerts/slack', { botToken: TOKEN, signingSecret: SIGNING });
  await store.close?.();
});
afterEach(async () => {
  await slack.close();
  folder.remove();
});

function configOf(keyFile: string): LoadedConfig {
  const credential = { store: 'main', secret: 'alerts/slack' };
  const channel = { kind: 'slack', credential, channel: 'C0123456789', endpoint: slack.endpoint };
  const parsed = configSchema.parse({
    version: 1,
    state: { kind: 'sqlite', path: `${folder.path}/state.db` },
    stores: { main: { kind: 'local', path: `${folder.path}/store.db`, keyFile } },
    secrets: {},
    audit: { alerts: { channels: [channel] } },
  });
  return { ...parsed, file: 'keywheel.yaml' };
}

const press = (changes: object = {}, value: unknown = INCIDENT): string =>
  `payload=${encodeURIComponent(
    JSON.stringify({
      type: 'block_actions',
      user: { id: 'U0123456789', username: 'alice' },
      actions: [{ type: 'button', action_id: 'keywheel_acknowledge', value }],
      response_url: 'https://evil.example/hook',
      ...changes,
    }),
  )}`;

function signed(body: string, { secret = SIGNING, at = scene.clock.now() } = {}): AckRequest {
  const timestamp = String(Math.floor(at / 1000));
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`;
  return { method: 'POST', timestamp, signature, body };
}

const acknowledged = async (): Promise<unknown> => (await scene.state.get(`audit/ack/${INCIDENT}`))?.value;

async function sendAlert(): Promise<void> {
  const [channel] = await openChannels(
    host.config.audit?.alerts.channels ?? [],
    { ...scene.deps, state: stateOf(scene.core) },
    {},
  );
  await channel?.send(alertWith());
}

describe('a press that Slack signed', () => {
  it('is recorded, and said in the thread', async () => {
    await sendAlert();

    const reply = await answerAck(signed(press()), host);

    expect(reply).toMatchObject({ status: 200, body: '' });
    expect(await acknowledged()).toEqual({ by: 'U0123456789', at: START, until: START + 86_400_000 });
    expect(slack.messages[1]).toMatchObject({ thread: slack.messages[0]?.ts, text: expect.stringContaining('<@U0123456789>') });
  });

  it('is one, delivered twice', async () => {
    await sendAlert();
    const request = signed(press());

    await answerAck(request, host);
    const again = await answerAck(request, host);

    expect(again.status).toBe(200);
    expect(slack.messages).toHaveLength(2);
  });

  it('is recorded although Slack does not answer', async () => {
    await sendAlert();
    slack.faults.push(500, 500, 500);

    const reply = await answerAck(signed(press()), host);

    expect(reply.status).toBe(200);
    expect(await acknowledged()).toMatchObject({ by: 'U0123456789' });
  });

  it('is read in base64 and under headers of any case, as a function URL gives it', async () => {
    const { timestamp, signature, body = '' } = signed(press());
    const event = {
      requestContext: { http: { method: 'POST' } },
      headers: { 'X-Slack-Request-Timestamp': timestamp, 'x-slack-SIGNATURE': signature },
      body: Buffer.from(body).toString('base64'),
      isBase64Encoded: true,
    };

    expect((await answerAck(ackRequestOf(event), host)).status).toBe(200);
    expect(await acknowledged()).toMatchObject({ by: 'U0123456789' });
  });

  it.each([
    ['another button', press({ actions: [{ action_id: 'other', value: INCIDENT }] })],
    ['a value that is no incident', press({}, '../../rotation/app')],
    ['a user that is none', press({ user: { id: '<!channel>' } })],
    ['another interaction', press({ type: 'view_submission' })],
    ['no JSON', 'payload=%7B'],
    ['nothing', ''],
  ])('of %s is taken and changes nothing', async (_what, body) => {
    expect((await answerAck(signed(body), host)).status).toBe(200);
    expect([...scene.core.records.keys()].filter((key) => key.startsWith('audit/ack/'))).toEqual([]);
  });
});

describe('what Slack did not sign', () => {
  const body = press();
  it.each([
    ['another secret', () => signed(body, { secret: 'guessed' })],
    ['a changed body', () => ({ ...signed(body), body: press({}, 'fedcba9876543210') })],
    ['six minutes ago', () => signed(body, { at: scene.clock.now() - 360_000 })],
    ['six minutes ahead', () => signed(body, { at: scene.clock.now() + 360_000 })],
    ['no signature', () => ({ ...signed(body), signature: undefined })],
    ['no timestamp', () => ({ ...signed(body), timestamp: undefined })],
    ['a timestamp that is no number', () => ({ ...signed(body), timestamp: 'now' })],
    ['a short signature', () => ({ ...signed(body), signature: 'v0=00' })],
    ['another version', () => ({ ...signed(body), signature: signed(body).signature?.replace('v0', 'v1') })],
    ['a signature of zeros', () => ({ ...signed(body), signature: `v0=${'0'.repeat(64)}` })],
  ] as const)('is refused: %s', async (_what, request) => {
    const reply = await answerAck(request(), host);

    expect(reply).toMatchObject({ status: 401, body: '' });
    expect(await acknowledged()).toBeUndefined();
    expect(JSON.stringify(lines)).toContain('ERR_REQUEST_UNAUTHENTICATED');
    expect(JSON.stringify(lines)).not.toContain('material');
  });

  it('costs one read of the store, however often it comes', async () => {
    for (let turn = 0; turn < 5; turn += 1) await answerAck(signed(body, { secret: 'guessed' }), host);

    expect(storeReads).toBe(1);
  });

  it('is refused by method and size before anything is read', async () => {
    const get = await answerAck({ ...signed(body), method: 'GET' }, host);
    const large = await answerAck(signed(`payload=${'x'.repeat(300_000)}`), host);

    expect([get.status, get.headers['allow'], large.status]).toEqual([405, 'POST', 413]);
    expect(storeReads).toBe(0);
  });

  it('is refused where nobody could have signed it', async () => {
    const quiet = { ...host, config: { ...host.config, audit: undefined } as unknown as LoadedConfig };

    expect((await answerAck(signed(body), quiet)).status).toBe(401);
  });
});

it('says that it did not work when the state does not answer', async () => {
  const broken = { ...host, openState: () => Promise.reject(new Error('material')) };

  const reply = await answerAck(signed(press()), broken);

  expect(reply.status).toBe(503);
  expect(JSON.stringify(lines)).not.toContain('material');
});
