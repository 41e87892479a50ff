/** Platforms that read one JSON object on one line: Cloud Logging from stdout, Application Insights from the invocation's log. */
import type { Host, Log, Measurement } from '../drivers/index.ts';
import { openHost, tellable } from './common.ts';

type Write = (line: string) => void;

function structuredLog(info: Write, error: Write): Log {
  const line =
    (severity: string, write: Write) =>
    (message: string, fields: Readonly<Record<string, unknown>>): void =>
      write(JSON.stringify({ severity, message, service: 'keywheel', ...fields }));
  return { info: line('INFO', info), warn: line('WARNING', info), error: line('ERROR', error) };
}

/** For a log-based metric: `metric`, `value`, `unit`, and its dimensions as fields. */
function structuredMeasure(log: Log): (measurement: Measurement) => void {
  return ({ name, value, unit, dimensions }) => log.info('measurement', { metric: name, value, unit, ...dimensions });
}

/**
 * Gives `work` its Host, for `seconds` at most. What it throws is told to the platform, and so delivered again, without anything that could be
 * material.
 */
export async function onStructured<T>(
  platform: { readonly info: Write; readonly error: Write; readonly seconds: number },
  work: (host: Host) => Promise<T>,
): Promise<T> {
  const log = structuredLog(platform.info, platform.error);
  try {
    const { host, end } = await openHost({ log, measure: structuredMeasure(log), remaining: platform.seconds * 1000 });
    try {
      return await work(host);
    } finally {
      end();
    }
  } catch (error) {
    const told = tellable(error);
    log.error(told.message, { code: told.name });
    throw told;
  }
}
