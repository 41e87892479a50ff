/**
 * The simulator: the real engine on virtual time, with store, state, target, clocks, workers, consumers and an operator from one seed, in one
 * process and without waiting. The model is FoundationDB's simulation and TigerBeetle's VOPR.
 */
import { createHash } from 'node:crypto';
import type { Op, RotationPolicy } from '../../shared/rotation/index.ts';
import { Choices } from './choices.ts';
import { Driver } from './driver.ts';
import { Ledger, Violation } from './ledger.ts';
import type { Mutant } from './mutants.ts';
import { consume, editWorld, keepConnected, type Edit } from './people.ts';
import { Queue } from './queue.ts';
import type { Run } from './run.ts';
import { CALM, CHECK, CYCLE, CYCLES_A_YEAR, EPOCH, HOUR, scenarioOf, type Scenario } from './scenario.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly cycles: number;
  /** Begins here instead of at cycle 0: the choices of a cycle do not depend on earlier ones. */
  readonly fromCycle?: number;
  /** Names of the only injections that may happen. */
  readonly only?: ReadonlySet<string>;
  readonly mutant?: Mutant;
  /** Instead of the one that the seed chooses. */
  readonly strategy?: Scenario['strategy'];
  /** Told of every line of the history. */
  readonly trace?: (line: string) => void;
  readonly onCycle?: (cycle: number) => void;
}

export interface SimulationResult {
  readonly seed: number;
  readonly scenario: Scenario;
  /** Of the whole history; equal for equal seeds. */
  readonly digest: string;
  readonly cycles: number;
  readonly calls: number;
  readonly rotations: number;
  readonly injected: readonly string[];
  readonly violation?: { readonly code: string; readonly message: string; readonly cycle: number };
}

