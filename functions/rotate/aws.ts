/** Rotation on AWS. `rotate`: Secrets Manager's rotation function. `advance`: a schedule, or a queue. `manual`: a function URL or an HTTP API. */
// oxlint-disable-next-line import/no-named-as-default -- middy's own documented import; its types have no such named export
import middy from '@middy/core';
import type {
  APIGatewayProxyEventV2,
  APIGatewayProxyStructuredResultV2,
  Context,
  SecretsManagerRotationEvent,
  SQSBatchResponse,
  SQSEvent,
} from 'aws-lambda';
import { hostOf, onLambda } from '../../shared/hosts/aws.ts';

/** The types lack what cross-account rotation sends. */
type RotationEvent = SecretsManagerRotationEvent & { readonly RotationToken?: string };

export const rotate = middy(async (event: RotationEvent, context: Context): Promise<void> => {
  const { rotationStep, stepEventOf } = await import('../../shared/drivers/index.ts');
  await rotationStep(stepEventOf(event), hostOf(context));
}).use(onLambda());

export const advance = middy(async (event: SQSEvent | object, context: Context): Promise<SQSBatchResponse | undefined> => {
  const { tick, tickBatch, tickEventOf } = await import('../../shared/drivers/index.ts');
  const { batch } = tickEventOf(event);
  if (batch !== undefined) {
    const failed = await tickBatch(hostOf(context), batch);
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
  }
  await tick(hostOf(context));
  return undefined;
}).use(onLambda());

export const manual = middy(
  async (event: APIGatewayProxyEventV2, context: Context): Promise<APIGatewayProxyStructuredResultV2> => {
    const { httpRequestOf, manual: answer } = await import('../../shared/drivers/index.ts');
    const { status, headers, body } = await answer(httpRequestOf(event), hostOf(context));
    return { statusCode: status, headers, body };
  },
).use(onLambda());
