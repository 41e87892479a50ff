/** One worker process of the demo's application: a consumer with `keywheel/client` and PostgreSQL's driver, and a count for its parent. */
import pg from 'pg';
import { KeywheelError, openClient, pgPool } from '../../../shared/client/index.ts';
import { DATABASE, sqlState } from './application.ts';
import { runConsumer, type Connection, type ConsumerPorts, type QueryFailure } from './consumer.ts';
import { HOST } from './database.ts';
import { systemRandom } from './files.ts';
import { openTally, type WorkerJob, type WorkerReport } from './tally.ts';

/** invalid_password */
const REFUSED = '28P01';
const STATEMENTS = [
  'SELECT session_user AS account, amount FROM orders ORDER BY id DESC LIMIT 1',
  'SELECT session_user AS account, sum(amount) FROM orders WHERE id > (SELECT max(id) - 100 FROM orders)',
  'INSERT INTO orders (amount) VALUES (7) RETURNING session_user AS account',
];

process.once('message', (job) => {
  void work(job as WorkerJob);
});
// Ctrl-C reaches the whole foreground group; the parent decides when the workers stop.
process.on('SIGINT', () => undefined);

async function work(job: WorkerJob): Promise<void> {
  const stop = new AbortController();
  process.once('message', () => stop.abort());
  process.once('disconnect', () => stop.abort());
  const tally = openTally();
  const fail = (during: QueryFailure['during'], code: string): void =>
    tally.failed({ at: Date.now(), code, account: '', during });
  const client = openClient(job.store, {
    maxAge: job.plan.maxCacheAge,
    // The pool makes a refused login good, and its caller does not see it. Here it counts as failed: none is to happen.
    onEvent: ({ type }) => void (type === 'refused' && fail('connect', REFUSED)),
  });
  const server = {
    host: HOST,
    port: job.port,
    database: DATABASE,
    application_name: 'shop',
    connectionTimeoutMillis: 5000,
    query_timeout: 5000,
  };
  const pool = pgPool(client, job.secret, pg, { ...server, max: job.plan.pool });
  pool.on('error', (error) => fail('idle', sqlState(error)));

  const ports: ConsumerPorts = {
    async readCurrent() {
      const { value, version } = await client.get(job.secret);
      return { version, username: String(value['username']), password: String(value['password']) };
    },
    async pooled() {
      try {
        const connection = await pool.connect();
        return connectionOf(connection, (failed) => Promise.resolve(connection.release(failed)));
      } catch (error) {
        if (sqlState(error) === REFUSED) return undefined;
        throw error;
      }
    },
    async connect({ username, password }, onLost) {
      const connection = new pg.Client({ ...server, user: username, password });
      const made = connectionOf(connection, () => connection.end(), onLost);
      await connection.connect();
      return made;
    },
    now: Date.now,
    uniform: () => systemRandom.uniform(),
    codeOf: (error) => (error instanceof KeywheelError ? error.code : sqlState(error)),
  };
  const report = (): void => {
    const counts = tally.take();
    if (process.connected && (counts.counts.length > 0 || counts.failures.length > 0))
      process.send?.(counts satisfies WorkerReport);
  };
  const timer = setInterval(report, 100);
  await runConsumer(ports, job.plan, tally, stop.signal);
  clearInterval(timer);
  await pool.end();
  await client.close();
  report();
  process.disconnect();
}

/** `close` is told whether the connection has failed. An error that a query has reported is one failure, not two. */
function connectionOf(
  connection: pg.ClientBase,
  close: (failed: boolean) => Promise<void>,
  onLost?: (error: unknown) => void,
): Connection {
  let [closing, failed] = [false, false];
  const lost = (error: unknown): void => {
    if (!closing && !failed) onLost?.(error);
    failed = true;
  };
  connection.on('error', lost);
  return {
    async query(turn) {
      try {
        const { rows } = await connection.query<{ account: string }>(STATEMENTS[turn % STATEMENTS.length] ?? '');
        return rows[0]?.account ?? '';
      } catch (error) {
        failed = true;
        throw error;
      }
    },
    async close() {
      closing = true;
      await close(failed);
      if (onLost === undefined) connection.off('error', lost);
    },
  };
}
