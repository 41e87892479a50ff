/** The steps after publishing. Nothing here is undone: the worst that may happen is that the old credential lives longer than planned. */
import { isKeywheelError, KeywheelError } from '../errors.ts';
import type { SecretVersion } from '../stores/index.ts';
import type { Evidence, Stamp } from '../targets/index.ts';
import { ADOPTED, HoldSignal, keyIdOf, readRecorded, stampOf, strategyOf, type Turn } from './context.ts';
import { judgeUse, reached, reverted, sampled } from './machine.ts';
import { call, type Engine } from './ops.ts';
import type { RotationRecord } from './record.ts';
import { probeError, required } from './steps-before.ts';

/** Grace starts at the first reading after publishing, on the target's clock: workers' clocks may be wrong, its own cannot disagree with itself. */
export function* beginGrace(turn: Turn, record: RotationRecord): Engine<RotationRecord> {
  if (!strategyOf(record).overlaps) {
    const now = yield* call('clock', 'now');
    return reached(record, 'retired', now, turn.lease.fence);
  }
  const reading = yield* readUse(turn, record);
  const now = yield* call('clock', 'now');
  const begun = reached(record, 'grace', now, turn.lease.fence, {
    grace: { startedAt: reading.at, clock: turn.facts.usage ? 'target' : 'worker' },
  });
  return sampled(begun, reading, turn.policy, now);
}

/** Takes a reading; when grace has passed and nobody uses the old credential, retires it in the same turn. */
export function* sample(turn: Turn, record: RotationRecord, blackoutUntil: number | undefined): Engine<RotationRecord> {
  const reading = yield* readUse(turn, record);
  const now = yield* call('clock', 'now');
  const next = sampled(record, reading, turn.policy, now);
  const verdict = judgeUse(next, reading, turn.policy);
  if (!verdict.ready) {
    if (verdict.hold !== undefined) {
      // Of course it is in use when somebody made it current again; that must be decided first, or it would never end.
      yield* unlessEditedBack(turn, record);
      throw new HoldSignal(verdict.hold, {
        ...next,
        ...(record.hold === undefined ? {} : { hold: record.hold }),
        attempts: record.attempts,
      });
    }
    return next;
  }
  if (blackoutUntil !== undefined) return { ...next, nextAt: blackoutUntil };
  return yield* retire(turn, next);
}

/**
 * Ends the old credential: by the id that planning recorded, never one that `current` names. The fence goes up first, so that whatever is
 * read after it is still true for every worker that may yet act.
 */
function* retire(turn: Turn, record: RotationRecord): Engine<RotationRecord> {
  const stamp = stampOf(turn, record);
  yield* call('target', 'fence', stamp);
  const old = yield* unlessEditedBack(turn, record);
  const probe = yield* call('target', 'probe', old.value, turn.facts.endpoints[0] ?? '');
  if (probe.outcome !== 'accepted' && probe.outcome !== 'refused') throw probeError(turn, probe, 'the old credential');
  yield* end(turn, record, stamp, probe.outcome);
  const now = yield* call('clock', 'now');
  return reached(record, 'retired', now, turn.lease.fence);
}

/** The old credential's version, unless current names that credential again by somebody's hand. */
function* unlessEditedBack(turn: Turn, record: RotationRecord): Engine<SecretVersion> {
  const current = yield* call('store', 'read', turn.secret, 'current');
  if (current === undefined) {
    throw new KeywheelError('ERR_STORE_UNAVAILABLE', `current of ${turn.secret} cannot be read, so nothing is retired`, {
      retryable: true,
    });
  }
  const old = yield* readRecorded(turn, record.from.version);
  if (current.id !== required(record).version && namesOld(turn, record, current, old)) {
    throw new HoldSignal({
      code: 'edited-back',
      message: `${turn.secret} was edited by hand and current names ${record.from.id.slot} again, so it is not retired`,
      hint: `keep the edit with: keywheel rotate ${turn.secret} --resume`,
    });
  }
  return old;
}

/**
 * Ends the credential that planning recorded. Where a person removed the target's mark, the recorded material logging in shows that the slot still
 * holds it, and it is ended as one found in place. A mark that names yet another credential is somebody else's, and is left.
 */
