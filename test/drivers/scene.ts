/** A configuration with one secret on each cloud, for what only compares names. */
import type { LoadedConfig } from '../../shared/config/index.ts';
import { configSchema } from '../../shared/config/schema.ts';

const postgres = (host: string) => ({
  kind: 'postgres',
  host,
  database: 'app',
  admin: { username: 'keywheel', passwordEnv: 'ADMIN' },
  accounts: ['app_a', 'app_b'],
  ownerRole: 'app_owner',
});

export const MANUAL = {
  issuer: 'https://issuer.example.com',
  audience: 'keywheel',
  jwksUri: 'https://issuer.example.com/keys',
  subjects: ['operator-1', 'person@example.com'],
};

export function sceneConfig(changes: Record<string, unknown> = {}): LoadedConfig {
  const parsed = configSchema.parse({
    version: 1,
    state: { kind: 'sqlite', path: 'state.db' },
    stores: {
      aws: { kind: 'aws', region: 'eu-central-1', account: '111122223333' },
      gcp: { kind: 'gcp', project: 'example-project', projectNumber: '123456789012' },
      azure: { kind: 'azure', vaultUrl: 'https://example-vault.vault.azure.net' },
    },
    secrets: {
      'app/db': { store: 'aws', strategy: 'dual-account', target: postgres('db-1.example.com') },
      'app-db': { store: 'gcp', strategy: 'dual-account', target: postgres('db-2.example.com') },
    },
    ...changes,
  });
  return { ...parsed, file: 'keywheel.yaml' };
}

/** The same name in Key Vault, which gcp has in the ordinary scene. */
export const azureConfig = (): LoadedConfig =>
  sceneConfig({
    secrets: { 'app-db': { store: 'azure', strategy: 'dual-account', target: postgres('db-3.example.com') } },
  });
