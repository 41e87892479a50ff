/**
 * A worker of the exhaustive check. A generator cannot be copied, so its local state is a node in a tree of the results that it was given since its
 * call of `advance` began; it is rebuilt by giving them again. Nodes that can do only the same things from here on are one node.
 */
import { advance, type AdvanceResult, type Op, type SecretJournal } from '../../shared/rotation/index.ts';
import { perform } from '../../shared/rotation/interpret.ts';
import type { Lease, Stored } from '../../shared/state/index.ts';
import { KeywheelError } from '../../shared/errors.ts';
import { journalText, type ModelWorld } from './exhaustive-world.ts';

export type Outcome = { readonly value: unknown } | { readonly error: unknown };

export interface WorkerNode {
  readonly id: number;
  readonly worker: number;
  /** The shared call that it makes next; undefined when its advance has ended. */
  readonly op: Op | undefined;
  readonly fence: number;
  /** Where no edit by hand can be closed out without a lock: see `Run.window` of the simulator. */
  readonly window: 'none' | 'apply' | 'retire';
  readonly fenced: boolean;
  /** The journal's revision that its next write rests on. */
  readonly revision: string | undefined;
  /** Nothing but looks is left before that write. */
  readonly spent: boolean;
}

interface Local extends Pick<WorkerNode, 'worker' | 'fence' | 'window' | 'fenced' | 'revision'> {
  /** Every result since advance began, with the time at which it was given. */
  readonly path: readonly { readonly outcome: Outcome; readonly now: number }[];
  readonly resume: boolean;
  /** The phase of the record that it works on, and the calls that it made since its last journal write. */
  readonly phase: string;
  readonly done: string;
}

interface Inner extends WorkerNode, Local {
  readonly children: Map<string, Inner>;
  /** Did the engine look at the clock after the last result? Only then does it matter when that result was given. */
  readonly clocked: boolean;
}

const idle: WorkerNode = {
  id: 0,
  worker: 0,
  op: undefined,
  fence: 0,
  window: 'none',
  fenced: false,
  revision: undefined,
  spent: true,
};

export class Workers {
  private readonly model: ModelWorld;
  private readonly heads = new Map<string, Inner>();
  /** By id; 0 is an idle worker. */
  private readonly nodes: Inner[] = [];

  constructor(model: ModelWorld) {
    this.model = model;
  }

  get size(): number {
    return this.nodes.length;
  }

  node(id: number): WorkerNode {
    return this.nodes[id] ?? idle;
  }

  /** A worker that has just been told to advance. */
  begin(worker: number, resume: boolean): WorkerNode {
    const key = `begin ${worker} ${resume}`;
    const known = this.heads.get(key);
    if (known !== undefined) return known;
    const node = this.make({
      worker,
      resume,
      path: [],
      fence: 0,
      window: 'none',
      fenced: false,
      revision: undefined,
      phase: 'none',
      done: '',
    });
    this.heads.set(key, node);
    return node;
  }

  /** What the worker is after it was given this result at this time. */
  give(at: WorkerNode, outcome: Outcome): WorkerNode {
    const node = at as Inner;
    const now = this.model.world.now;
    const text = outcomeText(node.op, outcome, now);
    const known = node.children.get(text) ?? node.children.get(`${now} ${text}`);
    if (known !== undefined) return known;
    const made = this.child(node, outcome, now);
    node.children.set(made.clocked || node.op?.method === 'lastUsed' ? `${now} ${text}` : text, made);
    return made;
  }

