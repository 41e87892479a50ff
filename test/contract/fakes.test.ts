/** The contract suites over the fakes: what the simulator proves with them is worth as much as they are true to their ports. */
import { fakeStateHarness, fakeStoreHarness, fakeTargetHarness } from './fakes.ts';
import { stateContract } from './state.ts';
import { storeContract } from './store.ts';
import { targetContract } from './target.ts';

storeContract('fake', fakeStoreHarness);
stateContract('fake', fakeStateHarness);
targetContract('fake pair', fakeTargetHarness('dual-account'));
targetContract('fake single account', fakeTargetHarness('in-place'));
