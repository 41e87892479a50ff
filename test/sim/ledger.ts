/**
 * The truth of one simulation, kept beside the engine and independent of it, and the invariants that are checked against it after every
 * call and every act. Numbers such as I2 name the list in the design's field notes.
 */
import { journalKey, type Op, type RotationRecord, type SecretJournal } from '../../shared/rotation/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import type { CredentialId, Stamp } from '../../shared/targets/index.ts';
import type { Session } from '../fakes/target.ts';
import { DAY } from './scenario.ts';
import { SECRET, type World } from './world.ts';

/** An invariant that did not hold. `code` is stable; tests of the test name it. */
export class Violation extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** A session that runs statements until `busyUntil` and then only stays open. */
export interface BusySession extends Session {
  readonly busyUntil: number;
}

interface Named {
  readonly id: string;
  readonly value: SecretValue;
  /** When current stopped naming it; infinite while it does. */
  until: number;
  /** A person ended it, so the engine is not to blame when it is refused. */
  ended: boolean;
  /** A person set it at this time; replicas follow later. */
  readonly handAt: number;
}

interface Known {
  readonly plannedFrom: string;
  /** Credentials that the rotation's record named as its old one. */
  readonly old: Set<string>;
}

export interface Before {
  readonly live: readonly string[];
  readonly sessions: readonly Session[];
  readonly currentId: string | undefined;
}

export interface LedgerSnapshot {
  readonly recent: readonly Named[];
  readonly known: ReadonlyMap<string, Known>;
  readonly origins: ReadonlyMap<string, string>;
  readonly wasCurrent: ReadonlySet<string>;
  readonly highestFence: number;
}

export class Ledger {
  private readonly world: World;
  private recent: Named[] = [];
  private current: Named | undefined;
  private readonly known = new Map<string, Known>();
  /** Who made each credential: a rotation's id, `hand`, or `foreign`. */
  private readonly origins = new Map<string, string>();
  private readonly wasCurrent = new Set<string>();
  private highestFence = 0;

  constructor(world: World) {
    this.world = world;
    for (const credential of world.target.credentials()) this.origins.set(credential, 'foreign');
    const current = world.labelled('current');
    if (current !== undefined) {
      this.origins.set(world.target.credentialOf(current.value), 'hand');
      this.moved(current, Number.NEGATIVE_INFINITY);
    }
  }

  get namedNow(): Named | undefined {
    return this.current;
  }

  /** Everything that must hold at every instant. */
  check(): void {
    const { world } = this;
    const seen = world.store.seen(SECRET);
    const id = seen?.labels.current;
    if (id !== this.current?.id) throw new Violation('current-moved', `current moved to ${id} by something that may not move it`);
    if (seen?.labels.pending === id) throw new Violation('pending-visible', `pending ${id} is visible as current`);
    const overlaps = world.scenario.strategy !== 'in-place';
    const horizon = world.now - world.scenario.policy.maxCacheAge - world.scenario.readLag;
    if (overlaps && this.recent.some((named) => named.until < horizon)) {
      this.recent = this.recent.filter((named) => named.until >= horizon);
    }
    for (const named of this.recent) {
      if (named.ended || (!overlaps && named !== this.current)) continue;
      for (const endpoint of world.target.endpoints) {
        if (world.target.accepts(named.value, endpoint)) continue;
        if (endpoint !== 'primary' && world.now < named.handAt + world.target.replicaLag) continue;
        if (named === this.current && this.inDeclaredWindow(named)) continue;
        const what = named === this.current ? 'current' : 'what consumers may still hold';
        throw new Violation(
          named === this.current ? 'current-dead' : 'cached-dead',
          `${what} (${named.id}) is refused at ${endpoint}`,
        );
      }
    }
  }

  /** In place, current may be dead between apply and publish of an open rotation, and at no other time. */
  private inDeclaredWindow(named: Named): boolean {
    const record = this.world.journal()?.rotation;
    if (record?.strategy !== 'in-place' || record.staged === undefined) return false;
    if (record.phase !== 'staged' && record.phase !== 'applied' && record.phase !== 'verified') return false;
    if (named.id === record.staged.version) return false;
    const staged = this.world.store.read(SECRET, { version: record.staged.version }, 0);
    return staged !== undefined && this.world.target.accepts(staged.value);
  }

