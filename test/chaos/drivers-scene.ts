/** One cell of the drivers' matrix: what a host delivers for one rotation, one fault at one effect, until everything has converged. */
import { setTimeout as delay } from 'node:timers/promises';
import type { RotationRecord } from '../../shared/rotation/index.ts';
import type { OpenWorld } from './cloud-world.ts';
import type { Fate } from './drive.ts';
import { Floor, Instance, type Overseer, type Port, type StateMutant } from './drivers-instance.ts';
import { TICK, type Asked, type Delivery, type Driver } from './drivers.ts';
import { chance } from './matrix.ts';
import { Watcher } from './watcher.ts';

/** Befalls the primary just before one of its effects. */
export type DriverFault = (scene: Scene, name: string, port: Port) => Promise<Fate | undefined>;

export interface ScenePlan {
  readonly driver: Driver;
  readonly at: number;
  readonly fault: DriverFault;
  readonly seed: number;
  /** Delivers everything once in an order of its own before the host's. */
  readonly shuffled?: boolean;
  /** Deliberate bugs. */
  readonly mutant?: DriverMutant;
}

export interface DriverMutant {
  readonly delivery?: (delivery: Delivery, world: OpenWorld) => Delivery;
  readonly state?: StateMutant;
}

const TRIES = 12;
const MOST_TICKS = 60;
/** At the least between two ticks: the lease of one that died must run out meanwhile. */
const TICKING = 20_000;
/** Longer than every lease, also that under which Key Vault is written. */
const PAST_LEASES = 100_000;

export class Scene implements Overseer {
  readonly floor = new Floor();
  readonly world: OpenWorld;
  readonly watcher: Watcher;
  /** The primary's effects, in order. */
  readonly effects: string[] = [];
  /** What is being delivered. */
  present: Delivery = TICK;
  asked: Asked = { deliveries: [] };
  private readonly plan: ScenePlan;
  private readonly instances: Instance[] = [];
  private readonly running: Promise<unknown>[] = [];
  private readonly beside: Promise<unknown>[] = [];
  private readonly next: () => number;
  private readonly earlier = new Set<string>();
  private requests = 0;
  private primary: Instance | undefined;
  private log = '';

  constructor(world: OpenWorld, plan: ScenePlan) {
    this.world = world;
    this.plan = plan;
    this.watcher = new Watcher(world);
    this.next = chance(plan.seed);
  }

  /** What was violated. */
  async run(): Promise<readonly string[]> {
    try {
      await this.watcher.check();
      this.asked = await this.plan.driver.ask(this.world);
      if (this.plan.shuffled === true) await this.shuffled();
      for (const delivery of this.asked.deliveries) await this.until(delivery);
      await this.converge(true);
      await this.watcher.converged();
      await this.end();
      if (this.plan.driver.repeats !== true) await this.again();
    } finally {
      await this.bury();
    }
    this.watcher.noMaterial(this.log, 'the log');
    return this.watcher.violations;
  }

  /** Steps that come before those which they stand on: whatever they answer, nothing is lost. */
  private async shuffled(): Promise<void> {
    const order = this.asked.deliveries.map((each) => ({ each, at: this.next() })).toSorted((a, b) => a.at - b.at);
    for (const { each } of order) await this.attempt(each, true);
  }

  /** The host delivers again until it is told that all went well, or has tried often enough. */
  private async until(delivery: Delivery): Promise<void> {
    let last = '';
    for (let tries = 0; tries < TRIES; tries += 1) {
      const outcome = await this.attempt(delivery, true);
      if (outcome === 'done') return;
      last = outcome;
      await this.world.elapse(PAST_LEASES, false);
    }
    if (!this.watcher.edited) this.watcher.violated(`${delivery.name} did not go well in ${TRIES} tries, ${last}`);
  }

