import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { KeywheelError } from '../errors.ts';
import type { Config, SecretConfig } from './schema.ts';

/** A configuration that was read and checked: defaults are in, and every path is absolute. */
export interface LoadedConfig extends Config {
  /** The file it was read from, absolute. */
  readonly file: string;
}

export interface Environment {
  readonly [name: string]: string | undefined;
}

const CONFIG_NAME = 'keywheel.yaml';

/**
 * Which file to read: the `--config` flag, else KEYWHEEL_CONFIG, else keywheel.yaml in the working folder. Folders above are not
 * searched: rotating with a file that the user did not know of would be worse than being asked for it.
 */
export function configPath(options: { readonly flag?: string | undefined; readonly env: Environment }): string {
  const named = options.flag ?? options.env['KEYWHEEL_CONFIG'];
  return named === undefined || named === '' ? CONFIG_NAME : named;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') {
      throw new KeywheelError('ERR_CONFIG_INVALID', `${file}: there is no such file`, {
        hint: 'run `keywheel init` to write one, or name another with --config FILE or KEYWHEEL_CONFIG',
        subject: file,
      });
    }
    const why = code === 'EISDIR' ? 'it is a folder' : code === 'EACCES' ? 'permission denied' : (code ?? 'unknown reason');
    throw new KeywheelError('ERR_CONFIG_INVALID', `${file}: cannot be read, ${why}`, {
      hint: 'name a file that this user may read with --config FILE',
      subject: file,
    });
  }
}

function resolvePaths(config: Config, folder: string): Config {
  const from = (file: string): string => path.resolve(folder, file);
  const maybe = (file: string | undefined): string | undefined => (file === undefined ? undefined : from(file));
  if (config.state.kind === 'sqlite') config.state.path = from(config.state.path);
  for (const store of Object.values(config.stores)) {
    if (store.kind === 'local') {
      store.path = from(store.path);
      if (store.keyFile !== undefined) store.keyFile = maybe(store.keyFile);
    }
    if (store.kind === 'vault') {
      if (store.ca !== undefined) store.ca = maybe(store.ca);
      const files = ['roleIdFile', 'secretIdFile', 'jwtFile', 'tokenFile'] as const;
      const login: { [F in (typeof files)[number]]?: string | undefined } = store.login;
      for (const file of files) if (login[file] !== undefined) login[file] = maybe(login[file]);
    }
  }
  for (const { target } of Object.values(config.secrets)) {
    if (target.kind === 'aws-iam-key') continue;
    if (target.kind === 'http' && target.ca !== undefined) target.ca = maybe(target.ca);
    if (target.admin.passwordFile !== undefined) target.admin.passwordFile = maybe(target.admin.passwordFile);
    if (target.kind === 'postgres' && target.tls.ca !== undefined) target.tls.ca = maybe(target.tls.ca);
  }
  return config;
}

/**
 * Reads and checks a configuration file. Everything that is wrong (the first ten) is told in one error, each line beginning with
 * the file and line: ERR_CONFIG_UNKNOWN_KEY when a key is not known, else ERR_CONFIG_INVALID. Nothing in it repeats a value.
 * @param file as the user wrote it; relative to the working folder
 */
export async function loadConfig(file: string): Promise<LoadedConfig> {
  const absolute = path.resolve(file);
  const text = await readText(file);
  // zod and yaml are most of a start-up's cost; a command that needs no configuration never pays it.
  const [{ parseSource }, { configSchema }, { explain }, { checkConfig }, { configError }] = await Promise.all([
    import('./source.ts'),
    import('./schema.ts'),
    import('./explain.ts'),
    import('./check.ts'),
    import('./problem.ts'),
  ]);
  const source = await parseSource(file, text);
  const parsed = configSchema.safeParse(source.value);
  if (!parsed.success) throw configError(file, explain(configSchema, source.value, parsed.error.issues), source.lineOf);
  const config = resolvePaths(parsed.data, path.dirname(absolute));
  const problems = checkConfig(config);
  if (problems.length > 0) throw configError(file, problems, source.lineOf);
  return { ...config, file: absolute };
}

/** The configuration of one secret. ERR_USAGE, with the nearest name, when the file has none. */
export async function secretOf(config: LoadedConfig, name: string): Promise<SecretConfig> {
  const found = Object.hasOwn(config.secrets, name) ? config.secrets[name] : undefined;
  if (found !== undefined) return found;
  const { nearest } = await import('./nearest.ts');
  const names = Object.keys(config.secrets);
  const near = nearest(name, names);
  const known = names.length === 0 ? 'secrets is empty' : `secrets has: ${names.slice(0, 10).join(', ')}`;
  throw new KeywheelError(
    'ERR_USAGE',
    `no secret ${JSON.stringify(name)} in ${path.basename(config.file)}${near === undefined ? '' : `, did you mean ${JSON.stringify(near)}`}`,
    { hint: known, subject: name },
  );
}
