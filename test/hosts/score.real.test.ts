/** Deliveries of every platform through envelope, parsers, pipeline and channels, with what the platform is told of those that failed. */
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeywheelError } from '../../shared/errors.ts';
import {
  batchFailuresOf,
  putAside,
  scoreBatch,
  scoreEventOf,
  scoreMessages,
  scoreTick,
  throwUnscored,
} from '../../shared/drivers/index.ts';
import { serve, type Served } from '../alerts/serve.ts';
import { CREDENTIALS } from '../contract/aws.ts';
import {
  cloudTrailRecord,
  kinesisEvent,
  logsEvent,
  objectNotification,
  scoreScene,
  sqsEvent,
  startReceiver,
  type Receiver,
  type ScoreScene,
} from './score-scene.ts';

let receiver: Receiver;
let scene: ScoreScene;

beforeEach(async () => {
  receiver = await startReceiver();
  scene = scoreScene(receiver.url);
});
afterEach(() => receiver.close());

const READ = cloudTrailRecord('prod/db', '1');
const CANARY = cloudTrailRecord('canary/backup', '2');

async function onLambda(event: object): Promise<object> {
  const given = scoreEventOf(event);
  const unscored = await scoreBatch(scene.host, given.deliveries);
  if (given.answer === 'none') throwUnscored(unscored);
  return batchFailuresOf(
    given,
    unscored.map(({ id }) => id),
  );
}
const NONE = { batchItemFailures: [] };
const measured = (name: string): number =>
  scene.measured.filter((each) => each.name === name).reduce((sum, { value }) => sum + value, 0);

describe('a log subscription', () => {
  it('is scored, told and measured', async () => {
    await onLambda(logsEvent([READ, CANARY]));

    expect(receiver.alerts).toHaveLength(1);
    expect(receiver.alerts[0]).toMatchObject({ rev: 1, band: 'critical', title: expect.stringContaining('app-role') });
    expect(measured('EventsScored')).toBe(2);
    expect(scene.measured).toContainEqual({ name: 'IncidentsOpened', value: 1, unit: 'Count', dimensions: { band: 'critical' } });
    expect(measured('ScoreLag')).toBe(60_000);
    expect(measured('AlertsDelivered')).toBe(1);
  });

  it('changes nothing and tells nobody when it comes again', async () => {
    await onLambda(logsEvent([READ, CANARY]));
    await onLambda(logsEvent([READ, CANARY]));

    expect(receiver.alerts).toHaveLength(1);
    expect(measured('EventsScored')).toBe(2);
    expect(scene.lines.at(-1)?.fields).toMatchObject({ events: 2, duplicates: 2, alerts: 0 });
  });

  it('that only tries whether we are there is taken', async () => {
    await onLambda(logsEvent([], 'CONTROL_MESSAGE'));

    expect(scene.lines.at(-1)).toMatchObject({
      message: 'audit records scored',
      fields: { records: 0, malformed: 0, unscored: 0 },
    });
  });

  it('that cannot be read fails, so that Lambda puts it aside', async () => {
    const event = { awslogs: { data: Buffer.from('no gzip').toString('base64') } };

    await expect(onLambda(event)).rejects.toMatchObject({
      code: 'ERR_EVENT_INVALID',
      message: expect.stringMatching(/^1 of the deliveries could not be scored: none of its records can be read/),
    });
    expect(measured('MalformedRecords')).toBe(1);
  });

  it('loses nothing else to one record that cannot be read', async () => {
    const event = logsEvent([READ, CANARY]);
    const spoilt = {
      awslogs: {
        data: gzipSync(
          `{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","timestamp":1,"message":${JSON.stringify('{"eventVersion":"1.11", "eventSource":"secretsmanager.amazonaws.com", oops')}},{"id":"2","timestamp":1,"message":${JSON.stringify(JSON.stringify(CANARY))}}]}`,
        ).toString('base64'),
      },
    };

    await onLambda(spoilt);
    await onLambda(event);

    expect(receiver.alerts).toHaveLength(1);
    expect(measured('MalformedRecords')).toBe(1);
    expect(measured('EventsScored')).toBe(2);
  });
});

