/** The contract suites over every adapter and fake that needs no server. */
import { localStoreHarness, sqliteStateHarness } from './local.ts';
import { stateContract } from './state.ts';
import { storeContract } from './store.ts';

storeContract('local', localStoreHarness);
stateContract('sqlite', sqliteStateHarness);
