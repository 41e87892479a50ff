/** What Lambda's events mean to the drivers. Pure. */
import { KeywheelError } from '../errors.ts';
import type { Caller } from './authenticate.ts';
import type { ManualRequest } from './manual.ts';
import { ROTATION_STEPS, type RotationStep, type RotationStepEvent } from './secrets-manager.ts';
import type { BatchMessage } from './tick.ts';

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** ERR_EVENT_INVALID when it is not what Secrets Manager sends. */
export function stepEventOf(event: unknown): RotationStepEvent {
  const { Step, SecretId, ClientRequestToken, RotationToken } = record(event);
  const hint = 'only Secrets Manager may call this function, as the rotation function of a secret';
  if (typeof SecretId !== 'string' || SecretId === '' || typeof ClientRequestToken !== 'string') {
    throw new KeywheelError('ERR_EVENT_INVALID', 'the event is no rotation step: SecretId or ClientRequestToken is missing', {
      hint,
    });
  }
  if (!/^[\w-]{32,64}$/.test(ClientRequestToken)) {
    throw new KeywheelError(
      'ERR_EVENT_INVALID',
      'the event is no rotation step: its ClientRequestToken is not of 32 to 64 letters, digits and hyphens',
      { hint },
    );
  }
  if (!ROTATION_STEPS.includes(Step as RotationStep)) {
    throw new KeywheelError('ERR_EVENT_INVALID', `the event names no rotation step; steps are ${ROTATION_STEPS.join(', ')}`, {
      hint,
    });
  }
  const rotationToken = typeof RotationToken === 'string' && RotationToken !== '' ? RotationToken : undefined;
  return { step: Step as RotationStep, secretId: SecretId, token: ClientRequestToken, rotationToken };
}

/** A schedule's tick, or a batch of messages from a queue. */
export function tickEventOf(event: unknown): { readonly batch: readonly BatchMessage[] | undefined } {
  const { Records: records, source } = record(event);
  if (records === undefined) {
    // EventBridge Scheduler sends what its target says, {} at the least; rules send an event of their own source.
    if (source === undefined || source === 'aws.events' || source === 'aws.scheduler' || source === 'keywheel')
      return { batch: undefined };
    throw new KeywheelError('ERR_EVENT_INVALID', 'the event comes from another source than a schedule', {
      hint: 'point an EventBridge schedule at this function',
    });
  }
  const batch = (Array.isArray(records) ? records : []).map((each: unknown): BatchMessage => {
    const { messageId, body, eventSource } = record(each);
    if (eventSource !== 'aws:sqs' || typeof messageId !== 'string' || typeof body !== 'string') {
      throw new KeywheelError('ERR_EVENT_INVALID', 'the event’s records are no messages of a queue', {
        hint: 'only SQS may deliver records to this function',
      });
    }
    return { id: messageId, body };
  });
  return { batch };
}

/** A function URL or an HTTP API, payload format 2.0. The caller is who IAM has authenticated; a header can say nothing about it. */
export function httpRequestOf(event: unknown): ManualRequest {
  const { requestContext, headers, body, isBase64Encoded } = record(event);
  const { http, authorizer } = record(requestContext);
  const { method } = record(http);
  if (typeof method !== 'string') {
    throw new KeywheelError('ERR_EVENT_INVALID', 'the event is no HTTP request of payload format 2.0', {
      hint: 'call it through its function URL or an HTTP API',
    });
  }
  const header = (name: string): string | undefined => {
    const found = Object.entries(record(headers)).find(([key]) => key.toLowerCase() === name)?.[1];
    return typeof found === 'string' ? found : undefined;
  };
  const { userArn } = record(record(authorizer)['iam']);
  const caller: Caller | undefined = typeof userArn === 'string' && userArn !== '' ? { subject: userArn } : undefined;
  const text = typeof body === 'string' ? body : undefined;
  return {
    method,
    authorization: header('authorization'),
    contentType: header('content-type'),
    body: text !== undefined && isBase64Encoded === true ? Buffer.from(text, 'base64').toString() : text,
    caller,
  };
}
