import type { LocalStoreConfig } from '../config/index.ts';
import type { StoreDeps } from './open.ts';
import type { SecretStore, SupportsPut } from './port.ts';

export function openLocalStore(_config: LocalStoreConfig, _deps: StoreDeps): SecretStore & SupportsPut {
  throw new Error('not built yet');
}
