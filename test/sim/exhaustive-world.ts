/** The world of the exhaustive check: the simulator's own world and ledger, made comparable, so that states that are equal meet. */
import type { EnginePorts, Op, StrategyName } from '../../shared/rotation/index.ts';
import { DEFAULT_POLICY, journalKey, type RotationPolicy, type SecretJournal } from '../../shared/rotation/index.ts';
import { perform } from '../../shared/rotation/interpret.ts';
import type { FakeState } from '../fakes/state.ts';
import { FakeKeyTarget } from '../fakes/key-target.ts';
import { Ledger } from './ledger.ts';
import type { Mutant } from './mutants.ts';
import { FAULTS, HOUR, MINUTE, type Fault, type Scenario } from './scenario.ts';
import { SECRET, World } from './world.ts';

/** One jump of time: longer than grace and than every cache. */
export const TICK = HOUR + MINUTE;

/**
 * Leases are never renewed here: a renewal that succeeds changes nothing, because another worker may take the lease over at any moment anyway, and one that
 * fails only stops its worker, as a crash does.
 */
const POLICY: Omit<RotationPolicy, 'strategy'> = {
  ...DEFAULT_POLICY,
  maxCacheAge: HOUR,
  grace: HOUR,
  samples: 1,
  leaseTtl: 1e15,
};

export class ModelWorld {
  readonly world: World;
  readonly ledger: Ledger;
  readonly policy: RotationPolicy;
  private readonly ids = new Map<string, number>();
  private readonly snapshots: ReturnType<ModelWorld['take']>[] = [];
  private readonly revisions: string[] = [];
  private loaded = -1;
  private readonly mutant: Mutant | undefined;

  constructor(strategy: StrategyName, mutant?: Mutant) {
    this.mutant = mutant;
    const none = Object.fromEntries(FAULTS.map((fault) => [fault, 0])) as Record<Fault, number>;
    this.policy = { ...POLICY, strategy };
    const scenario: Scenario = {
      strategy,
      usage: true,
      replicaLag: 0,
      readLag: 0,
      workers: [],
      policy: this.policy,
      rates: none,
      duplicates: 0,
      handEdits: 0,
      logins: 0,
      rogues: 0,
      blackouts: 0,
    };
    this.world = new World(scenario);
    this.ledger = new Ledger(this.world);
  }

  get size(): number {
    return this.snapshots.length;
  }

  /** Ports on which a lease is always free: whether it has run out is the scheduler's choice, so any clock error is covered. */
  readonly ports = (worker: number): EnginePorts => {
    const { world } = this;
    const ports = world.ports(0, { rotationId: () => `r-${worker}`, uniform: () => 0 });
    return {
      ...ports,
      state: {
        ...ports.state,
        acquire: (key: string, holder: string, ttl: number) =>
          world.state.acquire(key, holder, ttl, () => true) as unknown as ReturnType<EnginePorts['state']['acquire']>,
      },
    };
  };

  /** Makes a call in the loaded world. Errors are results too. */
  call(worker: number, op: Op, fence: number): { value: unknown } | { error: unknown } {
    const right = (each: Op): unknown => perform(this.ports(worker), each);
    try {
      if (op.method === 'compose') {
        return { value: { ...(op.args[1] as object), username: op.args[0], password: `made-${fence}` } };
      }
      return { value: this.mutant === undefined ? right(op) : this.mutant.perform(op, this.world, 0, right) };
    } catch (error) {
      return { error };
    }
  }

  load(id: number): void {
    if (this.loaded === id) return;
    const snapshot = this.snapshots[id];
    if (snapshot === undefined) throw new Error(`no world ${id}`);
    this.world.now = snapshot.now;
    this.world.store.restore(snapshot.store);
    this.world.state.restore(snapshot.state);
    (this.world.target.restore as (each: unknown) => void).call(this.world.target, snapshot.target);
    this.ledger.restore(snapshot.ledger);
    this.loaded = id;
  }

  /** Names the world as it is now: equal worlds get equal numbers. */
  save(): number {
    const text = this.text();
    const known = this.ids.get(text);
    if (known !== undefined) {
      this.loaded = known;
      return known;
    }
    const id = this.snapshots.push(this.take()) - 1;
    this.ids.set(text, id);
    this.loaded = id;
    return id;
  }

