/**
 * The State contract over Azure Tables, through the real SDK. The peer is Azurite, which does otherwise than the vendor in this:
 * - It breaks a character of several bytes that lies across two chunks of a request. What we send is ASCII.
 * - A wrong key is AuthorizationFailure; Table Storage says AuthenticationFailed. test/state/azure-tables-rows.test.ts holds the vendor's.
 * - It knows fewer versions of the API than the SDK asks for, and takes no tokens over http.
 */
import { afterAll, beforeAll, vi } from 'vitest';
import type { Azurite } from '../peers/index.ts';
import { describeWithPeer } from '../peers/vitest.ts';
import { azureTablesHarness } from './azure-tables.ts';
import { stateContract } from './state.ts';

await describeWithPeer('azurite', 'Azure Tables', (start) => {
  let azurite: Azurite;
  beforeAll(async () => {
    azurite = await start({});
    vi.stubEnv('AZURE_STORAGE_CONNECTION_STRING', azurite.env.AZURE_STORAGE_CONNECTION_STRING);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await azurite.stop();
  });

  stateContract(
    'azure-tables × Azurite',
    azureTablesHarness(() => azurite),
  );
});
