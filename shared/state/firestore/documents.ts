/** The few things that this state asks of Firestore, each bounded in time, and a commit that is never sent twice. */
import type {
  CollectionReference,
  DocumentData,
  DocumentSnapshot,
  Firestore,
  Timestamp,
  Transaction,
} from '@google-cloud/firestore';
import type { FirestoreStateConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import { openClient } from './client.ts';
import type { FirestoreOptions } from './client.ts';
import { statusOf, translated } from './errors.ts';
import type { Undertaking } from './errors.ts';

export interface Found {
  readonly id: string;
  readonly data: DocumentData;
  readonly updateTime: Timestamp;
}

export type Fields = Readonly<Record<string, string | number | Date | null>>;

/** `at` is what was found there; undefined demands that nothing is. Without fields the document is deleted. */
export interface Change {
  readonly id: string;
  readonly at: Found | undefined;
  readonly fields: Fields | undefined;
}

/** `changed`: one of them is not at `at` any more. `contended`: Firestore gave way to others. Nothing is written in either case. */
type Outcome = 'done' | 'changed' | 'contended';

export interface Documents {
  read(ids: readonly string[], subject?: string): Promise<Map<string, Found>>;
  /** In the order of ids, from the first one after or at `from`. */
  page(from: string, after: boolean, until: string, limit: number): Promise<Found[]>;
  commit(changes: readonly Change[], subject?: string): Promise<Outcome>;
  close(): Promise<void>;
}

const MOST_READS = 100; // documents in one BatchGetDocuments

/** Makes no request. ERR_CONFIG_INVALID when the SDK refuses the settings. */
export async function openDocuments(config: FirestoreStateConfig, options: FirestoreOptions): Promise<Documents> {
  const { callTimeout = 12_000 } = options;
  const client = await openClient(config, options);
  const collection = client.firestore.collection(config.collection);
  const running = new Set<Promise<unknown>>();
  let closed = false;

  const call = async <T>(undertaking: Undertaking, perform: () => Promise<T>): Promise<T> => {
    if (closed) throw new KeywheelError('ERR_INTERNAL', `could not ${undertaking.doing}, because this state is closed`);
    const { promise: late, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error('no answer in time')), callTimeout);
    const work = client.ready().then(perform);
    running.add(work);
    void Promise.allSettled([work]).then(() => running.delete(work));
    try {
      return await Promise.race([work, late]);
    } catch (error) {
      throw translated(error, undertaking);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    read: async (ids, subject) => {
      const found = new Map<string, Found>();
      for (let n = 0; n < ids.length; n += MOST_READS) {
        const refs = ids.slice(n, n + MOST_READS).map((id) => collection.doc(id));
        const undertaking = { doing: `read state${at(subject)}`, effect: false, subject };
        for (const snapshot of await call(undertaking, () => client.firestore.getAll(...refs))) add(found, snapshot);
      }
      return found;
    },
    page: async (from, after, until, limit) => {
      const name = client.documentId;
      const query = collection
        .where(name, after ? '>' : '>=', from)
        .where(name, '<', until)
        .orderBy(name)
        .limit(limit);
      const { docs } = await call({ doing: 'list state', effect: false, subject: undefined }, () => query.get());
      const found = new Map<string, Found>();
      for (const snapshot of docs) add(found, snapshot);
      return [...found.values()];
    },
    commit: (changes, subject) => {
      const undertaking = { doing: `change state${at(subject)}`, effect: true, subject };
      return call(undertaking, () => commit(client.firestore, collection, changes));
    },
    close: async () => {
      if (closed) return;
      closed = true;
      // A read that the SDK still repeats may not find a terminated client: it would raise an unhandled rejection.
      if (running.size === 0) await client.close();
      else
        void Promise.allSettled(running)
          .then(() => client.close())
          .catch(() => undefined);
    },
  };
}

function at(subject: string | undefined): string {
  return subject === undefined ? '' : ` at ${subject}`;
}

/**
 * One Commit request with preconditions, outside of any transaction: no lock is held between our read and our write, so a worker that
 * dies in between delays nobody. It goes through `runTransaction` with one attempt, because `WriteBatch.commit` sends again on
 * UNAVAILABLE, where the first may have been applied, and would then report its own write as somebody else's.
 */
async function commit(firestore: Firestore, collection: CollectionReference, changes: readonly Change[]): Promise<Outcome> {
  const write = async (transaction: Transaction): Promise<void> => {
    for (const { id, at: found, fields } of changes) {
      const ref = collection.doc(id);
      const precondition = found === undefined ? { exists: false } : { lastUpdateTime: found.updateTime };
      if (fields === undefined) transaction.delete(ref, precondition);
      else if (found === undefined) transaction.create(ref, fields);
      else transaction.update(ref, fields, precondition);
    }
  };
  try {
    await firestore.runTransaction(write, { maxAttempts: 1 });
    return 'done';
  } catch (error) {
    const status = statusOf(error);
    // https://firebase.google.com/docs/firestore/transaction-data-contention: ABORTED, nothing was written
    if (status === 'ABORTED') return 'contended';
    if (status === 'FAILED_PRECONDITION' || status === 'ALREADY_EXISTS' || status === 'NOT_FOUND') return 'changed';
    throw error;
  }
}

function add(found: Map<string, Found>, snapshot: DocumentSnapshot): void {
  const data = snapshot.data();
  if (data === undefined || snapshot.updateTime === undefined) return;
  found.set(snapshot.id, { id: snapshot.id, data, updateTime: snapshot.updateTime });
}
