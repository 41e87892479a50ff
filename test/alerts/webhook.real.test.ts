/** Webhooks, Pub/Sub and Event Grid, each against a local server that refuses what the vendor's documentation refuses. */
import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openChannels, type Channel } from '../../shared/alerts/index.ts';
import type { ChannelConfig } from '../../shared/config/index.ts';
import { RpcError, serveGrpc, type GrpcServer } from '../peers/google/grpc.ts';
import { serve, type Served } from './serve.ts';
import { alertScene, alertWith, hostileAlert, HOSTILE, START, type AlertScene } from './scene.ts';

const ROUTING = 'r0ut1ngkeyof32characters00000000';
const SIGNING = 'signing-material';
const credential = { store: 'main', secret: 'hook' };

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Served;
let base: string;
let received: Received[];
/** The next answers; 202 when there is none. */
let answers: { status: number; headers?: Record<string, string> }[];
let scene: AlertScene;

beforeEach(async () => {
  received = [];
  answers = [];
  scene = alertScene({ hook: { routingKey: ROUTING, signingKey: SIGNING } });
  server = await serve((request, response, body) => {
    received.push({ path: request.url ?? '', headers: request.headers, body: body.toString() });
    const { status, headers } = answers.shift() ?? { status: 202 };
    response.writeHead(status, headers ?? {}).end('{"status":"success","message":"body repeats the request"}');
  });
  base = server.url;
});
afterEach(() => server.close());

async function open(config: ChannelConfig, env: Record<string, string> = {}): Promise<Channel> {
  const [channel] = await openChannels([config], scene.deps, env);
  if (channel === undefined) throw new Error('no channel');
  return channel;
}
const hook = (changes: object = {}): Promise<Channel> =>
  open({
    kind: 'webhook',
    url: `${base}/in/of-no-worth`,
    credential,
    format: 'json',
    from: 'medium',
    ...changes,
  });
const thrownBy = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a webhook of format pagerduty', () => {
  it('triggers one PagerDuty alert for an incident, whatever its revision', async () => {
    const channel = await hook({ format: 'pagerduty' });
    await channel.send(alertWith());
    await channel.send(alertWith({ rev: 2, band: 'critical' }));

    const [first, second] = received.map(({ body }) => JSON.parse(body) as Record<string, Record<string, unknown>>);
    expect(first).toMatchObject({
      routing_key: ROUTING,
      event_action: 'trigger',
      dedup_key: 'keywheel-0123456789abcdef',
      payload: {
        summary: '[high 72] Many secrets read by deployer',
        severity: 'error',
        source: 'aws 111122223333',
        timestamp: '2026-11-24T02:00:00.000Z',
        class: 'S1',
      },
    });
    expect(second).toMatchObject({ dedup_key: 'keywheel-0123456789abcdef', payload: { severity: 'critical' } });
  });

  it.each(HOSTILE.map((text) => [JSON.stringify(text).slice(0, 40), text] as const))(
    'keeps to the limits: %s',
    async (_name, text) => {
      const channel = await hook({ format: 'pagerduty' });
      await channel.send(hostileAlert(text));

      const { payload, dedup_key: key } = JSON.parse(received[0]?.body ?? '') as {
        payload: Record<string, string>;
        dedup_key: string;
      };
      expect(Buffer.byteLength(received[0]?.body ?? '')).toBeLessThan(512 * 1024); // https://developer.pagerduty.com/docs/events-api-v2-overview
      expect(payload['summary']?.length).toBeLessThanOrEqual(1024);
      expect(payload['source']).toMatch(/./);
      expect(['critical', 'error', 'warning', 'info']).toContain(payload['severity']);
      expect(key.length).toBeLessThanOrEqual(255);
    },
  );

  it('needs a routing key', async () => {
    const channel = await hook({ format: 'pagerduty', credential: undefined });

    expect(await thrownBy(channel.send(alertWith()))).toMatchObject({
      code: 'ERR_ALERT_LOGIN',
      message: expect.stringContaining('PagerDuty needs a routingKey'),
    });
  });
});

