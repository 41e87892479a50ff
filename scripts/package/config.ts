/** The configuration that goes into a package: checked as every command checks it, and for what a function cannot have. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { loadConfig, type LoadedConfig } from '../../shared/config/index.ts';
import { KeywheelError } from '../../shared/errors.ts';
import type { ZipFile } from './zip.ts';

export interface PackagedConfig {
  readonly config: LoadedConfig;
  /** keywheel.yaml under that name, whatever it was called, and the certificate authorities that it names. Never a key. */
  readonly files: readonly ZipFile[];
}

interface Problem {
  /** Dotted, as the configuration's own errors write it. */
  readonly at: string;
  readonly message: string;
}

/** Every string in the file with its place: also in kinds that are younger than this file. */
function* strings(value: unknown, at: readonly string[] = []): Generator<readonly [at: readonly string[], text: string]> {
  if (typeof value === 'string') yield [at, value];
  else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) yield* strings(inner, [...at, key]);
  }
}

/** ERR_CONFIG_INVALID, or what `loadConfig` throws; everything that is wrong is told at once. */
export async function configToPackage(file: string): Promise<PackagedConfig> {
  const config = await loadConfig(file);
  const bytes = await readFile(config.file);
  const folder = path.dirname(config.file);
  const problems: Problem[] = [];
  const files: ZipFile[] = [{ name: 'keywheel.yaml', bytes }];

  if (config.state.kind === 'sqlite') {
    problems.push({ at: 'state', message: 'is a file, and a function keeps none; use dynamodb, firestore or azure-tables' });
  }
  for (const [name, store] of Object.entries(config.stores)) {
    if (store.kind !== 'local') continue;
    problems.push({ at: `stores.${name}`, message: 'is a file, and a function keeps none; use the store of a cloud, or vault' });
  }
  for (const [at, text] of strings(parse(bytes.toString('utf8')))) {
    const key = at.at(-1) ?? '';
    const where = at.join('.');
    const local = config.state.kind === 'sqlite' && at[0] === 'state';
    if (local || (at[0] === 'stores' && config.stores[at[1] ?? '']?.kind === 'local')) continue; // told above
    if (key.endsWith('File') && !path.isAbsolute(text)) {
      problems.push({ at: where, message: 'is relative, and key files are never packaged; write where the platform mounts it' });
    }
    if (key === 'ca' && !path.isAbsolute(text)) {
      const found = await authorities(folder, text);
      if (typeof found === 'string') problems.push({ at: where, message: found });
      else if (!files.some(({ name }) => name === found.name)) files.push(found);
    }
  }
  if (problems.length > 0) {
    throw new KeywheelError('ERR_CONFIG_INVALID', problems.map(({ at, message }) => `${file}: ${at}: ${message}`).join('\n'), {
      hint: 'docs/guides/deploy-aws.md, deploy-gcp.md and deploy-azure.md each show a configuration that fits',
      subject: file,
    });
  }
  return { config, files };
}

/** A PEM file of certificates, to stand at the same place beside keywheel.yaml in the package; or why it cannot. */
async function authorities(folder: string, named: string): Promise<ZipFile | string> {
  const name = path.posix.normalize(named.replaceAll(path.sep, '/'));
  if (name.startsWith('../')) return 'is outside the folder of the configuration; move it beside keywheel.yaml';
  const bytes = await readFile(path.join(folder, name)).catch(() => undefined);
  if (bytes === undefined) return 'cannot be read; is it there';
  const kinds = [...bytes.toString('latin1').matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map((match) => match[1]);
  if (kinds.length > 0 && kinds.every((kind) => kind === 'CERTIFICATE')) return { name, bytes };
  return 'holds something other than certificates, which must not be packaged; leave only CERTIFICATE blocks in it';
}
