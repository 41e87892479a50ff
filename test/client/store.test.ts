import { describe, expect, it } from 'vitest';
import { openClient, type ClientStore } from '../../shared/client/index.ts';
import { storeConfig } from '../../shared/client/store.ts';
import { configSchema } from '../../shared/config/schema.ts';

const stores: ClientStore[] = [
  { kind: 'local', path: 'store.db', keyFile: 'store.key' },
  { kind: 'aws' },
  { kind: 'aws', region: 'eu-central-1', endpoint: 'http://127.0.0.1:5000' },
  { kind: 'gcp', project: 'my-project' },
  { kind: 'azure', vaultUrl: 'https://name.vault.azure.net' },
  { kind: 'vault', address: 'https://vault:8200', login: { method: 'kubernetes', role: 'app' } },
  { kind: 'vault', address: 'https://vault:8200', login: { method: 'approle', roleIdEnv: 'ROLE', secretIdEnv: 'SECRET' } },
  { kind: 'vault', address: 'https://vault:8200', mount: 'kv', login: { method: 'jwt', role: 'app', jwtEnv: 'JWT' } },
  { kind: 'vault', address: 'https://vault:8200', login: { method: 'token' } },
];

describe('a consumer’s words for its store', () => {
  it.each(stores)('$kind means what it means in keywheel.yaml: %j', (store) => {
    const parsed = configSchema.shape.stores.parse({ main: store })['main'];

    expect(storeConfig(store)).toEqual(parsed);
  });

  it('opening a client opens no store yet', async () => {
    const client = openClient({ kind: 'local', path: '/nowhere/store.db', keyEnv: 'NO_KEY' }, { env: {} });

    await expect(client.get('app/db')).rejects.toMatchObject({
      code: 'ERR_STORE_KEY',
      message: 'store key cannot be read, because NO_KEY is not set',
    });
    await client.close();
  });
});