describe('other triggers of Lambda', () => {
  it('takes an EventBridge event', async () => {
    await onLambda({
      version: '0',
      id: 'e',
      'detail-type': 'AWS API Call via CloudTrail',
      source: 'aws.secretsmanager',
      detail: CANARY,
    });

    expect(receiver.alerts).toHaveLength(1);
  });

  it('takes an SNS message', async () => {
    const Sns = {
      Type: 'Notification',
      MessageId: 'm',
      TopicArn: 'arn:aws:sns:eu-west-1:111122223333:t',
      Message: JSON.stringify(CANARY),
    };
    await onLambda({ Records: [{ EventSource: 'aws:sns', EventVersion: '1.0', Sns }] });

    expect(receiver.alerts).toHaveLength(1);
  });

  it('names the first Kinesis record that failed, and has scored those behind it', async () => {
    const answer = await onLambda(kinesisEvent([[READ], undefined, [CANARY], undefined]));

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: '49591' }] });
    expect(receiver.alerts).toHaveLength(1);
  });

  it('names each message of a queue that failed', async () => {
    const answer = await onLambda(sqsEvent([JSON.stringify(CANARY), '<xml/>', JSON.stringify(READ), '{']));

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-2' }, { itemIdentifier: 'message-4' }] });
    expect(measured('EventsScored')).toBe(2);
    expect(scene.lines.filter(({ message }) => message === 'a delivery cannot be scored')).toHaveLength(2);
  });

  it('takes what S3 sends to try a queue', async () => {
    const test = JSON.stringify({
      Service: 'Amazon S3',
      Event: 's3:TestEvent',
      Time: '2026-11-24T02:00:00Z',
      Bucket: 'trail-bucket',
    });

    expect(await onLambda(sqsEvent([test]))).toEqual(NONE);
  });

  it.each([
    ['nothing', {}],
    ['another service', { Records: [{ eventSource: 'aws:dynamodb', dynamodb: {} }] }],
    ['a queue’s record without a body', { Records: [{ eventSource: 'aws:sqs', messageId: 'm' }] }],
    ['an array', []],
  ])('refuses %s', async (_what, event) => {
    expect(() => scoreEventOf(event)).toThrow(
      expect.objectContaining({
        code: 'ERR_EVENT_INVALID',
        message: expect.stringMatching(/^(the event is no delivery|a record of the event)/) as string,
      }) as Error,
    );
  });
});

describe('notifications of a trail’s files', () => {
  let s3: Served;
  let objects: Map<string, Buffer>;
  let asked: string[];
  beforeEach(async () => {
    objects = new Map();
    asked = [];
    s3 = await serve((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '', 'http://s3').pathname);
      asked.push(`${request.method} ${path}`);
      const found = objects.get(path);
      if (!/AWS4-HMAC-SHA256/.test(request.headers.authorization ?? ''))
        return void response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
      if (found === undefined)
        return void response.writeHead(404, { 'content-type': 'application/xml' }).end('<Error><Code>NoSuchKey</Code></Error>');
      response.writeHead(200, { 'content-length': found.length }).end(found);
    });
    for (const [name, value] of Object.entries({ ...CREDENTIALS, AWS_REGION: 'eu-west-1', AWS_ENDPOINT_URL_S3: s3.url }))
      vi.stubEnv(name, value);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await s3.close();
  });

  it('are read, and scored', async () => {
    objects.set('/trail-bucket/AWSLogs/1/a b.json.gz', gzipSync(JSON.stringify({ Records: [READ, CANARY] })));

    const answer = await onLambda(sqsEvent([objectNotification('AWSLogs/1/a+b.json.gz')]));

    expect(answer).toEqual(NONE);
    expect(receiver.alerts).toHaveLength(1);
    expect(asked).toEqual(['GET /trail-bucket/AWSLogs/1/a b.json.gz']);
  });

  it('come again when the file cannot be read, and the others do not', async () => {
    objects.set('/trail-bucket/there.json.gz', gzipSync(JSON.stringify({ Records: [CANARY] })));

    const answer = await onLambda(sqsEvent([objectNotification('gone.json.gz'), objectNotification('there.json.gz')]));

    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'message-1' }] });
    expect(receiver.alerts).toHaveLength(1);
    expect(scene.lines.find(({ level }) => level === 'error')?.fields).toMatchObject({
      code: 'ERR_TRAIL_NOT_FOUND',
      reason: expect.stringContaining('s3://trail-bucket/gone.json.gz could not be read, AWS answered NoSuchKey'),
    });
  });
});

