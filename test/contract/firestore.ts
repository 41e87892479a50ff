/** The State contract's harness over Firestore: the vendor's SDK against the protocol server of test/peers/google/firestore. */
import { randomBytes } from 'node:crypto';
import { openFirestoreState } from '../../shared/state/firestore.ts';
import type { State } from '../../shared/state/index.ts';
import type { FirestoreServer } from '../peers/google/firestore/index.ts';
import { manualClock, realRandom } from './harness.ts';
import type { StateHarness } from './state.ts';

/** Every fixture is a project of its own in the one server. */
export function firestoreStateHarness(server: () => FirestoreServer): StateHarness {
  return {
    async open() {
      const clock = manualClock();
      const project = `p-${randomBytes(6).toString('hex')}`;
      const config = { kind: 'firestore', project, database: '(default)', collection: 'keywheel' } as const;
      const opened: State[] = [];
      const open = async (): Promise<State> => {
        const state = await openFirestoreState(config, { clock, random: realRandom }, { host: server().host });
        opened.push(state);
        return state;
      };
      return {
        state: await open(),
        clock,
        second: open,
        close: async () => {
          for (const state of opened) await state.close();
        },
      };
    },
  };
}
