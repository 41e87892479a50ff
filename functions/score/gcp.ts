/** Scoring on Google Cloud. `score`: a log sink's messages. `scoreTick`: Cloud Scheduler through Pub/Sub. `ack`: HTTP, for Slack's button. */
import { cloudEvent, http, type CloudEvent } from '@google-cloud/functions-framework';
import { onGoogleCloud } from '../../shared/hosts/gcp.ts';

cloudEvent('score', (event: CloudEvent<unknown>) =>
  onGoogleCloud(async (host) => {
    const { scoreBatch, throwUnscored } = await import('../../shared/drivers/index.ts');
    throwUnscored(await scoreBatch(host, [{ id: event.id, payload: event.data }]));
  }),
);

cloudEvent('scoreTick', () =>
  onGoogleCloud(async (host) => {
    const { scoreTick } = await import('../../shared/drivers/index.ts');
    await scoreTick(host);
  }),
);

http('ack', (request, response) =>
  onGoogleCloud(async (host) => {
    const { answerAck } = await import('../../shared/drivers/index.ts');
    const reply = await answerAck(
      {
        method: request.method,
        timestamp: request.get('x-slack-request-timestamp'),
        signature: request.get('x-slack-signature'),
        body: request.rawBody?.toString(),
      },
      host,
    );
    response.status(reply.status).set(reply.headers).send(reply.body);
  }).catch(() => void response.status(500).send()),
);
