/** The admin connection: one at most, to the pinned host only, made when first needed and made again when it broke. */
import type { Client } from 'pg';
import type { PostgresTargetConfig } from '../../config/index.ts';
import type { Gate } from '../../deps.ts';
import { KeywheelError } from '../../errors.ts';
import { address, closeAndWait, connect, destroy } from './connect.ts';
import { adminError } from './outcomes.ts';

export type Row = Readonly<Record<string, string | number | boolean | null | undefined | readonly (string | null)[]>>;
export type Sql = (text: string, values?: readonly unknown[]) => Promise<Row[]>;

export interface Admin {
  /** A catalog read that is told as one line. */
  read<T>(told: string, work: (sql: Sql) => Promise<T>): Promise<T>;
  /** `told` is the exact SQL that `work` sends, masked. In a rehearsal only `rehearsed` runs. */
  effect<T>(told: string, what: string, work: (sql: Sql) => Promise<T>, rehearsed: () => T): Promise<T>;
  close(): Promise<void>;
}

export function openAdmin(config: PostgresTargetConfig, gate: Gate, adminPassword: () => Promise<string>): Admin {
  const where = `${address(config)}/${config.database}`;
  let client: Client | undefined;
  let last: Promise<unknown> = Promise.resolve();

  async function ready(): Promise<Client> {
    if (client !== undefined && (await answers(client))) return client;
    drop();
    const password = await adminPassword();
    const login = { username: config.admin.username, password: async () => password, applicationName: 'keywheel admin' };
    const opened = await connect(config, { name: 'admin', host: config.host, port: config.port }, login).catch(
      (error: unknown) => {
        throw adminError(`admin login as ${config.admin.username} at ${where}`, error);
      },
    );
    client = opened.client;
    // A fixed search_path: whoever may create objects must not be able to put a function of theirs before pg_catalog's.
    await client.query(
      `SET search_path = pg_catalog, pg_temp; SET statement_timeout = ${config.statementTimeout}; ` +
        `SET idle_in_transaction_session_timeout = ${config.statementTimeout * 2}`,
    );
    return client;
  }

  function drop(): void {
    if (client !== undefined) destroy(client);
    client = undefined;
  }

  /** One piece of work at a time: a second one's statements must not fall into the first one's transaction. */
  function use<T>(what: string, work: (sql: Sql) => Promise<T>): Promise<T> {
    const turn = last.then(async () => {
      try {
        const open = await ready();
        return await work(async (text, values) => (await open.query<Row>(text, values?.slice())).rows);
      } catch (error) {
        drop(); // whatever was open is rolled back by the server
        throw adminError(`${what} at ${where}`, error);
      }
    });
    last = turn.catch(() => {});
    return turn;
  }

  return {
    read: (told, work) =>
      gate.run(
        { port: 'target', kind: 'read', text: told },
        () => use(told, work),
        () => {
          throw new KeywheelError('ERR_INTERNAL', `${told} was rehearsed, reads are always made`);
        },
      ),
    effect: (told, what, work, rehearsed) =>
      gate.run({ port: 'target', kind: 'effect', text: told }, () => use(what, work), rehearsed),
    async close() {
      await last;
      if (client !== undefined) await closeAndWait(client, config.connectTimeout);
      client = undefined;
    },
  };
}

/** A connection that was idle may have died unnoticed: a restart, a failover, a frozen function. */
async function answers(client: Client): Promise<boolean> {
  return client.query('SELECT 1').then(
    () => true,
    () => false,
  );
}
