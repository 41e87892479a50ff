/** What the three platforms have in common. */
import type { Environment, LoadedConfig } from '../config/index.ts';
import type { Host, Log, Measurement } from '../drivers/index.ts';
import { isKeywheelError } from '../errors.ts';

/** By file: one instance reads and checks its configuration once. */
const loaded = new Map<string, Promise<LoadedConfig>>();

/** The configuration that KEYWHEEL_CONFIG names, else the keywheel.yaml that was deployed beside the function. */
async function configOf(env: Environment): Promise<LoadedConfig> {
  const { configPath, loadConfig } = await import('../config/index.ts');
  const file = configPath({ env });
  const found = loaded.get(file) ?? loadConfig(file);
  loaded.set(file, found);
  // A file that could not be read is looked at again by the next call.
  found.catch(() => loaded.delete(file));
  return found;
}

export interface Opening {
  readonly log: Log;
  readonly measure: (measurement: Measurement) => void;
  /** Milliseconds that the platform leaves this call; undefined where it does not say. */
  readonly remaining: number | undefined;
}

/** Left for finishing the present step, before the platform ends the call. */
const MARGIN = 5000;

/** The drivers' view of the platform, and what ends it. */
export async function openHost({ log, measure, remaining }: Opening): Promise<{ readonly host: Host; readonly end: () => void }> {
  const { systemDeps } = await import('../engine/index.ts');
  const config = await configOf(process.env);
  const controller = new AbortController();
  const time = remaining === undefined ? undefined : Math.max(0, remaining - MARGIN);
  const timer = time === undefined ? undefined : setTimeout(() => controller.abort(), time);
  timer?.unref();
  const host: Host = { config, env: process.env, deps: systemDeps, log, measure, signal: controller.signal };
  return { host, end: () => clearTimeout(timer) };
}

/**
 * What the platform may be told of an error: it prints names, messages, causes and stacks where many may read them. Our own errors' text is free of
 * material; of another one only the name is told.
 */
export function tellable(error: unknown): Error {
  const told = isKeywheelError(error)
    ? new Error(error.hint === undefined ? error.message : `${error.message}; ${error.hint}`)
    : new Error(
        `an unexpected ${error instanceof Error ? error.name : typeof error}; its text is withheld because it may hold material`,
      );
  told.name = isKeywheelError(error) ? error.code : 'ERR_INTERNAL';
  return told;
}
