/**
 * An application that uses a secret as an honest one does: it reads `current`, caches it no longer than it said it would, and connects with
 * what it has. It knows nothing of rotation, never looks at `pending` or `previous`, and never tries a query twice: whatever goes wrong
 * is counted.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface Credential {
  readonly version: string;
  readonly username: string;
  readonly password: string;
}

interface Connection {
  /** Runs one query; returns the account that the server says it ran for. `turn` picks among the application's statements. */
  query(turn: number): Promise<string>;
  close(): Promise<void>;
}

export interface ConsumerPorts {
  readCurrent(): Promise<Credential>;
  /** `onLost` is called when the server ends an idle connection. */
  connect(credential: Credential, onLost: (error: unknown) => void): Promise<Connection>;
  now(): number;
  uniform(): number;
  /** A stable code for an error, without its message. */
  codeOf(error: unknown): string;
}

export interface ConsumerPlan {
  /** Milliseconds; each refill lives between 60 % and 100 % of it, so that workers do not refresh together. */
  readonly maxCacheAge: number;
  /** Pooled connections, each with a query every `period` milliseconds. */
  readonly pool: number;
  readonly period: number;
  /** Besides, one fresh connection every this many milliseconds: what `current` says must log in at any moment. */
  readonly freshEvery: number;
}

export interface QueryFailure {
  readonly at: number;
  readonly code: string;
  readonly account: string;
  readonly during: 'read' | 'connect' | 'query' | 'idle';
}

export interface ConsumerEvents {
  queried(account: string, at: number, took: number): void;
  failed(failure: QueryFailure): void;
}

/** Runs until `signal` aborts; then every connection finishes its query and is closed. Never rejects. */
export async function runConsumer(
  ports: ConsumerPorts,
  plan: ConsumerPlan,
  events: ConsumerEvents,
  signal: AbortSignal,
): Promise<void> {
  const current = openCache(ports, plan.maxCacheAge);
  const fail = (during: QueryFailure['during'], account: string, error: unknown): void => {
    events.failed({ at: ports.now(), code: ports.codeOf(error), account, during });
  };

  async function credential(): Promise<Credential | undefined> {
    try {
      return await current();
    } catch (error) {
      fail('read', '', error);
      return undefined;
    }
  }

  async function open(login: Credential): Promise<Connection | undefined> {
    try {
      return await ports.connect(login, (error) => fail('idle', login.username, error));
    } catch (error) {
      fail('connect', login.username, error);
      return undefined;
    }
  }

  /** True when the connection is still good. */
  async function ask(connection: Connection, login: Credential, turn: number): Promise<boolean> {
    const before = ports.now();
    try {
      const account = await connection.query(turn);
      events.queried(account, before, ports.now() - before);
      return true;
    } catch (error) {
      fail('query', login.username, error);
      return false;
    }
  }

  const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal }).catch(() => undefined);

  // Between two queries a pooled connection compares its version with the cache: a new one is opened, then the old one closed.
  async function pooled(): Promise<void> {
    let held: { connection: Connection; login: Credential } | undefined;
    await pause(plan.period * ports.uniform());
    for (let turn = 0; !signal.aborted; turn += 1) {
      const started = ports.now();
      const login = await credential();
      if (login && held?.login.version !== login.version) {
        const connection = await open(login);
        if (held) await close(held.connection);
        held = connection ? { connection, login } : undefined;
      }
      if (held && !(await ask(held.connection, held.login, turn))) {
        await close(held.connection);
        held = undefined;
      }
      await pause(Math.max(1, plan.period - (ports.now() - started)));
    }
    if (held) await close(held.connection);
  }

  async function fresh(): Promise<void> {
    await pause(plan.freshEvery * ports.uniform());
    for (let turn = 0; !signal.aborted; turn += 1) {
      const login = await credential();
      const connection = login && (await open(login));
      if (login && connection) {
        await ask(connection, login, turn);
        await close(connection);
      }
      await pause(plan.freshEvery * (0.5 + ports.uniform()));
    }
  }

  await Promise.all([...Array.from({ length: plan.pool }, pooled), fresh()]);
}

async function close(connection: Connection): Promise<void> {
  await connection.close().catch(() => undefined);
}

/** `current`, read at most once per lifetime and once at a time. Age counts from before the read: the value may be that old. */
function openCache(ports: ConsumerPorts, maxAge: number): () => Promise<Credential> {
  let value: Credential | undefined;
  let expires = 0;
  let reading: Promise<Credential> | undefined;
  return () => {
    if (value && ports.now() < expires) return Promise.resolve(value);
    reading ??= (async () => {
      const asked = ports.now();
      try {
        value = await ports.readCurrent();
        expires = asked + maxAge * (0.6 + 0.4 * ports.uniform());
        return value;
      } finally {
        reading = undefined;
      }
    })();
    return reading;
  };
}
