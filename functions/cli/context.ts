import type { Command } from 'commander';
import type { Environment, LoadedConfig } from '../../shared/config/index.ts';
import type { Output } from './output.ts';

/** What a command is given. Nothing in it is global, so that tests run commands in their own process. */
export interface Context {
  readonly out: Output;
  readonly env: Environment;
  /** The configuration file: flag, else environment, else ./keywheel.yaml. */
  readonly configFile: string;
  config(): Promise<LoadedConfig>;
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean | undefined };
}

export type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** One command, in one file, loaded only when it is called or when its help is asked for. */
export interface CommandModule {
  /** Shown first in its help: what to type, and what it does. */
  readonly examples: readonly (readonly [command: string, effect: string])[];
  /** Adds arguments and options. */
  configure(command: Command): void;
  /** Returns the exit code; throws a KeywheelError for what the table in exit.ts maps. */
  run(context: Context, args: readonly string[], flags: Flags): Promise<number>;
}

export async function createContext(
  parts: Omit<Context, 'config' | 'configFile'> & { readonly configFlag: string | undefined },
): Promise<Context> {
  const { configPath, loadConfig } = await import('../../shared/config/index.ts');
  const { configFlag, ...rest } = parts;
  const configFile = configPath({ flag: configFlag, env: parts.env });
  let loading: Promise<LoadedConfig> | undefined;
  return { ...rest, configFile, config: () => (loading ??= loadConfig(configFile)) };
}
