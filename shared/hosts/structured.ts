/** One JSON object on one line, as Cloud Logging and Application Insights read it. */
import type { Log, Measurement } from '../drivers/index.ts';

type Write = (line: string) => void;

export function structuredLog(write: Write): Log {
  const line =
    (severity: string) =>
    (message: string, fields: Readonly<Record<string, unknown>>): void =>
      write(JSON.stringify({ severity, message, service: 'keywheel', ...fields }));
  return { info: line('INFO'), warn: line('WARNING'), error: line('ERROR') };
}

/** For a log-based metric: `metric`, `value`, `unit`, and its dimensions as fields. */
export function structuredMeasure(write: Write): (measurement: Measurement) => void {
  return ({ name, value, unit, dimensions }) =>
    write(
      JSON.stringify({ severity: 'INFO', message: 'measurement', service: 'keywheel', metric: name, value, unit, ...dimensions }),
    );
}
