/** How the contract suite opens Azure Tables states: the real SDK over Azurite, a table for each fixture. */
import { randomBytes } from 'node:crypto';
import { AzureNamedKeyCredential, TableClient } from '@azure/data-tables';
import { openAzureTablesState } from '../../shared/state/azure-tables.ts';
import type { Azurite } from '../peers/index.ts';
import { manualClock, realRandom } from './harness.ts';
import type { StateFixture, StateHarness } from './state.ts';

/** What every storage emulator has: https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
const EMULATOR = new AzureNamedKeyCredential(
  'devstoreaccount1',
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
);

export interface TablesFixture extends StateFixture {
  readonly config: { readonly kind: 'azure-tables'; readonly url: string; readonly table: string };
  /** The table past the adapter. */
  readonly client: TableClient;
}

/** The adapter logs in by AZURE_STORAGE_CONNECTION_STRING, as processes do: set it before. */
export async function openTablesFixture(azurite: Azurite): Promise<TablesFixture> {
  const clock = manualClock();
  const config = { kind: 'azure-tables' as const, url: azurite.url, table: `t${randomBytes(8).toString('hex')}` };
  const client = new TableClient(config.url, config.table, EMULATOR, { allowInsecureConnection: true });
  await client.createTable();
  const open = () => openAzureTablesState(config, { clock, random: realRandom });
  return {
    config,
    client,
    clock,
    state: await open(),
    second: open,
    close: async () => {
      await client.deleteTable();
    },
  };
}

export const azureTablesHarness = (azurite: () => Azurite): StateHarness => ({ open: () => openTablesFixture(azurite()) });
