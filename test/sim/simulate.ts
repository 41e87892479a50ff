/**
 * The simulator: the real engine on virtual time, with store, state, target, clocks, workers, consumers and an operator from one seed, in one
 * process and without waiting. The model is FoundationDB's simulation and TigerBeetle's VOPR.
 */
import { createHash } from 'node:crypto';
import type { AdvanceResult, Op, RotationPolicy } from '../../shared/rotation/index.ts';
import { Choices } from './choices.ts';
import { Ledger, Violation } from './ledger.ts';
import type { Mutant } from './mutants.ts';
import { consume, editByHand, setFresh } from './people.ts';
import { Queue } from './queue.ts';
import { Run } from './run.ts';
import { CALM, CHECK, CYCLE, CYCLES_A_YEAR, EPOCH, HOUR, MINUTE, scenarioOf, SECOND, type Scenario } from './scenario.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly cycles: number;
  /** Begins here instead of at cycle 0: the choices of a cycle do not depend on earlier ones. */
  readonly fromCycle?: number;
  /** Names of the only injections that may happen. */
  readonly only?: ReadonlySet<string>;
  readonly mutant?: Mutant;
  /** Changes what the seed says. */
  readonly scenario?: Partial<Scenario>;
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
  readonly mutant: Mutant | undefined;
  policy: RotationPolicy;
  calls = 0;
  cycle = 0;
  private rotated = 0;
  private readonly options: SimulationOptions;
  private readonly digest = createHash('sha256');
  private buffer: string[] = [];
  private due = false;
  private callsInCycle = 0;
  private runsInCycle = 0;
  private acts: { at: number; act: () => void }[] = [];
  private late = { apply: 0, retire: 0 };
  private editedAt = 0;
  private closed: string | undefined;
  private sweeps = 0;
  private sweeping = -1;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.choices = new Choices(options.seed, options.only);
    this.mutant = options.mutant;
    this.world = new World({ ...scenarioOf(this.choices), ...options.scenario });
    this.ledger = new Ledger(this.world);
    this.policy = { ...this.world.scenario.policy, readLag: this.world.scenario.readLag, blackouts: [] };
  }

  get calm(): boolean {
    return this.world.now >= this.cycleStart + CALM;
  }

  private get cycleStart(): number {
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
      rotations: this.rotated,
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
    this.sweeps = 0;
    this.runsInCycle = 0;
    this.due = true;
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
    this.acts.sort((a, b) => a.at - b.at);
    this.tell(`cycle ${cycle} begins`);
    queue.add(cycleStart + 1 + choices.below(HOUR, 'cycle', cycle), () => this.invoke(true));
    this.sweep(cycle);
    queue.add(cycleStart + CALM, () => {
      this.tell('calm');
      this.world.target.endSessions();
      this.acts = [];
    });
  }

  /** A timer that looks whether anything is unfinished, as every host has one; the way on after a crash. */
  private sweep(cycle: number): void {
    this.sweeping = cycle;
    const count = (this.sweeps += 1);
    const pause = (20 + this.choices.below(20, 'sweep', cycle, count)) * MINUTE * (this.calm ? 12 : 1);
    this.queue.add(Math.max(this.world.now, this.cycleStart + HOUR) + pause, () => {
      if (this.cycle !== cycle) return;
      const record = this.world.journal()?.rotation;
      const open = record !== undefined && record.phase !== 'closed';
      if (!open && !this.due) {
        this.sweeping = -1;
        return;
      }
      if (record?.hold !== undefined && open) this.attend(record.hold.code, count);
      this.invoke(false);
      this.sweep(cycle);
    });
  }

  /** The operator looks at a held rotation now and then; in calm times always. */
  private attend(hold: string, count: number): void {
    if (!this.calm && this.choices.unit('resume', this.cycle, count) > 0.3) return;
    if (hold === 'edited') {
      const current = this.world.labelled('current');
      if (current !== undefined && !this.world.target.accepts(current.value)) {
        const done = setFresh(this, current.value, `${this.cycle}.r${count}`);
        if (done !== undefined) this.acted(done);
      }
    }
    this.tell('operator resumes');
    this.invoke(false, true);
  }

  private operate(index: number): void {
    const done = editByHand(this, this.choices.unit('operator-kind', this.cycle, index), `${this.cycle}.${index}`);
    if (done !== undefined) this.acted(done);
  }

  private acted(done: string): void {
    this.editedAt = this.world.now;
    this.tell(`operator ${done}`);
    this.ledger.check();
  }

  /** One request to advance, which may be delivered twice: to another worker, or again to the same process. */
  private invoke(first: boolean, resume = false): void {
    const { choices, cycle } = this;
    const id = cycle * 10_000 + (this.runsInCycle += 1);
    const worker = choices.below(this.world.scenario.workers.length, 'worker', id);
    this.deliver(id, worker, `w${worker}/${id}`, resume);
    if (this.calm || choices.unit('duplicate', id) >= this.world.scenario.duplicates) return;
    if (!choices.inject('duplicate', id)) return;
    const again = id + 5000;
    const same = choices.unit('duplicate', id, 1) < 0.3;
    const other = same ? worker : (worker + 1) % this.world.scenario.workers.length;
    const delay = Math.floor(choices.unit('duplicate', id, 2) ** 2 * (first ? 2 : 60) * SECOND);
    this.tell(`duplicate of #${id} follows`);
    this.queue.add(this.world.now + delay, () => this.deliver(again, other, same ? `w${worker}/${id}` : `w${other}/${again}`, resume));
  }

  private deliver(id: number, worker: number, holder: string, resume: boolean): void {
    const { cycle } = this;
    const retryAt = this.world.journal()?.retryAt ?? 0;
    const start = this.due && this.world.workerNow(worker) >= retryAt;
    const run: Run = new Run(this, id, worker, holder, { start, reason: 'simulated', resume }, (result) => this.ended(cycle, worker, result));
    this.runs.add(run);
    run.start();
  }

  private ended(cycle: number, worker: number, result: AdvanceResult | undefined): void {
    if (result === undefined) return;
    this.tell(`w${worker} ends: ${result.status}`);
    if (result.error?.code === 'ERR_INTERNAL') throw new Violation('internal-error', 'advance met an error that is not its own');
    const count = this.callsInCycle;
    const attended = result.status === 'held' && !this.calm && this.choices.unit('resume', this.cycle, -count) < 0.2;
    if (attended && this.choices.inject('resume', this.cycle, count)) {
      // Somebody is watching and acts within minutes.
      this.queue.add(this.world.now + this.choices.below(10 * MINUTE, 'resume', -this.cycle, count), () => {
        this.tell('operator resumes at once');
        this.invoke(false, true);
      });
    }
    if (result.resumeAt === undefined || result.status === 'busy' || cycle !== this.cycle) return;
    const skew = this.world.workerNow(worker) - this.world.now;
    const at = Math.max(this.world.now + 1, result.resumeAt - skew);
    if (at > this.cycleStart + CHECK) return;
    this.queue.add(at, () => {
      if (this.cycle === cycle) this.invoke(false);
    });
  }

  /** After every call: the invariants, and whatever the operator and consumers do at this very instant. */
  afterCall(): void {
    this.calls += 1;
    this.callsInCycle += 1;
    this.ledger.check();
    const record = this.world.journal()?.rotation;
    if (record !== undefined && record.phase !== 'closed' && this.sweeping !== this.cycle) this.sweep(this.cycle);
    if (record?.phase === 'closed' && record.rotationId !== this.closed) {
      this.closed = record.rotationId;
      if (record.outcome === 'rotated') {
        this.rotated += 1;
        this.due = false;
      }
    }
    while ((this.acts[0]?.at ?? Number.POSITIVE_INFINITY) <= this.callsInCycle) this.acts.shift()?.act();
  }

  lateEffect(run: Run, op: Op, delay: number): void {
    const kind = op.method === 'apply' || op.method === 'retire' ? op.method : undefined;
    if (kind !== undefined) this.late[kind] += 1;
    this.queue.add(this.world.now + delay, () => {
      if (kind !== undefined) this.late[kind] -= 1;
      this.tell(`w${run.worker}#${run.id} ${op.port}.${op.method} lands late`);
      run.make(op);
    });
  }

  /** May a person edit now, or does some engine stand between its look and the effect that rests on it? */
  inWindow(kind: 'apply' | 'retire'): boolean {
    if (this.late[kind] > 0) return true;
    for (const run of this.runs) if (run.window === kind) return true;
    return false;
  }

  /** Each read of the store lags by chance, but a look on which a destructive effect rests is not from before the last edit by hand. */
  lagFor(run: Run, op: Op): void {
    const { readLag } = this.world.scenario;
    if (readLag === 0 || op.port !== 'store') return;
    const lag = this.choices.below(readLag + 1, 'lag', run.id, this.calls);
    const guarded = (op.method === 'read' && op.args[1] === 'current') || op.method === 'describe';
    const limit = guarded ? Math.min(lag, Math.max(0, this.world.now - this.editedAt)) : lag;
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

export function simulate(options: SimulationOptions): SimulationResult {
  return new Simulation(options).run();
}

export const cyclesOf = (years: number): number => Math.ceil(years * CYCLES_A_YEAR);
