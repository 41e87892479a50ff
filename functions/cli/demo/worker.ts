/** One worker process of the demo's application: a consumer with the store's port and PostgreSQL's driver, and a count for its parent. */
import { Client } from 'pg';
import { openGate, systemClock } from '../../../shared/deps.ts';
import { KeywheelError } from '../../../shared/errors.ts';
import { openStore } from '../../../shared/stores/index.ts';
import { DATABASE, sqlState } from './application.ts';
import { runConsumer, type ConsumerPorts } from './consumer.ts';
import { HOST } from './database.ts';
import { systemRandom } from './files.ts';
import { openTally, type WorkerJob, type WorkerReport } from './tally.ts';

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
  const store = await openStore(job.store, { clock: systemClock, random: systemRandom, gate: openGate() });
  const ports: ConsumerPorts = {
    async readCurrent() {
      const found = await store.read(job.secret, 'current');
      if (!found) throw new KeywheelError('ERR_SECRET_NOT_FOUND', `no version of ${job.secret} is current`);
      const { username, password } = found.value;
      return { version: found.id, username: String(username), password: String(password) };
    },
    async connect({ username, password }, onLost) {
      const client = new Client({
        host: HOST,
        port: job.port,
        database: DATABASE,
        user: username,
        password,
        application_name: 'shop',
        connectionTimeoutMillis: 5000,
        query_timeout: 5000,
      });
      let closing = false;
      let failed = false;
      client.on('error', (error) => {
        // An error that a running query already reported is one failure, not two.
        if (!closing && !failed) onLost(error);
        failed = true;
      });
      await client.connect();
      return {
        async query(turn) {
          try {
            const { rows } = await client.query<{ account: string }>(STATEMENTS[turn % STATEMENTS.length] ?? '');
            return rows[0]?.account ?? username;
          } catch (error) {
            failed = true;
            throw error;
          }
        },
        close() {
          closing = true;
          return client.end();
        },
      };
    },
    now: Date.now,
    uniform: () => systemRandom.uniform(),
    codeOf: (error) => (error instanceof KeywheelError ? error.code : sqlState(error)),
  };
  const tally = openTally();
  const report = (): void => {
    const counts = tally.take();
    if (process.connected && (counts.counts.length > 0 || counts.failures.length > 0))
      process.send?.(counts satisfies WorkerReport);
  };
  const timer = setInterval(report, 100);
  await runConsumer(ports, job.plan, tally, stop.signal);
  clearInterval(timer);
  report();
  process.disconnect();
}
