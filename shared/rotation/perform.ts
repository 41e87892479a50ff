import { isKeywheelError } from '../errors.ts';
import { EditedSignal, failureOf, HoldSignal, type Turn } from './context.ts';
import { abandoned, blackoutUntil, failed, held, reverted, type Action } from './machine.ts';
import { call, type Engine } from './ops.ts';
import type { Hold, RotationRecord } from './record.ts';
import * as after from './steps-after.ts';
import * as before from './steps-before.ts';
import { withdraw } from './withdraw.ts';

type Step = Exclude<Action['do'], 'wait'>;

/** Does one step and returns the record that follows, also when the step failed, was held, or found an edit by hand. */
export function* perform(turn: Turn, record: RotationRecord, step: Step, now: number): Engine<RotationRecord> {
  try {
    return yield* run(turn, record, step, now);
  } catch (error) {
    if (isKeywheelError(error, 'ERR_LEASE_LOST') || isKeywheelError(error, 'ERR_STATE_CONFLICT')) throw error;
    if (error instanceof EditedSignal) return yield* overtaken(record);
    if (error instanceof HoldSignal) return yield* hold(turn, record, error.hold, error.record);
    if (isKeywheelError(error, 'ERR_FENCE_STALE')) {
      // With the lease still ours, nobody else can have acted later: the state is older than the target.
      yield* call('state', 'renew', turn.lease, turn.policy.leaseTtl);
      return yield* hold(turn, record, {
        code: 'fence-behind',
        message: error.message,
        hint: error.hint ?? 'the state may have been restored from an older copy; bring back the newest one',
      });
    }
    if (isKeywheelError(error, 'ERR_TARGET_OWNED')) {
      return yield* hold(turn, record, {
        code: 'target-owned',
        message: error.message,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
    if (isKeywheelError(error, 'ERR_ROTATION_HELD')) {
      return yield* hold(turn, record, {
        code: 'not-as-planned',
        message: error.message,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
    const at = yield* call('clock', 'now');
    const chance = yield* call('random', 'uniform');
    return failed(record, failureOf(error, at), turn.policy, at, chance);
  }
}

function run(turn: Turn, record: RotationRecord, step: Step, now: number): Engine<RotationRecord> {
  switch (step) {
    case 'stage':
      return before.stage(turn, record);
    case 'apply':
      return before.apply(turn, record);
    case 'verify':
      return before.verify(turn, record);
    case 'publish':
      return before.publish(turn, record);
    case 'withdraw':
      return withdraw(turn, record);
    case 'begin-grace':
      return after.beginGrace(turn, record);
    case 'sample':
      return after.sample(turn, record, blackoutUntil(turn.policy, now));
    case 'prove':
      return after.prove(turn, record);
    case 'close':
      return after.close(turn, record);
  }
}

function* hold(turn: Turn, record: RotationRecord, why: Omit<Hold, 'since'>, learnt?: RotationRecord): Engine<RotationRecord> {
  const now = yield* call('clock', 'now');
  if (why.code === 'edited-back' && record.hold?.code === 'edited-back' && turn.resume) {
    // Somebody looked at it and keeps the edit. Consumers may still hold what was published, so that one is ended in its time.
    return reverted(learnt ?? record, 'edited-back', now, turn.lease.fence);
  }
  const chance = yield* call('random', 'uniform');
  return held(learnt ?? record, why, turn.policy, now, turn.lease.fence, chance);
}

/** The secret was edited by hand between planning and publishing: the edit is kept and ours is withdrawn. */
function* overtaken(record: RotationRecord): Engine<RotationRecord> {
  const now = yield* call('clock', 'now');
  return abandoned(record, 'edited', now);
}
