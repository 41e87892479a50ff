/** Azure Functions: the invocation's own log, which Application Insights keeps with its invocation id. */
import type { InvocationContext } from '@azure/functions';
import type { Host } from '../drivers/index.ts';
import { onStructured } from './structured.ts';

/** host.json allows ten minutes; the deployment repeats it here, since the platform does not tell a function. */
const DEFAULT_TIMEOUT_SECONDS = 600;

export function onAzure<T>(context: InvocationContext, work: (host: Host) => Promise<T>): Promise<T> {
  const seconds = Number(process.env['KEYWHEEL_TIMEOUT_SECONDS'] ?? DEFAULT_TIMEOUT_SECONDS);
  return onStructured({ info: (line) => context.log(line), error: (line) => context.error(line), seconds }, work);
}