export class Simulation {
  readonly choices: Choices;
  readonly world: World;
  readonly ledger: Ledger;
  readonly queue = new Queue();
  readonly runs = new Set<Run>();
  readonly driver = new Driver(this);
  readonly mutant: Mutant | undefined;
  policy: RotationPolicy;
  calls = 0;
  cycle = 0;
  private readonly options: SimulationOptions;
  private readonly digest = createHash('sha256');
  private buffer: string[] = [];
  callsInCycle = 0;
  private acts: { at: number; act: () => void }[] = [];
  private late = { apply: 0, retire: 0 };
  private editedAt = 0;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.choices = new Choices(options.seed, options.only);
    this.mutant = options.mutant;
    this.world = new World(scenarioOf(this.choices, options.strategy));
    this.ledger = new Ledger(this.world);
    this.policy = { ...this.world.scenario.policy, readLag: this.world.scenario.readLag, blackouts: [] };
  }

  get calm(): boolean {
    return this.world.now >= this.cycleStart + CALM;
  }

  get cycleStart(): number {
    return EPOCH + (this.cycle + 1) * CYCLE;
  }

  run(): SimulationResult {
    const { options } = this;
    const first = options.fromCycle ?? 0;
    let violation: SimulationResult['violation'];
    try {
      this.ledger.check();
      for (this.cycle = first; this.cycle < options.cycles; this.cycle += 1) {
        this.beginCycle();
        this.runUntil(this.cycleStart + CHECK);
        this.ledger.settled(this.cycle);
        options.onCycle?.(this.cycle);
      }
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      violation = { code: error.code, message: error.message, cycle: this.cycle };
      this.tell(`VIOLATION ${error.code}: ${error.message}`);
    }
    this.flush();
    return {
      seed: options.seed,
      scenario: this.world.scenario,
      digest: this.digest.digest('hex'),
      cycles: this.cycle - first,
      calls: this.calls,
      rotations: this.driver.rotated,
      injected: this.choices.injected,
      ...(violation === undefined ? {} : { violation }),
    };
  }

  private runUntil(end: number): void {
    while (this.queue.nextAt <= end) {
      const entry = this.queue.take();
      if (entry === undefined) break;
      // A run that had nothing else to wait for may have carried the clock past this already.
      this.world.now = Math.max(this.world.now, entry.at);
      this.ledger.check();
      entry.run();
      this.ledger.check();
    }
    this.world.now = Math.max(this.world.now, end);
    this.ledger.check();
  }

  private beginCycle(): void {
    const { choices, cycle, queue, cycleStart } = this;
    const { scenario } = this.world;
    this.world.now = Math.max(this.world.now, cycleStart);
    this.callsInCycle = 0;
    const from = cycleStart + Math.floor(choices.unit('blackout', cycle, 1) * 4 * HOUR);
    const blackout = choices.unit('blackout', cycle) < scenario.blackouts && choices.inject('blackout', cycle);
    this.policy = { ...this.policy, blackouts: blackout ? [{ from, to: from + 6 * HOUR }] : [] };
    this.acts = [];
    for (let index = 0; index < 2; index += 1) {
      if (choices.unit('operator', cycle, index) >= scenario.handEdits || !choices.inject('operator', cycle, index)) continue;
      const at = choices.below(140, 'operator-when', cycle, index);
      this.acts.push({ at, act: () => this.operate(index) });
    }
    for (let index = 0; index < scenario.logins; index += 1) {
      if (!choices.inject('consumer', cycle, index)) continue;
      const unit = choices.unit('consumer-when', cycle, index);
      if (unit < 0.5) this.acts.push({ at: Math.floor(unit * 280), act: () => consume(this, cycle, index) });
      else queue.add(cycleStart + Math.floor((unit - 0.5) ** 2 * 16 * HOUR), () => consume(this, cycle, index));
    }
    if (scenario.logins > 3) keepConnected(this, cycle);
    this.acts.sort((a, b) => a.at - b.at);
    this.tell(`cycle ${cycle} begins`);
    this.driver.beginCycle();
    queue.add(cycleStart + CALM, () => {
      this.tell('calm');
      this.acts = [];
      this.world.target.endSessions();
      keepConnected(this, cycle);
    });
  }

  private operate(index: number): void {
    const unit = this.choices.unit('operator-kind', this.cycle, index);
    this.edit(unit < 0.4 ? 'fresh' : unit < 0.7 ? 'field' : 'back', `${this.cycle}.${index}`);
  }

  edit(edit: Edit, name: string): void {
    const done = editWorld(this, edit, name);
    if (done === undefined) return;
    this.editedAt = this.world.now;
    this.tell(`operator ${done}`);
    this.ledger.check();
  }

  /** After every call: the invariants, and whatever the operator and consumers do at this very instant. */
  afterCall(op: Op): void {
    this.calls += 1;
    this.callsInCycle += 1;
    this.ledger.check();
    if (op.method === 'transact') this.driver.notice();
    while ((this.acts[0]?.at ?? Number.POSITIVE_INFINITY) <= this.callsInCycle) this.acts.shift()?.act();
  }

  lateEffect(run: Run, op: Op, delay: number): void {
    const kind = op.method === 'apply' || op.method === 'retire' ? op.method : undefined;
    if (kind !== undefined) this.late[kind] += 1;
    this.queue.add(this.world.now + delay, () => {
      if (kind !== undefined) this.late[kind] -= 1;
      this.tell(`w${run.worker}#${run.id} ${op.port}.${op.method} lands late`);
      run.make(op);
      this.driver.notice();
    });
  }

  /** May a person edit now, or does some engine stand between its look and the effect that rests on it? */
  readonly inWindow = (kind: 'apply' | 'retire'): boolean => {
    if (this.late[kind] > 0) return true;
    for (const run of this.runs) if (run.window === kind) return true;
    return false;
  };

  /**
   * Each look at the store lags by chance. Only a look on which a destructive effect rests is not from before the last edit by hand: that is
   * the instant which nothing but a lock in the store could close, and a lag makes it longer.
   */
  lagFor(decisive: boolean, run: number, call: number): void {
    const { readLag } = this.world.scenario;
    if (readLag === 0) return;
    const lag = this.choices.below(readLag + 1, 'lag', run, call);
    const limit = decisive ? Math.min(lag, Math.max(0, this.world.now - this.editedAt)) : lag;
    this.world.store.lag = () => limit;
  }

  tell(line: string): void {
    const text = `${this.world.now - EPOCH} ${line}`;
    this.buffer.push(text);
    if (this.buffer.length >= 512) this.flush();
    this.options.trace?.(text);
  }

  private flush(): void {
    this.digest.update(`${this.buffer.join('\n')}\n`);
    this.buffer = [];
  }
}

/** Runs a simulation to its end or to the first invariant that does not hold. */
export function simulate(options: SimulationOptions): SimulationResult {
  // Errors are ordinary here, by the thousand; nobody reads where they were made.
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return new Simulation(options).run();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

export const cyclesOf = (years: number): number => Math.ceil(years * CYCLES_A_YEAR);