function* end(turn: Turn, record: RotationRecord, stamp: Stamp, seen: 'accepted' | 'refused'): Engine<void> {
  const { id } = record.from;
  const unmarked = seen === 'accepted' && id.key !== ADOPTED && strategyOf(record).reusesSlot;
  for (const each of unmarked ? [id, { slot: id.slot, key: ADOPTED }] : [id]) {
    try {
      return yield* call('target', 'retire', each, stamp, seen);
    } catch (error) {
      if (!isKeywheelError(error, 'ERR_TARGET_MISMATCH')) throw error;
    }
  }
  if (seen === 'refused') return;
  throw new HoldSignal({
    code: 'mark-mismatch',
    message: `${id.slot} still accepts the old credential of ${turn.secret}, but records another one, so it is not retired`,
    hint: 'keywheel doctor shows the mark; find out who wrote it, mend it, then resume',
  });
}

function namesOld(turn: Turn, record: RotationRecord, current: SecretVersion, old: SecretVersion): boolean {
  if (current.id === old.id || JSON.stringify(current.value) === JSON.stringify(old.value)) return true;
  if (turn.facts.capability.origin === 'provider') return keyIdOf(turn, current.value) === record.from.id.key;
  return strategyOf(record).reusesSlot && turn.facts.slotOf(current.value) === record.from.id.slot;
}

/** The negative proof: a login with the old material must be refused at every endpoint. */
export function* prove(turn: Turn, record: RotationRecord): Engine<RotationRecord> {
  const old = yield* readRecorded(turn, record.from.version);
  const now = yield* call('clock', 'now');
  const proof: NonNullable<RotationRecord['proof']>[number][] = [];
  for (const endpoint of turn.facts.endpoints) {
    const probe = yield* call('target', 'probe', old.value, endpoint);
    if (probe.outcome === 'accepted') {
      const retiredAt = record.steps.findLast((step) => step.phase === 'retired')?.at ?? record.updatedAt;
      if (now - retiredAt < turn.facts.capability.propagation.max) {
        throw new KeywheelError('ERR_TARGET_MISMATCH', `the old credential of ${turn.secret} is still accepted at ${endpoint}`, {
          hint: 'replicas may lag; it is tried again',
          retryable: true,
        });
      }
      throw new HoldSignal({
        code: 'still-accepted',
        message: `the old credential of ${turn.secret} is still accepted at ${endpoint} after it was retired`,
        hint: 'treat it as live: find out who set it again, end it by hand, then resume',
      });
    }
    if (probe.outcome !== 'refused') throw probeError(turn, probe, 'that the old credential is refused');
    proof.push({ endpoint, outcome: probe.outcome, detail: probe.detail, at: now });
  }
  return reached(record, 'proven', now, turn.lease.fence, { proof });
}

export function* close(turn: Turn, record: RotationRecord): Engine<RotationRecord> {
  const { reverted: back } = record;
  const superseded =
    back === undefined && !strategyOf(record).reusesSlot && strategyOf(record).overlaps && !(yield* namesStaged(turn, record));
  const now = yield* call('clock', 'now');
  // An edit by hand took the place of what was published: with a credential for every rotation, nothing else would ever end it.
  if (superseded) return reverted(record, 'superseded', now, turn.lease.fence);
  return reached(record, 'closed', now, turn.lease.fence, {
    outcome: back === undefined ? 'rotated' : 'abandoned',
    ...(back === undefined ? {} : { abandon: back }),
    nextAt: Number.MAX_SAFE_INTEGER,
  });
}

function* namesStaged(turn: Turn, record: RotationRecord): Engine<boolean> {
  const staged = required(record);
  const current = yield* call('store', 'read', turn.secret, 'current');
  return current?.id === staged.version || (current !== undefined && keyIdOf(turn, current.value) === staged.id.key);
}

/** A target that cannot tell use still has grace, on the worker's clock with an allowance for skew. */
function* readUse(turn: Turn, record: RotationRecord): Engine<Evidence> {
  if (turn.facts.usage) return yield* call('target', 'lastUsed', record.from.id.slot, record.from.id);
  const at = yield* call('clock', 'now');
  return { source: 'none: this target cannot tell', slot: record.from.id.slot, at, sessions: 0 };
}
