/** Checks the invariants (design.md 5) after every effect, and at the end that everything converged. Collects what it finds. */
import type { AdvanceResult, Op, RotationRecord } from '../../shared/rotation/index.ts';
import { PHASES } from '../../shared/rotation/index.ts';
import type { SecretValue, SecretVersion } from '../../shared/stores/index.ts';
import type { Stamp } from '../../shared/targets/index.ts';
import { isEffect, nameOf } from './drive.ts';
import type { Look, World } from './world.ts';

const STAMP_AT: Readonly<Record<string, number>> = { 'target.apply': 2, 'target.mint': 3, 'target.fence': 0, 'target.retire': 1 };

export class Watcher {
  readonly violations: string[] = [];
  /** Where we are, for people. */
  where = '';
  /** Set when a person wrote `current`: this must never be lost again. */
  edited = false;
  readonly rotations = new Set<string>();
  private readonly world: World;
  private readonly known = new Map<string, SecretValue>();
  private readonly formerly: { version: SecretVersion; ceasedAt: number }[] = [];
  private current: SecretVersion | undefined;
  private fence = 0;
  private record: RotationRecord | undefined;

  constructor(world: World) {
    this.world = world;
  }

  violated(what: string): void {
    this.violations.push(`${this.where}: ${what}`);
  }

  async after(op: Op, error: unknown): Promise<void> {
    if (!isEffect(op)) return;
    this.where = nameOf(op);
    if (op.port === 'target') this.learnTarget(op, error);
    await this.check();
  }

  private learnTarget(op: Op, error: unknown): void {
    if (op.method === 'apply') this.learn(op.args[1] as SecretValue);
    const at = STAMP_AT[nameOf(op)];
    if (at === undefined || error !== undefined) return;
    const { fence } = op.args[at] as Stamp;
    if (fence < this.fence && this.world.keepsFence)
      this.violated(`an effect with fence ${fence} succeeded after one with ${this.fence}`);
    this.fence = Math.max(this.fence, fence);
  }

  private learn(value: SecretValue): void {
    this.known.set(this.world.materialOf(value), value);
  }

  async check(): Promise<void> {
    const look = await this.world.look();
    for (const version of [look.current, look.previous, look.pending]) if (version !== undefined) this.learn(version.value);
    this.follow(look);
    await this.checkCurrent(look);
    await this.checkFormer();
    await this.checkPending(look);
    this.checkJournal(look);
  }

  /** `current` never goes back to a version that it named before, and a person's edit is never lost. */
  private follow(look: Look): void {
    if (look.current.id !== this.current?.id) {
      if (this.formerly.some((each) => each.version.id === look.current.id))
        this.violated(`current went back to ${look.current.id}`);
      if (this.current !== undefined) this.formerly.push({ version: this.current, ceasedAt: this.world.targetNow() });
      this.current = look.current;
    }
    if (this.edited && look.current.value['note'] === undefined) this.violated('the edit by hand was overwritten');
  }

  private async checkCurrent(look: Look): Promise<void> {
    const open = openOf(look);
    // In place, between the change and publishing: the new material is live and pending, and the journal knows of it.
    const declared =
      this.world.strategy === 'in-place' &&
      open?.staged !== undefined &&
      look.pending?.id === open.staged.version &&
      (open.phase === 'staged' || open.deadWindow !== undefined);
    for (const endpoint of this.world.facts.endpoints) {
      if (await this.world.accepts(look.current.value, endpoint)) continue;
      if (declared && look.pending !== undefined && (await this.world.accepts(look.pending.value, endpoint))) continue;
      this.violated(`current (${look.current.id}) does not authenticate at ${endpoint}`);
    }
  }

  private async everywhere(value: SecretValue): Promise<boolean> {
    for (const endpoint of this.world.facts.endpoints) if (!(await this.world.accepts(value, endpoint))) return false;
    return true;
  }

  private async anywhere(value: SecretValue): Promise<boolean> {
    for (const endpoint of this.world.facts.endpoints) if (await this.world.accepts(value, endpoint)) return true;
    return false;
  }

  private async checkFormer(): Promise<void> {
    if (this.world.strategy === 'in-place') return;
    const { grace, maxCacheAge, readLag } = this.world.policy;
    for (const { version, ceasedAt } of this.formerly) {
      if (this.world.targetNow() - ceasedAt >= Math.max(grace, maxCacheAge) + readLag) continue;
      const accepted = await this.everywhere(version.value);
      // The time is read again: grace may have ended while it was looked at.
      const age = this.world.targetNow() - ceasedAt;
      if (!accepted && age < Math.max(grace, maxCacheAge) + readLag)
        this.violated(`previous (${version.id}) died ${age} ms into its grace`);
    }
  }

