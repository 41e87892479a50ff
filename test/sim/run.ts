/** One call of `advance` by one worker, stepped call by call, with what may go wrong at each. */
import { advance, type AdvanceRequest, type AdvanceResult, type Engine, type Op } from '../../shared/rotation/index.ts';
import { perform } from '../../shared/rotation/interpret.ts';
import { KeywheelError } from '../../shared/errors.ts';
import { FAULTS, HOUR, DAY, MINUTE, SECOND, type Fault } from './scenario.ts';
import type { Simulation } from './simulate.ts';
import { SECRET } from './world.ts';

/** Calls that touch nothing shared: no fault and no interleaving there can be told from one beside it. */
const LOCAL = new Set(['clock', 'random']);
/** Calls that may end a credential. */
const EFFECTS = new Set(['apply', 'mint', 'retire']);
const PAUSES = [5 * SECOND, 2 * MINUTE, 20 * MINUTE, 3 * HOUR, 5 * DAY, 33 * DAY];

type Outcome = { readonly value: unknown } | { readonly error: unknown };

export class Run {
  readonly id: number;
  readonly worker: number;
  readonly holder: string;
  /** Between a look at the world and the effect that rests on it, where no edit by hand can be closed out without a lock. */
  window: 'none' | 'apply' | 'retire' = 'none';
  private readonly sim: Simulation;
  private readonly engine: Engine<AdvanceResult>;
  private readonly ports;
  private readonly finished: (result: AdvanceResult | undefined) => void;
  private op: Op | undefined;
  private made = 0;
  private drawn = false;
  private fenced = false;
  private ids = 0;

  constructor(
    sim: Simulation,
    id: number,
    worker: number,
    holder: string,
    request: AdvanceRequest,
    finished: (result: AdvanceResult | undefined) => void,
  ) {
    this.sim = sim;
    this.id = id;
    this.worker = worker;
    this.holder = holder;
    this.finished = finished;
    this.ports = sim.world.ports(worker, {
      rotationId: () => `r-${id}.${(this.ids += 1)}`,
      uniform: () => sim.choices.unit('uniform', id, this.made),
    });
    this.engine = advance(sim.world.context(holder, sim.policy), request);
  }

  start(): void {
    this.go({ value: undefined });
    this.later(1);
  }

  /** Gives the engine a result and takes its next shared call; local calls are made on the way. */
  private go(outcome: Outcome): void {
    let given = outcome;
    for (;;) {
      const step = 'error' in given ? this.engine.throw(given.error) : this.engine.next(given.value);
      if (step.done === true) return this.end(step.value);
      this.op = step.value;
      this.drawn = false;
      if (!LOCAL.has(step.value.port)) return;
      given = { value: perform(this.ports, step.value) };
    }
  }

  private end(result: AdvanceResult | undefined): void {
    this.op = undefined;
    this.window = 'none';
    this.sim.runs.delete(this);
    this.finished(result);
  }

  private crash(): void {
    this.sim.world.dead.add(this.holder);
    this.end(undefined);
  }

  private later(delay: number): void {
    if (this.op !== undefined) this.sim.queue.add(this.sim.world.now + delay, () => this.step());
  }

  private step(): void {
    for (;;) {
      const { op, sim } = this;
      if (op === undefined) return;
      this.made += 1;
      const fault = this.drawn ? undefined : this.fault(op);
      if (fault === 'pause-before') {
        this.drawn = true;
        this.made -= 1;
        this.tell(op, fault);
        return this.later(this.pause());
      }
      if (fault === 'crash-before') {
        this.tell(op, fault);
        return this.crash();
      }
      const wait = this.call(op, fault);
      if (this.op === undefined) return;
      const pace = wait ?? 1 + sim.choices.below(40, 'latency', this.id, this.made);
      // When nothing else is due before the next call, there is no need to go through the queue.
      if (sim.queue.nextAt <= sim.world.now + pace) return this.later(pace);
      sim.world.now += pace;
    }
  }

  /** Makes a call with its fault and gives the engine what it is to hear. Returns how long the worker stands still, when it does. */
  private call(op: Op, fault: Fault | undefined): number | undefined {
    const { sim } = this;
    let outcome: Outcome;
    let wait: number | undefined;
    if (fault === 'throttled' || fault === 'unreachable') outcome = refused(op, fault);
    else if (fault === 'late') {
      outcome = { error: timeout(op) };
      sim.lateEffect(this, op, Math.ceil(sim.choices.unit('late', this.id, this.made) ** 3 * HOUR));
    } else outcome = this.make(op);
    this.tell(op, fault, outcome);
    sim.afterCall(op);
    if (fault === 'crash-after') {
      this.crash();
      return undefined;
    }
    if (fault === 'lost') outcome = { error: timeout(op) };
    if (fault === 'pause-after') {
      wait = this.pause();
      const heard = outcome;
      this.drawn = true;
      sim.queue.add(sim.world.now + wait, () => {
        this.go(heard);
        this.later(1);
      });
      this.op = undefined;
      return undefined;
    }
    this.go(outcome);
    return wait;
  }

