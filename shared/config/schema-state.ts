/** Where the journal and the leases may be. */
import * as z from 'zod';
import { endpoint } from './schema-basics.ts';

const sqliteState = z.strictObject({
  kind: z.literal('sqlite'),
  path: z.string().min(1).describe('The state file (journal and leases), relative to keywheel.yaml.'),
});

const dynamodbState = z.strictObject({
  kind: z.literal('dynamodb'),
  table: z
    .string()
    .min(1)
    .default('keywheel')
    .describe('A table with partition key pk and sort key sk (both strings) and TTL attribute ttl.'),
  region: z.string().min(1).optional(),
  endpoint: endpoint.optional(),
});

const firestoreState = z.strictObject({
  kind: z.literal('firestore'),
  project: z.string().min(1),
  database: z.string().min(1).default('(default)'),
  collection: z
    .string()
    .regex(/^[^/]+$/, 'write one collection name, without a slash')
    .default('keywheel')
    .describe('The collection that holds every record; a TTL policy on its field ttl removes old ones.'),
});

const azureTablesState = z.strictObject({
  kind: z.literal('azure-tables'),
  url: endpoint.describe('The table endpoint of the storage account, for example https://NAME.table.core.windows.net.'),
  table: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]{2,62}$/, 'write 3 to 63 letters and digits, a letter first')
    .default('keywheel'),
});

export const state = z.discriminatedUnion('kind', [sqliteState, dynamodbState, firestoreState, azureTablesState]);
