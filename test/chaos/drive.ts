/** Drives one engine call by call, so that a fault can stand before or after any of its effects. */
import { advance, type AdvanceRequest, type AdvanceResult, type Engine, type Op } from '../../shared/rotation/index.ts';
import { perform } from '../../shared/rotation/interpret.ts';
import type { World } from './world.ts';

const EFFECTS = new Set([
  'state.acquire',
  'state.transact',
  'state.renew',
  'state.release',
  'store.stage',
  'store.publish',
  'store.discard',
  'target.apply',
  'target.mint',
  'target.fence',
  'target.retire',
]);

export const nameOf = (op: Op): string => `${op.port}.${op.method}`;
export const isEffect = (op: Op): boolean => EFFECTS.has(nameOf(op));

export interface Worker {
  readonly holder: string;
  /** Milliseconds by which its clock is ahead. */
  readonly skew: number;
}

/** What befalls one effect. An error given `instead` means that it did not happen; one given `after`, that only its answer was lost. */
export interface Fate {
  readonly crash?: 'before' | 'after';
  readonly instead?: Error;
  readonly after?: Error;
}

export interface Hooks {
  /** Asked before each effect; may let others act first. */
  before?(op: Op): Promise<Fate | undefined>;
  /** The bare call. Replaced by deliberate bugs and by lagging readers. */
  call?(op: Op, perform: (op: Op) => unknown): unknown;
  /** Told after each call that was made, with its error if it had one. */
  after?(op: Op, error: unknown): Promise<void>;
}

export type Ending = AdvanceResult | 'crashed';

export function begin(world: World, worker: Worker, request: AdvanceRequest): Engine<AdvanceResult> {
  return advance({ secret: world.secret, policy: world.policy, facts: world.facts, holder: worker.holder }, request);
}

/** A running call of `advance`: `step` does its next call, and gives its ending once it has one. */
export class Run {
  private readonly world: World;
  private readonly worker: Worker;
  private readonly hooks: Hooks;
  private readonly engine: Engine<AdvanceResult>;
  private next: IteratorResult<Op, AdvanceResult>;

  constructor(world: World, worker: Worker, request: AdvanceRequest, hooks: Hooks) {
    this.world = world;
    this.worker = worker;
    this.hooks = hooks;
    this.engine = begin(world, worker, request);
    this.next = this.engine.next();
  }

  /** The name of the call that comes next; undefined at the end. */
  get upcoming(): string | undefined {
    return this.next.done === true ? undefined : nameOf(this.next.value);
  }

  async step(): Promise<Ending | undefined> {
    if (this.next.done === true) return this.next.value;
    const op = this.next.value;
    const fate = isEffect(op) ? await this.hooks.before?.(op) : undefined;
    if (fate?.crash === 'before') return 'crashed';
    const outcome = fate?.instead === undefined ? await this.call(op) : { error: fate.instead };
    if (fate?.crash === 'after') return 'crashed';
    if ('error' in outcome) this.next = this.engine.throw(outcome.error);
    else if (fate?.after !== undefined) this.next = this.engine.throw(fate.after);
    else this.next = this.engine.next(outcome.result);
    return this.next.done === true ? this.next.value : undefined;
  }

  private async call(op: Op): Promise<{ result: unknown } | { error: unknown }> {
    const bare = (each: Op): unknown => perform(this.world.ports, each);
    let outcome: { result: unknown } | { error: unknown };
    this.world.skew(this.worker.skew);
    try {
      outcome = { result: await (this.hooks.call === undefined ? bare(op) : this.hooks.call(op, bare)) };
    } catch (error) {
      outcome = { error };
    }
    this.world.skew(0);
    await this.hooks.after?.(op, 'error' in outcome ? outcome.error : undefined);
    return outcome;
  }
}

export async function runToEnd(run: Run): Promise<Ending> {
  for (;;) {
    const ending = await run.step();
    if (ending !== undefined) return ending;
  }
}
