import { isKeywheelError, KeywheelError } from '../errors.ts';
import type { Lease } from '../state/index.ts';
import type { Stamp } from '../targets/index.ts';
import type { SecretValue, SecretVersion } from '../stores/index.ts';
import { call, type Engine, type TargetFacts } from './ops.ts';
import type { RotationPolicy } from './policy.ts';
import type { Failure, Hold, RotationRecord } from './record.ts';
import { STRATEGIES, type Strategy } from './strategies/index.ts';

/** What stays the same through one call of `advance`. */
export interface EngineContext {
  readonly secret: string;
  readonly policy: RotationPolicy;
  readonly facts: TargetFacts;
  /** Names this worker in the lease. */
  readonly holder: string;
}

/** The context of one turn: the lease is held. */
export interface Turn extends EngineContext {
  readonly lease: Lease;
  readonly installation: string;
  /** Somebody asked to look at held and failed steps at once. */
  readonly resume: boolean;
}

/** Thrown by a step that found something which must change before the rotation can go on. */
export class HoldSignal extends Error {
  readonly hold: Omit<Hold, 'since'>;
  /** The record as the step left it, where it learnt something before it stopped. */
  readonly record: RotationRecord | undefined;
  constructor(hold: Omit<Hold, 'since'>, record?: RotationRecord) {
    super(hold.message);
    this.hold = hold;
    this.record = record;
  }
}

/** Thrown by a step that cannot go on because the secret was edited before publishing: the edit wins. */
export class EditedSignal extends Error {}

/** The key of a credential that was found in place, not made by a rotation. */
export const ADOPTED = 'adopted';

export function stampOf(turn: Turn, record: Pick<RotationRecord, 'rotationId'>): Stamp {
  return { installation: turn.installation, secret: turn.secret, rotationId: record.rotationId, fence: turn.lease.fence };
}

/**
 * From here on nobody who knew less can act. The fence stops holders of earlier leases. Holders of later ones may know less too: one that read the
 * journal before our last write and then stood still. So the lease must still be the newest; whoever takes it over from now on reads that write.
 */
export function* exclude(turn: Turn, record: Pick<RotationRecord, 'rotationId'>): Engine<void> {
  yield* call('state', 'renew', turn.lease, turn.policy.leaseTtl);
  yield* call('target', 'fence', stampOf(turn, record));
}

export function strategyOf(record: Pick<RotationRecord, 'strategy'>): Strategy {
  return STRATEGIES[record.strategy];
}

/** Provider-minted material carries its id beside it, unless the target says where the id is. */
export function keyIdOf(turn: Turn, value: SecretValue): string | undefined {
  if (turn.facts.keyOf !== undefined) return turn.facts.keyOf(value);
  const id = value['keyId'];
  return typeof id === 'string' ? id : undefined;
}

/** What the journal and people are told of an error. Only our own errors' messages are known to be free of material. */
export function failureOf(error: unknown, at: number): Failure {
  if (isKeywheelError(error)) {
    return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }), at };
  }
  return { code: 'ERR_INTERNAL', message: 'an unexpected error; its text is withheld because it may hold material', at };
}

/** Reads a version that this rotation recorded; a store whose reads lag may not show it yet. */
export function* readRecorded(turn: Turn, version: string): Engine<SecretVersion> {
  const found = yield* call('store', 'read', turn.secret, { version });
  if (found !== undefined) return found;
  throw new KeywheelError('ERR_STORE_UNAVAILABLE', `version ${version} of ${turn.secret} cannot be read`, {
    hint: 'if it was removed by hand, restore it; if the store has just written it, it is tried again',
    retryable: true,
    subject: turn.secret,
  });
}
