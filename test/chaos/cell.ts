/** One cell of the matrix: one rotation, one fault at one effect, run until it has converged, watched at every effect. */
import type { AdvanceRequest, Op } from '../../shared/rotation/index.ts';
import type { SecretState, SecretValue, SecretVersion } from '../../shared/stores/index.ts';
import { isEffect, nameOf, Run, runToEnd, type Ending, type Fate, type Hooks, type Worker } from './drive.ts';
import type { Mutant } from './mutants.ts';
import { Watcher } from './watcher.ts';
import type { Strategy, World } from './world.ts';

export interface Scenario {
  readonly name: string;
  readonly strategy: Strategy;
  /** A person edits `current` just before the first call of this name. */
  readonly editBefore?: string;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'dual-account', strategy: 'dual-account' },
  { name: 'in-place', strategy: 'in-place' },
  { name: 'withdraw', strategy: 'dual-account', editBefore: 'store.publish' },
];

/** More places for the edit. In place it leaves `current` dead until the person mends it. */
export const EDITS: readonly Scenario[] = [
  { name: 'withdraw unstaged', strategy: 'dual-account', editBefore: 'store.stage' },
  { name: 'withdraw staged', strategy: 'dual-account', editBefore: 'target.apply' },
  { name: 'withdraw in-place staged', strategy: 'in-place', editBefore: 'target.apply' },
  { name: 'withdraw in-place applied', strategy: 'in-place', editBefore: 'store.publish' },
  { name: 'edit in grace', strategy: 'dual-account', editBefore: 'target.fence' },
];

/** Where a provider makes the material. */
export const KEYS: readonly Scenario[] = [
  { name: 'overlap', strategy: 'overlap' },
  { name: 'overlap withdraw', strategy: 'overlap', editBefore: 'store.publish' },
];

export const KEY_EDITS: readonly Scenario[] = [
  { name: 'overlap withdraw unminted', strategy: 'overlap', editBefore: 'target.mint' },
  { name: 'overlap withdraw unstaged', strategy: 'overlap', editBefore: 'store.stage' },
  { name: 'overlap edit before the end', strategy: 'overlap', editBefore: 'target.retire' },
];

/** Befalls the primary worker just before one of its effects. */
export type Fault = (cell: Cell, op: Op) => Promise<Fate | undefined>;

export interface Plan {
  readonly scenario: Scenario;
  readonly at: number;
  readonly fault: Fault;
  readonly mutant?: Mutant;
  /** Sets the clock of the first worker wrong by this much. */
  readonly skew?: number;
  /** Rotates once more, without a fault, from where the faulty rotation ended. */
  readonly afterwards?: boolean;
}

interface Stale {
  readonly until: number;
  readonly state: SecretState;
  readonly versions: ReadonlyMap<string, SecretVersion>;
}

const MOST_TURNS = 200;

export class Cell {
  readonly world: World;
  readonly watcher: Watcher;
  /** Names of the primary's effects, in order. */
  readonly effects: string[] = [];
  /** Who goes on from here. */
  worker: Worker;
  /** Called after each call of the primary, and when its turn has ended. */
  alongside: ((ended: boolean) => Promise<void>) | undefined;
  /** Delivered once more when the present turn has ended. */
  again: (() => Promise<void>) | undefined;
  private readonly plan: Plan;
  private workers = 0;
  private stale: Stale | undefined;
  private throttled: { name: string; times: number; error: Error } | undefined;

  constructor(world: World, plan: Plan) {
    this.world = world;
    this.plan = plan;
    this.watcher = new Watcher(world);
    this.worker = this.another(plan.skew ?? 0);
  }

  another(skew = 0): Worker {
    this.workers += 1;
    return { holder: `w${this.workers}`, skew };
  }

  async run(): Promise<Watcher> {
    await this.watcher.check();
    await this.converge(
      () => this.worker,
      this.primary(),
      async (run) => {
        const ending = await runToEnd(run);
        await this.alongside?.(true);
        const again = this.again;
        this.again = undefined;
        await again?.();
        return ending;
      },
    );
    await this.end();
    if (this.plan.afterwards === true) await this.rotateAgain();
    return this.watcher;
  }

  /** A replica may still show what is over at the primary. */
  private async end(): Promise<void> {
    if (this.world.facts.endpoints.length > 1) await this.world.elapse(this.world.facts.capability.propagation.max, true);
    await this.watcher.converged();
  }

  /** Whatever befell the last rotation, the next one ends as it should. */
  private async rotateAgain(): Promise<void> {
    const before = this.watcher.rotations.size;
    await this.world.elapse(this.world.policy.leaseTtl + this.world.policy.readLag, false);
    const worker = this.another();
    const hooks = this.bystander();
    this.told(await runToEnd(await this.start(worker, hooks, true)));
    await this.converge(() => worker, hooks);
    await this.end();
    const { journal } = await this.world.look();
    if (journal?.rotation?.outcome !== 'rotated' || this.watcher.rotations.size !== before + 1) {
      this.watcher.violated('the next rotation did not end as it should');
    }
  }

  /** One delivery of `advance` by another worker, to its end. */
  async deliver(worker: Worker): Promise<Ending> {
    return this.told(await runToEnd(await this.start(worker)));
  }

