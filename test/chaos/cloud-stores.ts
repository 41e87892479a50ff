/** The four clouds' stores, each with the state that goes with it, on servers that run for a whole file. A cell gets an empty place in them. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { AzureNamedKeyCredential, TableClient } from '@azure/data-tables';
import type { StateConfig, StoreConfig } from '../../shared/config/index.ts';
import { startVendor } from '../contract/aws-vendor.ts';
import { scratch } from '../contract/harness.ts';
import { appRole, newMount, PENDING, rotatorPolicy } from '../contract/vault.ts';
import { startRotationService, type RotationService } from '../hosts/rotation-service.ts';
import type { Azurite, Moto, OpenBao } from '../peers/index.ts';
import { startKeyVault } from '../peers/azure/key-vault/server.ts';
import { startFirestoreServer } from '../peers/google/firestore/index.ts';
import { startSecretManager } from '../peers/google/secret-manager/server.ts';

/** Nothing here lags by itself: the matrix makes readers lag, by this much. */
export const READ_LAG = 100;

/** Where one cell keeps its secret and its journal. */
export interface Place {
  readonly secret: string;
  readonly store: StoreConfig;
  readonly state: StateConfig;
  readonly env: Readonly<Record<string, string>>;
  /** What calls a rotation function in four steps, where the store's service does. */
  readonly service?: RotationService;
  close(): Promise<void>;
}

export interface Cloud {
  readonly name: 'aws' | 'gcp' | 'azure' | 'vault';
  readonly kind: string;
  /** What the vendors' own clients read from this process's environment. */
  readonly env: Readonly<Record<string, string>>;
  place(): Promise<Place>;
  close(): Promise<void>;
}

let count = 0;
const nextSecret = (): string => `app/db-${(count += 1)}`;
const nothing = async (): Promise<void> => {};

/** Secrets Manager behind the proxy that keeps its rules, an account for each cell, and one table of DynamoDB. */
export async function startAws(moto: Moto): Promise<Cloud> {
  const vendor = await startVendor(moto.endpoint);
  const table = `keywheel-${randomBytes(6).toString('hex')}`;
  const region = 'us-east-1';
  const client = new DynamoDBClient({ region, endpoint: moto.endpoint });
  await client.send(
    new CreateTableCommand({
      TableName: table,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
      ],
    }),
  );
  client.destroy();
  return {
    name: 'aws',
    kind: 'Secrets Manager + DynamoDB',
    env: {},
    async place() {
      const service = await startRotationService(vendor.account().endpoint);
      return {
        secret: nextSecret(),
        store: { kind: 'aws', region, endpoint: service.endpoint, replicaTimeout: 900_000 },
        state: { kind: 'dynamodb', table, region, endpoint: moto.endpoint },
        env: {},
        service,
        close: async () => service.close(),
      };
    },
    close: () => vendor.close(),
  };
}

export async function startGcp(): Promise<Cloud> {
  const server = await startSecretManager({ now: Date.now });
  const firestore = await startFirestoreServer();
  return {
    name: 'gcp',
    kind: 'Secret Manager + Firestore',
    env: { FIRESTORE_EMULATOR_HOST: firestore.host },
    place: async () => ({
      secret: nextSecret(),
      store: {
        kind: 'gcp',
        project: server.project,
        endpoint: server.endpoint,
        pendingSuffix: '--pending',
        readLag: READ_LAG,
      },
      state: {
        kind: 'firestore',
        project: `p-${randomBytes(6).toString('hex')}`,
        database: '(default)',
        collection: 'keywheel',
      },
      env: {},
      close: nothing,
    }),
    async close() {
      await server.stop();
      await firestore.close();
    },
  };
}

/** https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
const EMULATOR = new AzureNamedKeyCredential(
  'devstoreaccount1',
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
);

export async function startAzure(azurite: Azurite): Promise<Cloud> {
  // The SDK gives a token to an https address only.
  const vault = await startKeyVault({ now: Date.now, tls: true });
  setDefaultCACertificates([...getCACertificates('default'), await readFile(vault.env['NODE_EXTRA_CA_CERTS'] ?? '', 'utf8')]);
  const table = `t${randomBytes(8).toString('hex')}`;
  await new TableClient(azurite.url, table, EMULATOR, { allowInsecureConnection: true }).createTable();
  return {
    name: 'azure',
    kind: 'Key Vault + Azure Tables',
    env: { ...vault.env, ...azurite.env },
    place: async () => ({
      secret: nextSecret(),
      store: { kind: 'azure', vaultUrl: vault.url, pendingSuffix: '--pending' },
      state: { kind: 'azure-tables', url: azurite.url, table },
      env: {},
      close: nothing,
    }),
    close: () => vault.stop(),
  };
}

/** KV v2 of a real OpenBao under the least policy that the adapter documents, and SQLite. */
export async function startVault(bao: OpenBao): Promise<Cloud> {
  const { client } = bao;
  await client.write('sys/auth/approle', { type: 'approle' });
  const mount = await newMount(client);
  const { login, env } = await appRole(client, `rotator-${mount}`, rotatorPolicy(mount));
  return {
    name: 'vault',
    kind: 'KV v2 + SQLite',
    env: {},
    place: async () => {
      const folder = scratch();
      return {
        secret: nextSecret(),
        store: { kind: 'vault', address: bao.address, mount, pendingPrefix: PENDING, login },
        state: { kind: 'sqlite', path: path.join(folder.path, 'state.db') },
        env,
        close: async () => folder.remove(),
      };
    },
    close: nothing,
  };
}
