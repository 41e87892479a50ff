/**
 * A `pg` pool that moves: new connections log in with what `current` says, a refused login is tried once more with the refreshed credential,
 * and connections of an older version leave the pool as soon as they are idle.
 */
import { openLogins, type Login, type LoginOptions } from './logins.ts';
import { veil } from './secret.ts';
import type { SecretClient } from './types.ts';

type Callback<C> = (error: Error | undefined, connection: C | undefined, release: (error?: Error | boolean) => void) => void;

interface PgConnection {
  connect(callback: (error: Error, ...rest: never[]) => void): void;
}

interface PgPoolConnection {
  release(error?: Error | boolean): void;
}

interface PgPool {
  readonly idleCount: number;
  connect(): Promise<PgPoolConnection>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** The `pg` package, or anything shaped like it. */
export interface PgModule<P extends PgPool, O extends object> {
  readonly Pool: new (options?: O) => P;
  readonly Client: new (options: never) => PgConnection;
}

/** invalid_password and invalid_authorization_specification (postgresql.org/docs/current/errcodes-appendix.html). */
const REFUSED = new Set(['28P01', '28000']);

/**
 * Makes a pool: `pgPool(client, 'app/db', pg, { host, database, max: 10 })`. It is pg's own Pool and is used, watched and ended as one.
 * `user` and `password` come from the secret. Connecting rejects with the client's errors when there is no credential, with ERR_TARGET_REFUSED
 * while refusals are waited out, and otherwise with pg's own. A connection that an idle pool loses is not an error: a listener for `error` is
 * there from the start, and yours are called too.
 */
export function pgPool<P extends PgPool, O extends object>(
  client: SecretClient,
  name: string,
  pg: PgModule<P, O>,
  options: Omit<NoInfer<O>, 'user' | 'password' | 'connectionString' | 'Client'> & LoginOptions,
): P {
  const { login: _login, ...config } = options;
  /** The login of each refused connection. `tried` is false for those that were not let through to the server. */
  const failed = new WeakMap<object, { readonly login: Login; readonly tried: boolean }>();
  const logins = openLogins(client, name, options, () => void sweep());

  /** Knows the login of its own connection. pg's Pool makes connections by `new Client(options)` (node-postgres.com/apis/pool). */
  class SecretConnection extends (pg.Client as unknown as new (options: object) => PgConnection) {
    readonly #login: Login;

    constructor(given: object) {
      const login = logins.latest();
      if (login === undefined) throw new TypeError('the pool made a connection before it had a login');
      super({ ...given, user: login.user, password: login.password });
      this.#login = login;
      logins.stamp(this, login);
      veil(this, () => ({ secret: name, version: login.version }));
    }

    override connect(callback: (error: Error, ...rest: never[]) => void): void {
      const { version } = this.#login;
      try {
        client.admit(name, version);
      } catch (error) {
        failed.set(error as Error, { login: this.#login, tried: false });
        process.nextTick(callback, error);
        return;
      }
      super.connect((error: Error | null, ...rest) => {
        if (!error) client.accepted(name, version);
        else if (REFUSED.has(String((error as { code?: unknown }).code))) failed.set(error, { login: this.#login, tried: true });
        callback(error as Error, ...rest);
      });
    }
  }

  const pool = new pg.Pool({ ...config, Client: SecretConnection } as unknown as O);
  const connect = pool.connect.bind(pool);
  const end = pool.end.bind(pool);

  async function acquire(): Promise<PgPoolConnection> {
    await logins.ready();
    try {
      return watched(await connect());
    } catch (error) {
      const { login, tried } = failed.get(error as object) ?? {};
      if (login === undefined) throw error;
      const next = await (tried === true ? logins.refused(login) : logins.ready());
      if (next === undefined || next.version === login.version) throw error;
      return watched(await connect());
    }
  }

  /** A connection of an older version is closed when it comes back. */
  function watched(connection: PgPoolConnection): PgPoolConnection {
    const release = connection.release.bind(connection);
    connection.release = (error) => release(error || logins.isOld(connection));
    return connection;
  }

  /** Takes each idle connection for a moment, so that old ones close. New ones go back; nobody waits longer than this moment. */
  async function sweep(): Promise<void> {
    const taken = Array.from({ length: pool.idleCount }, async () => {
      const connection = await connect();
      connection.release(logins.isOld(connection));
    });
    await Promise.allSettled(taken);
  }

  function connectAs(callback?: Callback<PgPoolConnection>): Promise<PgPoolConnection> | undefined {
    if (callback === undefined) return acquire();
    // Outside of the promise, so that what the callback throws is not taken for a failed connection.
    acquire().then(
      (connection) => process.nextTick(callback, undefined, connection, (error?: Error | boolean) => connection.release(error)),
      (error: Error) => process.nextTick(callback, error, undefined, () => undefined),
    );
    return undefined;
  }

  pool.on('error', () => undefined);
  Object.assign(pool, {
    connect: connectAs,
    end(...given: []) {
      logins.close();
      return end(...given);
    },
  });
  veil(pool, () => ({ secret: name, version: logins.latest()?.version, idle: pool.idleCount }));
  return pool;
}
