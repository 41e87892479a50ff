/** The consumer's side: reads the main path and nothing else, so its policy is `read` on `MOUNT/data/NAME`. */
import type { VaultStoreConfig } from '../../config/index.ts';
import { systemClock } from '../../deps.ts';
import { KeywheelError } from '../../errors.ts';
import type { ReaderDeps, SecretReader } from '../reader.ts';
import { openVaultClient } from './client.ts';
import { pathOf, checkPath } from './path.ts';
import { openSession } from './session.ts';
import { toValue } from './value.ts';

interface Answered {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly metadata?: { readonly version?: unknown; readonly created_time?: unknown };
}

/**
 * ERR_CONFIG_INVALID when `ca` cannot be read. The login is made at the first read and kept alive by the reads that follow; `close`
 * revokes it.
 */
export async function openVaultReader(config: VaultStoreConfig, deps: ReaderDeps): Promise<SecretReader> {
  const env = deps.env ?? process.env;
  const client = openVaultClient({ ...config, env, uniform: Math.random });
  const session = openSession(client, config.login, { env, clock: systemClock, through: (_, perform) => perform() });
  return {
    kind: 'vault',
    async current(name, signal) {
      checkPath(name, config.pendingPrefix);
      const path = `${pathOf(config.mount)}/data/${pathOf(name)}`;
      const about = { doing: `vault: reading ${name}`, subject: name };
      const answer = await session.call({ method: 'GET', path, signal }, about);
      if (answer.status === 404) return undefined; // there is none, or its newest version was deleted
      const { data, metadata } = (answer.body['data'] ?? {}) as Answered;
      if (typeof metadata?.version !== 'number' || data === undefined || data === null) {
        throw new KeywheelError('ERR_STORE_FAILED', `${about.doing} failed, the answer is not that of a KV engine of version 2`, {
          hint: 'see `address` and `mount` of this store',
          subject: name,
        });
      }
      // The time tells a key that was deleted for good and made anew, whose numbers begin again.
      return { version: `${metadata.version}@${String(metadata.created_time)}`, value: toValue(name, data) };
    },
    close: () => session.close(),
  };
}
