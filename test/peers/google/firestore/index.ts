/**
 * A strict server of the Firestore API (native mode), as far as durable state needs it: gRPC on loopback with the protos that the
 * vendor's SDK carries, documents in memory, each rule from the vendor's documentation. It is a test peer because no package has a
 * fit emulator. What it does not know it refuses with UNIMPLEMENTED.
 */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { Metadata, sendUnaryData, ServerUnaryCall, ServerWritableStream } from '@grpc/grpc-js';
import type { Settings } from '@google-cloud/firestore';
import { Documents } from './documents.ts';
import type { StoredDocument } from './documents.ts';
import { Faults } from './faults.ts';
import type { Fault, Method } from './faults.ts';
import { Service } from './service.ts';
import type { Concurrency } from './transactions.ts';
import { fromWire, firestoreService, RpcError } from './wire.ts';

export interface FirestoreServerOptions {
  /** The database's setting; pessimistic is the default of standard edition. */
  readonly concurrency?: Concurrency;
  /** `projects/P/databases/D` that exist beside every project's `(default)`. */
  readonly databases?: readonly string[];
}

export interface FirestoreServer {
  /** `127.0.0.1:PORT`, for FIRESTORE_EMULATOR_HOST or the SDK's setting `host` with `ssl: false`. */
  readonly host: string;
  /** For a Firestore client of a test: errors come at once, and no metadata server is asked for anything. */
  readonly settings: Settings;
  /** Every call, in order. */
  readonly calls: readonly { readonly method: Method; readonly request: unknown }[];
  inject(fault: Fault): void;
  before(method: Method, act: () => void | Promise<void>): void;
  clear(): void;
  /** Moves the server's clock. */
  advance(milliseconds: number): void;
  documents(collection: string): StoredDocument[];
  /**
   * The deletions of a TTL policy on `field` of a collection that are due at `asOf` (milliseconds). The vendor makes them within a day
   * of the expiry, never before (https://cloud.google.com/firestore/docs/ttl); here, when this is called.
   */
  expire(collection: string, field: string, asOf: number): number;
  /** Writes a document past all rules, as somebody else's tool would. */
  tamper(name: string, fields: StoredDocument['fields']): void;
  close(): Promise<void>;
}

const once = { retry_codes_name: 'none', retry_params_name: 'none' };
const WITHOUT_RETRIES = {
  retry_codes: { none: [] },
  retry_params: { none: {} },
  methods: { BatchGetDocuments: once, RunQuery: once },
};

type Unary = ServerUnaryCall<unknown, unknown>;
type Stream = ServerWritableStream<unknown, unknown>;

export async function startFirestoreServer(options: FirestoreServerOptions = {}): Promise<FirestoreServer> {
  const documents = new Documents();
  const faults = new Faults();
  const service = new Service(documents, options.concurrency ?? 'pessimistic', options.databases ?? []);
  const calls: { method: Method; request: unknown }[] = [];

  const serve = async <T>(method: Method, call: Unary | Stream, work: (cancelled: AbortSignal) => Promise<T>) => {
    const cancelled = new AbortController();
    call.on('cancelled', () => cancelled.abort());
    calls.push({ method, request: call.request });
    checkLogin(call.metadata);
    return faults.around(method, () => work(cancelled.signal));
  };
  const unary =
    (method: Method, work: (request: never, cancelled: AbortSignal) => Promise<unknown>) =>
    (call: Unary, answer: sendUnaryData<unknown>): void => {
      serve(method, call, (cancelled) => work(call.request as never, cancelled)).then(
        (reply) => void (reply === undefined || answer(null, reply)),
        (error: unknown) => answer(asStatus(error)),
      );
    };
  const streamed = (method: Method, work: (request: never) => Iterable<unknown>) => (call: Stream) => {
    serve(method, call, async () => [...work(call.request as never)]).then(
      (replies) => {
        for (const reply of replies ?? []) call.write(reply);
        if (replies !== undefined) call.end();
      },
      (error: unknown) => call.emit('error', asStatus(error)),
    );
  };

  const server = new Server({ 'grpc.max_receive_message_length': 11 * 2 ** 20 });
  const handlers = {
    BatchGetDocuments: streamed('BatchGetDocuments', service.batchGet),
    RunQuery: streamed('RunQuery', service.runQuery),
    BeginTransaction: unary('BeginTransaction', service.begin),
    Commit: unary('Commit', service.commit),
    Rollback: unary('Rollback', service.rollback),
  };
  server.addService(firestoreService(), handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });

  return {
    host: `127.0.0.1:${port}`,
    settings: {
      host: `127.0.0.1:${port}`,
      ssl: false,
      preferRest: false,
      gaxServerStreamingRetries: true,
      clientOptions: { universe_domain: 'googleapis.com' },
      clientConfig: { interfaces: { 'google.firestore.v1.Firestore': WITHOUT_RETRIES } },
    },
    calls,
    inject: (fault) => faults.inject(fault),
    before: (method, act) => faults.before(method, act),
    clear: () => {
      faults.clear();
      calls.length = 0;
    },
    advance: (milliseconds) => {
      documents.advance(milliseconds);
      service.transactions.wake();
    },
    documents: (collection) => documents.inCollection(collection),
    expire: (collection, field, asOf) => {
      const due = documents.inCollection(collection).filter(({ fields }) => {
        const time = fields[field]?.timestampValue; // any other type, or none: for ever
        return time !== undefined && fromWire(time) <= BigInt(asOf) * 1000n;
      });
      for (const { name } of due) documents.set(name, { at: documents.tick(), document: undefined });
      return due.length;
    },
    tamper: (name, fields) => {
      const at = documents.tick();
      documents.set(name, { at, document: { name, fields, createTime: at, updateTime: at } });
    },
    close: async () => server.forceShutdown(),
  };
}

function checkLogin(metadata: Metadata): void {
  if (metadata.get('authorization').length === 0) {
    throw new RpcError('UNAUTHENTICATED', 'Request is missing required authentication credential.');
  }
}

/** A bug in this server is INTERNAL, and says so. */
function asStatus(error: unknown): RpcError {
  return error instanceof RpcError
    ? error
    : new RpcError('INTERNAL', error instanceof Error ? (error.stack ?? error.message) : 'bug');
}