  /** What a call that may end credentials is compared with. */
  before(effect: boolean): Before {
    const { world } = this;
    return { live: effect ? world.target.credentials() : [], sessions: world.target.sessions, currentId: this.current?.id };
  }

  /** A call of the engine took effect. */
  effect(op: Op, before: Before): void {
    if (op.port === 'state') {
      if (op.method === 'transact') this.journaled(op);
      return;
    }
    if (op.port === 'store') {
      if (op.method === 'publish') this.published(String(op.args[1]), before);
      return;
    }
    const stamp = op.args.find((each): each is Stamp => typeof each === 'object' && each !== null && 'fence' in each);
    if (stamp === undefined || op.method === 'preflight') return;
    if (stamp.fence < this.highestFence) {
      throw new Violation(
        'stale-effect',
        `${op.method} of fence ${stamp.fence} took effect after one of fence ${this.highestFence}`,
      );
    }
    this.highestFence = stamp.fence;
    if (op.method === 'fence') return;
    const live = this.world.target.credentials();
    for (const made of live) if (!before.live.includes(made)) this.origins.set(made, stamp.rotationId);
    for (const ended of before.live) if (!live.includes(ended)) this.judgeEnd(op, stamp, ended);
    if (op.method === 'retire') this.judgeSessions(before.sessions, (op.args[0] as CredentialId).slot);
  }

  private judgeEnd(op: Op, stamp: Stamp, ended: string): void {
    const origin = this.origins.get(ended);
    const ours = origin === stamp.rotationId || this.known.get(stamp.rotationId)?.old.has(ended) === true;
    // Filling the idle slot ends what an earlier rotation left there.
    const reused = op.method === 'apply' && origin !== 'hand' && origin !== 'foreign';
    if (!ours && !reused) {
      throw new Violation(
        'destroyed-unrecorded',
        `${op.method} ended a credential of ${origin} that the journal does not record`,
      );
    }
  }

  private judgeSessions(before: readonly Session[], slot: string): void {
    const { world } = this;
    const grace = world.journal()?.rotation?.grace;
    if (!world.scenario.usage || grace === undefined) return;
    const promised = grace.startedAt + Math.max(world.scenario.policy.grace, world.scenario.policy.maxCacheAge);
    for (const session of before as readonly BusySession[]) {
      if (world.target.sessions.includes(session) || session.busyUntil <= world.now || session.loginAt >= promised) continue;
      throw new Violation('retired-in-use', `a session of ${slot} that was running statements was ended`);
    }
  }

  private published(version: string, before: Before): void {
    const { world } = this;
    const current = world.labelled('current');
    if (current === undefined || current.id === before.currentId) return;
    const plan = this.known.get(current.rotationId ?? '');
    if (plan?.plannedFrom !== before.currentId) {
      throw new Violation(
        'edit-overwritten',
        `publishing ${version} replaced ${before.currentId}, planned was ${plan?.plannedFrom}`,
      );
    }
    if (this.wasCurrent.has(current.id)) throw new Violation('older-material', `current moved back to ${current.id}`);
    if (!world.acceptedEverywhere(current.value)) {
      throw new Violation('published-unverified', `${current.id} was published before every endpoint accepts it`);
    }
    this.moved(current, Number.NEGATIVE_INFINITY);
  }

  private journaled(op: Op): void {
    const writes = op.args[0] as readonly { key: string; value: SecretJournal }[];
    const record = writes.find((write) => write.key === journalKey(SECRET))?.value.rotation;
    if (record === undefined) return;
    if (record.failure?.code === 'ERR_INTERNAL')
      throw new Violation('internal-error', 'the engine met an error that is not its own');
    const known = this.known.get(record.rotationId) ?? { plannedFrom: record.from.version, old: new Set<string>() };
    this.known.set(record.rotationId, known);
    const old = this.world.store.read(SECRET, { version: record.from.version }, 0);
    if (old !== undefined) known.old.add(this.world.target.credentialOf(old.value));
  }

  private moved(to: { id: string; value: SecretValue }, handAt: number): void {
    if (this.current !== undefined) this.current.until = this.world.now;
    this.current = { id: to.id, value: to.value, until: Number.POSITIVE_INFINITY, ended: false, handAt };
    this.recent.push(this.current);
    this.wasCurrent.add(to.id);
  }