  private child(node: Inner, outcome: Outcome, now: number): Inner {
    const { op } = node;
    const ok = 'value' in outcome;
    const fence = op?.method === 'acquire' && ok ? (outcome.value as Lease).fence : node.fence;
    const path = [...node.path, { outcome, now }];
    let { window, fenced } = node;
    if (op?.method === 'fence' && ok) fenced = true;
    else if (op?.method === 'read' && op.args[1] === 'current' && fenced) window = 'retire';
    else if (op?.method === 'describe' && this.model.policy.strategy === 'in-place') window = 'apply';
    else if (op?.method === 'retire' || op?.method === 'apply') window = 'none';
    let { revision, phase, done } = node;
    if (op?.method === 'get' && ok) {
      const stored = outcome.value as Stored<SecretJournal> | undefined;
      [revision, phase] = [stored?.revision, phaseOf(stored?.value)];
    } else if (ok && op !== undefined) done = `${done} ${op.method}`;
    const { worker, resume } = node;
    if (op?.method !== 'transact' || !ok)
      return this.make({ worker, resume, path, fence, window, fenced, revision, phase, done });
    // After a journal write, everything that the engine holds is: its request, its lease, and what it wrote with the revision it got.
    const writes = op.args[0] as readonly { value: unknown }[];
    const written = writes[0]?.value as SecretJournal;
    revision = (outcome.value as string[])[0];
    const key = `${worker} ${resume} ${fence} ${now} ${revision} ${JSON.stringify(journalText(written, now))}`;
    const known = this.heads.get(key);
    if (known !== undefined) return known;
    const made = this.make({
      worker,
      resume,
      path,
      fence,
      window: 'none',
      fenced: false,
      revision,
      phase: phaseOf(written),
      done: '',
    });
    this.heads.set(key, made);
    return made;
  }

  private make(local: Local): Inner {
    const { worker, resume, path, fence, window } = local;
    const { op, clocked } = this.replay(worker, resume, path, fence);
    const ended = op === undefined;
    const node: Inner = {
      ...local,
      id: Math.max(1, this.nodes.length),
      op,
      window: ended ? 'none' : window,
      path: ended ? [] : path,
      spent: op?.method === 'transact' || isSpent(local),
      children: new Map(),
      clocked,
    };
    this.nodes[node.id] = node;
    return node;
  }

  /** Runs a fresh engine over the results; local calls (clock, chance, compose) are answered as they were then. */
  private replay(worker: number, resume: boolean, path: Inner['path'], fence: number): { op: Op | undefined; clocked: boolean } {
    const { world, policy } = this.model;
    const saved = world.now;
    const ports = this.model.ports(worker);
    const engine = advance(world.context(`w${worker}`, policy), { start: true, after: null, reason: 'model', resume });
    try {
      let given: Outcome = { value: undefined };
      let clocked = false;
      for (let index = 0; ;) {
        const step: IteratorResult<Op, AdvanceResult> = 'error' in given ? engine.throw(given.error) : engine.next(given.value);
        if (step.done === true) return { op: undefined, clocked };
        const op: Op = step.value;
        if (isLocal(op)) {
          clocked ||= op.port === 'clock';
          given =
            op.method === 'compose'
              ? this.model.call(worker, op, fence)
              : op.method === 'installation'
                ? { value: world.state.installation() }
                : op.method === 'release'
                  ? { value: undefined }
                  : { value: perform(ports, op) };
          continue;
        }
        const next = path[index];
        if (next === undefined) return { op, clocked };
        index += 1;
        clocked = false;
        world.now = next.now;
        given = next.outcome;
      }
    } finally {
      world.now = saved;
    }
  }
}

/**
 * Merged with the call before them: calls whose result does not depend on anything that another worker, a consumer or a person can change,
 * and which change nothing. They commute with every other step, so no interleaving is lost. Release is one: every lease may be taken over anyway.
 */
function isLocal(op: Op): boolean {
  return (
    op.port === 'clock' ||
    op.port === 'random' ||
    op.method === 'compose' ||
    op.method === 'installation' ||
    op.method === 'release' ||
    op.method === 'compare'
  );
}

const phaseOf = (journal: SecretJournal | undefined): string =>
  journal?.rotation === undefined ? 'none' : journal.rotation.abandon === undefined ? journal.rotation.phase : 'abandoned';

/** The last call of each step that changes anything. */
const LAST_EFFECT: Readonly<Record<string, string>> = {
  planned: 'stage',
  staged: 'apply',
  applied: 'fence',
  verified: 'publish',
  grace: 'retire',
  abandoned: 'discard',
};

/** Only looks, and the journal write, are left of this step. */
function isSpent({ phase, done }: Local): boolean {
  const last = LAST_EFFECT[phase];
  return last === undefined || done.includes(last);
}

function outcomeText(op: Op | undefined, outcome: Outcome, now: number): string {
  if ('error' in outcome) return outcome.error instanceof KeywheelError ? outcome.error.code : String(outcome.error);
  if (op?.method === 'get') {
    const stored = outcome.value as Stored<SecretJournal> | undefined;
    return JSON.stringify([stored?.revision, journalText(stored?.value, now)]);
  }
  return JSON.stringify(outcome.value) ?? 'undefined';
}