  /** The call itself, with the ledger's eye on it. Also used for calls that land late. */
  make(op: Op): Outcome {
    const { sim } = this;
    const effect = op.port !== 'store' && op.port !== 'state' && EFFECTS.has(op.method);
    const before = sim.ledger.before(effect);
    const right = (each: Op): unknown => perform(this.ports, each);
    const looks = op.method === 'read' && op.args[1] === 'current' && this.fenced;
    const inPlace = op.method === 'describe' && sim.world.scenario.strategy === 'in-place';
    if (op.port === 'store') sim.lagFor(looks || inPlace, this.id, this.made);
    let outcome: Outcome;
    try {
      outcome = { value: sim.mutant === undefined ? right(op) : sim.mutant.perform(op, sim.world, this.worker, right) };
    } catch (error) {
      outcome = { error };
    }
    this.watch(op, outcome);
    if ('value' in outcome) sim.ledger.effect(op, before);
    return outcome;
  }

  private watch(op: Op, outcome: Outcome): void {
    if (op.method === 'fence' && 'value' in outcome) this.fenced = true;
    else if (op.method === 'read' && op.args[1] === 'current' && this.fenced) this.window = 'retire';
    else if (op.method === 'describe' && this.sim.world.scenario.strategy === 'in-place') this.window = 'apply';
    else if (op.method === 'retire' || op.method === 'apply' || op.method === 'transact') {
      this.window = 'none';
      this.fenced = op.method === 'transact' ? false : this.fenced;
    }
  }

  private pause(): number {
    const unit = this.sim.choices.unit('pause', this.id, this.made);
    return Math.ceil((PAUSES[Math.floor(unit * PAUSES.length)] ?? 0) * this.sim.choices.unit('pause', this.id, -this.made - 1));
  }

  private fault(op: Op): Fault | undefined {
    const { sim } = this;
    if (sim.calm) return undefined;
    let rest = sim.choices.unit('fault', this.id, this.made);
    for (const fault of FAULTS) {
      rest -= sim.world.scenario.rates[fault];
      if (rest >= 0) continue;
      if ((fault === 'throttled' || fault === 'unreachable') && op.method === 'installation') return undefined;
      return sim.choices.inject('fault', this.id, this.made) ? fault : undefined;
    }
    return undefined;
  }

  private tell(op: Op, fault: Fault | undefined, outcome?: Outcome): void {
    this.sim.tell(
      `w${this.worker}#${this.id} ${op.port}.${op.method}${brief(op)}${outcome === undefined ? '' : heard(outcome)}${fault === undefined ? '' : ` [${fault}]`}`,
    );
  }
}

function refused(op: Op, fault: 'throttled' | 'unreachable'): Outcome {
  if (op.method === 'probe') return { value: { outcome: fault, endpoint: String(op.args[1]), detail: 'simulated' } };
  const code =
    op.port === 'state'
      ? 'ERR_STATE_UNAVAILABLE'
      : op.port === 'store'
        ? 'ERR_STORE_UNAVAILABLE'
        : fault === 'throttled'
          ? 'ERR_TARGET_THROTTLED'
          : 'ERR_TARGET_UNREACHABLE';
  return { error: new KeywheelError(code, `${op.port} did not take ${op.method}`, { retryable: true }) };
}

function timeout(op: Op): KeywheelError {
  return new KeywheelError('ERR_TIMEOUT', `${op.port} did not answer ${op.method}`, { retryable: true });
}

/** The few words of a call that a history needs. Deterministic; it is part of the digest. */
function brief(op: Op): string {
  const [first, second] = op.args;
  switch (op.method) {
    case 'read':
      return typeof second === 'string' ? ` ${second}` : ` ${(second as { version: string }).version}`;
    case 'stage':
      return ` ${String(op.args[2])}`;
    case 'publish':
    case 'discard':
      return ` ${String(second)}`;
    case 'retire':
      return ` ${(first as { slot: string; key: string }).slot}/${(first as { key: string }).key} ${String(op.args[2])}`;
    case 'apply':
    case 'mint':
    case 'lastUsed':
      return ` ${String(first)}`;
    case 'probe':
      return ` ${String(second)}`;
    case 'transact': {
      const rotation = (
        first as readonly {
          value: { rotation?: { rotationId: string; phase: string; hold?: { code: string }; failure?: { code: string } } };
        }[]
      )[0]?.value.rotation;
      if (rotation === undefined) return '';
      return ` ${rotation.rotationId} ${rotation.phase}${rotation.hold === undefined ? '' : ` held:${rotation.hold.code}`}${rotation.failure === undefined ? '' : ` failed:${rotation.failure.code}`}`;
    }
    default:
      return first === SECRET || first === undefined ? '' : '';
  }
}

function heard(outcome: Outcome): string {
  if ('error' in outcome) return ` ! ${outcome.error instanceof KeywheelError ? outcome.error.code : String(outcome.error)}`;
  const value = outcome.value as { fence?: number; outcome?: string; id?: unknown; sessions?: number } | undefined;
  if (value === undefined || value === null) return '';
  if (typeof value.fence === 'number') return ` fence ${value.fence}`;
  if (value.outcome !== undefined) return ` ${value.outcome}`;
  if (typeof value.id === 'string') return ` ${value.id}`;
  if (value.sessions !== undefined) return ` ${value.sessions} sessions`;
  return '';
}
