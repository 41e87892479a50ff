/**
 * An application that uses a secret as an honest one does: it has `keywheel/client` read `current` and keep it, takes connections from a pool
 * over it, and opens some of its own. It knows nothing of rotation, never looks at `pending` or `previous`, and never tries a query twice:
 * whatever goes wrong is counted, a refused login also when the pool makes it good.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface Credential {
  readonly version: string;
  readonly username: string;
  readonly password: string;
}

export interface Connection {
  /** Runs one query; returns the account that the server says it ran for. `turn` picks among the application's statements. */
  query(turn: number): Promise<string>;
  close(): Promise<void>;
}

export interface ConsumerPorts {
  /** From the client's cache. */
  readCurrent(): Promise<Credential>;
  /** A connection of the pool; closing gives it back. Undefined when a login was refused, which was counted where it happened. */
  pooled(): Promise<Connection | undefined>;
  /** `onLost` is called when the server ends an idle connection. */
  connect(credential: Credential, onLost: (error: unknown) => void): Promise<Connection>;
  now(): number;
  uniform(): number;
  /** A stable code for an error, without its message. */
  codeOf(error: unknown): string;
}

export interface ConsumerPlan {
  /** Milliseconds: the client's `maxAge`. */
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
  const fail = (during: QueryFailure['during'], account: string, error: unknown): void => {
    events.failed({ at: ports.now(), code: ports.codeOf(error), account, during });
  };

  async function credential(): Promise<Credential | undefined> {
    try {
      return await ports.readCurrent();
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

  async function take(): Promise<Connection | undefined> {
    try {
      return await ports.pooled();
    } catch (error) {
      fail(/^ERR_(STORE|SECRET)_/.test(ports.codeOf(error)) ? 'read' : 'connect', '', error);
      return undefined;
    }
  }

  async function ask(connection: Connection, account: string, turn: number): Promise<void> {
    const before = ports.now();
    try {
      const asWhom = await connection.query(turn);
      events.queried(asWhom, before, ports.now() - before);
    } catch (error) {
      fail('query', account, error);
    }
    await close(connection);
  }

  const pause = (ms: number): Promise<void> => delay(ms, undefined, { signal }).catch(() => undefined);

  async function pooled(): Promise<void> {
    await pause(plan.period * ports.uniform());
    for (let turn = 0; !signal.aborted; turn += 1) {
      const started = ports.now();
      const connection = await take();
      if (connection) await ask(connection, '', turn);
      await pause(Math.max(1, plan.period - (ports.now() - started)));
    }
  }

  async function fresh(): Promise<void> {
    await pause(plan.freshEvery * ports.uniform());
    for (let turn = 0; !signal.aborted; turn += 1) {
      const login = await credential();
      const connection = login && (await open(login));
      if (login && connection) await ask(connection, login.username, turn);
      await pause(plan.freshEvery * (0.5 + ports.uniform()));
    }
  }

  await Promise.all([...Array.from({ length: plan.pool }, pooled), fresh()]);
}

async function close(connection: Connection): Promise<void> {
  await connection.close().catch(() => undefined);
}
