/** What every pool hook shares: the login to use now, and which connection was made with which version. */
import type { SecretValue } from '../stores/index.ts';
import { textOf } from './secret.ts';
import type { SecretClient } from './types.ts';

export interface LoginFields {
  readonly user: string;
  readonly password: string;
}

export interface LoginOptions {
  /**
   * Takes the account and password from the secret's value. Default: its fields `username` and `password`. The server's address stays the
   * application's own: whoever may write the secret cannot send its logins elsewhere.
   */
  readonly login?: (value: SecretValue) => LoginFields;
}

export interface Login extends LoginFields {
  readonly version: string;
}

export interface Logins {
  /** The login to use now; waits for the store only when nothing usable is held. */
  ready(): Promise<Login>;
  /** The same for a login that is about to be tried; ERR_TARGET_REFUSED while refusals of it are waited out. */
  admitted(): Promise<Login>;
  /** The latest one that was seen, at once. Undefined before the first `ready`. */
  latest(): Login | undefined;
  /** Remembers what a connection was made with; the first call counts. */
  stamp(connection: object, login: Login): void;
  /** True when a newer version was seen since the connection was made. */
  isOld(connection: object): boolean;
  /** After a refused login: the newer one, if there is one by now. */
  refused(login: Login): Promise<Login | undefined>;
  close(): void;
}

export function openLogins(client: SecretClient, name: string, options: LoginOptions, moved: () => void): Logins {
  const fieldsOf =
    options.login ??
    ((value): LoginFields => ({ user: textOf(name, value, 'username'), password: textOf(name, value, 'password') }));
  const stamps = new WeakMap<object, string>();
  let latest: Login | undefined;

  function take(secret: { readonly version: string; readonly value: SecretValue }): Login {
    if (latest?.version === secret.version) return latest;
    const { user, password } = fieldsOf(secret.value);
    const changed = latest !== undefined;
    latest = { version: secret.version, user, password };
    if (changed) moved();
    return latest;
  }

  const unwatch = client.watch(name, (secret) => {
    try {
      take(secret);
    } catch {
      // Told to whoever asks for a connection next.
    }
  });

  const ready = async (): Promise<Login> => take(await client.get(name));

  return {
    ready,
    async admitted() {
      const login = await ready();
      try {
        client.admit(name, login.version);
        return login;
      } catch (error) {
        const next = await ready(); // waits for the read that the refusal began
        if (next.version === login.version) throw error;
        return next;
      }
    },
    latest: () => latest,
    stamp(connection, { version }) {
      if (!stamps.has(connection)) stamps.set(connection, version);
    },
    isOld(connection) {
      const version = stamps.get(connection);
      return version !== undefined && version !== latest?.version;
    },
    async refused({ version }) {
      const next = await client.refused(name, version);
      return next === undefined ? undefined : take(next);
    },
    close: unwatch,
  };
}
