/** A `mysql2` pool that moves, as pg.ts's does. */
import { openLogins, type Login, type LoginOptions } from './logins.ts';
import { veil } from './secret.ts';
import type { SecretClient } from './types.ts';

interface MysqlConnection {
  readonly config?: { readonly gracefulEnd?: boolean };
  readonly stream?: { once(event: 'close', listener: () => void): unknown };
  release(): void;
  end(): void;
  destroy(): void;
}

type Callback = (error: Error | null, connection?: MysqlConnection) => void;

/** mysql2's pool with callbacks, which the one with promises holds as `pool`. */
interface MysqlPool {
  readonly config: object;
  getConnection(callback: Callback): void;
  end(...given: unknown[]): unknown;
  on(event: 'connection' | 'acquire' | 'release', listener: (connection: never) => void): unknown;
}

/** The `mysql2` or `mysql2/promise` package, or anything shaped like them. */
export interface MysqlModule<P extends object, O extends object> {
  createPool(options: O): P;
}

/**
 * ER_ACCESS_DENIED_ERROR, ER_ACCESS_DENIED_NO_PASSWORD_ERROR, ER_ACCOUNT_HAS_BEEN_LOCKED and its temporary kind after failed logins
 * (dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html).
 */
const REFUSED = new Set([1045, 1698, 3118, 3955]);

/**
 * Makes a pool: `mysqlPool(client, 'app/db', mysql, { host, database, connectionLimit: 10 })`, of the same kind that `mysql.createPool` makes.
 * `user` and `password` come from the secret. Errors as for `pgPool`. Sets `gracefulEnd`, so that old connections say goodbye.
 */
export function mysqlPool<P extends object, O extends object>(
  client: SecretClient,
  name: string,
  mysql: MysqlModule<P, O>,
  options: Omit<NoInfer<O>, 'user' | 'password' | 'uri'> & LoginOptions,
): P {
  const { login: _login, ...config } = options;
  const pool = mysql.createPool({ gracefulEnd: true, ...config } as unknown as O);
  const core = ('pool' in pool ? pool.pool : pool) as MysqlPool;
  const getConnection = core.getConnection.bind(core);
  const end = core.end.bind(core);
  const { connectionLimit, connectionConfig } = core.config as { connectionLimit: number; connectionConfig: object };
  const alive = new Set<MysqlConnection>();
  const idle = new Set<MysqlConnection>();
  const watched = new WeakSet<MysqlConnection>();
  const logins = openLogins(client, name, options, sweep);

  core.on('connection', (connection: MysqlConnection) => {
    alive.add(connection);
    connection.stream?.once('close', () => {
      alive.delete(connection);
      idle.delete(connection);
    });
  });
  core.on('acquire', (connection: MysqlConnection) => void idle.delete(connection));
  core.on('release', (connection: MysqlConnection) => void idle.add(connection));

  /** mysql2 makes each connection from a copy of this (its base/pool.js); not enumerable, so that printing one shows no password. */
  function present(login: Login): void {
    for (const [key, value] of [
      ['user', login.user],
      ['password', login.password],
    ]) {
      const hidden = { value, enumerable: key === 'user', configurable: true, writable: true };
      Object.defineProperty(connectionConfig, String(key), hidden);
    }
  }

  const connect = (): Promise<MysqlConnection> =>
    new Promise((resolve, reject) => {
      getConnection((error, connection) => (connection === undefined || error ? reject(error) : resolve(connection)));
    });

  async function acquire(again = false): Promise<MysqlConnection> {
    // Idle connections need no login, and a pool that is full makes none.
    const logsIn = idle.size === 0 && (connectionLimit === 0 || alive.size < connectionLimit);
    const login = await (logsIn ? logins.admitted() : logins.ready());
    present(login);
    try {
      const connection = await connect();
      if (!watched.has(connection)) client.accepted(name, login.version);
      return watch(connection, login);
    } catch (error) {
      const refused = REFUSED.has((error as { errno?: number }).errno ?? 0);
      if (!refused || again || (await logins.refused(login)) === undefined) throw error;
      return acquire(true);
    }
  }

  /** A connection of an older version is closed when it comes back. */
  function watch(connection: MysqlConnection, login: Login): MysqlConnection {
    logins.stamp(connection, login);
    if (watched.has(connection)) return connection;
    watched.add(connection);
    const release = connection.release.bind(connection);
    connection.release = () => (logins.isOld(connection) ? part(connection) : release());
    return connection;
  }

  function part(connection: MysqlConnection): void {
    if (connection.config?.gracefulEnd === true) connection.end();
    else connection.destroy();
  }

  /** Takes each idle connection for a moment: its release closes it when it is old. */
  function sweep(): void {
    for (let left = idle.size; left > 0; left -= 1) getConnection((_error, connection) => connection?.release());
  }

  Object.assign(core, {
    getConnection(callback: Callback) {
      acquire().then(
        (connection) => process.nextTick(callback, null, connection),
        (error: Error) => process.nextTick(callback, error),
      );
    },
    end(...given: unknown[]) {
      logins.close();
      return end(...given);
    },
  });
  const shown = (): object => ({ secret: name, version: logins.latest()?.version, connections: alive.size });
  veil(pool, shown);
  veil(core, shown);
  return pool;
}
