/** A keywheel.yaml for each cloud, as the guides show it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import type { Cloud } from '../../../scripts/package/clouds.ts';

const database = {
  kind: 'postgres',
  host: 'db.example.com',
  database: 'app',
  tls: { mode: 'verify-full', ca: './db-ca.pem' },
  admin: { username: 'keywheel_admin', secret: 'prod-app-admin' },
  accounts: ['app_a', 'app_b'],
  ownerRole: 'app_owner',
};

export const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

const STATES: Readonly<Record<Cloud, object>> = {
  aws: { kind: 'dynamodb', table: 'keywheel-prod' },
  gcp: { kind: 'firestore', project: 'acme-prod', database: 'keywheel' },
  azure: { kind: 'azure-tables', url: 'https://acmestate.table.core.windows.net' },
};
const STORES: Readonly<Record<Cloud, object>> = {
  aws: { kind: 'aws' },
  gcp: { kind: 'gcp', project: 'acme-prod' },
  azure: { kind: 'azure', vaultUrl: 'https://acme.vault.azure.net' },
};

export function configOf(cloud: Cloud): Record<string, unknown> {
  const secret = { store: 'cloud', strategy: 'dual-account', target: database, schedule: { every: '30d' } };
  return { version: 1, state: STATES[cloud], stores: { cloud: STORES[cloud] }, secrets: { 'prod-app-db': secret } };
}

export interface Place {
  readonly folder: string;
  readonly config: string;
  remove(): Promise<void>;
}

/** A folder with a keywheel.yaml, and what it names. */
export async function place(config: object, files: Readonly<Record<string, string>> = {}): Promise<Place> {
  const folder = await mkdtemp(path.join(tmpdir(), 'keywheel-deploy-'));
  const file = path.join(folder, 'keywheel.yaml');
  await writeFile(file, stringify(config, { aliasDuplicateObjects: false }));
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, name), text);
  return { folder, config: file, remove: () => rm(folder, { recursive: true, force: true }) };
}
