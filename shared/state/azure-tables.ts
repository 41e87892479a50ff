/**
 * Durable state in one Azure Table. Records are in one partition, so that any of them can be changed together; leases and the
 * installation have their own. The table must be there: making it would need more rights than using it. Entities are in docs/storage-schema.md.
 */
import type { AzureTablesStateConfig } from '../config/index.ts';
import { checkText, checkTtl, prepare } from './azure-tables/check.ts';
import { isMismatch, stateError } from './azure-tables/errors.ts';
import * as leases from './azure-tables/leases.ts';
import * as records from './azure-tables/records.ts';
import { live } from './azure-tables/rows.ts';
import { openTable } from './azure-tables/table.ts';
import type { AzureTablesOptions } from './azure-tables/table.ts';
import type { StateDeps } from './open.ts';
import type { State } from './port.ts';

const META = 'meta';
const INSTALLATION = 'installation';

/**
 * Makes no request: the first call does. ERR_CONFIG_INVALID for an address that cannot be used; otherwise the ERR_STATE codes of the port.
 */
export async function openAzureTablesState(
  config: AzureTablesStateConfig,
  deps: StateDeps,
  options: AzureTablesOptions = {},
): Promise<State> {
  const table = await openTable(config, options);
  const context = { table, random: deps.random, now: () => Math.trunc(deps.clock.now()) };
  let known: string | undefined;

  const find = async (): Promise<string | undefined> => {
    const doing = 'the installation could not be read';
    const found = await records.trying(deps.random, doing, INSTALLATION, table, () => table.get(META, INSTALLATION));
    return found === undefined ? undefined : String(found['id']);
  };
  const make = async (): Promise<string> => {
    const id = Buffer.from(deps.random.bytes(16)).toString('hex');
    try {
      await table.write({ partitionKey: META, rowKey: INSTALLATION, id });
      return id;
    } catch (error) {
      const other = isMismatch(error) ? await find() : undefined;
      if (other === undefined) throw stateError(error, 'the installation could not be written', INSTALLATION, table.name);
      return other;
    }
  };

  return {
    kind: 'azure-tables',
    installation: async () => (known ??= (await find()) ?? (await make())),
    installationIfAny: async () => (known ??= await find()),
    get: async <T>(key: string) => {
      const row = live((await records.readMany(context, [key]))[0], context.now());
      return row === undefined ? undefined : records.stored<T>(row);
    },
    getMany: async <T>(keys: readonly string[]) => {
      const rows = await records.readMany(context, [...new Set(keys)]);
      return rows.flatMap((row) => {
        const found = live(row, context.now());
        return found === undefined ? [] : [records.stored<T>(found)];
      });
    },
    list: <T>(prefix: string) => records.list<T>(context, prefix),
    put: async (write) => {
      const [revision = ''] = await records.apply(context, prepare([write]));
      return revision;
    },
    transact: async (writes) => records.apply(context, prepare(writes)),
    acquire: async (key, holder, ttl, isDead) => {
      checkText('lease key', key);
      checkText('lease holder', holder);
      checkTtl(key, ttl);
      return leases.acquire(context, { key, holder, ttl, isDead });
    },
    renew: async (lease, ttl) => {
      checkTtl(lease.key, ttl);
      return leases.renew(context, lease, ttl);
    },
    release: async (lease) => leases.release(context, lease),
    // The SDK keeps no connection that would hold a process up.
    close: async () => {},
  };
}
