/** A host for the scorer, a receiver of its alerts, and records that it is given. */
import { gzipSync } from 'node:zlib';
import type { LoadedConfig } from '../../shared/config/index.ts';
import { configSchema } from '../../shared/config/schema.ts';
import type { Host, Measurement } from '../../shared/drivers/index.ts';
import { systemDeps } from '../../shared/engine/index.ts';
import { serve } from '../alerts/serve.ts';
import { alertScene, START, type AlertScene } from '../alerts/scene.ts';

export interface Receiver {
  readonly url: string;
  readonly alerts: { readonly id: string; readonly rev: number; readonly band: string; readonly title: string }[];
  /** Answers so while it is set. */
  status: number;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const server = await serve((_request, response, body) => {
    if (receiver.status === 200) receiver.alerts.push(JSON.parse(body.toString()) as never);
    response.writeHead(receiver.status).end();
  });
  const receiver: Receiver = {
    url: `${server.url}/`,
    alerts: [],
    status: 200,
    close: () => server.close(),
  };
  return receiver;
}

export interface ScoreScene extends AlertScene {
  readonly host: Host;
  readonly lines: { readonly level: string; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }[];
  readonly measured: Measurement[];
}

export function configWith(url: string, changes: Record<string, unknown> = {}): LoadedConfig {
  const parsed = configSchema.parse({
    version: 1,
    state: { kind: 'sqlite', path: '/nowhere/state.db' },
    stores: {},
    secrets: {},
    audit: { canaries: ['canary/*'], alerts: { channels: [{ kind: 'webhook', url }] } },
    ...changes,
  });
  return { ...parsed, file: 'keywheel.yaml' };
}

export function scoreScene(url: string, changes: Record<string, unknown> = {}): ScoreScene {
  const scene = alertScene();
  const lines: ScoreScene['lines'] = [];
  const measured: Measurement[] = [];
  const log = (level: string) => (message: string, fields: Readonly<Record<string, unknown>>) =>
    void lines.push({ level, message, fields });
  const host: Host = {
    config: configWith(url, changes),
    env: {},
    deps: { ...systemDeps, clock: scene.clock, sleep: (ms) => scene.deps.sleep(ms) },
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    signal: new AbortController().signal,
    measure: (measurement) => void measured.push(measurement),
    openState: async () => scene.state,
  };
  return { ...scene, host, lines, measured };
}

/** One of CloudTrail: somebody reads a secret a minute ago. */
export function cloudTrailRecord(secret: string, id: string): object {
  return {
    eventVersion: '1.11',
    userIdentity: {
      type: 'AssumedRole',
      principalId: 'AROAEXAMPLEEXAMPLE001:worker',
      arn: 'arn:aws:sts::111122223333:assumed-role/app-role/worker',
      accountId: '111122223333',
      accessKeyId: 'ASIAEXAMPLEEXAMPLE01',
      sessionContext: {
        sessionIssuer: {
          type: 'Role',
          arn: 'arn:aws:iam::111122223333:role/app-role',
          accountId: '111122223333',
          userName: 'app-role',
        },
        attributes: { mfaAuthenticated: 'false' },
      },
    },
    eventTime: new Date(START - 60_000).toISOString().replace('.000', ''),
    eventSource: 'secretsmanager.amazonaws.com',
    eventName: 'GetSecretValue',
    awsRegion: 'eu-west-1',
    sourceIPAddress: '203.0.113.24',
    userAgent: 'Boto3/1.35.20',
    requestParameters: { secretId: secret },
    responseElements: null,
    requestID: `request-${id}`,
    eventID: `0b0e8f44-92cf-4c0e-8ad3-${id.padStart(12, '0')}`,
    readOnly: true,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: '111122223333',
    eventCategory: 'Management',
  };
}

const message = (records: readonly object[], messageType = 'DATA_MESSAGE'): Buffer =>
  gzipSync(
    JSON.stringify({
      messageType,
      owner: '111122223333',
      logGroup: 'trail',
      logStream: '111122223333_CloudTrail_eu-west-1',
      subscriptionFilters: ['keywheel'],
      logEvents: records.map((record, index) => ({ id: String(index), timestamp: START, message: JSON.stringify(record) })),
    }),
  );

export const logsEvent = (records: readonly object[], messageType?: string): object => ({
  awslogs: { data: message(records, messageType).toString('base64') },
});

/** `undefined`: a record that nobody can read. */
export const kinesisEvent = (batches: readonly (readonly object[] | undefined)[]): object => ({
  Records: batches.map((records, index) => ({
    eventSource: 'aws:kinesis',
    eventID: `shardId-000000000000:4959${index}`,
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: '1',
      sequenceNumber: `4959${index}`,
      data: (records === undefined ? message([{ a: 1 }]).subarray(0, 40) : message(records)).toString('base64'),
      approximateArrivalTimestamp: START / 1000,
    },
  })),
});

export const sqsEvent = (bodies: readonly string[]): object => ({
  Records: bodies.map((body, index) => ({
    messageId: `message-${index + 1}`,
    receiptHandle: 'handle',
    body,
    attributes: {},
    messageAttributes: {},
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:111122223333:keywheel-trail',
    awsRegion: 'eu-west-1',
  })),
});

export const objectNotification = (key: string): string =>
  JSON.stringify({
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: 'eu-west-1',
        eventName: 'ObjectCreated:Put',
        s3: {
          s3SchemaVersion: '1.0',
          bucket: { name: 'trail-bucket', arn: 'arn:aws:s3:::trail-bucket' },
          object: { key, size: 1 },
        },
      },
    ],
  });
