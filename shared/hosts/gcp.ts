/** Google Cloud: Cloud Logging reads structured lines from stdout. */
import type { Host } from '../drivers/index.ts';
import { onStructured } from './structured.ts';

/** Functions may run for up to an hour by HTTP and nine minutes by event; the deployment sets the time and says it here. */
const DEFAULT_TIMEOUT_SECONDS = 60;

const write = (line: string): void => void process.stdout.write(`${line}\n`);

export function onGoogleCloud<T>(work: (host: Host) => Promise<T>): Promise<T> {
  const seconds = Number(process.env['FUNCTION_TIMEOUT_SEC'] ?? DEFAULT_TIMEOUT_SECONDS);
  return onStructured({ info: write, error: write, seconds }, work);
}
