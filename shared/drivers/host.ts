/** What every driver is given by the function that hosts it. */
import type { Environment, LoadedConfig } from '../config/index.ts';
import type { AdvanceResult, RotationEvent } from '../rotation/index.ts';
import type { Gate } from '../deps.ts';
import type { State } from '../state/index.ts';
import type { EngineDeps } from '../engine/index.ts';

/** One structured line each. Fields are names, ids and codes, never material. */
export interface Log {
  info(message: string, fields: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields: Readonly<Record<string, unknown>>): void;
  error(message: string, fields: Readonly<Record<string, unknown>>): void;
}

export interface Host {
  readonly config: LoadedConfig;
  readonly env: Environment;
  readonly deps: EngineDeps;
  readonly log: Log;
  /** Given shortly before the host would end this call: the present step is finished, and the journal holds what was done. */
  readonly signal: AbortSignal;
  /** What every call of stores and targets goes through; absent: the one that makes them. Faults are injected here. */
  readonly gate?: Gate;
  /** Opens the state instead of the configuration's; closed by who asked for it. */
  readonly openState?: () => Promise<State>;
  /** Takes one measurement; the host's own metrics. */
  readonly measure: (measurement: Measurement) => void;
}

export interface Measurement {
  readonly name:
    | 'RotationsClosed'
    | 'RotationsHeld'
    | 'RotationFailures'
    | 'PhaseDuration'
    | 'EventsScored'
    | 'IncidentsOpened'
    | 'ScoreLag'
    | 'MalformedRecords'
    | 'AlertsDelivered'
    | 'AlertsMissed';
  readonly value: number;
  readonly unit: 'Count' | 'Milliseconds';
  readonly dimensions: Readonly<Record<string, string>>;
}

export function eventLogger(log: Log): (event: RotationEvent) => void {
  return ({ type, secret, rotationId, phase, message, resumeAt }) => {
    const fields = { secret, rotationId, phase, resumeAt, ...(message === undefined ? {} : { reason: message }) };
    if (type === 'failed') log.warn('rotation step failed', fields);
    else log.info(`rotation ${type}`, fields);
  };
}

/** What the result of one secret counts as. Pure. */
function measurementsOf({ status, secret, rotation, error }: AdvanceResult): Measurement[] {
  const count = (name: Measurement['name'], dimensions: Measurement['dimensions']): Measurement => ({
    name,
    value: 1,
    unit: 'Count',
    dimensions: { secret, ...dimensions },
  });
  switch (status) {
    case 'closed': {
      const steps = rotation?.steps ?? [];
      const durations = steps.slice(1).map((step, index): Measurement => {
        const value = step.at - (steps[index]?.at ?? step.at);
        return { name: 'PhaseDuration', value, unit: 'Milliseconds', dimensions: { secret, phase: step.phase } };
      });
      return [count('RotationsClosed', { outcome: rotation?.outcome ?? 'unknown' }), ...durations];
    }
    case 'held':
      return [count('RotationsHeld', { reason: rotation?.hold?.code ?? error?.code ?? 'unknown' })];
    case 'failed':
      return [count('RotationFailures', { code: error?.code ?? rotation?.failure?.code ?? 'unknown' })];
    case 'idle':
    case 'waiting':
    case 'busy':
    case 'disabled':
      return [];
  }
}

/** Logs and measures what one call of a driver came to. */
export function tellResult(host: Pick<Host, 'log' | 'measure'>, result: AdvanceResult): void {
  for (const measurement of measurementsOf(result)) host.measure(measurement);
  const { secret, status, rotation, resumeAt } = result;
  const why = rotation?.hold ?? result.error ?? rotation?.failure;
  const fields = {
    secret,
    status,
    rotationId: rotation?.rotationId,
    phase: rotation?.phase,
    resumeAt,
    ...(why === undefined ? {} : { code: why.code, reason: why.message, hint: why.hint }),
  };
  if (status === 'held' || (status === 'failed' && resumeAt === undefined)) host.log.error(`rotation ${status}`, fields);
  else if (status === 'failed') host.log.warn('rotation failed and is tried again', fields);
  else host.log.info(`rotation ${status}`, fields);
}

/** What a host hands through to the engine, where it has it. */
export function seamsOf({ gate, openState }: Host): Pick<Host, 'gate' | 'openState'> {
  return { ...(gate === undefined ? {} : { gate }), ...(openState === undefined ? {} : { openState }) };
}
