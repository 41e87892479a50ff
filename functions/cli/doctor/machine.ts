/** What does not depend on a secret: the stores and the state. */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { LoadedConfig } from '../../../shared/config/index.ts';
import { openState } from '../../../shared/state/index.ts';
import { openNamedStore, systemDeps } from '../engine.ts';
import { readingGate } from '../stores.ts';
import { failed, ok, fail, type Check } from './check.ts';

async function can(file: string, mode: number): Promise<boolean> {
  return access(file, mode).then(
    () => true,
    () => false,
  );
}

/** Opened with a gate that makes nothing: a store that does not exist yet reads as empty. */
export async function checkStore(config: LoadedConfig, name: string): Promise<Check> {
  const subject = `store ${name}`;
  try {
    const store = await openNamedStore(config, name, systemDeps, readingGate);
    let secrets = 0;
    for await (const _ of store.list()) secrets += 1;
    return ok(subject, `opens with its key, ${secrets} ${secrets === 1 ? 'secret' : 'secrets'}`);
  } catch (error) {
    return failed(subject, error, `check stores.${name} in ${config.file}`);
  }
}

export async function checkState(config: LoadedConfig): Promise<Check> {
  const file = config.state.path;
  if (!(await can(file, constants.F_OK))) {
    const folder = path.dirname(file);
    if (await can(folder, constants.W_OK)) return ok('state', `${file} will be made by the first rotation`);
    return fail('state', `${file} cannot be made: ${folder} is missing or not writable`, `mkdir -p -m 700 ${folder}`);
  }
  try {
    const state = await openState(config.state, systemDeps);
    try {
      await state.installation();
    } finally {
      await state.close();
    }
    return ok('state', 'opens');
  } catch (error) {
    return failed('state', error, `check state.path in ${config.file}`);
  }
}
