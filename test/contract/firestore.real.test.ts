import { afterAll, beforeAll } from 'vitest';
import { startFirestoreServer } from '../peers/google/firestore/index.ts';
import type { FirestoreServer } from '../peers/google/firestore/index.ts';
import { firestoreStateHarness } from './firestore.ts';
import { stateContract } from './state.ts';

let server: FirestoreServer;
beforeAll(async () => {
  server = await startFirestoreServer();
});
afterAll(() => server.close());

stateContract(
  'firestore (SDK × protocol server)',
  firestoreStateHarness(() => server),
);
