/** Looks over the shoulder of everything that runs: process lists, environments, what the server shows of queries. Collects text to be searched. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Postgres } from '../../helpers/postgres.ts';

export interface Witness {
  /** Distinct command lines of all processes of this machine. */
  readonly commandLines: ReadonlySet<string>;
  /** Distinct entries (`NAME=value`) of the environments of processes that work in `folder`. */
  readonly environments: ReadonlySet<string>;
  /** Distinct rows of pg_stat_activity: query, application name, user. */
  readonly activity: ReadonlySet<string>;
  /** Processes of ours that were seen. */
  readonly processes: ReadonlySet<number>;
  stop(): Promise<void>;
}

const LOOK_EVERY = 25;

function read(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // it has ended meanwhile
  }
}

function worksIn(pid: string, folder: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`).startsWith(folder);
  } catch {
    return false;
  }
}

export async function startWitness(server: Postgres, folder: string): Promise<Witness> {
  const commandLines = new Set<string>();
  const environments = new Set<string>();
  const activity = new Set<string>();
  const processes = new Set<number>();
  const stopping = new AbortController();
  const client = await server.connect(server.superuser.username, server.superuser.password);

  // What the witness asks for again and again would drown what the server's log is kept for.
  await client.query('SET log_statement = none; SET log_min_duration_statement = -1; SET log_min_messages = warning');

  const watchProcesses = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      for (const pid of readdirSync('/proc')) {
        if (!/^\d+$/.test(pid)) continue;
        commandLines.add(read(`/proc/${pid}/cmdline`));
        if (!worksIn(pid, folder)) continue;
        processes.add(Number(pid));
        for (const entry of read(`/proc/${pid}/environ`).split('\0')) environments.add(entry);
      }
      await delay(LOOK_EVERY);
    }
  };
  const watchServer = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const { rows } = await client.query<{ shown: string }>(
        `SELECT concat_ws(' ', usename, application_name, query) AS shown FROM pg_stat_activity WHERE pid <> pg_backend_pid()`,
      );
      for (const { shown } of rows) activity.add(shown);
      await delay(LOOK_EVERY);
    }
    await client.end();
  };
  const watching = Promise.all([watchProcesses(), watchServer()]);
  return {
    commandLines,
    environments,
    activity,
    processes,
    async stop() {
      stopping.abort();
      await watching;
    },
  };
}
