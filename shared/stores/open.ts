import type { Environment, StoreConfig } from '../config/index.ts';
import type { Clock, Gate, Random } from '../deps.ts';
import type { State } from '../state/index.ts';
import type { SecretStore } from './port.ts';

export interface StoreDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly gate: Gate;
  /** Where names of environment variables in the configuration are looked up. Default: the process's own. */
  readonly env?: Environment;
  /** For stores whose API has no compare-and-set (Key Vault): their writes are made under a lease from here. */
  readonly state?: () => Promise<State>;
  /** AWS only: the RotationToken of the present Lambda event, which PutSecretValue needs in a cross-account rotation. */
  readonly rotationToken?: string;
}

/** Opens a store by its configuration. The adapter is loaded on first use, so a function pays only for the one it needs. */
export async function openStore(config: StoreConfig, deps: StoreDeps): Promise<SecretStore> {
  switch (config.kind) {
    case 'local': {
      const { openLocalStore } = await import('./local.ts');
      return openLocalStore(config, deps);
    }
    case 'aws': {
      const { openAwsStore } = await import('./aws.ts');
      return openAwsStore(config, deps);
    }
    case 'gcp': {
      const { openGcpStore } = await import('./gcp.ts');
      return openGcpStore(config, deps);
    }
    case 'azure': {
      const { openAzureStore } = await import('./azure.ts');
      return openAzureStore(config, deps);
    }
    case 'vault': {
      const { openVaultStore } = await import('./vault.ts');
      return openVaultStore(config, deps);
    }
  }
}