  /** One delivery to an instance of its own: `done`, or what it came to. */
  async attempt(given: Delivery, primary = false): Promise<string> {
    const delivery = this.plan.mutant?.delivery?.(given, this.world) ?? given;
    const instance = new Instance(this.world, this, this.plan.mutant?.state);
    this.instances.push(instance);
    if (primary) {
      this.present = given;
      this.primary = instance;
    }
    this.earlier.add(given.name);
    if (given !== TICK) this.requests += 1;
    const running = delivery.run(instance.host);
    this.running.push(running);
    let outcome = 'done';
    try {
      const result = await Promise.race([running, instance.died]);
      this.watcher.noMaterial(result, 'the answer');
      const wrong = await given.check?.(this.earlier);
      if (wrong !== undefined && !this.watcher.edited) this.watcher.violated(wrong);
    } catch (error) {
      outcome = instance.dead ? 'crashed' : `failed: ${(error as Error).message}`;
      this.watcher.noMaterial(outcome, 'the error');
    }
    if (primary) await Promise.all(this.beside.splice(0));
    return outcome;
  }

  /** Beside the primary's present delivery, turn by turn with it. */
  alongside(delivery: Delivery): void {
    this.beside.push(this.floor.outside(() => this.attempt(delivery)));
  }

  /** Ticks until the rotation is closed; others than the primary's only if one is open. */
  async converge(primary = false): Promise<void> {
    for (let turns = 0; turns < MOST_TICKS; turns += 1) {
      const rotation = (await this.world.look()).journal?.rotation;
      if (rotation?.phase === 'closed' || (rotation === undefined && !primary)) return;
      const wait = (rotation?.nextAt ?? 0) - this.world.now();
      await this.world.elapse(Math.max(TICKING, wait), rotation?.phase === 'grace');
      const outcome = await this.attempt(TICK, primary);
      if (outcome === 'crashed') await this.world.elapse(PAST_LEASES, false);
    }
    const { journal } = await this.world.look();
    const why = journal?.rotation?.hold ?? journal?.rotation?.failure ?? journal?.failure;
    this.watcher.violated(`not closed after ${MOST_TICKS} ticks, ${why?.message ?? 'no reason'}`);
  }

  async pastLeases(): Promise<void> {
    await this.world.elapse(PAST_LEASES, false);
  }

  async edit(): Promise<void> {
    const { current } = await this.world.look();
    await this.world.edit({ ...current.value, note: 'by hand' });
    this.watcher.edited = true;
  }

  private async end(): Promise<void> {
    const { rotations } = this.watcher;
    const most = this.plan.driver.repeats === true ? this.requests : 1;
    if (!this.watcher.edited && (rotations.size === 0 || rotations.size > most))
      this.watcher.violated(`one request began ${rotations.size} rotations`);
    const rotated = (await this.world.look()).journal?.rotation?.outcome === 'rotated';
    const wrong = rotated ? await this.asked.ended?.() : undefined;
    if (wrong !== undefined) this.watcher.violated(wrong);
  }

  /** Everything comes once more when all is over. */
  private async again(): Promise<void> {
    const before = await this.world.look();
    for (const delivery of [...this.asked.deliveries, TICK]) await this.attempt(delivery);
    const after = await this.world.look();
    const same = (record: RotationRecord | undefined): string => JSON.stringify(record);
    if (same(after.journal?.rotation) !== same(before.journal?.rotation))
      this.watcher.violated('a late duplicate changed the journal');
    if (after.current.id !== before.current.id) this.watcher.violated('a late duplicate changed current');
    if (after.pending?.id !== before.pending?.id) this.watcher.violated('a late duplicate staged something');
  }

  private async bury(): Promise<void> {
    for (const each of this.instances) each.bury();
    await Promise.allSettled([...this.running, ...this.beside]);
  }

  async before(instance: Instance, name: string, port: Port): Promise<Fate | undefined> {
    if (this.beside.length > 0) await delay(Math.floor(this.next() * 4));
    if (instance !== this.primary) return undefined;
    this.effects.push(name);
    return this.effects.length - 1 === this.plan.at ? this.plan.fault(this, name, port) : undefined;
  }

  async after(name: string): Promise<void> {
    this.watcher.where = name;
    await this.watcher.check();
  }

  told(line: unknown): void {
    this.log += `${JSON.stringify(line)}\n`;
  }
}
