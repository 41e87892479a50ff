/**
 * The exhaustive check: for one rotation of one strategy, every interleaving of two workers, a consumer, one edit by hand, a crash or a lost
 * response at any effect, leases that run out at any moment, and jumps of time; enumerated breadth first, so that what breaks an
 * invariant is found by its shortest history. Equal states meet: a state is a world, two workers' local states, and what may yet happen.
 */
import type { Op, StrategyName } from '../../shared/rotation/index.ts';
import { KeywheelError } from '../../shared/errors.ts';
import { finish } from './exhaustive-finish.ts';
import { States, type Packed } from './exhaustive-states.ts';
import { ModelWorld, TICK } from './exhaustive-world.ts';
import type { Mutant } from './mutants.ts';
import { Workers, type Outcome, type WorkerNode } from './exhaustive-worker.ts';
import { Violation } from './ledger.ts';
import { editWorld, work, type Edit } from './people.ts';

export interface Budget {
  /** Calls of advance by each worker. A crash gives its worker one more, as a restarted process. */
  readonly calls: readonly [number, number];
  /** Crashes before or after an effect, or lost responses. */
  readonly faults: number;
  /** One edit by hand at most, of one of these kinds. */
  readonly edits: readonly Edit[];
  readonly logins: number;
  /** Jumps of time, each longer than grace and than every cache. */
  readonly ticks: number;
}

/**
 * One worker has the two calls that a rotation needs (to grace, and from grace to the end), the other may stand still anywhere in one call, or take over
 * at any point of either.
 */
export const FULL: Budget = { calls: [1, 2], faults: 1, edits: ['fresh', 'field', 'back'], logins: 1, ticks: 1 };

/** For every run of the tests: the same interleavings, with one kind of trouble at a time. */
export const QUICK: readonly Budget[] = [
  { ...FULL, edits: [], logins: 0 },
  { ...FULL, faults: 0, logins: 0 },
  { ...FULL, faults: 0, edits: [] },
];

export interface ExhaustiveResult {
  readonly strategy: StrategyName;
  readonly states: number;
  readonly transitions: number;
  readonly worlds: number;
  readonly nodes: number;
  /** Worlds from which one worker alone was let run to the end. */
  readonly ends: number;
  /** False when the limit came first. */
  readonly complete: boolean;
  readonly violation?: { readonly code: string; readonly message: string; readonly history: readonly string[] };
}

/** Calls that change what others can see. (A renewal is a look: leases do not run out by time here.) */
const EFFECTS = new Set(['acquire', 'transact', 'stage', 'publish', 'discard', 'apply', 'mint', 'fence', 'retire']);

/*
 * What is left out, and why nothing is lost by it:
 * - A crash before an effect is the crash after the effect before it: calls in between change nothing, and the worker is gone either way.
 * - A consumer, an edit and time act only when some worker's next call could tell the difference (or another of them could, or the run to the end, which
 *   is tried from every world, edited and not). Before any other call they commute with it, so the same history is found with them later.
 * - A worker whose step has only looks and a journal write left, and whose journal was written by another meanwhile, ends at once: the write conflicts.
 */
const seesTime = (op: Op | undefined): boolean => op?.method === 'lastUsed' || op?.method === 'get' || op?.method === 'transact';
const seesSessions = (op: Op | undefined): boolean => op?.method === 'lastUsed' || op?.method === 'preflight';
const meetsSessions = (op: Op | undefined): boolean =>
  seesSessions(op) || op?.method === 'retire' || op?.method === 'publish' || op?.method === 'apply';
const seesEdits = (op: Op | undefined): boolean =>
  op?.port === 'store' || (op?.port === 'target' && op.method !== 'compare') || op?.method === 'transact';

/** What a call in one world came to; kept, because it depends on that world and the caller alone. */
interface Answer {
  readonly world: number;
  readonly node: number;
  readonly error: string;
  /** Where the worker is when it hears of a timeout instead; 0 for reads. */
  readonly lost: number;
}

export interface ExploreOptions {
  readonly mutant?: Mutant;
  readonly limit?: number;
}

