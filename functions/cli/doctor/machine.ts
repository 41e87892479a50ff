/** What does not depend on a secret: the stores and the state. */
import { access, constants } from 'node:fs/promises';
import path from 'node:path';
import type { LoadedConfig } from '../../../shared/config/index.ts';
import type { SecretStore } from '../../../shared/stores/index.ts';
import { openState } from '../../../shared/state/index.ts';
import { openNamedStore, systemDeps } from '../../../shared/engine/index.ts';
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
    try {
      if (store.kind !== 'local') return await checkAnswers(config, name, store);
      let secrets = 0;
      for await (const _ of store.list()) secrets += 1;
      return ok(subject, `opens with its key, ${secrets} ${secrets === 1 ? 'secret' : 'secrets'}`);
    } finally {
      await store.close?.();
    }
  } catch (error) {
    return failed(subject, error, `check stores.${name} in ${config.file}`);
  }
}

/** A cloud's store holds secrets of others too, and listing them is a right that a rotation does not need. */
async function checkAnswers(config: LoadedConfig, name: string, store: SecretStore): Promise<Check> {
  const ours = Object.keys(config.secrets).filter((secret) => config.secrets[secret]?.store === name);
  let found = 0;
  for (const secret of ours) if ((await store.describe(secret)) !== undefined) found += 1;
  return ok(
    `store ${name}`,
    ours.length === 0 ? 'no secret is configured in it' : `answers, ${found} of ${ours.length} configured secrets are in it`,
  );
}

export async function checkState(config: LoadedConfig): Promise<Check> {
  const { state: settings } = config;
  if (settings.kind !== 'sqlite') return checkRemoteState(config, settings.kind);
  const file = settings.path;
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

/** A read through the real client; nothing is written, not even the installation's id. */
async function checkRemoteState(config: LoadedConfig, kind: string): Promise<Check> {
  try {
    const state = await openState(config.state, systemDeps);
    try {
      const installation = await state.installationIfAny?.();
      return ok(
        'state',
        `${kind} answers${installation === undefined ? '; the first rotation will mark it as this installation’s' : ''}`,
      );
    } finally {
      await state.close();
    }
  } catch (error) {
    return failed('state', error, `check state in ${config.file}`);
  }
}