  private async checkPending(look: Look): Promise<void> {
    const record = look.journal?.rotation;
    if (look.pending === undefined) return;
    if (record === undefined || look.pending.rotationId !== record.rotationId || record.phase === 'closed') {
      // A worker that slept through the end of a withdrawal may still stage. That is dead material, and the next rotation clears it.
      if (await this.anywhere(look.pending.value))
        this.violated(`${look.pending.id} is live and pending, and no open rotation staged it`);
      return;
    }
    const live = record.phase === 'verified' && record.abandon === undefined;
    if (live && !(await this.everywhere(look.pending.value))) {
      this.violated(`the verified credential of ${look.pending.id} was ended before it was published`);
    }
  }

  private checkJournal(look: Look): void {
    const record = look.journal?.rotation;
    this.noMaterial(look.journal, 'the journal');
    this.noMaterial(look.history, 'the history');
    if (record === undefined) return;
    this.rotations.add(record.rotationId);
    if (record.phase !== 'closed' && !Number.isFinite(record.nextAt)) this.violated('an open rotation has no next time');
    const before = this.record?.rotationId === record.rotationId ? this.record.phase : 'planned';
    const back = PHASES.indexOf(record.phase) < PHASES.indexOf(before);
    const saidAgain = before === 'applied' && record.phase === 'staged';
    const reverted = record.reverted !== undefined && this.record?.reverted === undefined && record.phase === 'published';
    if (back && !saidAgain && !reverted) this.violated(`the rotation went from ${before} back to ${record.phase}`);
    if (this.record !== undefined && this.record.rotationId !== record.rotationId && this.record.phase !== 'closed') {
      this.violated(`rotation ${this.record.rotationId} was dropped in phase ${this.record.phase}`);
    }
    this.record = record;
  }

  result(result: AdvanceResult): void {
    this.where = `result ${result.status}`;
    this.noMaterial(result, 'the result');
    const stands = result.status === 'waiting' || result.status === 'held';
    if (stands && result.resumeAt === undefined) this.violated('nothing says when to go on');
  }

  noMaterial(what: unknown, name: string): void {
    const text = JSON.stringify(what) ?? '';
    for (const material of this.known.keys()) if (text.includes(material)) this.violated(`${name} holds material`);
  }

  /** After convergence. */
  async converged(): Promise<void> {
    this.where = 'at the end';
    await this.check();
    const look = await this.world.look();
    const record = look.journal?.rotation;
    if (record?.phase !== 'closed') return this.violated(`the rotation ended in phase ${record?.phase ?? 'none'}`);
    if (record.outcome === 'rotated') this.checkProof(record);
    else if (!this.edited) this.violated(`the rotation was given up: ${record.abandon?.reason ?? 'no reason'}`);
    // What a worker staged that had slept through the end is dead material of another rotation; the next rotation clears it.
    if (look.pending?.rotationId === record.rotationId && record.outcome === 'rotated')
      this.violated(`${look.pending.id} is still pending`);
    if (!(await this.everywhere(look.current.value))) this.violated('current does not authenticate');
    for (const [name, value] of this.known) {
      if (name !== this.world.materialOf(look.current.value) && (await this.anywhere(value))) {
        this.violated(`a credential of ${this.world.facts.slotOf(value)} is live and current does not name it`);
      }
    }
    const strangers = await this.world.strangers([look.current.value]);
    if (strangers.length > 0) this.violated(`${strangers.length} more live at the target`);
    this.checkHistory(look, record);
  }

  private checkProof(record: RotationRecord): void {
    const proof = record.proof ?? [];
    const whole = this.world.facts.endpoints.every((name) =>
      proof.some((each) => each.endpoint === name && each.outcome === 'refused'),
    );
    if (!whole) this.violated('there is no proof that the old credential is refused everywhere');
    if (this.world.strategy === 'in-place' && record.deadWindow?.to === undefined)
      this.violated('the dead window was not recorded');
  }

  private checkHistory(look: Look, record: RotationRecord): void {
    const ids = look.history.map((each) => each.rotationId);
    if (new Set(ids).size !== ids.length || ids.length !== this.rotations.size) {
      this.violated(`history has ${ids.length} records of ${this.rotations.size} rotations`);
    }
    const kept = look.history.find((each) => each.rotationId === record.rotationId);
    if (JSON.stringify(kept) !== JSON.stringify(record)) this.violated('the history record is not what the journal ended with');
  }
}

function openOf(look: Look): RotationRecord | undefined {
  const record = look.journal?.rotation;
  return record === undefined || record.phase === 'closed' ? undefined : record;
}
