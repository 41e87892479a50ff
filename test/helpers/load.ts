/**
 * Consumers under load: several workers that read a credential, keep it for a while, and run query after query, each on a new
 * connection. Nothing here knows who rotates: what differs comes in as `readCredential` and `connect`, so that two ways to
 * rotate can be put under the same load.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';

export interface Credential {
  readonly username: string;
  readonly password: string;
}

/** One open connection. */
export interface Session {
  query(): Promise<void>;
  close(): Promise<void>;
}

export interface LoadOptions {
  readonly readCredential: () => Promise<Credential>;
  /** Opens a new connection that authenticates with `credential`. */
  readonly connect: (credential: Credential) => Promise<Session>;
  readonly workers: number;
  /** The longest a worker keeps a credential, in milliseconds. Each time it keeps it for 80 to 100 per cent of that. 0: it keeps none. */
  readonly maxCacheAgeMs: number;
  /**
   * What a worker does after a refused login (28P01). `reread`: the query counts as failed and the cached credential is dropped, as
   * careful clients do. `keep`: the cached credential is used until it is too old, as the vendors' caching clients do. Default `reread`.
   */
  readonly onRefusal?: 'reread' | 'keep';
  /** Milliseconds that a worker rests after each query. Default 0. */
  readonly pauseMs?: number;
}

export interface LoadResult {
  /** Queries that were begun and have an outcome; each is one login. */
  readonly queries: number;
  readonly failed: number;
  /** Failed queries by cause: a SQLSTATE, a system error code, or `read: …` where the credential could not be read. */
  readonly failures: Map<string, number>;
}

export interface Load {
  /** What has been counted up to now. */
  counts(): LoadResult;
  /** Ends every worker after the query it is in. */
  stop(): Promise<LoadResult>;
}

const REFUSED = '28P01';
/** After a failure a worker rests a little, as any retrying client does; it would otherwise count its own hurry. */
const REST_AFTER_FAILURE_MS = 10;

export function startLoad(options: LoadOptions): Load {
  const { readCredential, connect, workers, maxCacheAgeMs, onRefusal = 'reread', pauseMs = 0 } = options;
  const failures = new Map<string, number>();
  let queries = 0;
  let failed = 0;
  const stopping = new AbortController();

  async function work(): Promise<void> {
    let cached: { credential: Credential; until: number } | undefined;
    while (!stopping.signal.aborted) {
      let outcome: string | undefined;
      if (cached === undefined || performance.now() >= cached.until) {
        const readAt = performance.now();
        const read = await attempt(readCredential);
        if (read.ok) cached = { credential: read.value, until: readAt + maxCacheAgeMs * (0.8 + 0.2 * Math.random()) };
        else outcome = `read: ${read.code}`;
      }
      if (outcome === undefined && cached !== undefined) outcome = await query(connect, cached.credential);
      queries++;
      if (outcome !== undefined) {
        failed++;
        failures.set(outcome, (failures.get(outcome) ?? 0) + 1);
        if (outcome === REFUSED && onRefusal === 'reread') cached = undefined;
      }
      const rest = outcome === undefined ? pauseMs : Math.max(pauseMs, REST_AFTER_FAILURE_MS);
      if (rest > 0) await delay(rest);
    }
  }

  const running = Promise.all(Array.from({ length: workers }, work));
  const counts = (): LoadResult => ({ queries, failed, failures: new Map(failures) });
  return {
    counts,
    async stop() {
      stopping.abort();
      await running;
      return counts();
    },
  };
}

/** Undefined when the query was answered, otherwise why not. */
async function query(connect: LoadOptions['connect'], credential: Credential): Promise<string | undefined> {
  const session = await attempt(() => connect(credential));
  if (!session.ok) return session.code;
  const answer = await attempt(() => session.value.query());
  await session.value.close().catch(() => {});
  return answer.ok ? undefined : answer.code;
}

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string };

/** Only the code of an error is kept: its text may hold what must not be printed. */
async function attempt<T>(perform: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { ok: true, value: await perform() };
  } catch (error) {
    const code = (error as { code?: unknown }).code;
    return { ok: false, code: typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown' };
  }
}

/** `connect` for a PostgreSQL on loopback: a new connection without TLS, and one small statement as the query. */
export function postgresConnect(server: { host: string; port: number; database: string }): LoadOptions['connect'] {
  const { host, port, database } = server;
  return async ({ username, password }) => {
    const client = new Client({ host, port, database, user: username, password, ssl: false, connectionTimeoutMillis: 5000 });
    client.on('error', () => {}); // a session that is ended from outside shows in the query that it breaks
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    return { query: () => client.query('select 1').then(() => {}), close: () => client.end() };
  };
}
