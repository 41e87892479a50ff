/** The vendor's client, held to what this state can rely on: one attempt for a request, bounded in time, errors at once. */
import type * as Sdk from '@google-cloud/firestore';
import type { FieldPath, Firestore, Settings } from '@google-cloud/firestore';
import type { FirestoreStateConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';

export interface FirestoreOptions {
  /** `host:port` of a server without TLS. Otherwise FIRESTORE_EMULATOR_HOST, else the vendor's own address. */
  readonly host?: string;
  /** Milliseconds for one request, and for a call with the SDK's own repetition of reads that found the service away. */
  readonly requestTimeout?: number;
  readonly callTimeout?: number;
}

export interface Client {
  readonly firestore: Firestore;
  readonly documentId: FieldPath;
  /** Finds the credential. Must be awaited before every request. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Makes no request. ERR_CONFIG_INVALID when the SDK refuses the settings. */
export async function openClient(
  config: FirestoreStateConfig,
  { host, requestTimeout = 4000 }: FirestoreOptions,
): Promise<Client> {
  const sdk = await loadSdk();
  const emulated = host !== undefined || (process.env['FIRESTORE_EMULATOR_HOST'] ?? '') !== '';
  const rpc = emulated ? undefined : new sdk.v1.FirestoreClient(); // for its credential
  const firestore = construct(sdk.Firestore, config, {
    projectId: config.project,
    databaseId: config.database,
    preferRest: false, // also against FIRESTORE_PREFER_REST: REST has other error codes
    ...(host === undefined ? {} : { host, ssl: false }),
    // An emulator wants no credential; without this the metadata server is asked for one, to learn its universe.
    ...(rpc === undefined ? { clientOptions: { universe_domain: 'googleapis.com' } } : { auth: rpc.auth }),
    // Without this a read is repeated after 2 and after 4 seconds whatever the error is, also when we may not read at all.
    gaxServerStreamingRetries: true,
    clientConfig: { interfaces: { 'google.firestore.v1.Firestore': onceEach(requestTimeout) } },
  });
  return {
    firestore,
    documentId: sdk.FieldPath.documentId(),
    ready: async () => {
      // A client that finds no credential while it serves a request raises an unhandled rejection, which ends the process.
      await rpc?.auth.getClient();
      await rpc?.initialize();
    },
    close: async () => {
      await firestore.terminate();
      await rpc?.close();
    },
  };
}

/** The package is CommonJS: `default` is all of it, while its named exports are missing in a bundle, and `v1` outside of one. */
async function loadSdk(): Promise<typeof Sdk> {
  const loaded: object = await import('@google-cloud/firestore');
  return (loaded as { readonly default: typeof Sdk }).default;
}

function construct(make: typeof Firestore, { project }: FirestoreStateConfig, settings: Settings): Firestore {
  try {
    return new make(settings);
  } catch {
    throw new KeywheelError('ERR_CONFIG_INVALID', `the Firestore client was not made, because it refuses project ${project}`, {
      hint: 'check project and database in keywheel.yaml, and FIRESTORE_EMULATOR_HOST (host:port)',
    });
  }
}

/**
 * The settings of each request. By default a Commit is repeated on UNAVAILABLE and RESOURCE_EXHAUSTED for ten minutes, where the first
 * may have been applied. Reads are repeated by the SDK all the same when the service was away: up to four times, from a second on.
 */
function onceEach(timeout: number) {
  const once = { timeout_millis: timeout, retry_codes_name: 'none', retry_params_name: 'once' };
  const backoff = { initial_retry_delay_millis: 100, retry_delay_multiplier: 1.3, max_retry_delay_millis: 1000 };
  const timeouts = { initial_rpc_timeout_millis: timeout, rpc_timeout_multiplier: 1, max_rpc_timeout_millis: timeout };
  return {
    retry_codes: { none: [] },
    retry_params: { once: { ...backoff, ...timeouts, total_timeout_millis: timeout } },
    methods: { Commit: once, BatchGetDocuments: once, RunQuery: once },
  };
}
