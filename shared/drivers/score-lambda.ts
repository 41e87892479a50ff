/** What Lambda's events mean to the scorer: deliveries, and how the platform hears of those that failed. Pure. */
import { KeywheelError } from '../errors.ts';
import type { AckRequest } from './ack.ts';
import type { Delivery } from './score.ts';

export interface ScoreEvent {
  readonly deliveries: readonly Delivery[];
  /**
   * `each`: SQS deletes what is not named as failed. `first`: Kinesis goes on behind the first that failed.
   * `none`: the whole invocation fails or does not. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
   */
  readonly answer: 'each' | 'first' | 'none';
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** ERR_EVENT_INVALID when it is none of: CloudWatch Logs subscription, Kinesis, SQS, SNS, S3 notification, EventBridge. */
export function scoreEventOf(event: unknown): ScoreEvent {
  const { awslogs, Records: records, 'detail-type': detailType, detail } = record(event);
  if (awslogs !== undefined || (typeof detailType === 'string' && detail !== undefined)) {
    return { deliveries: [{ id: 'event', payload: event }], answer: 'none' };
  }
  const [first] = Array.isArray(records) ? (records as readonly unknown[]).map(record) : [];
  const source = first?.['eventSource'] ?? first?.['EventSource'];
  const each = (Array.isArray(records) ? records : []).map(record);
  switch (source) {
    case 'aws:sqs':
      return { deliveries: each.map(({ messageId, body }) => delivery(messageId, body)), answer: 'each' };
    case 'aws:kinesis':
      return { deliveries: each.map((one) => fromKinesis(record(one['kinesis']))), answer: 'first' };
    case 'aws:sns':
      return { deliveries: each.map((one) => fromSns(record(one['Sns']))), answer: 'none' };
    case 'aws:s3':
      return { deliveries: [{ id: 'event', payload: event }], answer: 'none' };
    default:
      throw invalid('the event is no delivery of audit records');
  }
}

/** For the platform: which deliveries come again. */
export function batchFailuresOf(
  { answer }: ScoreEvent,
  failed: readonly string[],
): { readonly batchItemFailures: { readonly itemIdentifier: string }[] } {
  const named = answer === 'first' ? failed.slice(0, 1) : failed;
  return { batchItemFailures: named.map((itemIdentifier) => ({ itemIdentifier })) };
}

function delivery(id: unknown, payload: unknown): Delivery {
  if (typeof id !== 'string' || id === '' || typeof payload !== 'string')
    throw invalid('a record of the event has no id or no body');
  return { id, payload: Buffer.from(payload) };
}

function fromKinesis({ sequenceNumber, data }: Readonly<Record<string, unknown>>): Delivery {
  const { id, payload } = delivery(sequenceNumber, data);
  return { id, payload: Buffer.from(String(payload), 'base64') };
}

const fromSns = ({ MessageId: id, Message: message }: Readonly<Record<string, unknown>>): Delivery => delivery(id, message);

function invalid(message: string): KeywheelError {
  return new KeywheelError('ERR_EVENT_INVALID', message, {
    hint: 'subscribe this function to a log group, a Kinesis stream, an SQS queue, an SNS topic or an EventBridge rule; events/ has a sample of each',
  });
}

/** A function URL, payload format 2.0. ERR_EVENT_INVALID when it is no HTTP request. */
export function ackRequestOf(event: unknown): AckRequest {
  const { requestContext, headers, body, isBase64Encoded } = record(event);
  const { method } = record(record(requestContext)['http']);
  if (typeof method !== 'string') {
    throw new KeywheelError('ERR_EVENT_INVALID', 'the event is no HTTP request of payload format 2.0', {
      hint: 'call it through its function URL, as the Request URL of the Slack app’s interactivity',
    });
  }
  const given = Object.entries(record(headers));
  const header = (name: string): string | undefined => {
    const found = given.find(([key]) => key.toLowerCase() === name)?.[1];
    return typeof found === 'string' ? found : undefined;
  };
  const text = typeof body === 'string' ? body : undefined;
  return {
    method,
    timestamp: header('x-slack-request-timestamp'),
    signature: header('x-slack-signature'),
    body: text !== undefined && isBase64Encoded === true ? Buffer.from(text, 'base64').toString() : text,
  };
}
