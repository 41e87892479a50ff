/** Azure Functions: the invocation's own log, which Application Insights keeps with its invocation id. */
import type { InvocationContext } from '@azure/functions';
import type { Host } from '../drivers/index.ts';
import { openHost, tellable } from './common.ts';
import { structuredLog, structuredMeasure } from './structured.ts';

/** host.json allows ten minutes; the deployment repeats it here, since the platform does not tell a function. */
const DEFAULT_TIMEOUT_SECONDS = 600;

/** Gives `work` its Host. What it throws is told to the platform, and so delivered again, without anything that could be material. */
export async function onAzure<T>(context: InvocationContext, work: (host: Host) => Promise<T>): Promise<T> {
  const write = (line: string): void => context.log(line);
  const seconds = Number(process.env['KEYWHEEL_TIMEOUT_SECONDS'] ?? DEFAULT_TIMEOUT_SECONDS);
  try {
    const { host, end } = await openHost({
      log: structuredLog(write),
      measure: structuredMeasure(write),
      remaining: seconds * 1000,
    });
    try {
      return await work(host);
    } finally {
      end();
    }
  } catch (error) {
    const told = tellable(error);
    context.error(JSON.stringify({ severity: 'ERROR', message: told.message, service: 'keywheel', code: told.name }));
    throw told;
  }
}
