/** The SDK's client for one table, each call bounded in time. What it throws is the SDK's, for `errors.ts`. */
import type { NamedKeyCredential, TableClient, TransactionAction } from '@azure/data-tables';
import type { TokenCredential } from '@azure/identity';
import type { AzureTablesStateConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import { RECORDS } from './rows.ts';
import type { Entity } from './rows.ts';
import { statusOf, codeOf } from './errors.ts';

export interface AzureTablesOptions {
  /** Instead of the default chain (environment, workload identity, managed identity, developer tools). */
  readonly credential?: TokenCredential;
}

type Found = Readonly<Record<string, unknown>>;

export interface Table {
  readonly name: string;
  /** Undefined when there is no such entity. */
  get(partition: string, rowKey: string): Promise<Found | undefined>;
  /** Creates without `etag`, replaces at it; gives the new one. */
  write(entity: Entity, etag?: string): Promise<string>;
  /** All or nothing, in the partition of the records. */
  writeAll(writes: readonly { readonly entity: Entity; readonly etag: string | undefined }[]): Promise<string[]>;
  delete(partition: string, rowKey: string, etag: string): Promise<void>;
  /** Records from `from` up to before `until`, in order, page by page. */
  pages(range: { readonly from: string; readonly until: string }): AsyncIterable<Found[]>;
}

const CALL_MS = 5000;
const PAGE = 250;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;
/** The account that every storage emulator has: https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key */
const EMULATOR =
  'AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/**
 * Logs in as an identity. Only an emulator on this machine, which knows none, is signed to with an account key, and that comes from the
 * vendor's own variable AZURE_STORAGE_CONNECTION_STRING (`UseDevelopmentStorage=true` names the emulator's account).
 */
export async function openTable(config: AzureTablesStateConfig, options: AzureTablesOptions): Promise<Table> {
  const url = URL.canParse(config.url) ? new URL(config.url) : undefined;
  const local = url !== undefined && LOOPBACK.test(url.hostname);
  if (url === undefined || (url.protocol !== 'https:' && !(local && url.protocol === 'http:'))) {
    throw new KeywheelError('ERR_CONFIG_INVALID', `state.url ${config.url} cannot be used, it is no https address`, {
      hint: 'write one such as https://NAME.table.core.windows.net; http is for this machine only',
    });
  }
  const { TableClient, AzureNamedKeyCredential } = await import('@azure/data-tables');
  const settings = { retryOptions: { maxRetries: 0 }, allowInsecureConnection: url.protocol === 'http:' };
  const key = local && options.credential === undefined ? accountKey(process.env['AZURE_STORAGE_CONNECTION_STRING']) : undefined;
  if (key !== undefined) {
    const credential: NamedKeyCredential = new AzureNamedKeyCredential(key.name, key.key);
    return over(new TableClient(config.url, config.table, credential, settings), config.table);
  }
  const credential: TokenCredential = options.credential ?? (await defaultCredential());
  return over(new TableClient(config.url, config.table, credential, settings), config.table);
}

async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  try {
    return new DefaultAzureCredential();
  } catch {
    throw new KeywheelError('ERR_STATE_LOGIN', 'no Azure identity can be used, the environment asks for an unknown kind of it', {
      hint: 'unset AZURE_TOKEN_CREDENTIALS, or set it to prod',
    });
  }
}

function accountKey(connection: string | undefined): { name: string; key: string } | undefined {
  const text = /usedevelopmentstorage=true/i.test(connection ?? '') ? EMULATOR : (connection ?? '');
  const part = (name: string): string | undefined => new RegExp(`(?:^|;)\\s*${name}=([^;]+)`, 'i').exec(text)?.[1];
  const [name, key] = [part('AccountName'), part('AccountKey')];
  return name === undefined || key === undefined ? undefined : { name, key };
}

function over(client: TableClient, name: string): Table {
  return {
    name,
    get: (partition, rowKey) =>
      within(async (abortSignal) => {
        try {
          return await client.getEntity(partition, rowKey, { abortSignal });
        } catch (error) {
          if (statusOf(error) === 404 && codeOf(error) !== 'TableNotFound') return undefined;
          throw error;
        }
      }),
    write: (entity, etag) =>
      within(async (abortSignal) => {
        const told =
          etag === undefined
            ? await client.createEntity(entity, { abortSignal })
            : await client.updateEntity(entity, 'Replace', { etag, abortSignal });
        return told.etag ?? '';
      }),
    writeAll: (writes) =>
      within(async (abortSignal) => {
        const actions = writes.map(({ entity, etag }): TransactionAction =>
          etag === undefined ? ['create', entity] : ['update', entity, 'Replace', { etag }],
        );
        const { subResponses } = await client.submitTransaction(actions, { abortSignal });
        return subResponses.map(({ etag }) => etag ?? '');
      }),
    delete: (partition, rowKey, etag) =>
      within(async (abortSignal) => {
        await client.deleteEntity(partition, rowKey, { etag, abortSignal });
      }),
    async *pages({ from, until }) {
      const filter = `PartitionKey eq '${RECORDS}' and RowKey ge '${from}' and RowKey lt '${until}'`;
      const pages = client.listEntities({ queryOptions: { filter } }).byPage({ maxPageSize: PAGE })[Symbol.asyncIterator]();
      for (;;) {
        const next = await within(() => pages.next());
        if (next.done === true) return;
        yield next.value;
      }
    },
  };
}

/** The SDK does not pass the signal on to every request (a second page, a login), so time is kept here too. */
async function within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(CALL_MS);
  let end = (): void => {};
  const late = new Promise<never>((_, reject) => {
    end = () => reject(Object.assign(new Error('no answer in time'), { name: 'TimeoutError' }));
    signal.addEventListener('abort', end, { once: true });
  });
  try {
    return await Promise.race([work(signal), late]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
