/** The SecretStore contract over Key Vault, through the real SDK. */
import { azureStoreHarness } from './azure.ts';
import { storeContract } from './store.ts';

storeContract('azure × strict Key Vault server', azureStoreHarness);
