/** The consumer's side of a store: reads `current` with the least rights and the least code. `keywheel/client` is built on it. */
import type { Environment, StoreConfig } from '../config/index.ts';
import type { SecretValue } from './port.ts';

export interface CurrentSecret {
  /** Names the version; it changes whenever `current` moves. */
  readonly version: string;
  readonly value: SecretValue;
}

export interface SecretReader {
  readonly kind: string;
  /**
   * What `current` names now; undefined when there is no such secret. ERR_STORE_UNAVAILABLE, ERR_STORE_THROTTLED (both retryable),
   * ERR_STORE_LOGIN, ERR_STORE_FORBIDDEN, ERR_SECRET_INVALID when the value is no flat JSON object.
   */
  current(name: string, signal?: AbortSignal): Promise<CurrentSecret | undefined>;
  close(): Promise<void>;
}

export interface ReaderDeps {
  /** Default: the process's own. */
  readonly env?: Environment;
}

/** Opens the consumer's side of a store. Only the one SDK that it needs is loaded. */
export async function openReader(config: StoreConfig, deps: ReaderDeps = {}): Promise<SecretReader> {
  switch (config.kind) {
    case 'local': {
      const { openLocalReader } = await import('./local/reader.ts');
      return openLocalReader(config, deps);
    }
    case 'aws': {
      const { openAwsReader } = await import('./aws/reader.ts');
      return openAwsReader(config, deps);
    }
    case 'gcp': {
      const { openGcpReader } = await import('./gcp/reader.ts');
      return openGcpReader(config, deps);
    }
    case 'azure': {
      const { openAzureReader } = await import('./azure/reader.ts');
      return openAzureReader(config, deps);
    }
    case 'vault': {
      const { openVaultReader } = await import('./vault/reader.ts');
      return openVaultReader(config, deps);
    }
  }
}
