/** Scoring on AWS. `score`: audit records, from any subscription. `tick`: a schedule. `ack`: a function URL that Slack's button calls. */
// oxlint-disable-next-line import/no-named-as-default -- middy's own documented import; its types have no such named export
import middy from '@middy/core';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context, SQSBatchResponse } from 'aws-lambda';
import { hostOf, onLambda } from '../../shared/hosts/aws.ts';

export const score = middy(async (event: object, context: Context): Promise<SQSBatchResponse | undefined> => {
  const { batchFailuresOf, scoreBatch, scoreEventOf, throwUnscored } = await import('../../shared/drivers/index.ts');
  const given = scoreEventOf(event);
  const unscored = await scoreBatch(hostOf(context), given.deliveries);
  if (given.answer !== 'none')
    return {
      ...batchFailuresOf(
        given,
        unscored.map(({ id }) => id),
      ),
    };
  throwUnscored(unscored);
  return undefined;
}).use(onLambda());

export const tick = middy(async (_event: object, context: Context): Promise<void> => {
  const { scoreTick } = await import('../../shared/drivers/index.ts');
  await scoreTick(hostOf(context));
}).use(onLambda());

export const ack = middy(async (event: APIGatewayProxyEventV2, context: Context): Promise<APIGatewayProxyStructuredResultV2> => {
  const { ackRequestOf, answerAck } = await import('../../shared/drivers/index.ts');
  const { status, headers, body } = await answerAck(ackRequestOf(event), hostOf(context));
  return { statusCode: status, headers, body };
}).use(onLambda());
