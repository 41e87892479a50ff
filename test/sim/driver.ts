/** What drives the engine in a simulation, as timers, queues and people do: when it is asked to advance, by whom, and how often. */
import type { AdvanceResult } from '../../shared/rotation/index.ts';
import { Violation } from './ledger.ts';
import { Run } from './run.ts';
import { CHECK, HOUR, MINUTE, SECOND } from './scenario.ts';
import type { Simulation } from './simulate.ts';

export class Driver {
  rotated = 0;
  private readonly sim: Simulation;
  private due = false;
  private runsInCycle = 0;
  private sweeps = 0;
  private sweeping = -1;
  private wakeAt = 0;
  private begun: string | undefined;
  private closed: string | undefined;

  constructor(sim: Simulation) {
    this.sim = sim;
  }

  /** A rotation is due; it is asked for within the hour, and a timer looks after it. */
  beginCycle(): void {
    const { sim } = this;
    this.sweeps = 0;
    this.runsInCycle = 0;
    this.due = true;
    sim.queue.add(sim.cycleStart + 1 + sim.choices.below(HOUR, 'cycle', sim.cycle), () => this.invoke(true));
    this.sweep(sim.cycle);
  }

  /** A timer that looks whether anything is unfinished, as every host has one; the way on after a crash. */
  sweep(cycle: number): void {
    this.sweeping = cycle;
    const count = (this.sweeps += 1);
    const pause = (20 + this.sim.choices.below(20, 'sweep', cycle, count)) * MINUTE * (this.sim.calm ? 12 : 1);
    this.sim.queue.add(Math.max(this.sim.world.now, this.sim.cycleStart + HOUR) + pause, () => {
      if (this.sim.cycle !== cycle) return;
      const record = this.sim.world.journal()?.rotation;
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
    if (!this.sim.calm && this.sim.choices.unit('resume', this.sim.cycle, count) > 0.3) return;
    if (hold === 'edited') {
      const current = this.sim.world.labelled('current');
      if (current !== undefined && !this.sim.world.target.accepts(current.value)) {
        this.sim.edit('fresh', `${this.sim.cycle}.r${count}`);
      }
    }
    this.sim.tell('operator resumes');
    this.invoke(false, true);
  }

  /** One request to advance, which may be delivered twice: to another worker, or again to the same process. */
  invoke(first: boolean, resume = false): void {
    const { choices, cycle } = this.sim;
    const id = cycle * 10_000 + (this.runsInCycle += 1);
    const worker = choices.below(this.sim.world.scenario.workers.length, 'worker', id);
    this.deliver(id, worker, `w${worker}/${id}`, resume);
    if (this.sim.calm || choices.unit('duplicate', id) >= this.sim.world.scenario.duplicates) return;
    if (!choices.inject('duplicate', id)) return;
    const again = id + 5000;
    const same = choices.unit('duplicate', id, 1) < 0.3;
    const other = same ? worker : (worker + 1) % this.sim.world.scenario.workers.length;
    const delay = Math.floor(choices.unit('duplicate', id, 2) ** 2 * (first ? 2 : 60) * SECOND);
    this.sim.tell(`duplicate of #${id} follows`);
    this.sim.queue.add(this.sim.world.now + delay, () =>
      this.deliver(again, other, same ? `w${worker}/${id}` : `w${other}/${again}`, resume),
    );
  }

  private deliver(id: number, worker: number, holder: string, resume: boolean): void {
    const { cycle } = this.sim;
    const retryAt = this.sim.world.journal()?.retryAt ?? 0;
    const last = this.sim.world.journal()?.rotation;
    // Whoever asks for a new rotation has seen that none is open, as every driver does.
    const start = this.due && (last === undefined || last.phase === 'closed') && this.sim.world.workerNow(worker) >= retryAt;
    const after = last?.rotationId ?? null;
    const run: Run = new Run(this.sim, id, worker, holder, { start, after, reason: 'simulated', resume }, (result) =>
      this.ended(cycle, worker, result),
    );
    this.sim.runs.add(run);
    run.start();
  }

  private ended(cycle: number, worker: number, result: AdvanceResult | undefined): void {
    if (result === undefined) return;
    this.sim.tell(`w${worker} ends: ${result.status}`);
    if (result.error?.code === 'ERR_INTERNAL') throw new Violation('internal-error', 'advance met an error that is not its own');
    const count = this.sim.callsInCycle;
    const attended = result.status === 'held' && !this.sim.calm && this.sim.choices.unit('resume', this.sim.cycle, -count) < 0.2;
    if (attended && this.sim.choices.inject('resume', this.sim.cycle, count)) {
      // Somebody is watching and acts within minutes.
      this.sim.queue.add(this.sim.world.now + this.sim.choices.below(10 * MINUTE, 'resume', -this.sim.cycle, count), () => {
        this.sim.tell('operator resumes at once');
        this.invoke(false, true);
      });
    }
    if (result.resumeAt === undefined || result.status === 'busy' || cycle !== this.sim.cycle) return;
    const skew = this.sim.world.workerNow(worker) - this.sim.world.now;
    const at = Math.max(this.sim.world.now + 1, result.resumeAt - skew);
    // One timer for the secret, as every driver keeps one; it is set to the earliest time that it was told.
    if (at > this.sim.cycleStart + CHECK || (this.wakeAt > this.sim.world.now && this.wakeAt <= at)) return;
    this.wakeAt = at;
    this.sim.queue.add(at, () => {
      if (this.wakeAt !== at) return;
      this.wakeAt = 0;
      this.invoke(false);
    });
  }

  /** What a driver learns from the journal: whether a rotation is open, and whether it is still due. */
  notice(): void {
    const record = this.sim.world.journal()?.rotation;
    if (record !== undefined && record.phase !== 'closed' && this.sweeping !== this.sim.cycle) this.sweep(this.sim.cycle);
    if (record !== undefined && record.rotationId !== this.begun) {
      this.begun = record.rotationId;
      if (!this.due) throw new Violation('unasked', `${record.rotationId} began, and nobody asked for it any more`);
    }
    if (record?.phase === 'closed' && record.rotationId !== this.closed) {
      this.closed = record.rotationId;
      this.sim.ledger.tidy();
      if (record.outcome === 'rotated') {
        this.rotated += 1;
        this.due = false;
      }
    }
  }
}
