import type { StoreConfig } from '../config/index.ts';
import type { Clock, Gate, Random } from '../deps.ts';
import type { SecretStore } from './port.ts';

export interface StoreDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly gate: Gate;
}

/** Opens a store by its configuration. The adapter is loaded on first use, so a function pays only for the one it needs. */
export async function openStore(config: StoreConfig, deps: StoreDeps): Promise<SecretStore> {
  switch (config.kind) {
    case 'local': {
      const { openLocalStore } = await import('./local.ts');
      return openLocalStore(config, deps);
    }
  }
}