  /** The world was changed and is not a saved one until `save`. */
  touched(): void {
    this.loaded = -1;
  }

  private take() {
    const { world } = this;
    return {
      now: world.now,
      store: world.store.snapshot(),
      state: world.state.snapshot(),
      target: world.target.snapshot(),
      ledger: this.ledger.snapshot(),
    };
  }

  /** The journal's revision in a saved world. */
  revisionOf(id: number): string | undefined {
    const known = this.revisions[id];
    if (known !== undefined) return known === '' ? undefined : known;
    this.load(id);
    return (this.revisions[id] = this.world.state.get(journalKey(SECRET))?.revision ?? '') || undefined;
  }

  /**
   * The loaded world as a worker with a fence above all others meets it, when nobody else acts any more: the fences that were, the journal's revision
   * and the time of day make no difference to it.
   */
  essence(): string {
    return this.text(true);
  }

  private text(alone = false): string {
    const { world } = this;
    const secret = world.store.seen(SECRET);
    const store = [secret?.labels, secret?.revision, secret?.versions.map((each) => [each.id, each.discarded, each.value])];
    const last = world.target.snapshot().history.at(-1);
    const marks = (key: string, value: unknown): unknown => (alone && (key === 'fence' || key === 'createdAt') ? 0 : value);
    const held = last === undefined ? [] : 'slots' in last ? [...last.slots] : [...last.principal.keys, last.principal.mark];
    const target = [held, world.target.sessions.map((each) => [each.slot, this.age(each.loginAt)])];
    const counter = world.target instanceof FakeKeyTarget ? world.target.snapshot().counter : 0;
    const state = this.stateText(world.state, alone);
    return JSON.stringify([alone ? 0 : world.now, store, target, counter, state, this.ledgerText(alone)], marks);
  }

  private stateText(state: FakeState, alone: boolean): unknown {
    const stored = state.get<SecretJournal>(journalKey(SECRET));
    const lease = state.leases.get(`lease/${SECRET}`);
    const journal = journalText(stored?.value, this.world.now);
    return alone ? journal : [stored?.revision, journal, lease?.fence];
  }

  private ledgerText(alone: boolean): unknown {
    const { recent, known, origins, highestFence } = this.ledger.snapshot();
    const horizon = this.world.now - HOUR;
    return [
      recent
        .filter((each) => each.until >= horizon)
        .map((each) => [each.id, each.ended, each.until === Number.POSITIVE_INFINITY]),
      [...known].map(([id, each]) => [id, each.plannedFrom, [...each.old]]),
      [...origins],
      alone ? 0 : highestFence,
    ];
  }

  /** Time matters only as "now" or "longer ago than any grace or cache", because one tick is longer than both. */
  age(at: number): number {
    return ageOf(at, this.world.now);
  }
}

function ageOf(at: number, now: number): number {
  return Math.max(-1, Math.min(1, Math.sign(Math.round((now - at) / MINUTE))));
}

/**
 * What a journal means for what comes next. Left out is what nothing decides on here: the trail of steps, and the times that are only told. With no
 * propagation delay, `steps` is never decisive.
 */
export function journalText(journal: SecretJournal | undefined, now: number): unknown {
  const record = journal?.rotation;
  if (record === undefined) return [journal?.attempts];
  const {
    steps: _steps,
    updatedAt: _updated,
    startedAt: _started,
    nextAt,
    grace,
    hold,
    failure,
    evidence,
    proof,
    ...rest
  } = record;
  const readings = evidence.latest.map((each) => [
    ageOf(each.at, now),
    each.sessions,
    each.lastUsedAt === undefined ? 0 : ageOf(each.lastUsedAt, now),
    each.lastLoginAt === undefined
      ? 0
      : [ageOf(each.lastLoginAt, now), grace !== undefined && each.lastLoginAt > grace.startedAt + HOUR],
  ]);
  const { deadWindow, intent, ...plain } = rest;
  return [
    plain,
    nextAt > now,
    grace === undefined ? undefined : ageOf(grace.startedAt, now),
    hold?.code,
    failure?.code,
    Math.min(evidence.count, 2),
    readings,
    proof?.length,
    deadWindow === undefined ? 0 : deadWindow.to === undefined ? 1 : 2,
    intent === undefined ? 0 : 1,
    journal?.attempts,
  ];
}
