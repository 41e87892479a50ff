/** Rotation on Google Cloud. `rotate`: Secret Manager's notifications. `advance`: Cloud Scheduler through Pub/Sub. `manual`: HTTP. */
import { cloudEvent, http, type CloudEvent } from '@google-cloud/functions-framework';
import { onGoogleCloud } from '../../shared/hosts/gcp.ts';

cloudEvent('rotate', (event: CloudEvent<unknown>) =>
  onGoogleCloud(async (host) => {
    const { answerNotification, secretManagerNotification } = await import('../../shared/drivers/index.ts');
    const notification = secretManagerNotification(event, host);
    const answer = 'ignored' in notification ? notification : await answerNotification(notification, host);
    if ('ignored' in answer) host.log.info('notification ignored', { reason: answer.ignored, eventId: event.id });
  }),
);

cloudEvent('advance', () =>
  onGoogleCloud(async (host) => {
    const { tick } = await import('../../shared/drivers/index.ts');
    await tick(host);
  }),
);

http('manual', (request, response) =>
  onGoogleCloud(async (host) => {
    const { manual } = await import('../../shared/drivers/index.ts');
    const reply = await manual(
      {
        method: request.method,
        authorization: request.headers.authorization,
        contentType: request.headers['content-type'],
        body: request.rawBody?.toString(),
      },
      host,
    );
    response.status(reply.status).set(reply.headers).send(reply.body);
  }).catch(
    () =>
      void response
        .status(500)
        .json({ schemaVersion: 1, error: { code: 'ERR_INTERNAL', message: 'see the log of the function' } }),
  ),
);
