/** Amazon SNS: the alert as JSON, with what subscriptions filter by as attributes. The function needs sns:Publish on the topic, and nothing else. */
import type { PublishCommandInput, SNSClient } from '@aws-sdk/client-sns';
import type { Alert } from '../audit/index.ts';
import { awsFailure, awsSettings } from '../aws.ts';
import type { ChannelConfig } from '../config/index.ts';
import { addressOf } from './address.ts';
import { alertError, type Failure } from './failure.ts';
import { deliveryId, headlineOf, jsonOf, labelsOf } from './json.ts';
import type { Channel } from './port.ts';

export type SnsConfig = Extract<ChannelConfig, { kind: 'sns' }>;

/** Message and attributes together have 262,144 bytes: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html. The rest is the attributes'. */
const MESSAGE = 255 * 1024;
/** Fewer than 100 characters of ASCII, beginning with a letter, a digit or punctuation. It is the subject of an e-mail. */
const SUBJECT = 99;

export function openSns(config: SnsConfig): Channel {
  const [, , , region = '', , topic = ''] = config.topicArn.split(':');
  const name = `sns ${config.topicArn}`;
  if (config.endpoint !== undefined) addressOf(config.endpoint, name);
  let opened: Promise<SNSClient> | undefined;
  const client = (): Promise<SNSClient> =>
    (opened ??= import('@aws-sdk/client-sns').then(
      ({ SNSClient: Sdk }) => new Sdk(awsSettings({ region, endpoint: config.endpoint })),
    ));
  return {
    kind: 'sns',
    name,
    from: config.from,
    async send(alert) {
      const { PublishCommand } = await import('@aws-sdk/client-sns');
      try {
        // The SDK asks three times and keeps to what the service says of waiting.
        await (await client()).send(new PublishCommand(publicationOf(alert, config.topicArn, topic.endsWith('.fifo'))));
      } catch (error) {
        throw alertError(name, snsFailure(error));
      }
    },
    async close() {
      (await opened)?.destroy();
    },
  };
}

function publicationOf(alert: Alert, topicArn: string, fifo: boolean): PublishCommandInput {
  const { score, band, source, families } = labelsOf(alert);
  const subject = headlineOf(alert, SUBJECT)
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, SUBJECT);
  return {
    TopicArn: topicArn,
    Message: jsonOf(alert, MESSAGE),
    Subject: subject,
    MessageAttributes: {
      score: { DataType: 'Number', StringValue: String(score) },
      band: { DataType: 'String', StringValue: band },
      source: { DataType: 'String', StringValue: source },
      // Filter policies look into the array. https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
      family: { DataType: 'String.Array', StringValue: JSON.stringify(families) },
    },
    // One incident's revisions in their order, each once within five minutes.
    ...(fifo ? { MessageGroupId: alert.id, MessageDeduplicationId: deliveryId(alert) } : {}),
  };
}

const KINDS = {
  login: 'login',
  forbidden: 'forbidden',
  throttled: 'throttled',
  unavailable: 'unavailable',
  region: 'failed',
  other: 'failed',
} as const;

function snsFailure(error: unknown): Failure {
  const { kind, name, text } = awsFailure(error);
  // SNS has names of its own. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
  if (name === 'AuthorizationErrorException' || name === 'AuthorizationError')
    return { kind: 'forbidden', why: `SNS answered ${text}` };
  if (name === 'NotFoundException' || name === 'NotFound') {
    return { kind: 'failed', why: `SNS answered ${text}`, hint: 'make the topic, or mend its ARN in keywheel.yaml' };
  }
  if (name === 'KMSThrottlingException' || name === 'KMSThrottling') return { kind: 'throttled', why: `SNS answered ${text}` };
  return { kind: KINDS[kind], why: kind === 'unavailable' ? `SNS does not answer, ${text}` : `SNS answered ${text}` };
}
