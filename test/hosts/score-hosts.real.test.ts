/** The scoring functions under each platform's own library: an alert for a canary, dead letters for what nobody can read, the tick, the button. */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { openGate } from '../../shared/deps.ts';
import { openNamedStore, systemDeps } from '../../shared/engine/index.ts';
import { loadConfig } from '../../shared/config/index.ts';
import { openState } from '../../shared/state/index.ts';
import { createLocalStoreKey, type SupportsPut } from '../../shared/stores/index.ts';
import { scratch } from '../contract/harness.ts';
import type { Lambda } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { cloudTrailRecord, kinesisEvent, logsEvent, startReceiver, type Receiver } from './score-scene.ts';
import { startAzure, startGoogle, type CloudEventSample } from './start.ts';

const root = path.resolve(import.meta.dirname, '../..');
const sample = (file: string): unknown => JSON.parse(readFileSync(path.join(root, 'events', file), 'utf8'));
const SIGNING = 'signing-material-0123456789';
const INCIDENT = '0123456789abcdef';

let receiver: Receiver;
let folder: ReturnType<typeof scratch>;
let env: Record<string, string>;
const running: { stop(): Promise<void> }[] = [];

beforeEach(async () => {
  receiver = await startReceiver();
  folder = scratch();
  createLocalStoreKey(path.join(folder.path, 'key'));
  const file = path.join(folder.path, 'keywheel.yaml');
  const credential = { store: 'main', secret: 'slack' };
  const config = {
    version: 1,
    state: { kind: 'sqlite', path: './state.db' },
    stores: { main: { kind: 'local', path: './store.db', keyFile: './key' } },
    secrets: {},
    audit: {
      canaries: ['canary/*'],
      alerts: {
        channels: [
          { kind: 'webhook', url: receiver.url },
          { kind: 'slack', channel: 'C0123456789', credential, endpoint: 'http://127.0.0.1:9/', from: 'critical' },
        ],
      },
    },
  };
  await writeFile(file, stringify(config));
  const store = (await openNamedStore(await loadConfig(file), 'main', systemDeps, openGate(), {
    env: {},
  })) as unknown as SupportsPut & {
    close?(): Promise<void>;
  };
  await store.put('slack', { botToken: 'xoxb-material-of-the-bot', signingSecret: SIGNING });
  await store.close?.();
  env = { KEYWHEEL_CONFIG: file };
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.stop()));
  await receiver.close();
  folder.remove();
});

async function keys(prefix: string): Promise<string[]> {
  const state = await openState({ kind: 'sqlite', path: path.join(folder.path, 'state.db') }, systemDeps);
  const found: string[] = [];
  for await (const { key } of state.list(prefix)) found.push(key);
  await state.close();
  return found;
}

const CANARY = cloudTrailRecord('canary/backup', '2');
const told = (): string[] => receiver.alerts.map(({ title }) => title);
const body = `payload=${encodeURIComponent(
  JSON.stringify({
    type: 'block_actions',
    user: { id: 'U0123456789' },
    actions: [{ action_id: 'keywheel_acknowledge', value: INCIDENT }],
  }),
)}`;

function signedHeaders(secret: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex');
  return {
    'content-type': 'application/x-www-form-urlencoded',
    'x-slack-request-timestamp': timestamp,
    'x-slack-signature': `v0=${signature}`,
  };
}

