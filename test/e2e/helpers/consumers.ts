/** Consumers of the storm: they read `current` through the store port, keep it no longer than they promised, and log in anew each time. */
import type { SecretStore } from '../../../shared/stores/index.ts';
import { postgresConnect, startLoad, type Credential, type Load } from '../../helpers/load.ts';
import type { Postgres } from '../../helpers/postgres.ts';

export interface CacheAge {
  /** Milliseconds that consumers keep a credential. */
  readonly keep: number;
  /** consumers.maxCacheAge: what the configuration says that they may. */
  readonly promised: number;
}

export interface Consumers {
  readonly load: Load;
  /** Logins that were refused because this process stood still for longer than the promise: the consumer's fault, not the rotation's. */
  late(): number;
  /** Every credential that was ever read, as `username password`. */
  readonly seen: ReadonlyMap<string, Credential>;
}

export function startConsumers(
  server: Postgres,
  database: string,
  store: SecretStore,
  secret: string,
  { keep, promised, pauseMs, workers }: CacheAge & { pauseMs: number; workers: number },
): Consumers {
  const readAt = new WeakMap<Credential, number>();
  const seen = new Map<string, Credential>();
  let late = 0;
  const readCredential = async (): Promise<Credential> => {
    const at = performance.now();
    const found = await store.read(secret, 'current');
    if (found === undefined) throw new Error(`${secret} has no current`);
    const credential = { username: String(found.value['username']), password: String(found.value['password']) };
    readAt.set(credential, at);
    seen.set(`${credential.username} ${credential.password}`, credential);
    return credential;
  };
  const open = postgresConnect({ host: server.host, port: server.port, database });
  const age = (credential: Credential): number => performance.now() - (readAt.get(credential) ?? Number.NEGATIVE_INFINITY);
  const load = startLoad({
    readCredential,
    connect: async (credential) => {
      // Two cores and many processes: this one may have stood still since its cache was looked at.
      const fresh = age(credential) <= keep ? credential : await readCredential();
      try {
        return await open(fresh);
      } catch (error) {
        if ((error as { code?: unknown }).code !== '28P01' || age(fresh) <= promised) throw error;
        late += 1;
        return open(await readCredential());
      }
    },
    workers,
    maxCacheAgeMs: keep,
    pauseMs,
  });
  return { load, late: () => late, seen };
}
