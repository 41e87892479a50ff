/** Rotation on Azure, programming model v4. `rotate`: Key Vault's events from Event Grid. `advance`: a timer. `manual`: HTTP. */
import { app } from '@azure/functions';
import { onAzure } from '../../shared/hosts/azure.ts';

app.eventGrid('rotate', {
  handler: (event, context) =>
    onAzure(context, async (host) => {
      const { answerNotification, keyVaultNotification } = await import('../../shared/drivers/index.ts');
      const notification = keyVaultNotification(event, host);
      const answer = 'ignored' in notification ? notification : await answerNotification(notification, host);
      if ('ignored' in answer) host.log.info('event ignored', { reason: answer.ignored, eventId: event.id });
    }),
});

app.timer('advance', {
  schedule: '0 */5 * * * *',
  handler: (_timer, context) =>
    onAzure(context, async (host) => {
      const { tick } = await import('../../shared/drivers/index.ts');
      await tick(host);
    }),
});

app.http('manual', {
  methods: ['POST'],
  // The token is checked by the function itself, against what keywheel.yaml pins; a function key would say nothing of who asks.
  authLevel: 'anonymous',
  handler: (request, context) =>
    onAzure(context, async (host) => {
      const { manual } = await import('../../shared/drivers/index.ts');
      const reply = await manual(
        {
          method: request.method,
          authorization: request.headers.get('authorization') ?? undefined,
          contentType: request.headers.get('content-type') ?? undefined,
          body: await request.text(),
        },
        host,
      );
      return { status: reply.status, headers: reply.headers, body: reply.body };
    }),
});
