/** One instance of a function, as a host runs it: its calls can be met by a fault, and it can die between any two of them. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Gate } from '../../shared/deps.ts';
import type { Host } from '../../shared/drivers/index.ts';
import { openState, type State } from '../../shared/state/index.ts';
import { realRandom } from '../contract/harness.ts';
import type { OpenWorld } from './cloud-world.ts';
import type { Fate } from './drive.ts';

/** One effect at a time, so that what is true can be looked at between any two. An effect may hold others inside it. */
export class Floor {
  private tail: Promise<unknown> = Promise.resolve();
  private readonly inside = new AsyncLocalStorage<boolean>();

  /** Given up as soon as `until` settles: who has died holds nothing. */
  async take<T>(work: () => Promise<T>, until: Promise<never>): Promise<T> {
    if (this.inside.getStore() === true) return work();
    const turn = this.tail.then(() => this.inside.run(true, () => Promise.race([work(), until])));
    this.tail = turn.catch(() => undefined);
    return turn;
  }

  /** Starts something that takes turns with whoever is on the floor now. */
  outside<T>(work: () => T): T {
    return this.inside.run(false, work);
  }
}

export type Port = 'store' | 'target' | 'state';

/** What an instance tells of each of its effects. */
export interface Overseer {
  readonly floor: Floor;
  /** Asked before each effect. */
  before(instance: Instance, name: string, port: Port): Promise<Fate | undefined>;
  /** Told after each that was made, still on the floor. */
  after(name: string, port: Port): Promise<void>;
  told(line: unknown): void;
}

const STATE_EFFECTS = ['put', 'transact', 'acquire', 'renew', 'release'] as const;

export type StateMutant = (state: State) => State;

export class Instance {
  readonly host: Host;
  /** Settles, as a rejection, when the process dies. */
  readonly died: Promise<never>;
  dead = false;
  private readonly world: OpenWorld;
  private readonly overseer: Overseer;
  private readonly aborted = new AbortController();
  private readonly die: (error: Error) => void;
  /** Calls of a dead process: never answered until it is buried, and then only so that nothing of it stays open. */
  private readonly hanging: ((error: Error) => void)[] = [];
  private buried = false;

  constructor(world: OpenWorld, overseer: Overseer, mutant: StateMutant = (state) => state) {
    this.world = world;
    this.overseer = overseer;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.died = promise;
    this.die = reject;
    const log = (message: string, fields: object): void => overseer.told({ message, ...fields });
    this.host = {
      config: world.config,
      env: world.env,
      deps: {
        clock: world.clock,
        random: realRandom,
        // Sleeps longer than a function waits, so that every wait is left to the next delivery.
        sleep: (milliseconds) => world.elapse(Math.max(milliseconds, 1_001), false),
      },
      log: { info: log, warn: log, error: log },
      signal: this.aborted.signal,
      gate: this.gate(),
      openState: async () =>
        this.watched(mutant(await openState(world.config.state, { clock: world.clock, random: realRandom }))),
      measure: (measurement) => overseer.told(measurement),
    };
  }

  /** From here on no call of it is answered. */
  crash(): Promise<never> {
    this.dead = true;
    this.die(new Error('the process died'));
    return this.hang();
  }

  bury(): void {
    this.dead = true;
    this.buried = true;
    this.aborted.abort();
    for (const end of this.hanging.splice(0)) end(new Error('buried'));
  }

  private hang(): Promise<never> {
    if (this.buried) return Promise.reject(new Error('buried'));
    return new Promise((_resolve, reject) => void this.hanging.push(reject));
  }

  private async read<T>(perform: () => Promise<T>): Promise<T> {
    if (this.dead) return this.hang();
    const result = await perform();
    return this.dead ? this.hang() : result;
  }

  private async effect<T>(name: string, port: Port, perform: () => Promise<T>): Promise<T> {
    if (this.dead) return this.hang();
    const fate = await this.overseer.before(this, name, port);
    if (this.dead || fate?.crash === 'before') return this.crash();
    if (fate?.instead !== undefined) throw fate.instead;
    const made = await this.overseer.floor
      .take(async () => {
        if (this.dead) return this.hang();
        try {
          return { result: await perform() };
        } catch (error) {
          return { error };
        } finally {
          if (!this.dead) {
            this.world.changes.mark(port);
            await this.overseer.after(name, port);
          }
        }
      }, this.died)
      .catch(() => this.hang());
    if (this.dead || fate?.crash === 'after') return this.crash();
    if ('error' in made) throw made.error;
    if (fate?.after !== undefined) throw fate.after;
    return made.result;
  }

  private gate(): Gate {
    return {
      rehearsing: false,
      run: (call, perform) => (call.kind === 'effect' ? this.effect(call.text, call.port, perform) : this.read(perform)),
    };
  }

  private watched(state: State): State {
    const watched: Record<string, unknown> = {};
    for (const name of STATE_EFFECTS) {
      const method = state[name].bind(state) as (...args: unknown[]) => Promise<unknown>;
      watched[name] = (...args: unknown[]) => this.effect(`state.${name}`, 'state', () => method(...args));
    }
    const reads = {
      installation: () => this.read(() => state.installation()),
      get: <T>(key: string) => this.read(() => state.get<T>(key)),
      getMany: <T>(keys: readonly string[]) => this.read(() => state.getMany<T>(keys)),
    };
    return { ...state, ...reads, ...watched };
  }
}
