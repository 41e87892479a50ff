/** The consumer's side of Key Vault: one GET of the newest version of the main secret, which needs `get` on that secret and nothing else. */
import { randomBytes } from 'node:crypto';
import type { AzureStoreConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import type { ReaderDeps, SecretReader } from '../reader.ts';
import { checkAddress, openSecretClient } from './client.ts';
import type { AzureStoreOptions } from './client.ts';
import { checkSuffix, vaultNames } from './names.ts';
import { decodeValue } from './value.ts';
import { vaultOver } from './vault.ts';

/**
 * ERR_CONFIG_INVALID for an address or name that cannot be used. A newest version that is disabled is ERR_STORE_FORBIDDEN, as Key Vault
 * answers it: https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#secret-attributes
 */
export async function openAzureReader(
  config: AzureStoreConfig,
  _deps: ReaderDeps,
  options: AzureStoreOptions = {},
): Promise<SecretReader> {
  const url = checkAddress(config.vaultUrl);
  checkSuffix(config.pendingSuffix);
  const client = await openSecretClient(url, options);
  const random = {
    bytes: (length: number) => new Uint8Array(randomBytes(length)),
    uniform: () => randomBytes(4).readUInt32BE(0) / 2 ** 32,
  };
  const vault = vaultOver(async () => client, random);
  return {
    kind: 'azure',
    async current(name, signal) {
      const { main } = vaultNames(name, config.pendingSuffix);
      const found = await vault.get(main, undefined, signal);
      if (found === undefined) return undefined;
      if (found === 'disabled') {
        throw new KeywheelError('ERR_STORE_FORBIDDEN', `secret ${name} cannot be read, its newest version is disabled`, {
          hint: 'enable that version, or set a new one',
          subject: name,
        });
      }
      return { version: found.kv, value: decodeValue(name, found.text) };
    },
    close: async () => {},
  };
}