export function explore(strategy: StrategyName, budget: Budget, options: ExploreOptions = {}): ExhaustiveResult {
  const model = new ModelWorld(strategy, options.mutant);
  const workers = new Workers(model);
  const states = new States();
  const answers = new Map<number, Answer>();
  const acts = new Map<string, number>();
  const finished = new Set<number>();
  const edited = new Set<number>();
  const alone = new Set<string>();
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  let at = 0;
  // What is being tried, for the last line of a history.
  const now: { doing: Packed['action'] | 'end' } = { doing: 'begin' };

  /** Makes the node's call in a world, once. */
  const answer = (world: number, node: WorkerNode, op: Op): Answer => {
    const key = world * 2 ** 24 + node.id;
    const known = answers.get(key);
    if (known !== undefined) return known;
    model.load(world);
    const effect = EFFECTS.has(op.method);
    if (effect) model.touched();
    const before = model.ledger.before(true);
    const outcome = model.call(node.worker, op, node.fence);
    if ('value' in outcome) model.ledger.effect(op, before);
    model.ledger.check();
    const after = effect ? model.save() : world;
    const faulty = effect && op.method !== 'acquire' && 'value' in outcome && budget.faults > 0;
    const lost: Outcome = {
      error: new KeywheelError('ERR_TIMEOUT', `${op.port} did not answer ${op.method}`, { retryable: true }),
    };
    const made: Answer = {
      world: after,
      node: workers.give(node, outcome).id,
      error: told(outcome),
      lost: faulty ? workers.give(node, lost).id : 0,
    };
    answers.set(key, made);
    return made;
  };

  /** Something that a person or time does to a world, once; undefined when it has no place there. */
  const act = (world: number, name: string, how: () => boolean): number | undefined => {
    const key = `${world} ${name}`;
    let after = acts.get(key);
    if (after === undefined) {
      model.load(world);
      model.touched();
      after = how() ? model.save() : -1;
      acts.set(key, after);
    }
    return after === -1 ? undefined : after;
  };

  const step = (state: Packed, worker: 0 | 1): void => {
    const node = workers.node(worker === 0 ? state.first : state.second);
    if (node.op === undefined) return;
    const set = (id: number): Partial<Packed> => (worker === 0 ? { first: id } : { second: id });
    const again = worker === 0 ? { callsFirst: state.callsFirst + 1 } : { callsSecond: state.callsSecond + 1 };
    now.doing = `step${worker}`;
    const { world, node: next, lost } = answer(state.world, node, node.op);
    states.reach({ ...state, world, ...set(alive(next, world)), action: `step${worker}` }, at);
    if (state.faults === 0 || lost === 0) return;
    const faults = state.faults - 1;
    states.reach({ ...state, world, ...set(0), ...again, faults, action: `crash-after${worker}` }, at);
    states.reach({ ...state, world, ...set(alive(lost, world)), faults, action: `lost${worker}` }, at);
  };

  /** The worker's node, or 0 when all that it can still do is to learn that its journal write conflicts. */
  const alive = (id: number, world: number): number => {
    const node = workers.node(id);
    if (node.op === undefined) return 0;
    if (!node.spent || node.op.method === 'acquire' || node.op.method === 'get') return id;
    return node.revision === model.revisionOf(world) ? id : 0;
  };

  const people = (state: Packed): void => {
    const { world, ledger } = model;
    const pending = [state.first, state.second].map((id) => (id === 0 ? undefined : workers.node(id).op));
    const ticks = state.ticks > 0 && pending.some(seesTime);
    const edits = state.edits > 0 && (ticks || pending.some(seesEdits));
    if (edits) {
      const windows = [state.first, state.second].map((id) => (id === 0 ? 'none' : workers.node(id).window));
      const inWindow = (kind: 'apply' | 'retire'): boolean => windows.includes(kind);
      for (const edit of budget.edits) {
        now.doing = edit;
        const name = `${edit} ${inWindow('apply')} ${inWindow('retire')}`;
        const after = act(state.world, name, () => {
          const done = editWorld({ world, ledger, inWindow }, edit, 'x');
          ledger.check();
          return done !== undefined;
        });
        if (after !== undefined) states.reach({ ...state, world: after, edits: state.edits - 1, action: edit }, at);
      }
    }
    now.doing = 'login';
    const login =
      state.logins === 0 || !(edits || ticks || pending.some(meetsSessions))
        ? undefined
        : act(state.world, 'login', () => logIn(model));
    if (login !== undefined) states.reach({ ...state, world: login, logins: state.logins - 1, action: 'login' }, at);
    now.doing = 'leave';
    const departed =
      state.logins === budget.logins || !pending.some(seesSessions) ? undefined : act(state.world, 'leave', () => leave(model));
    if (departed !== undefined) states.reach({ ...state, world: departed, action: 'leave' }, at);
    now.doing = 'tick';
    const later = !ticks ? undefined : act(state.world, 'tick', () => pass(model));
    if (later !== undefined) states.reach({ ...state, world: later, ticks: state.ticks - 1, action: 'tick' }, at);
  };

  const begin = (state: Packed, worker: 0 | 1): void => {
    const left = worker === 0 ? state.callsFirst : state.callsSecond;
    if (left === 0) return;
    // Later calls look again at what is held or failed, as an operator's resume does.
    const id = workers.begin(worker, left < budget.calls[worker]).id;
    const change = worker === 0 ? { first: id, callsFirst: left - 1 } : { second: id, callsSecond: left - 1 };
    states.reach({ ...state, ...change, action: `begin${worker}` }, at);
  };

  /** Both workers stand still for good, and another one goes on alone. */
  const runOn = (world: number): void => {
    if (finished.has(world)) return;
    finished.add(world);
    now.doing = 'end';
    model.load(world);
    const essence = model.essence();
    if (alone.has(essence)) return;
    alone.add(essence);
    model.touched();
    finish(model);
  };

  let violation: ExhaustiveResult['violation'];
  try {
    model.ledger.check();
    const [callsFirst, callsSecond] = budget.calls;
    const edits = budget.edits.length > 0 ? 1 : 0;
    const { faults, logins, ticks } = budget;
    states.reach(
      { world: model.save(), first: 0, second: 0, callsFirst, callsSecond, faults, edits, logins, ticks, action: 'begin' },
      0,
    );
    for (; at < states.count && states.count < limit; at += 1) {
      const reached = states.get(at);
      // The other worker's step may have doomed this one.
      const state = { ...reached, first: alive(reached.first, reached.world), second: alive(reached.second, reached.world) };
      if (state.first === 0) begin(state, 0);
      else step(state, 0);
      if (state.second === 0) begin(state, 1);
      else step(state, 1);
      people(state);
      runOn(state.world);
      if (state.edits === 0 || edited.has(state.world)) continue;
      edited.add(state.world);
      for (const edit of budget.edits) {
        const after = act(
          state.world,
          `${edit} false false`,
          () => editWorld({ world: model.world, ledger: model.ledger, inWindow: () => false }, edit, 'x') !== undefined,
        );
        if (after !== undefined) runOn(after);
      }
    }
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    const history = states.history(at, (state, action) => describe(workers, state, action));
    const last = now.doing === 'end' ? 'one worker alone runs on' : describe(workers, states.get(at), now.doing);
    violation = { code: error.code, message: error.message, history: [...history, last] };
  }
  return {
    strategy,
    states: states.count,
    transitions: states.transitions,
    worlds: model.size,
    nodes: workers.size,
    ends: alone.size,
    complete: at >= states.count,
    ...(violation === undefined ? {} : { violation }),
  };
}

function logIn({ world }: ModelWorld): boolean {
  const current = world.labelled('current');
  const session = current === undefined ? undefined : world.target.login(current.value);
  if (session === undefined) return false;
  work(world, session, Number.POSITIVE_INFINITY);
  return true;
}

function leave({ world }: ModelWorld): boolean {
  if (world.target.sessions.length === 0) return false;
  world.target.endSessions();
  return true;
}

function pass(model: ModelWorld): boolean {
  model.world.now += TICK;
  model.ledger.check();
  return true;
}

function told(outcome: Outcome): string {
  if (!('error' in outcome)) return '';
  return ` ! ${outcome.error instanceof KeywheelError ? outcome.error.code : String(outcome.error)}`;
}

function describe(workers: Workers, before: Packed, action: Packed['action']): string {
  const worker = action.endsWith('1') ? 1 : 0;
  const op = workers.node(worker === 0 ? before.first : before.second).op;
  const what = op === undefined ? action : `${action.slice(0, -1)} ${op.port}.${op.method}`;
  return /[01]$/.test(action) ? `w${worker} ${what}` : action;
}
