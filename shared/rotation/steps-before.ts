/** The steps up to publishing. Each makes at most one change in the world, is safe to repeat, and returns the record that follows. */
import { isKeywheelError, KeywheelError } from '../errors.ts';
import type { SecretState, SecretValue } from '../stores/index.ts';
import type { CredentialId, Finding, Probe, Stamp } from '../targets/index.ts';
import { EditedSignal, exclude, HoldSignal, keyIdOf, readRecorded, stampOf, strategyOf, type Turn } from './context.ts';
import { abandoned, reached } from './machine.ts';
import { call, type Engine } from './ops.ts';
import type { RotationRecord } from './record.ts';

/** Material becomes durable in the store's pending version before any target hears of it. */
export function* stage(turn: Turn, record: RotationRecord): Engine<RotationRecord> {
  const state = yield* unedited(turn, record);
  yield* clearForeignPending(turn, record, state);
  const current = yield* readRecorded(turn, record.from.version);
  if (turn.facts.capability.origin === 'provider') return yield* mint(turn, record, current.value);
  const value = yield* call('target', 'compose', record.to, current.value);
  const ref = yield* call('store', 'stage', turn.secret, value, record.rotationId);
  const now = yield* call('clock', 'now');
  return reached(record, 'staged', now, turn.lease.fence, {
    staged: { version: ref.id, id: { slot: record.to, key: record.rotationId } },
  });
}

/**
 * A provider makes the material, so the order is intent, mint, stage. A lost response leaves a credential that carries our marker and
 * whose material nobody has: it is retired by its id and another one is minted.
 */
function* mint(turn: Turn, record: RotationRecord, current: SecretValue): Engine<RotationRecord> {
  const now = yield* call('clock', 'now');
  if (record.intent === undefined) {
    const { hold: _hold, failure: _failure, ...rest } = record;
    return { ...rest, intent: { at: now }, updatedAt: now, nextAt: now };
  }
  const stamp = stampOf(turn, record);
  // First, because a mint whose response was lost and that is still on its way must not arrive after the search.
  yield* exclude(turn, record);
  const orphans = yield* call('target', 'find', record.rotationId);
  const staged = yield* call('store', 'read', turn.secret, 'pending');
  if (staged?.rotationId === record.rotationId) {
    const id = orphans.find((each) => each.key === keyIdOf(turn, staged.value));
    if (id !== undefined) return reached(record, 'staged', now, turn.lease.fence, { staged: { version: staged.id, id } });
  }
  for (const id of orphans) yield* call('target', 'retire', id, stamp, 'accepted');
  // Not every provider keeps a fence: where none does, the lease says at the last moment that nobody else has gone on.
  yield* call('state', 'renew', turn.lease, turn.policy.leaseTtl);
  const minted = yield* call('target', 'mint', record.to, record.rotationId, current, stamp);
  yield* keepOrRetire(turn, minted.id, stamp);
  const ref = yield* call('store', 'stage', turn.secret, minted.value, record.rotationId);
  return reached(record, 'staged', now, turn.lease.fence, { staged: { version: ref.id, id: minted.id } });
}

/** Whoever took the lease over may have looked for keys before this one was there. Nobody else knows its id yet, so it is ours to end. */
function* keepOrRetire(turn: Turn, id: CredentialId, stamp: Stamp): Engine<void> {
  try {
    yield* call('state', 'renew', turn.lease, turn.policy.leaseTtl);
  } catch (error) {
    if (isKeywheelError(error, 'ERR_LEASE_LOST')) yield* call('target', 'retire', id, stamp, 'accepted');
    throw error;
  }
}

/** A pending version that no open rotation of ours staged: removed if it is dead, kept if it may be somebody's live credential. */
function* clearForeignPending(turn: Turn, record: RotationRecord, state: SecretState): Engine<void> {
  const pending = state.labels.pending;
  if (pending === undefined || pending.rotationId === record.rotationId) return;
  const version = yield* call('store', 'read', turn.secret, { version: pending.id });
  if (version === undefined) return;
  for (const endpoint of turn.facts.endpoints) {
    const probe = yield* call('target', 'probe', version.value, endpoint);
    if (probe.outcome === 'refused') continue;
    throw new HoldSignal({
      code: 'foreign-pending',
      message: `${turn.secret} has a pending version that this rotation did not stage, and it ${probe.outcome === 'accepted' ? 'authenticates' : `cannot be judged (${probe.outcome})`}`,
      hint: 'it may be the only record of a live credential; publish or remove it by hand',
    });
  }
  yield* call('store', 'discard', turn.secret, pending.id);
}

/** Tells the target. Repeating it is harmless: same material, same fence or a later one. */
export function* apply(turn: Turn, record: RotationRecord): Engine<RotationRecord> {
  yield* unedited(turn, record);
  const staged = required(record);
  const startedAt = yield* call('clock', 'now');
  if (turn.facts.capability.origin === 'client') {
    const pending = yield* readRecorded(turn, staged.version);
    yield* call('target', 'apply', record.to, pending.value, stampOf(turn, record));
  }
  const now = yield* call('clock', 'now');
  const dead = strategyOf(record).overlaps ? {} : { deadWindow: record.deadWindow ?? { from: startedAt } };
  return reached(record, 'applied', now, turn.lease.fence, dead);
}

