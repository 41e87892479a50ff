/** A world for clients: time that tests move, a store that they write, slow down and break, and an account of every read. */
import { setImmediate } from 'node:timers/promises';
import { clientOver, KeywheelError, type ClientEvent, type ClientOptions, type SecretReader } from '../../shared/client/index.ts';
import type { CurrentSecret } from '../../shared/stores/index.ts';

export interface Timers {
  readonly now: () => number;
  readonly after: (ms: number, run: () => void) => () => void;
  /** Moves time, and runs what is due at its time, with everything that follows from it. */
  advance(ms: number): Promise<void>;
  readonly pending: number;
}

/** Lets promises settle. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await setImmediate();
}

export function manualTimers(): Timers {
  let time = 1_000_000;
  const queue = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    now: () => time,
    after(ms, run) {
      const timer = { at: time + ms, run };
      queue.add(timer);
      return () => void queue.delete(timer);
    },
    async advance(ms) {
      const end = time + ms;
      await settle();
      for (;;) {
        const next = [...queue].toSorted((a, b) => a.at - b.at).find((timer) => timer.at <= end);
        if (next === undefined) break;
        queue.delete(next);
        time = Math.max(time, next.at);
        next.run();
        await settle();
      }
      time = end;
      await settle();
    },
    get pending() {
      return queue.size;
    },
  };
}

/** A store that does what its fields say. */
export interface FakeStore {
  readonly secrets: Map<string, CurrentSecret>;
  /** What the next reads reject with. */
  failure?: unknown;
  /** Milliseconds that a read takes; Infinity: it never answers, and does not look at its signal either. */
  delay: number;
  /** When each read was begun. */
  readonly reads: { readonly name: string; readonly at: number }[];
  opened: number;
  closed: number;
  put(name: string, version: string, value?: CurrentSecret['value']): void;
}

export const CANARY = 'canary-Pa55word/with+odd=chars';

export const unavailable = (): KeywheelError =>
  new KeywheelError('ERR_STORE_UNAVAILABLE', 'store fake cannot be reached', { retryable: true });

export function world(options: ClientOptions = {}, chance: () => number = () => 0.5) {
  const timers = manualTimers();
  const events: ClientEvent[] = [];
  const store: FakeStore = {
    secrets: new Map(),
    delay: 0,
    reads: [],
    opened: 0,
    closed: 0,
    put: (name, version, value) =>
      void store.secrets.set(name, {
        version,
        value: value ?? { username: `user-of-${version}`, password: `${CANARY}-${version}` },
      }),
  };
  const reader: SecretReader = {
    kind: 'fake',
    async current(name) {
      store.reads.push({ name, at: timers.now() });
      const answer = store.failure === undefined ? store.secrets.get(name) : undefined;
      const { failure } = store;
      if (store.delay > 0) await new Promise<void>((resolve) => store.delay < Infinity && timers.after(store.delay, resolve));
      if (failure !== undefined) throw failure;
      return answer;
    },
    close: async () => void (store.closed += 1),
  };
  const open = async (): Promise<SecretReader> => {
    store.opened += 1;
    return reader;
  };
  const { deps, ...rest } = options;
  const client = clientOver(open, {
    ...rest,
    onEvent: (event) => events.push(event),
    deps: { now: timers.now, after: timers.after, uniform: chance, ...deps },
  });
  return { timers, events, store, client, types: () => events.map((event) => event.type) };
}