  /** `anew`: may begin another rotation after one that is closed, as the next event of a schedule does. */
  async start(worker: Worker, hooks: Hooks = this.bystander(), anew = false): Promise<Run> {
    const look = await this.world.look();
    return new Run(this.world, worker, { ...REQUEST, start: anew || look.journal?.rotation === undefined }, hooks);
  }

  /** Delivers again and again, each time when the last delivery said to, until the rotation is closed. */
  async converge(who: () => Worker, hooks = this.bystander(), through: (run: Run) => Promise<Ending> = runToEnd): Promise<void> {
    let last = '';
    for (let turns = 0; turns < MOST_TURNS; turns += 1) {
      const worker = who();
      const ending = this.told(await through(await this.start(worker, hooks)));
      if (ending === 'crashed') {
        if (this.worker === worker) this.worker = this.another(worker.skew);
        continue;
      }
      // A start that was delivered twice may have begun the next rotation already: that one is brought to its end too.
      if ((ending.status === 'closed' || ending.status === 'idle') && (await this.closed())) return;
      const { status, error, rotation } = ending;
      last = `${status} in ${rotation?.phase ?? 'no phase'}: ${(rotation?.hold ?? error ?? rotation?.failure)?.message ?? 'no reason'}`;
      if (ending.status === 'held') await this.mend(ending.rotation?.hold?.code);
      const now = this.world.now() + worker.skew;
      const wait = ending.resumeAt === undefined ? this.world.policy.leaseTtl / 3 : Math.max(1, ending.resumeAt - now);
      await this.world.elapse(wait, ending.rotation?.phase === 'grace');
    }
    this.watcher.violated(`not converged after ${MOST_TURNS} turns, ${last}`);
  }

  private async closed(): Promise<boolean> {
    return (await this.world.look()).journal?.rotation?.phase === 'closed';
  }

  told(ending: Ending): Ending {
    if (ending !== 'crashed') this.watcher.result(ending);
    return ending;
  }

  /** In place an edit that does not authenticate needs the person again: they write the value that works. */
  private async mend(code: string | undefined): Promise<void> {
    const { pending } = await this.world.look();
    if (code !== 'edited' || pending === undefined) return;
    await this.world.edit({ ...pending.value, note: 'by hand' });
  }

  /** From now until the store's read lag has passed, readers are shown the store as it is now. */
  async freeze(): Promise<void> {
    const { state, current, previous, pending } = await this.world.look();
    const versions = [current, previous, pending].filter((each) => each !== undefined);
    this.stale = {
      until: this.world.now() + this.world.policy.readLag,
      state,
      versions: new Map(versions.map((each) => [each.id, each])),
    };
  }

  throttle(op: Op, times: number, error: Error): void {
    this.throttled = { name: nameOf(op), times, error };
  }

  private primary(): Hooks {
    const bystander = this.bystander();
    return {
      ...bystander,
      before: async (op) => {
        const fate = await bystander.before?.(op);
        if (fate !== undefined) return fate;
        this.effects.push(nameOf(op));
        return this.effects.length - 1 === this.plan.at ? this.plan.fault(this, op) : undefined;
      },
      after: async (op, error) => {
        await bystander.after?.(op, error);
        await this.alongside?.(false);
      },
    };
  }

  private bystander(): Hooks {
    return {
      before: async (op) => {
        await this.edit(op);
        const { throttled } = this;
        if (throttled === undefined || throttled.name !== nameOf(op)) return undefined;
        this.throttled = throttled.times > 1 ? { ...throttled, times: throttled.times - 1 } : undefined;
        return { instead: throttled.error };
      },
      call: async (op, perform) => {
        const mutant = this.plan.mutant;
        const lagging = this.lagging(op);
        if (lagging !== undefined) return lagging.shown;
        return mutant === undefined ? perform(op) : mutant(op, this.world, (each) => this.watched(op, each, perform));
      },
      after: (op, error) => this.watcher.after(op, error),
    };
  }

  /** What a deliberate bug does besides the engine's own call is looked at just as well. */
  private async watched(asked: Op, op: Op, perform: (op: Op) => unknown): Promise<unknown> {
    const result: unknown = await perform(op);
    if (nameOf(op) !== nameOf(asked)) await this.watcher.after(op, undefined);
    return result;
  }

  private lagging(op: Op): { readonly shown: unknown } | undefined {
    const { stale } = this;
    if (stale === undefined || op.port !== 'store' || isEffect(op) || this.world.now() >= stale.until) return undefined;
    if (op.method === 'describe') return { shown: stale.state };
    const at = op.args[1] as 'current' | 'pending' | 'previous' | { readonly version: string };
    const id = typeof at === 'string' ? stale.state.labels[at]?.id : at.version;
    return { shown: id === undefined ? undefined : stale.versions.get(id) };
  }

  private async edit(op: Op): Promise<void> {
    if (!this.watcher.edited && this.plan.scenario.editBefore === nameOf(op)) await this.editByHand();
  }

  /** A person changes something in `current` that does not touch the credential. */
  async editByHand(): Promise<void> {
    const { current } = await this.world.look();
    const value: SecretValue = { ...current.value, note: 'by hand' };
    await this.world.edit(value);
    this.watcher.edited = true;
  }
}

const REQUEST: Omit<AdvanceRequest, 'start'> = { reason: 'chaos', resume: false };