/** A fresh login with the staged material at every endpoint consumers use, and privileges equal in both directions. */
export function* verify(turn: Turn, record: RotationRecord): Engine<RotationRecord> {
  // What is verified must stay as it is until it is published, and then be nobody's to change who still believes that it is not.
  yield* exclude(turn, record);
  const pending = yield* readRecorded(turn, required(record).version);
  const refused: Probe[] = [];
  for (const endpoint of turn.facts.endpoints) {
    const probe = yield* call('target', 'probe', pending.value, endpoint);
    if (probe.outcome === 'refused') refused.push(probe);
    else if (probe.outcome !== 'accepted') throw probeError(turn, probe, 'the staged credential');
  }
  const now = yield* call('clock', 'now');
  if (refused.length > 0) {
    const appliedAt = record.steps.findLast((step) => step.phase === 'applied')?.at ?? record.updatedAt;
    if (now - appliedAt >= turn.facts.capability.propagation.max && record.attempts > 0) {
      // What a provider minted cannot be said again: what is staged is dead, so another rotation must mint another.
      const nowhere = refused.length === turn.facts.endpoints.length;
      if (nowhere && turn.facts.capability.origin === 'provider') return abandoned(record, 'minted-refused', now);
      // The change did not take or was undone: say it again. The same material, so it cannot make anything worse.
      return { ...reached(record, 'staged', now, turn.lease.fence), attempts: record.attempts };
    }
    throw new KeywheelError(
      'ERR_TARGET_MISMATCH',
      `the staged credential of ${turn.secret} is not accepted yet at ${names(refused)}`,
      {
        hint: 'replicas may lag; it is tried again',
        retryable: true,
        subject: turn.secret,
      },
    );
  }
  if (strategyOf(record).compares) {
    holdOn(
      yield* call('target', 'compare', record.from.id.slot, record.to),
      'nothing was published; give both accounts the same privileges',
    );
  }
  // The first stage of a rotation wins, so the version may hold what another worker minted: what is in it counts.
  const staged = required(record);
  const key = keyIdOf(turn, pending.value) ?? staged.id.key;
  const changed = turn.facts.capability.origin === 'provider' ? { staged: { ...staged, id: { ...staged.id, key } } } : {};
  return reached(record, 'verified', now, turn.lease.fence, changed);
}

/** Compare-and-set: an edit since planning wins, and ours is withdrawn. */
export function* publish(turn: Turn, record: RotationRecord): Engine<RotationRecord> {
  const staged = required(record);
  const state = yield* call('store', 'describe', turn.secret);
  const already = state?.labels.current?.id === staged.version;
  if (!already && state?.revision !== record.revision) {
    // Not pending any more: it was published, the response was lost, and the edit came after.
    if (state !== undefined && state.labels.pending?.id !== staged.version) return yield* published(turn, record);
    throw new EditedSignal();
  }
  try {
    // Also when it is current already: a store may have moved the label and not finished (replicas that are not in step yet, a left-over label).
    yield* call('store', 'publish', turn.secret, staged.version, record.revision);
  } catch (error) {
    if (!isKeywheelError(error, 'ERR_STORE_CONFLICT')) throw error;
    // It was current a moment ago, so it is published; the edit came after.
    if (already) return yield* published(turn, record);
    throw new EditedSignal();
  }
  return yield* published(turn, record);
}

/** It is published now, or was before: also when that was found out late. */
export function* published(turn: Turn, record: RotationRecord): Engine<RotationRecord> {
  const now = yield* call('clock', 'now');
  const dead = record.deadWindow === undefined ? {} : { deadWindow: { ...record.deadWindow, to: now } };
  const { abandon: _abandon, ...rest } = record;
  return reached(rest, 'published', now, turn.lease.fence, dead);
}

function* unedited(turn: Turn, record: RotationRecord): Engine<SecretState> {
  const state = yield* call('store', 'describe', turn.secret);
  if (state === undefined || state.revision !== record.revision) throw new EditedSignal();
  return state;
}

export function required(record: RotationRecord): NonNullable<RotationRecord['staged']> {
  if (record.staged === undefined)
    throw new Error(`rotation ${record.rotationId} is in phase ${record.phase} without a staged version`);
  return record.staged;
}

const PROBE_CODES = {
  unreachable: 'ERR_TARGET_UNREACHABLE',
  tls: 'ERR_TARGET_TLS',
  forbidden: 'ERR_TARGET_FORBIDDEN',
  throttled: 'ERR_TARGET_THROTTLED',
  refused: 'ERR_TARGET_MISMATCH',
} as const;

/** An outcome that says nothing of whether the material is right. */
export function probeError(turn: Turn, probe: Probe, what: string): KeywheelError {
  const code = probe.outcome === 'accepted' ? 'ERR_TARGET_MISMATCH' : PROBE_CODES[probe.outcome];
  return new KeywheelError(code, `${what} of ${turn.secret} could not be verified at ${probe.endpoint}: ${probe.detail}`, {
    retryable: true,
    subject: turn.secret,
  });
}

export function holdOn(findings: readonly Finding[], hint: string): void {
  const errors = findings.filter((finding) => finding.level === 'error');
  const first = errors[0];
  if (first === undefined) return;
  const more =
    errors.length > 1
      ? `; and ${errors.length - 1} more: ${errors
          .slice(1)
          .map((each) => each.message)
          .join('; ')}`
      : '';
  throw new HoldSignal({ code: first.code, message: `${first.message}${more}`, hint: first.hint ?? hint });
}

function names(probes: readonly Probe[]): string {
  return probes.map((probe) => probe.endpoint).join(', ');
}
