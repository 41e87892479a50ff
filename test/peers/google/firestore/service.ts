/** The calls of google.firestore.v1.Firestore (google/firestore/v1/firestore.proto says what each does). */
import { toWireDocument } from './documents.ts';
import type { Documents } from './documents.ts';
import { checkDatabase, checkDocumentName } from './names.ts';
import { runQuery } from './query.ts';
import type { StructuredQuery } from './query.ts';
import { Transactions } from './transactions.ts';
import type { Concurrency, Transaction } from './transactions.ts';
import { fromWire, RpcError, toWire } from './wire.ts';
import type { Consistency, TransactionOptions, Write } from './wire.ts';
import { applyWrites, checkWrites, targetOf } from './writes.ts';

interface View {
  readonly transaction: Transaction | undefined;
  readonly begun: boolean;
  /** The documents as of then; as they are when undefined. */
  readonly at: bigint | undefined;
}

interface BatchGet extends Consistency {
  readonly database: string;
  readonly documents: readonly string[];
  readonly mask?: { readonly fieldPaths: readonly string[] } | null;
}

interface Query extends Consistency {
  readonly parent: string;
  readonly structuredQuery: StructuredQuery;
}

interface Commit {
  readonly database: string;
  readonly writes: readonly Write[];
  readonly transaction: Buffer;
}

export class Service {
  readonly transactions: Transactions;
  readonly #documents: Documents;
  readonly #databases: ReadonlySet<string>;

  constructor(documents: Documents, concurrency: Concurrency, databases: readonly string[]) {
    this.#documents = documents;
    this.#databases = new Set(databases);
    this.transactions = new Transactions(documents, concurrency);
  }

  /** "Not guaranteed to be returned in the same order": in reverse, so that nobody relies on it. "Duplicate names will be elided." */
  readonly batchGet = (request: BatchGet): Iterable<unknown> => {
    const database = this.#known(request.database);
    const names = [...new Set(request.documents)].map((name) => checkDocumentName(database, name));
    const view = this.#view(request);
    const readTime = toWire(view.at ?? this.#documents.tick());
    const replies: unknown[] = view.begun ? [{ transaction: view.transaction?.id, readTime }] : [];
    for (const name of names.toReversed()) {
      if (view.transaction !== undefined) this.transactions.note(view.transaction, name);
      const document = this.#documents.get(name, view.at);
      replies.push(
        document === undefined
          ? { missing: name, readTime }
          : { found: toWireDocument(document, request.mask?.fieldPaths), readTime },
      );
    }
    return replies;
  };

  readonly runQuery = (request: Query): Iterable<unknown> => {
    const database = this.#known(request.parent.split('/').slice(0, 4).join('/'));
    const root = `${database}/documents`;
    if (request.parent !== root) checkDocumentName(database, request.parent);
    const view = this.#view(request);
    const answer = runQuery(this.#documents, database, request.parent, request.structuredQuery, view.at);
    if (view.transaction !== undefined) this.transactions.note(view.transaction, `${answer.collection}/*`);
    const readTime = toWire(view.at ?? this.#documents.tick());
    const replies: unknown[] = view.begun ? [{ transaction: view.transaction?.id }] : [];
    for (const document of answer.documents) replies.push({ document: toWireDocument(document, answer.mask), readTime });
    if (answer.documents.length === 0) replies.push({ readTime });
    return replies;
  };

  readonly begin = async (request: { database: string; options?: TransactionOptions | null }): Promise<unknown> => {
    this.#known(request.database);
    return { transaction: this.transactions.begin({ mode: 'readWrite', ...request.options }).id };
  };

  readonly commit = async ({ database, writes, transaction }: Commit, cancelled: AbortSignal): Promise<unknown> => {
    this.#known(database);
    checkWrites(database, writes);
    const self = transaction.length === 0 ? undefined : this.transactions.use(transaction);
    try {
      return await this.transactions.admit(writes.map(targetOf), self, cancelled, () => {
        const at = this.#documents.tick();
        return { writeResults: applyWrites(this.#documents, writes, at), commitTime: toWire(at) };
      });
    } finally {
      if (self !== undefined) this.transactions.end(self);
    }
  };

  readonly rollback = async ({ database, transaction }: { database: string; transaction: Buffer }): Promise<unknown> => {
    this.#known(database);
    this.transactions.end(this.transactions.use(transaction));
    return {};
  };

  #known(name: string): string {
    const database = checkDatabase(name);
    const [, project, , id] = database.split('/');
    if (id === '(default)' || this.#databases.has(database)) return database;
    throw new RpcError('NOT_FOUND', `The database ${id} does not exist for project ${project}.`);
  }

  #view({ consistencySelector, transaction, newTransaction, readTime }: Consistency): View {
    if (consistencySelector === 'newTransaction') {
      // "Defaults to a read-only transaction."
      const begun = this.transactions.begin({ mode: 'readOnly', ...newTransaction });
      return { transaction: begun, begun: true, at: begun.snapshot };
    }
    if (consistencySelector === 'transaction' && transaction !== undefined) {
      const used = this.transactions.use(transaction);
      return { transaction: used, begun: false, at: used.snapshot };
    }
    const at =
      consistencySelector === 'readTime' && readTime !== undefined ? this.transactions.readTime(fromWire(readTime)) : undefined;
    return { transaction: undefined, begun: false, at };
  }
}
