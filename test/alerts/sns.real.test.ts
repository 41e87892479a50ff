/** The SNS channel: moto takes what is published, behind the limits that are documented. */
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openChannels, type Channel } from '../../shared/alerts/index.ts';
import { CREDENTIALS } from '../contract/aws.ts';
import type { Moto } from '../peers/index.ts';
import { startSnsProxy, type SnsProxy } from '../peers/sns.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { alertScene, alertWith, hostileAlert, HOSTILE } from './scene.ts';

await describeWithPeer('moto', 'the SNS channel', (start) => {
  let moto: Moto;
  let proxy: SnsProxy;
  let client: SNSClient;
  beforeAll(async () => {
    for (const [name, value] of Object.entries(CREDENTIALS)) vi.stubEnv(name, value);
    moto = await start({});
    client = new SNSClient({ endpoint: moto.endpoint, region: 'eu-central-1' });
  });
  afterAll(async () => {
    client.destroy();
    await moto.stop();
    vi.unstubAllEnvs();
  });
  beforeEach(async () => {
    proxy = await startSnsProxy(moto.endpoint);
  });
  afterEach(() => proxy.close());

  async function open(topic: string): Promise<{ channel: Channel; topicArn: string }> {
    const attributes = topic.endsWith('.fifo') ? { FifoTopic: 'true' } : {};
    const { TopicArn: topicArn = '' } = await client.send(new CreateTopicCommand({ Name: topic, Attributes: attributes }));
    return { channel: await channelTo(topicArn), topicArn };
  }
  async function channelTo(topicArn: string): Promise<Channel> {
    const [channel] = await openChannels(
      [{ kind: 'sns', topicArn, endpoint: proxy.endpoint, from: 'medium' }],
      alertScene().deps,
      {},
    );
    if (channel === undefined) throw new Error('no channel');
    return channel;
  }

  it('publishes the alert as JSON, with what subscriptions filter by', async () => {
    const { channel } = await open('alerts');
    await channel.send(alertWith());
    await channel.close?.();

    const [given = {}] = proxy.published;
    expect(JSON.parse(given['Message'] ?? '')).toMatchObject({
      schema: 1,
      id: '0123456789abcdef',
      rev: 1,
      band: 'high',
      score: 72,
    });
    expect(given['Subject']).toBe('[high 72] Many secrets read by deployer');
    expect(Object.values(given)).toEqual(
      expect.arrayContaining(['score', '72', 'Number', 'band', 'source', 'aws', 'family', '["S","N"]']),
    );
    expect(given['MessageGroupId']).toBeUndefined();
  });

  it('reaches a subscriber through its filter policy', async () => {
    const { channel, topicArn } = await open('filtered');
    const asked: Promise<Response> = query('sqs', { Action: 'CreateQueue', QueueName: 'told' });
    expect((await asked).status).toBe(200);
    const filter = { FilterPolicy: JSON.stringify({ band: ['critical'], family: ['N'] }) };
    const queue = 'arn:aws:sqs:eu-central-1:123456789012:told';
    await client.send(new SubscribeCommand({ TopicArn: topicArn, Protocol: 'sqs', Endpoint: queue, Attributes: filter }));

    await channel.send(alertWith({ id: 'aaaaaaaaaaaaaaaa' }));
    await channel.send(alertWith({ id: 'bbbbbbbbbbbbbbbb', band: 'critical' }));

    const url = 'http://sqs.eu-central-1.amazonaws.com/123456789012/told';
    const received = await query('sqs', { Action: 'ReceiveMessage', QueueUrl: url, MaxNumberOfMessages: '10' });
    const text = await received.text();
    expect(text).toContain('bbbbbbbbbbbbbbbb');
    expect(text).not.toContain('aaaaaaaaaaaaaaaa');
  });

  /** Moto knows the service by the credential's scope. */
  function query(service: string, parameters: Record<string, string>): Promise<Response> {
    const scope = `AKIAEXAMPLEOFNOWORTH/20261124/eu-central-1/${service}/aws4_request`;
    const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
    return fetch(moto.endpoint, { method: 'POST', headers: { authorization }, body: new URLSearchParams(parameters) });
  }

  it('orders and de-duplicates an incident’s revisions on a FIFO topic', async () => {
    const { channel } = await open('alerts.fifo');
    await channel.send(alertWith({ rev: 3 }));

    expect(proxy.published[0]).toMatchObject({
      MessageGroupId: '0123456789abcdef',
      MessageDeduplicationId: '0123456789abcdef-3',
    });
  });

  it.each(HOSTILE.map((text) => [JSON.stringify(text).slice(0, 40), text] as const))(
    'keeps to the limits: %s',
    async (_name, text) => {
      const { channel } = await open('hostile');
      await channel.send(hostileAlert(text));

      const [given = {}] = proxy.published;
      expect(Buffer.byteLength(given['Message'] ?? '')).toBeLessThan(255 * 1024);
      expect(JSON.parse(given['Message'] ?? '')).toMatchObject({ score: 72, counts: { events: 12 } });
    },
  );

  it('leaves out names before reasons when there is too much', async () => {
    const { channel } = await open('large');
    await channel.send(hostileAlert('字'.repeat(600)));

    const message = JSON.parse(proxy.published[0]?.['Message'] ?? '') as { secrets: string[]; reasons: unknown[] };
    expect(message.secrets.length).toBeGreaterThan(0);
    expect(message.reasons.length).toBeGreaterThan(0);
  });

  it.each([
    [403, 'AuthorizationError', 'ERR_ALERT_FORBIDDEN', false],
    [403, 'InvalidClientTokenId', 'ERR_ALERT_LOGIN', false],
    [404, 'NotFound', 'ERR_ALERT_FAILED', false],
    [400, 'Throttling', 'ERR_ALERT_THROTTLED', true],
    [500, 'InternalError', 'ERR_ALERT_UNAVAILABLE', true],
  ])('status %i %s is %s', async (status, code, expected, retryable) => {
    const { channel, topicArn } = await open('unwell');
    const fault = { status, code, message: 'arn and body of the request are repeated here' };
    for (let times = 0; times < 3; times += 1) proxy.faults.push(fault);

    const error = await channel.send(alertWith()).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({
      code: expected,
      retryable,
      message: expect.stringContaining(`sns ${topicArn} did not take an alert`),
    });
    expect((error as Error).message).not.toContain('repeated here');
  });

  it('says that there is no such topic', async () => {
    const channel = await channelTo('arn:aws:sns:eu-central-1:123456789012:nowhere');

    await expect(channel.send(alertWith())).rejects.toMatchObject({
      code: 'ERR_ALERT_FAILED',
      message: expect.stringMatching(/SNS answered NotFound/),
      hint: expect.stringContaining('make the topic'),
    });
  });

  it('is unavailable when nobody answers', async () => {
    const { channel } = await open('gone');
    await proxy.close();

    await expect(channel.send(alertWith())).rejects.toMatchObject({
      code: 'ERR_ALERT_UNAVAILABLE',
      message: expect.stringContaining('SNS does not answer, ECONNREFUSED'),
    });
    proxy = await startSnsProxy(moto.endpoint);
  });
});