describe('an alert that its channel does not take', () => {
  it('is kept, and sent by a later tick, once', async () => {
    receiver.status = 503;
    await onLambda(logsEvent([CANARY]));
    const missed = measured('AlertsMissed');
    receiver.status = 200;
    await scoreTick(scene.host);
    await scoreTick(scene.host);

    expect(missed).toBe(1);
    expect(receiver.alerts).toHaveLength(1);
    expect([...scene.core.records.keys()].filter((key) => key.startsWith('audit/outbox/'))).toEqual([]);
  });

  it('does not make the batch come again', async () => {
    receiver.status = 500;

    expect(await onLambda(sqsEvent([JSON.stringify(CANARY)]))).toEqual(NONE);
  });
});

describe('when the state does not answer', () => {
  it('everything comes again, and is then scored as if nothing had been', async () => {
    const put = vi.spyOn(scene.core, 'transact').mockImplementationOnce(() => {
      throw new KeywheelError('ERR_STATE_UNAVAILABLE', 'the table does not answer', { retryable: true });
    });

    await expect(onLambda(sqsEvent([JSON.stringify(CANARY)]))).rejects.toMatchObject({ code: 'ERR_STATE_UNAVAILABLE' });
    put.mockRestore();
    await onLambda(sqsEvent([JSON.stringify(CANARY)]));

    expect(receiver.alerts).toHaveLength(1);
  });
});

describe('messages of an Event Hub', () => {
  it('gives back what nobody can read, and scores the rest', async () => {
    const unscored = await scoreMessages(
      scene.host,
      [JSON.stringify(CANARY), Buffer.from([0x1f, 0x8b, 8, 0, 1]), { records: [READ] }],
      { last: false },
    );

    expect(unscored).toMatchObject([{ id: 'message 2', code: 'ERR_EVENT_INVALID' }]);
    expect(receiver.alerts).toHaveLength(1);
    expect(JSON.parse(putAside(unscored))).toEqual([
      {
        id: 'message 2',
        code: 'ERR_EVENT_INVALID',
        reason: expect.stringContaining('none of its records can be read') as string,
        payload: 'H4sIAAE=',
      },
    ]);
  });

  it('fails while the platform tries again, and gives all back when it does not', async () => {
    const broken = {
      ...scene.host,
      openState: () => Promise.reject(new KeywheelError('ERR_STATE_UNAVAILABLE', 'the table does not answer')),
    };

    await expect(scoreMessages(broken, [CANARY], { last: false })).rejects.toMatchObject({ code: 'ERR_STATE_UNAVAILABLE' });
    const unscored = await scoreMessages(broken, [CANARY, READ], { last: true });

    expect(unscored).toMatchObject([
      { code: 'ERR_STATE_UNAVAILABLE', reason: 'the table does not answer', payload: CANARY },
      { code: 'ERR_STATE_UNAVAILABLE', payload: READ },
    ]);
  });
});

describe('two deliveries at once in one instance', () => {
  it('are one behind the other', async () => {
    await Promise.all([onLambda(logsEvent([CANARY])), onLambda(logsEvent([READ])), onLambda(logsEvent([CANARY]))]);

    expect(receiver.alerts).toHaveLength(1);
    expect(measured('EventsScored')).toBe(2);
  });
});
