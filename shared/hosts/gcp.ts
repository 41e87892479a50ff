/** Google Cloud: Cloud Logging reads structured lines from stdout. */
import type { Host } from '../drivers/index.ts';
import { openHost, tellable } from './common.ts';
import { structuredLog, structuredMeasure } from './structured.ts';

/** Functions may run for up to an hour by HTTP and nine minutes by event; the deployment sets the time below and says so here. */
const DEFAULT_TIMEOUT_SECONDS = 60;

const write = (line: string): void => void process.stdout.write(`${line}\n`);

/** Gives `work` its Host. What it throws is told to the platform, and so delivered again, without anything that could be material. */
export async function onGoogleCloud<T>(work: (host: Host) => Promise<T>): Promise<T> {
  const seconds = Number(process.env['FUNCTION_TIMEOUT_SEC'] ?? DEFAULT_TIMEOUT_SECONDS);
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
    structuredLog(write).error(told.message, { code: told.name });
    throw told;
  }
}
