/** The consumer's side of a local store: it writes nothing, and makes no file that is missing. */
import { randomBytes } from 'node:crypto';
import type { LocalStoreConfig } from '../../config/index.ts';
import { openGate, systemClock } from '../../deps.ts';
import { openLocalStore } from '../local.ts';
import type { ReaderDeps, SecretReader } from '../reader.ts';

/**
 * Opens nothing yet: each reading opens the file and lets go of it, so that a consumer that runs for months sees a store that was restored
 * from a backup, or a key that was replaced. Besides the port's errors: ERR_STORE_KEY, ERR_STORE_CORRUPT, ERR_STATE_NEWER.
 */
export async function openLocalReader(config: LocalStoreConfig, deps: ReaderDeps): Promise<SecretReader> {
  const random = { bytes: (length: number) => randomBytes(length), uniform: () => 0 };
  const storeDeps = { clock: systemClock, random, gate: openGate(), ...deps };
  return {
    kind: 'local',
    async current(name, signal) {
      signal?.throwIfAborted();
      const store = openLocalStore(config, storeDeps, { readOnly: true });
      try {
        const found = await store.read(name, 'current');
        return found === undefined ? undefined : { version: found.id, value: found.value };
      } finally {
        store.close();
      }
    },
    close: async () => undefined,
  };
}