describe('a webhook of format json', () => {
  it('signs the time and the body', async () => {
    await (await hook()).send(alertWith());

    const { headers, body } = received[0] ?? { headers: {}, body: '' };
    const timestamp = String(START / 1000);
    const expected = createHmac('sha256', SIGNING).update(`${timestamp}.${body}`).digest('hex');
    expect(headers).toMatchObject({
      'keywheel-timestamp': timestamp,
      'keywheel-signature': `v1=${expected}`,
      'keywheel-delivery': '0123456789abcdef-1',
      'content-type': 'application/json',
    });
    expect(JSON.parse(body)).toMatchObject({ schema: 1, rev: 1 });
  });

  it('signs nothing without a credential', async () => {
    await (await hook({ credential: undefined })).send(alertWith());

    expect(received[0]?.headers['keywheel-signature']).toBeUndefined();
  });

  it('signs each try with its own time', async () => {
    answers = [{ status: 429, headers: { 'retry-after': '3' } }];
    await (await hook()).send(alertWith());

    expect(scene.waits).toEqual([3000]);
    expect(received.map(({ headers }) => headers['keywheel-timestamp'])).toEqual([
      String(START / 1000),
      String(START / 1000 + 3),
    ]);
  });

  it('waits until a date, if that is what it is told', async () => {
    answers = [{ status: 503, headers: { 'retry-after': new Date(START + 4000).toUTCString() } }];
    await (await hook()).send(alertWith());

    expect(scene.waits).toEqual([4000]);
  });

  it.each([
    [401, 'ERR_ALERT_LOGIN', 1],
    [403, 'ERR_ALERT_FORBIDDEN', 1],
    [400, 'ERR_ALERT_FAILED', 1],
    [302, 'ERR_ALERT_FAILED', 1],
    [429, 'ERR_ALERT_THROTTLED', 3],
    [500, 'ERR_ALERT_UNAVAILABLE', 3],
  ])('status %i is %s after %i tries', async (status, code, tries) => {
    answers = Array.from({ length: 3 }, () => ({ status, headers: { location: `${base}/elsewhere` } }));

    const error = await thrownBy((await hook()).send(alertWith()));

    expect(error).toMatchObject({
      code,
      message: expect.stringContaining(`did not take an alert, it answered with status ${status}`),
    });
    expect(received.map(({ path }) => path)).toEqual(Array.from({ length: tries }, () => '/in/of-no-worth'));
    // The path of such an address is often its only secret.
    expect(JSON.stringify([error, (error as Error).message])).not.toMatch(/of-no-worth|repeats/);
  });

  it('is unavailable when nobody answers', async () => {
    const channel = await hook({ url: 'http://127.0.0.1:1/' });

    expect(await thrownBy(channel.send(alertWith()))).toMatchObject({
      code: 'ERR_ALERT_UNAVAILABLE',
      message: expect.stringContaining('it does not answer'),
    });
  });

  it.each([
    { kind: 'webhook', url: 'http://hooks.example.com/x', format: 'json', from: 'medium' },
    { kind: 'slack', channel: 'C0123456789', credential, endpoint: 'http://slack.example.com/api', from: 'medium' },
    { kind: 'sns', topicArn: 'arn:aws:sns:eu-central-1:111122223333:t', endpoint: 'http://sns.example.com', from: 'medium' },
    { kind: 'pubsub', topic: 'projects/p/topics/t', endpoint: 'http://pubsub.example.com', from: 'medium' },
    { kind: 'event-grid', endpoint: 'http://grid.example.com/api/events', from: 'medium' },
  ] as const)('nor any channel sends in clear over a network: $kind', async (config) => {
    expect(await thrownBy(open(config))).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('its address is no https address'),
    });
  });
});

describe('the Event Grid channel', () => {
  const grid = (): Promise<Channel> => open({ kind: 'event-grid', endpoint: `${base}/api/events`, from: 'medium' });

  it('sends a CloudEvent whose id is the revision’s', async () => {
    answers = [{ status: 200 }];
    await (await grid()).send(alertWith({ rev: 2 }));

    expect(received[0]?.headers['content-type']).toContain('application/cloudevents-batch+json');
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject([
      {
        specversion: '1.0',
        id: '0123456789abcdef-2',
        type: 'keywheel.audit.incident',
        source: 'keywheel/default',
        subject: 'incident/0123456789abcdef',
        time: '2026-11-24T02:00:00.000Z',
        data: { schema: 1, band: 'high', reasons: [{ detector: 'S1' }, { detector: 'N1' }] },
      },
    ]);
  });

  it.each([
    [401, 'ERR_ALERT_LOGIN', 1],
    [403, 'ERR_ALERT_FORBIDDEN', 1],
    [413, 'ERR_ALERT_FAILED', 1],
    [503, 'ERR_ALERT_UNAVAILABLE', 3],
  ])('status %i is %s after %i tries', async (status, code, tries) => {
    answers = Array.from({ length: 3 }, () => ({ status }));

    expect(await thrownBy((await grid()).send(alertWith()))).toMatchObject({
      code,
      message: expect.stringContaining(`Event Grid: it answered with status ${status}`),
    });
    expect(received).toHaveLength(tries);
  });
});

