/** AWS Lambda: a middy middleware that gives a handler its Host, with Powertools for logs and metrics. Everything is loaded by the first call. */
import type { MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import type { Host, Measurement } from '../drivers/index.ts';
import { openHost, tellable } from './common.ts';

const NAMESPACE = 'Keywheel';

interface Open {
  readonly host: Host;
  readonly end: () => void;
}

const open = new WeakMap<Context, Open>();

/** The Host of the present call. */
export function hostOf(context: Context): Host {
  const found = open.get(context);
  if (found === undefined) throw new TypeError('the handler is not wrapped with onLambda()');
  return found.host;
}

export function onLambda<Event, Result>(): MiddlewareObj<Event, Result> {
  return {
    async before({ context }) {
      open.set(context, await hostFor(context));
    },
    after({ context }) {
      open.get(context)?.end();
    },
    onError(request) {
      open.get(request.context)?.end();
      request.error = tellable(request.error);
    },
  };
}

async function hostFor(context: Context): Promise<Open> {
  const [{ Logger }, { Metrics }] = await Promise.all([
    import('@aws-lambda-powertools/logger'),
    import('@aws-lambda-powertools/metrics'),
  ]);
  const logger = new Logger({ serviceName: 'keywheel', persistentKeys: { requestId: context.awsRequestId } });
  const metrics = new Metrics({ namespace: NAMESPACE, serviceName: 'keywheel' });
  const measure = ({ name, unit, value, dimensions }: Measurement): void => {
    const single = metrics.singleMetric();
    single.addDimensions({ ...dimensions });
    single.addMetric(name, unit, value);
  };
  return openHost({
    log: {
      info: (message, fields) => logger.info(message, { ...fields }),
      warn: (message, fields) => logger.warn(message, { ...fields }),
      error: (message, fields) => logger.error(message, { ...fields }),
    },
    measure,
    remaining: context.getRemainingTimeInMillis(),
  });
}
