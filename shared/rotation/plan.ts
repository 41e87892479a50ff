import { KeywheelError } from '../errors.ts';
import type { SecretVersion } from '../stores/index.ts';
import { ADOPTED, HoldSignal, keyIdOf, strategyOf, type Turn } from './context.ts';
import { call, type Engine } from './ops.ts';
import { RECORD_VERSION, type RotationRecord } from './record.ts';
import { holdOn, probeError } from './steps-before.ts';

/**
 * Looks at the world and makes the record of a new rotation. Reads only: when anything would make the rotation unsafe or impossible,
 * it says so here, before the first effect.
 */
export function* plan(turn: Turn, reason: string, last: RotationRecord | undefined, named?: string): Engine<RotationRecord> {
  const { secret, facts, policy } = turn;
  const state = yield* call('store', 'describe', secret);
  if (state === undefined) {
    throw new KeywheelError('ERR_SECRET_NOT_FOUND', `${secret} is not in its store`, {
      hint: `write its first value with: keywheel put ${secret} --new < value.json`,
      subject: secret,
    });
  }
  const current = yield* call('store', 'read', secret, 'current');
  if (current === undefined || state.labels.current === undefined || state.labels.current.id !== current.id) {
    throw new KeywheelError('ERR_STORE_UNAVAILABLE', `current of ${secret} cannot be read`, { retryable: true, subject: secret });
  }
  const from = facts.slotOf(current.value);
  const to = strategyOf(policy).next(facts.slots, from);
  if (to === undefined) {
    throw new KeywheelError(
      'ERR_CONFIG_INVALID',
      `${policy.strategy} does not fit the accounts that are pinned for ${secret}: ${facts.slots.join(', ')}`,
      {
        hint: 'dual-account needs two accounts, in-place one',
        subject: secret,
      },
    );
  }
  const now = yield* call('clock', 'now');
  const rotationId = named ?? (yield* call('random', 'rotationId'));
  const record: RotationRecord = {
    schemaVersion: RECORD_VERSION,
    rotationId,
    secret,
    strategy: policy.strategy,
    reason,
    phase: 'planned',
    startedAt: now,
    updatedAt: now,
    from: { id: { slot: from, key: keyOf(turn, current, from, last) }, version: current.id },
    to,
    revision: state.revision,
    evidence: { count: 0, latest: [] },
    attempts: 0,
    nextAt: now,
    steps: [{ phase: 'planned', at: now, fence: turn.lease.fence }],
  };
  const stamp = { installation: turn.installation, secret, rotationId, fence: turn.lease.fence };
  holdOn(yield* call('target', 'preflight', from, to, stamp), 'nothing was changed');
  for (const endpoint of facts.endpoints) {
    const probe = yield* call('target', 'probe', current.value, endpoint);
    if (probe.outcome === 'refused') {
      throw new HoldSignal({
        code: 'current-refused',
        message: `current of ${secret} does not authenticate at ${endpoint}: ${probe.detail}`,
        hint: `consumers are failing now: write the right value with: keywheel put ${secret} < value.json`,
      });
    }
    if (probe.outcome !== 'accepted') throw probeError(turn, probe, 'current');
  }
  return record;
}

/**
 * The key under which the target knows the credential that current names. A version that a person wrote names no rotation, and a person who
 * changes a password leaves our mark as it is: then the last record knows what the slot was given.
 */
function keyOf(turn: Turn, current: SecretVersion, slot: string, last: RotationRecord | undefined): string {
  if (turn.facts.capability.origin === 'provider') return keyIdOf(turn, current.value) ?? ADOPTED;
  if (current.rotationId !== undefined) return current.rotationId;
  const known = [last?.staged?.id, last?.from.id].find((id) => id?.slot === slot);
  return known?.key ?? ADOPTED;
}
