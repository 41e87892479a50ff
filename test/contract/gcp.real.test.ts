/** The SecretStore contract over Google Secret Manager: the real SDK, over real gRPC. */
import { gcpStoreHarness } from './gcp.ts';
import { storeContract } from './store.ts';

storeContract('gcp, over the protocol server', gcpStoreHarness);
