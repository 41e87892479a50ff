import type { StoreConfig } from '../config/index.ts';
import { vaultName } from './azure/names.ts';
import { encodeName } from './gcp/names.ts';

/** The name by which a store itself knows a secret of ours: the same, or an encoding where its names allow fewer characters. Pure. */
export function storedNameOf(store: StoreConfig, name: string): string {
  if (store.kind === 'azure') return vaultName(name);
  return store.kind === 'gcp' ? encodeName(name) : name;
}
