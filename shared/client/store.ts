/** What a consumer says of its store: no more than reading needs. */
import type {
  AwsStoreConfig,
  AzureStoreConfig,
  GcpStoreConfig,
  LocalStoreConfig,
  StoreConfig,
  VaultStoreConfig,
} from '../config/index.ts';
import { openReader } from '../stores/index.ts';
import { clientOver } from './client.ts';
import type { ClientOptions, SecretClient } from './types.ts';

type VaultLogin = VaultStoreConfig['login'];
/** `mount` and a service account's `jwtFile` have the defaults of keywheel.yaml. */
type VaultLoginOf<L> = L extends VaultLogin
  ? Omit<L, 'mount' | 'jwtFile'> & { readonly mount?: string; readonly jwtFile?: string }
  : never;

/** As in keywheel.yaml, without what only the rotator needs. A store's entry from there can be given as it is. */
export type ClientStore =
  | LocalStoreConfig
  | Pick<AwsStoreConfig, 'kind' | 'region' | 'endpoint'>
  | Pick<GcpStoreConfig, 'kind' | 'project' | 'location' | 'endpoint'>
  | Pick<AzureStoreConfig, 'kind' | 'vaultUrl'>
  | (Pick<VaultStoreConfig, 'kind' | 'address' | 'namespace' | 'ca'> & {
      readonly mount?: string;
      readonly login: VaultLoginOf<VaultLogin>;
    });

/**
 * A client of one store. The store and its SDK are opened at the first read, with the credential of the vendor's default chain.
 * ERR_USAGE when an option cannot be used.
 */
export function openClient(store: ClientStore, options: ClientOptions = {}): SecretClient {
  return clientOver(() => openReader(storeConfig(store), options.env === undefined ? {} : { env: options.env }), options);
}

/** Fills in what the schema of keywheel.yaml would; readers use none of what is only the rotator's. */
export function storeConfig(store: ClientStore): StoreConfig {
  switch (store.kind) {
    case 'local':
      return store;
    case 'aws':
      return { replicaTimeout: 900_000, ...store };
    case 'gcp':
    case 'azure':
      return { pendingSuffix: '--pending', ...store };
    case 'vault':
      return { pendingPrefix: 'keywheel-pending/', mount: 'secret', ...store, login: vaultLogin(store.login) };
  }
}

function vaultLogin(login: VaultLoginOf<VaultLogin>): VaultLogin {
  switch (login.method) {
    case 'kubernetes':
      return { mount: 'kubernetes', jwtFile: '/var/run/secrets/kubernetes.io/serviceaccount/token', ...login };
    case 'approle':
    case 'jwt':
      return { mount: login.method, ...login };
    case 'token':
      return login;
  }
}
