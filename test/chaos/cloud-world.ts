/**
 * A cloud's real adapters and a real target, joined to a world of the matrix. Stores and states run on a clock that jumps over waits; a target with
 * a clock of its own is waited for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadedConfig } from '../../shared/config/index.ts';
import type { Call, Clock, Gate } from '../../shared/deps.ts';
import { openPorts, type EngineDeps } from '../../shared/engine/index.ts';
import { DEFAULT_POLICY, enginePorts, factsOf, historyKey, journalKey } from '../../shared/rotation/index.ts';
import type { RotationRecord, SecretJournal } from '../../shared/rotation/index.ts';
import { openState, type State } from '../../shared/state/index.ts';
import { supportsPut, type SecretStore, type SecretValue } from '../../shared/stores/index.ts';
import { realRandom } from '../contract/harness.ts';
import { READ_LAG, type Cloud, type Place } from './cloud-stores.ts';
import type { Ground, Grounds } from './cloud-targets.ts';
import type { Look, Matrix, World } from './world.ts';

/** keywheel.yaml for one secret, as it is after loading. */
export function configOf(place: Place, ground: Ground, grounds: Grounds): LoadedConfig {
  const { grace, maxCacheAge, quiet, samples } = ground.times;
  return {
    version: 1,
    file: 'keywheel.yaml',
    state: place.state,
    stores: { main: place.store },
    blackouts: [],
    secrets: {
      [place.secret]: {
        store: 'main',
        strategy: grounds.strategy,
        target: ground.config,
        consumers: { maxCacheAge },
        grace,
        evidence: { samples, quiet },
        enabled: true,
      },
    },
  };
}

/** Knows what a call may have changed, so that what was seen before is not asked for again. */
export class Changes {
  private readonly counts = { store: 0, state: 0, target: 0 };

  mark(port: Call['port']): void {
    this.counts[port] += 1;
  }

  gate(): Gate {
    return {
      rehearsing: false,
      run: async (call, perform) => {
        try {
          return await perform();
        } finally {
          if (call.kind === 'effect') this.mark(call.port);
        }
      },
    };
  }

  state(state: State): State {
    const writing =
      <A extends readonly unknown[], T>(write: (...args: A) => Promise<T>) =>
      (...args: A): Promise<T> =>
        write(...args).finally(() => this.mark('state'));
    return { ...state, put: writing((each) => state.put(each)), transact: writing((each) => state.transact(each)) };
  }

  /** What `read` gave when nothing of the port had changed since. */
  remembered<T>(port: Call['port'], read: () => Promise<T>): () => Promise<T> {
    let seen: { readonly at: number; readonly value: T } | undefined;
    return async () => {
      const at = this.counts[port];
      if (seen?.at !== at) seen = { at, value: await read() };
      return seen.value;
    };
  }
}

/** What is true at the store and in the journal. */
export function lookOver(secret: string, store: SecretStore, state: State, changes: Changes): () => Promise<Look> {
  const kept = changes.remembered('store', () =>
    Promise.all([
      store.describe(secret),
      store.read(secret, 'current'),
      store.read(secret, 'previous'),
      store.read(secret, 'pending'),
    ]),
  );
  const journal = changes.remembered('state', async () => {
    const history: RotationRecord[] = [];
    for await (const each of state.list<RotationRecord>(historyKey(secret, ''))) history.push(each.value);
    return { history, journal: (await state.get<SecretJournal>(journalKey(secret)))?.value };
  });
  return async () => {
    const [described, current, previous, pending] = await kept();
    if (described === undefined || current === undefined) throw new Error('current is gone');
    return { state: described, current, previous, pending, ...(await journal()) };
  };
}

/** Logins at the target, asked again only when it has changed. */
export function loginsOver(ground: Ground, changes: Changes): (value: SecretValue) => Promise<boolean> {
  const known = new Map<string, () => Promise<boolean>>();
  return (value) => {
    const material = ground.materialOf(value);
    const ask = known.get(material) ?? changes.remembered('target', () => ground.accepts(value));
    known.set(material, ask);
    return ask();
  };
}

export function put(store: SecretStore, secret: string, value: SecretValue, expected?: null): Promise<unknown> {
  if (!supportsPut(store)) throw new Error(`${store.kind} takes no edit`);
  return store.put(secret, value, expected);
}

export function cloudMatrix(cloud: Cloud, grounds: Grounds): Matrix {
  return {
    kind: `${grounds.kind} × ${cloud.kind}`,
    async open() {
      const ground = await grounds.open();
      return openWorld(await cloud.place(), ground, grounds, READ_LAG);
    },
  };
}

/** A world with what drivers of its own need: they open everything anew, by configuration. */
export interface OpenWorld extends World {
  readonly place: Place;
  readonly config: LoadedConfig;
  readonly env: Readonly<Record<string, string>>;
  readonly changes: Changes;
  readonly clock: Clock;
}

/** `lag`: milliseconds that readers are made to lag; absent, as much as the store itself says. */
export async function openWorld(place: Place, ground: Ground, grounds: Grounds, lag?: number): Promise<OpenWorld> {
  const { secret } = place;
  const config = configOf(place, ground, grounds);
  let jumped = 0;
  let ahead = 0;
  const clock: Clock = { now: () => Date.now() + jumped + ahead };
  const deps: EngineDeps = { clock, random: realRandom, sleep: () => Promise.reject(new Error('the engine does not sleep')) };
  const changes = new Changes();
  const state = changes.state(await openState(config.state, deps));
  const env = { ...place.env, ...ground.env };
  const opened = await openPorts(config, secret, deps, {
    env,
    gate: changes.gate(),
    state: async () => state,
  });
  const { store, target } = opened;
  await put(store, secret, ground.first, null);
  const { grace, maxCacheAge } = ground.times;
  const policy = { ...DEFAULT_POLICY, ...ground.times, strategy: grounds.strategy, readLag: lag ?? store.readLag ?? 0 };
  const now = (): number => Date.now() + jumped;

  return {
    place,
    config,
    env,
    changes,
    clock,
    secret,
    strategy: grounds.strategy,
    policy,
    facts: factsOf(target),
    ports: enginePorts({ store, target, state }, clock, realRandom),
    now,
    skew: (milliseconds) => (ahead = milliseconds),
    // Grace on workers' clocks allows for five minutes.
    mostSkew: ground.ownClock ? 600_000 : 240_000,
    keepsFence: ground.keepsFence,
    targetNow: ground.ownClock ? () => ground.targetNow() : now,
    elapse: async (milliseconds, onTarget) => {
      // A worker whose clock is ahead may have written a time far off: the target's grace is over long before.
      const real = onTarget && ground.ownClock ? Math.min(milliseconds, Math.max(grace, maxCacheAge) + policy.readLag) : 0;
      if (real > 0) await delay(real);
      jumped += Math.ceil(milliseconds - real);
    },
    look: lookOver(secret, store, state, changes),
    materialOf: (value) => ground.materialOf(value),
    accepts: loginsOver(ground, changes),
    strangers: (known) => ground.strangers(known),
    edit: async (value) => void (await put(store, secret, value)),
    async close() {
      await opened.close();
      await state.close();
      await place.close();
      await ground.close();
    },
  };
}
