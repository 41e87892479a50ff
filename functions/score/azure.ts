/** Scoring on Azure, programming model v4. `score`: diagnostics from Event Hubs. `scoreTick`: a timer. `ack`: HTTP, for Slack's button. */
// oxlint-disable-next-line import/no-named-as-default -- the package is CommonJS, and Node finds `output` in it by no name
import azure from '@azure/functions';
import { onAzure } from '../../shared/hosts/azure.ts';

const { app, output } = azure;

/** Event Hubs goes on behind a batch whether it was worked on or not, so what could not be scored is put aside here. */
const deadLetter = output.storageBlob({ path: 'score-dead-letter/{rand-guid}.json', connection: 'AzureWebJobsStorage' });

app.eventHub('score', {
  connection: 'KEYWHEEL_EVENTHUB',
  eventHubName: '%KEYWHEEL_EVENTHUB_NAME%',
  consumerGroup: '%KEYWHEEL_EVENTHUB_CONSUMER%',
  cardinality: 'many',
  extraOutputs: [deadLetter],
  // The batch is held meanwhile, in its order. https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-pages
  retry: { strategy: 'exponentialBackoff', maxRetryCount: 5, minimumInterval: { seconds: 2 }, maximumInterval: { minutes: 1 } },
  handler: (messages: unknown, context) =>
    onAzure(context, async (host) => {
      const { putAside, scoreMessages } = await import('../../shared/drivers/index.ts');
      const { retryCount = 0, maxRetryCount = 0 } = context.retryContext ?? {};
      const unscored = await scoreMessages(host, messages, { last: retryCount >= maxRetryCount });
      if (unscored.length > 0) context.extraOutputs.set(deadLetter, putAside(unscored));
    }),
});

app.timer('scoreTick', {
  schedule: '0 */5 * * * *',
  handler: (_timer, context) =>
    onAzure(context, async (host) => {
      const { scoreTick } = await import('../../shared/drivers/index.ts');
      await scoreTick(host);
    }),
});

app.http('ack', {
  methods: ['POST'],
  // Slack signs what it sends, and the function itself checks that.
  authLevel: 'anonymous',
  handler: (request, context) =>
    onAzure(context, async (host) => {
      const { answerAck } = await import('../../shared/drivers/index.ts');
      return answerAck(
        {
          method: request.method,
          timestamp: request.headers.get('x-slack-request-timestamp') ?? undefined,
          signature: request.headers.get('x-slack-signature') ?? undefined,
          body: await request.text(),
        },
        host,
      );
    }),
});