describe('the Pub/Sub channel', () => {
  interface Published {
    readonly topic: string;
    readonly messages: { readonly data: Buffer; readonly attributes: Record<string, string>; readonly orderingKey: string }[];
  }
  let grpc: GrpcServer;
  let published: Published[];
  let faults: RpcError[];
  beforeEach(async () => {
    published = [];
    faults = [];
    grpc = await serveGrpc('@google-cloud/pubsub/build/protos/protos.json', 'google.pubsub.v1.Publisher', {
      Publish(request) {
        const given = request as unknown as Published;
        published.push(given);
        const fault = faults.shift();
        if (fault !== undefined) throw fault;
        if (given.topic !== 'projects/p/topics/alerts') throw new RpcError(5, 'Resource not found');
        for (const { data, attributes } of given.messages) {
          // https://docs.cloud.google.com/pubsub/quotas#resource_limits
          const odd = Object.entries(attributes).find(
            ([key, value]) => Buffer.byteLength(key) > 256 || Buffer.byteLength(value) > 1024,
          );
          if (data.length > 10_000_000 || Object.keys(attributes).length > 100 || odd !== undefined)
            throw new RpcError(3, 'too large');
        }
        return { messageIds: given.messages.map((_, index) => String(index)) };
      },
    });
  });
  afterEach(() => grpc.stop());

  const pubsub = (topic = 'projects/p/topics/alerts'): Promise<Channel> =>
    open({ kind: 'pubsub', topic, from: 'medium' }, { PUBSUB_EMULATOR_HOST: `127.0.0.1:${grpc.port}` });

  it('publishes the alert as JSON, with attributes to filter by', async () => {
    const channel = await pubsub();
    await channel.send(alertWith());
    await channel.close?.();

    const [message] = published[0]?.messages ?? [];
    expect(JSON.parse(message?.data.toString() ?? '')).toMatchObject({ schema: 1, id: '0123456789abcdef' });
    expect(message?.attributes).toEqual({
      id: '0123456789abcdef',
      rev: '1',
      kind: 'incident',
      score: '72',
      band: 'high',
      source: 'aws',
      family_S: 'true',
      family_N: 'true',
    });
  });

  it.each([
    [16, 'ERR_ALERT_LOGIN', 1],
    [7, 'ERR_ALERT_FORBIDDEN', 1],
    [8, 'ERR_ALERT_THROTTLED', 3],
    [14, 'ERR_ALERT_UNAVAILABLE', 3],
    [3, 'ERR_ALERT_FAILED', 1],
  ])('status %i is %s after %i tries', async (status, code, tries) => {
    faults = Array.from({ length: 3 }, () => new RpcError(status, 'repeats the request'));
    const channel = await pubsub();

    const error = await thrownBy(channel.send(alertWith()));
    await channel.close?.();

    expect(error).toMatchObject({ code, message: expect.stringContaining(`Pub/Sub answered with status ${status}`) });
    expect((error as Error).message).not.toContain('repeats');
    expect(published).toHaveLength(tries);
  });

  it('says that there is no such topic, and takes what any log holds', async () => {
    const [nowhere, channel] = [await pubsub('projects/p/topics/nowhere'), await pubsub()];
    const error = await thrownBy(nowhere.send(alertWith()));
    for (const text of HOSTILE) await channel.send(hostileAlert(text));
    await Promise.all([nowhere.close?.(), channel.close?.()]);

    expect(error).toMatchObject({ code: 'ERR_ALERT_FAILED', message: expect.stringContaining('there is no such topic') });
    expect(published).toHaveLength(1 + HOSTILE.length);
  });
});