  /** A person put a value into the store, perhaps after setting it at the target. */
  handEdited(): void {
    const { world } = this;
    const current = world.labelled('current');
    if (current === undefined) return;
    this.moved(current, world.now);
    const credential = world.target.credentialOf(current.value);
    if (!this.origins.has(credential)) this.origins.set(credential, 'hand');
    for (const named of this.recent) if (!world.target.accepts(named.value)) named.ended ||= named !== this.current;
  }

  /** May a consumer who holds this version be refused, because a person ended it? */
  endedByHand(id: string): boolean {
    return this.recent.find((named) => named.id === id)?.ended ?? false;
  }

  handSetAt(id: string): number {
    return this.recent.find((named) => named.id === id)?.handAt ?? Number.NEGATIVE_INFINITY;
  }

  /** When everybody has been calm for days: the rotation is over and nothing is left lying about. */
  settled(cycle: number): void {
    const { world } = this;
    const record = world.journal()?.rotation;
    if (record === undefined) throw new Violation('starved', `no rotation began in cycle ${cycle}`);
    if (record.phase !== 'closed')
      throw new Violation('not-converged', `${record.rotationId} is ${standing(record)} after days of calm`);
    if (record.outcome !== 'rotated')
      throw new Violation('starved', `cycle ${cycle} ended without a rotation: ${record.abandon?.reason}`);
    if (record.startedAt < world.now - 30 * DAY)
      throw new Violation('starved', `the last rotation began long before cycle ${cycle}`);
    this.tidy();
    this.forget();
  }

  /** No orphans: what lives is what current names, or was made by somebody else and is still there. */
  tidy(): void {
    const { world } = this;
    const named = this.current === undefined ? '' : world.target.credentialOf(this.current.value);
    for (const live of world.target.credentials()) {
      const origin = this.origins.get(live);
      if (live !== named && origin !== 'foreign')
        throw new Violation('orphan', `a credential of ${origin} is live and nothing names it`);
    }
    for (const [credential, origin] of this.origins) {
      if (origin === 'foreign' && !world.target.credentials().includes(credential))
        throw new Violation('destroyed-unrecorded', 'a foreign credential is gone');
    }
  }

  /** Everything that it knows, for `restore`. */
  snapshot(): LedgerSnapshot {
    return {
      recent: this.recent.map((named) => ({ ...named })),
      known: new Map([...this.known].map(([id, { plannedFrom, old }]) => [id, { plannedFrom, old: new Set(old) }])),
      origins: new Map(this.origins),
      wasCurrent: new Set(this.wasCurrent),
      highestFence: this.highestFence,
    };
  }

  restore(snapshot: LedgerSnapshot): void {
    this.recent = snapshot.recent.map((named) => ({ ...named }));
    this.current = this.recent.findLast((named) => named.until === Number.POSITIVE_INFINITY);
    replace(this.known, snapshot.known, ({ plannedFrom, old }) => ({ plannedFrom, old: new Set(old) }));
    replace(this.origins, snapshot.origins, (origin) => origin);
    this.wasCurrent.clear();
    for (const id of snapshot.wasCurrent) this.wasCurrent.add(id);
    this.highestFence = snapshot.highestFence;
  }

  /** Keeps memory bounded over thousands of years. */
  private forget(): void {
    const live = new Set(this.world.target.credentials());
    for (const credential of this.origins.keys()) if (!live.has(credential)) this.origins.delete(credential);
    for (const old of [...this.known.keys()].slice(0, -20)) this.known.delete(old);
    for (const old of [...this.wasCurrent].slice(0, -60)) this.wasCurrent.delete(old);
    for (const key of this.world.state.records.keys()) if (key.startsWith('history/')) this.world.state.records.delete(key);
  }
}

function replace<T>(map: Map<string, T>, by: ReadonlyMap<string, T>, copy: (value: T) => T): void {
  map.clear();
  for (const [key, value] of by) map.set(key, copy(value));
}

function standing(record: RotationRecord): string {
  if (record.hold !== undefined) return `held in ${record.phase} (${record.hold.code}: ${record.hold.message})`;
  if (record.failure !== undefined) return `failing in ${record.phase} (${record.failure.code}: ${record.failure.message})`;
  return `in ${record.phase}`;
}
