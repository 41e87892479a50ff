import { access } from 'node:fs/promises';
import type { LoadedConfig } from '../../shared/config/index.ts';
import { journalKey, type SecretJournal } from '../../shared/rotation/index.ts';
import { openState } from '../../shared/state/index.ts';
import { systemDeps } from '../../shared/engine/index.ts';

export interface Journals {
  /** By the secret's name; only those that have one. */
  readonly journals: ReadonlyMap<string, SecretJournal>;
  /** Undefined while there is no state. */
  readonly installation: string | undefined;
}

/** The journals of these secrets. Where there is no state yet none is made: looking changes nothing. */
export async function readJournals(config: LoadedConfig, names: readonly string[]): Promise<Journals> {
  const journals = new Map<string, SecretJournal>();
  if (config.state.kind === 'sqlite') {
    const exists = await access(config.state.path).then(
      () => true,
      () => false,
    );
    if (!exists) return { journals, installation: undefined };
  }
  const state = await openState(config.state, systemDeps);
  try {
    for (const { value } of await state.getMany<SecretJournal>(names.map(journalKey))) journals.set(value.secret, value);
    return { journals, installation: await (state.installationIfAny?.() ?? state.installation()) };
  } finally {
    await state.close();
  }
}
