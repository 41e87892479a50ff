/** The store contract over the Vault adapter and a real OpenBao, under the least policy that the adapter documents. */
import { afterAll, beforeAll } from 'vitest';
import type { OpenBao } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { storeContract } from './store.ts';
import { vaultStoreHarness } from './vault.ts';

await describeWithPeer('openbao', 'the Vault store', (start) => {
  let bao: OpenBao;
  beforeAll(async () => {
    bao = await start({});
    await bao.client.write('sys/auth/approle', { type: 'approle' });
  });
  afterAll(() => bao.stop());

  storeContract(
    'vault (OpenBao 2.7.2)',
    vaultStoreHarness(() => bao.client),
  );
});
