/**
 * Writes down what one rotation does outside of the engine: every statement and login on its PostgreSQL connections, and every call of its
 * store and state. The same code measures how long each port took.
 */
import pg from 'pg';
import type { State, Write } from '../../shared/state/index.ts';
import type { Label, SecretStore, SecretValue } from '../../shared/stores/index.ts';

/** One call, with all that is needed to make it again. `connection` counts from 0 in the order in which they were opened. */
export type Recorded =
  | {
      readonly do: 'login';
      readonly connection: number;
      readonly username: string;
      readonly password: string;
      readonly accepted: boolean;
    }
  | { readonly do: 'query'; readonly connection: number; readonly text: string; readonly values: readonly unknown[] }
  | { readonly do: 'logout'; readonly connection: number }
  | { readonly do: 'describe' }
  | { readonly do: 'read'; readonly at: Label | { readonly version: string } }
  | { readonly do: 'stage'; readonly value: SecretValue; readonly version: string; readonly rotationId: string }
  | { readonly do: 'publish'; readonly version: string }
  | { readonly do: 'journal'; readonly writes: readonly Write[] };

export interface Recorder {
  readonly calls: Recorded[];
  /** Milliseconds inside calls of each port, and of each method by `port.method`. */
  readonly spent: Map<string, number>;
}

let recorder: Recorder | undefined;
let patched = false;

/** Records until `perform` is done. One at a time. */
export async function recording<T>(perform: () => Promise<T>): Promise<{ result: T } & Recorder> {
  const mine: Recorder = { calls: [], spent: new Map() };
  recorder = mine;
  try {
    return { result: await perform(), ...mine };
  } finally {
    recorder = undefined;
  }
}

const note = (call: Recorded): void => void recorder?.calls.push(call);

/** Passes every call of `port` through and adds up how long it took. */
export function timed<T extends object>(name: string, port: T): T {
  return new Proxy(port, {
    get(object, property, receiver): unknown {
      const found: unknown = Reflect.get(object, property, receiver);
      if (typeof found !== 'function' || typeof property === 'symbol') return found;
      return (...args: unknown[]): unknown => {
        const from = performance.now();
        const result: unknown = Reflect.apply(found, object, args);
        if (!(result instanceof Promise)) return result;
        return result.finally(() => {
          const ms = performance.now() - from;
          for (const key of [name, `${name}.${property}`]) recorder?.spent.set(key, (recorder.spent.get(key) ?? 0) + ms);
        });
      };
    },
  });
}

export function recordedStore(store: SecretStore): SecretStore {
  return {
    ...store,
    describe(name) {
      note({ do: 'describe' });
      return store.describe(name);
    },
    read(name, at) {
      note({ do: 'read', at });
      return store.read(name, at);
    },
    async stage(name, value, rotationId) {
      const ref = await store.stage(name, value, rotationId);
      note({ do: 'stage', value, version: ref.id, rotationId });
      return ref;
    },
    publish(name, version, expected) {
      note({ do: 'publish', version });
      return store.publish(name, version, expected);
    },
  };
}

export function recordedState(state: State): State {
  return {
    ...state,
    transact(writes) {
      note({ do: 'journal', writes });
      return state.transact(writes);
    },
  };
}

/** From here on every PostgreSQL connection of this process is written down while a recorder is set, and left alone while none is. */
export function recordPostgres(): void {
  if (patched) return;
  patched = true;
  const numbers = new WeakMap<pg.Client, number>();
  const next = new WeakMap<Recorder, number>();
  const prototype = pg.Client.prototype as unknown as Record<'connect' | 'query' | 'end', (...args: unknown[]) => unknown>;
  const { connect, query, end } = prototype;
  const numberOf = (client: pg.Client): number => numbers.get(client) ?? -1;

  prototype.connect = function (this: pg.Client, ...args) {
    const now = recorder;
    const result = connect.apply(this, args);
    if (now === undefined || !(result instanceof Promise)) return result;
    const connection = next.get(now) ?? 0;
    next.set(now, connection + 1);
    numbers.set(this, connection);
    const settle = (accepted: boolean): void => {
      const { user = '', password } = this;
      now.calls.push({ do: 'login', connection, username: user, password: String(password), accepted });
    };
    return result.then(
      (value: unknown) => {
        settle(true);
        return value;
      },
      (error: unknown) => {
        settle(false);
        throw error;
      },
    );
  };
  prototype.query = function (this: pg.Client, ...args) {
    const [text, values] = args;
    if (typeof text === 'string') {
      note({ do: 'query', connection: numberOf(this), text, values: Array.isArray(values) ? values : [] });
    }
    return query.apply(this, args);
  };
  prototype.end = function (this: pg.Client, ...args) {
    note({ do: 'logout', connection: numberOf(this) });
    return end.apply(this, args);
  };
}