await describeWithPeer('lambda', 'scoring on AWS Lambda', (start) => {
  const lambda = async (handler: string): Promise<Lambda> => {
    const started = await start({ module: path.join(root, 'functions/score/aws.ts'), handler, env });
    running.push(started);
    return started;
  };

  it('scores a subscription, answers Kinesis and queues by item, and logs metrics', async () => {
    const score = await lambda('score');
    const logs = await score.invoke(logsEvent([CANARY]));
    const again = await score.invoke(logsEvent([CANARY]));
    const kinesis = await score.invoke(kinesisEvent([[CANARY], undefined]));
    const queue = await score.invoke(sample('aws/score-queue.json'));
    const malformed = await score.invoke(sample('aws/score-logs-malformed.json'));

    expect([logs, again]).toEqual([
      { ok: true, value: null },
      { ok: true, value: null },
    ]);
    expect(told()).toEqual([expect.stringContaining('app-role')]);
    expect(kinesis).toEqual({ ok: true, value: { batchItemFailures: [{ itemIdentifier: '49591' }] } });
    // The object cannot be had here (there is no credential), and the last body cannot be read; what S3 sent to try the queue is done.
    expect(queue).toMatchObject({
      value: {
        batchItemFailures: [
          { itemIdentifier: '059f36b4-87a3-44ab-83d2-661975830a7d' },
          { itemIdentifier: '7c1a0a58-11d5-4a3e-9f6f-0d5b3b1a2c3d' },
        ],
      },
    });
    expect(malformed).toMatchObject({ ok: false, errorType: 'ERR_EVENT_INVALID' });
    const log = await score.log();
    expect(log).toContain('"IncidentsOpened"');
    expect(log).toContain('"EventsScored"');
    expect(log).not.toContain('material');
  });

  it('sends again by the tick, and believes Slack alone', async () => {
    receiver.status = 503;
    const [score, tick, ack] = [await lambda('score'), await lambda('tick'), await lambda('ack')];
    await score.invoke(logsEvent([CANARY]));
    const kept = await keys('audit/outbox/');
    receiver.status = 200;
    await tick.invoke(sample('aws/score-tick.json'));
    const request = (secret: string) => ({ requestContext: { http: { method: 'POST' } }, headers: signedHeaders(secret), body });
    const refused = await ack.invoke(sample('aws/ack-press.json'));
    const forged = await ack.invoke(request('guessed'));
    const taken = await ack.invoke(request(SIGNING));

    expect(kept).toHaveLength(1);
    expect(told()).toHaveLength(1);
    expect([refused, forged, taken]).toMatchObject([
      { value: { statusCode: 401 } },
      { value: { statusCode: 401 } },
      { value: { statusCode: 200 } },
    ]);
    expect(await keys('audit/ack/')).toEqual([`audit/ack/${INCIDENT}`]);
  });
});

describe('scoring on Google Cloud', () => {
  const google = async (target: string) => {
    const started = await startGoogle(target as 'rotate', { module: path.join(root, 'functions/score/gcp.ts'), env });
    running.push(started);
    return started;
  };
  const event = (data: object | string): CloudEventSample => {
    const given = sample('gcp/score-audit-log.json') as CloudEventSample;
    const message = {
      data: Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)).toString('base64'),
      messageId: '1',
    };
    return { ...given, data: { message, subscription: 's' } };
  };

  it('scores a sink’s messages in both modes, and lets Pub/Sub keep what nobody can read', async () => {
    const score = await google('score');
    const binary = await score.deliver(event(CANARY));
    const structured = await score.deliver(sample('gcp/score-audit-log.json') as CloudEventSample, 'structured');
    const malformed = await score.deliver(sample('gcp/score-malformed.json') as CloudEventSample);

    expect([binary.status, structured.status, malformed.status]).toEqual([204, 204, 500]);
    expect(told()).toEqual([expect.stringContaining('app-role')]);
    expect(await score.log()).toMatch(/"metric":"IncidentsOpened"/);
  });

  it('ticks', async () => {
    const tick = await google('scoreTick');

    expect((await tick.deliver(sample('gcp/score-tick.json') as CloudEventSample)).status).toBe(204);
  });
});

describe('scoring on Azure', () => {
  let azure: Awaited<ReturnType<typeof startAzure>>;
  beforeEach(async () => {
    azure = await startAzure({ module: path.join(root, 'functions/score/azure.ts'), env });
    running.push(azure);
  });

  it('registers an Event Hub trigger with retries, a timer and an HTTP trigger', async () => {
    const bindings = (await azure.registered()).map(({ name, bindings: given }) => [
      name,
      Object.values(given)
        .map(({ type }) => String(type))
        .toSorted(),
    ]);

    expect(bindings).toEqual([
      ['score', ['blob', 'eventHubTrigger']],
      ['scoreTick', ['timerTrigger']],
      ['ack', ['http', 'httpTrigger']],
    ]);
  });

  it('scores a batch, and puts aside what nobody can read', async () => {
    const answer = await azure.trigger('score' as 'rotate', [...(sample('azure/score-event-hub.json') as unknown[]), CANARY]);
    const tick = await azure.trigger('scoreTick' as 'advance', sample('azure/score-timer.json'));

    expect([answer, tick]).toEqual([{ ok: true }, { ok: true }]);
    expect(told()).toEqual([expect.stringContaining('app-role')]);
    expect(await azure.log()).toMatch(/a delivery cannot be scored/);
  });

  it('answers the button', async () => {
    const taken = await azure.request('ack' as 'manual', { method: 'POST', headers: signedHeaders(SIGNING), body });
    const forged = await azure.request('ack' as 'manual', { method: 'POST', headers: signedHeaders('guessed'), body });

    expect([taken.http?.status, forged.http?.status]).toEqual([200, 401]);
  });
});
