/** Giving a rotation up before publishing: what it told the target is ended by its recorded id, then its pending version is removed. */
import { isKeywheelError, KeywheelError } from '../errors.ts';
import type { SecretValue } from '../stores/index.ts';
import type { CredentialId } from '../targets/index.ts';
import { exclude, HoldSignal, keyIdOf, readRecorded, stampOf, strategyOf, type Turn } from './context.ts';
import { reached } from './machine.ts';
import { call, type Engine } from './ops.ts';
import type { RotationRecord } from './record.ts';
import { probeError, published } from './steps-before.ts';

/** Tries before a staged version that cannot be read counts as removed by hand, and not as one that a lagging store does not show yet. */
const PATIENCE = 8;

/**
 * Two turns, with the journal between them: first the target's side, while the material can still be read; then the pending version. A crash
 * between the two is then never taken for a person's removing the version.
 */
export function* withdraw(turn: Turn, record: RotationRecord): Engine<RotationRecord> {
  const staged = record.staged ?? (yield* stagedUnrecorded(turn, record));
  const touched = staged !== undefined || record.intent !== undefined;
  if (touched && record.abandon?.ended !== true) {
    yield* exclude(turn, record);
    if (!strategyOf(record).overlaps && record.staged !== undefined) yield* mayGoBack(turn, record, record.staged.version);
    const { value, wasPublished } = staged === undefined ? none : yield* look(turn, record, staged.version);
    // Consumers may hold it, so it gets the grace of every published credential.
    if (wasPublished) return yield* published(turn, { ...record, ...(staged === undefined ? {} : { staged }) });
    if (turn.facts.capability.origin === 'provider') yield* retireMinted(turn, record);
    else if (staged !== undefined && value !== undefined) yield* retireStaged(turn, record, staged.id, value);
    const now = yield* call('clock', 'now');
    const { failure: _failure, hold: _hold, ...rest } = record;
    const abandon = { reason: record.abandon?.reason ?? 'abandoned', ended: true };
    return { ...rest, ...(staged === undefined ? {} : { staged }), abandon, attempts: 0, updatedAt: now, nextAt: now };
  }
  if (staged !== undefined) yield* discard(turn, staged.version);
  const now = yield* call('clock', 'now');
  return reached(record, 'closed', now, turn.lease.fence, { outcome: 'abandoned', nextAt: Number.MAX_SAFE_INTEGER });
}

/**
 * In place there may be nothing to go back to: once the target may hold the new material, the pending version is the only record of it, and only
 * an edit that authenticates can end the rotation. Asked under the fence: a paused worker may have applied since the edit was found.
 */
function* mayGoBack(turn: Turn, record: RotationRecord, version: string): Engine<void> {
  const endpoint = turn.facts.endpoints[0] ?? '';
  const current = yield* call('store', 'read', turn.secret, 'current');
  const edit = current === undefined ? undefined : yield* call('target', 'probe', current.value, endpoint);
  if (edit?.outcome === 'accepted') return;
  const pending = yield* readRecorded(turn, version);
  const ours = yield* call('target', 'probe', pending.value, endpoint);
  throw new HoldSignal({
    code: 'edited',
    message: `${turn.secret} was edited by hand during an in-place rotation, and the edit does not authenticate (${edit?.outcome ?? 'missing'}); the pending version is ${ours.outcome}`,
    hint: `write the value that works with: keywheel put ${turn.secret} < value.json, then keywheel rotate ${turn.secret} --resume`,
  });
}

interface Look {
  readonly value: SecretValue | undefined;
  readonly wasPublished: boolean;
}

const none: Look = { value: undefined, wasPublished: false };

/** A version that is neither pending nor gone was published once: the response was lost, and an edit by hand came after. */
function* look(turn: Turn, record: RotationRecord, version: string): Engine<Look> {
  if (!strategyOf(record).overlaps) return none;
  const patient = record.attempts < PATIENCE;
  const found = patient ? yield* readRecorded(turn, version) : yield* call('store', 'read', turn.secret, { version });
  if (found === undefined) return none;
  const state = yield* call('store', 'describe', turn.secret);
  if (state === undefined) {
    throw new KeywheelError('ERR_STORE_UNAVAILABLE', `${turn.secret} cannot be read`, { retryable: true, subject: turn.secret });
  }
  return { value: found.value, wasPublished: state.labels.pending?.id !== version };
}

/** Every credential that carries this rotation's marker, whether or not its material was ever received. */
function* retireMinted(turn: Turn, record: RotationRecord): Engine<void> {
  const current = yield* call('store', 'read', turn.secret, 'current');
  const inUse = current === undefined ? undefined : keyIdOf(turn, current.value);
  for (const id of yield* call('target', 'find', record.rotationId)) {
    if (id.key !== inUse) yield* call('target', 'retire', id, stampOf(turn, record), 'accepted');
  }
}

function* retireStaged(turn: Turn, record: RotationRecord, id: CredentialId, value: SecretValue): Engine<void> {
  if (!strategyOf(record).overlaps) return;
  const current = yield* call('store', 'read', turn.secret, 'current');
  if (current !== undefined && strategyOf(record).reusesSlot && slotOrUndefined(turn, current.value) === record.to) return;
  const probe = yield* call('target', 'probe', value, turn.facts.endpoints[0] ?? '');
  if (probe.outcome !== 'accepted' && probe.outcome !== 'refused') throw probeError(turn, probe, 'the staged credential');
  try {
    yield* call('target', 'retire', id, stampOf(turn, record), probe.outcome);
  } catch (error) {
    // The slot never took it, so there is nothing to end.
    if (!isKeywheelError(error, 'ERR_TARGET_MISMATCH')) throw error;
  }
}

function* discard(turn: Turn, version: string): Engine<void> {
  try {
    yield* call('store', 'discard', turn.secret, version);
  } catch (error) {
    // A label names it after all, so it is the store's to keep.
    if (!isKeywheelError(error, 'ERR_STORE_CONFLICT')) throw error;
  }
}

/** A stage whose response was lost: the version is there, the journal does not know it yet. */
function* stagedUnrecorded(turn: Turn, record: RotationRecord): Engine<RotationRecord['staged']> {
  const state = yield* call('store', 'describe', turn.secret);
  const pending = state?.labels.pending;
  if (pending?.rotationId !== record.rotationId) return undefined;
  const version = yield* readRecorded(turn, pending.id);
  return { version: pending.id, id: { slot: record.to, key: keyIdOf(turn, version.value) ?? record.rotationId } };
}

function slotOrUndefined(turn: Turn, value: SecretValue): string | undefined {
  try {
    return turn.facts.slotOf(value);
  } catch {
    return undefined;
  }
}
