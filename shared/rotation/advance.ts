/**
 * `advance`: takes the lease, re-reads the journal and the world, does the one next step, records it, and goes on until the rotation ends or
 * must wait. Every driver (a terminal, a timer, a cloud's rotation event) calls this and nothing else.
 */
import { isKeywheelError, KeywheelError } from '../errors.ts';
import type { Lease, Stored } from '../state/index.ts';
import type { EngineContext, Turn } from './context.ts';
import { failureOf, HoldSignal } from './context.ts';
import { backoff, blackoutUntil, nextAction } from './machine.ts';
import { call, type Engine } from './ops.ts';
import { perform } from './perform.ts';
import { plan } from './plan.ts';
import {
  historyKey,
  journalKey,
  leaseKey,
  PHASES,
  RECORD_VERSION,
  type AdvanceResult,
  type Phase,
  type RotationRecord,
  type SecretJournal,
} from './record.ts';

export interface AdvanceRequest {
  /** May a new rotation begin when none is open? */
  readonly start: boolean;
  /**
   * The last rotation that whoever asks has seen; null for none. A new one begins only if it is still the last, so that a request which is delivered
   * twice, or late, begins nothing twice. Absent: begin in any case.
   */
  readonly after?: string | null;
  /**
   * The rotation that is meant, for hosts that name rotations themselves (Secrets Manager's ClientRequestToken). A new one gets this id; while another
   * one is open nothing is done and that one is returned; one that is closed is never begun again.
   */
  readonly rotationId?: string;
  /** Go no further than this phase. */
  readonly until?: Phase;
  readonly reason: string;
  /** Look at a held or failed step at once, instead of at its next time. */
  readonly resume: boolean;
}

/** A rotation that needs more steps than this in one call has lost its way. */
const MAX_STEPS = 64;

/** What is known when a call ends in an error: the lease to give back, and the last record that was written. */
interface Box {
  lease?: Lease;
  rotation?: RotationRecord;
}

export function* advance(context: EngineContext, request: AdvanceRequest): Engine<AdvanceResult> {
  const { secret, policy } = context;
  if (!policy.enabled) return { secret, status: 'disabled' };
  const box: Box = {};
  try {
    const lease = yield* call('state', 'acquire', leaseKey(secret), context.holder, policy.leaseTtl);
    if (lease === undefined) return { secret, status: 'busy' };
    box.lease = lease;
    return yield* underLease(context, request, lease, box);
  } catch (error) {
    // Somebody else acts under a later fence. What this worker did last they can see, and what it would do next is theirs to do.
    if (isKeywheelError(error, 'ERR_LEASE_LOST') || isKeywheelError(error, 'ERR_STATE_CONFLICT'))
      return { secret, status: 'busy' };
    const at = yield* call('clock', 'now');
    const open = box.rotation?.phase === 'closed' ? undefined : box.rotation;
    return { secret, status: 'failed', error: failureOf(error, at), ...(open === undefined ? {} : { rotation: open }) };
  } finally {
    if (box.lease !== undefined) yield* releaseQuietly(box.lease);
  }
}

function* releaseQuietly(lease: Lease): Engine<void> {
  try {
    yield* call('state', 'release', lease);
  } catch {
    // A lease that could not be released runs out by itself.
  }
}

function* underLease(context: EngineContext, request: AdvanceRequest, first: Lease, box: Box): Engine<AdvanceResult> {
  const { secret, policy } = context;
  let lease = first;
  const installation = yield* call('state', 'installation');
  let stored = (yield* call('state', 'get', journalKey(secret))) as Stored<SecretJournal> | undefined;
  for (let steps = 0; steps < MAX_STEPS; steps += 1) {
    const now = yield* call('clock', 'now');
    // A lease outlives any one call, and is renewed before half of it has passed.
    if (lease.expiresAt - now < policy.leaseTtl / 2) {
      lease = yield* call('state', 'renew', lease, policy.leaseTtl);
      box.lease = lease;
    }
    const turn: Turn = { ...context, lease, installation, resume: request.resume };
    const journal = readable(stored?.value, secret, now);
    const record = journal.rotation;
    if (record !== undefined) box.rotation = record;
    if (record === undefined || record.phase === 'closed') {
      const overtaken = request.after !== undefined && request.after !== (record?.rotationId ?? null);
      const done = request.rotationId !== undefined && request.rotationId === record?.rotationId;
      if (!request.start || overtaken || done)
        return { secret, status: 'idle', ...(record === undefined ? {} : { rotation: record }) };
      const blackout = blackoutUntil(policy, now);
      if (blackout !== undefined) return { secret, status: 'waiting', resumeAt: blackout, ...reasonOf(policy, now) };
      const begun = yield* begin(turn, journal, request);
      stored = yield* write(secret, begun.journal, stored);
      if (begun.result !== undefined) return begun.result;
      continue;
    }
    if (request.rotationId !== undefined && request.rotationId !== record.rotationId) return notFurther(secret, record);
    if (request.until !== undefined && PHASES.indexOf(record.phase) >= PHASES.indexOf(request.until))
      return notFurther(secret, record);
    const action = nextAction(record, policy, now, request.resume);
    if (action.do === 'wait') return standing(secret, record);
    const next = yield* perform(turn, record, action.do, now);
    stored = yield* write(secret, settle(journal, next, policy), stored);
    if (next.phase === 'closed') return { secret, status: 'closed', rotation: next };
    if (next.hold !== undefined || next.failure !== undefined) return standing(secret, next);
  }
  throw new KeywheelError('ERR_INTERNAL', `the rotation of ${secret} took more than ${MAX_STEPS} steps in one call`);
}

/** Whoever declared the blackout may have said why. */
function reasonOf(policy: EngineContext['policy'], now: number): { blackout?: string } {
  const reason = policy.blackouts.find((each) => each.from <= now && now < each.to && each.reason !== undefined)?.reason;
  return reason === undefined ? {} : { blackout: reason };
}

function readable(journal: SecretJournal | undefined, secret: string, now: number): SecretJournal {
  if (journal === undefined) return { schemaVersion: RECORD_VERSION, secret, firstSeenAt: now, attempts: 0 };
  if (journal.schemaVersion > RECORD_VERSION) {
    throw new KeywheelError(
      'ERR_STATE_NEWER',
      `the journal of ${secret} was written by a newer version of keywheel (format ${journal.schemaVersion})`,
      {
        hint: `upgrade keywheel; this version reads formats up to ${RECORD_VERSION} and has changed nothing`,
        subject: secret,
      },
    );
  }
  return journal;
}

/** Plans a new rotation, or notes why it could not begin and when to try again. */
function* begin(
  turn: Turn,
  journal: SecretJournal,
  request: AdvanceRequest,
): Engine<{ journal: SecretJournal; result?: AdvanceResult }> {
  try {
    const rotation = yield* plan(turn, request.reason, journal.rotation, request.rotationId);
    return { journal: { ...withoutFailure(journal), rotation, attempts: 0 } };
  } catch (error) {
    if (isKeywheelError(error, 'ERR_LEASE_LOST')) throw error;
    const now = yield* call('clock', 'now');
    const chance = yield* call('random', 'uniform');
    const heldBy = error instanceof HoldSignal ? error.hold : undefined;
    const failure = heldBy === undefined ? failureOf(error, now) : { ...heldBy, at: now };
    const attempts = journal.attempts + 1;
    const retryAt = now + backoff(turn.policy, attempts, chance);
    const result: AdvanceResult = {
      secret: turn.secret,
      status: heldBy === undefined ? 'failed' : 'held',
      error: failure,
      resumeAt: retryAt,
    };
    return { journal: { ...journal, failure, attempts, retryAt }, result };
  }
}

function withoutFailure(journal: SecretJournal): SecretJournal {
  const { failure: _failure, retryAt: _retryAt, ...rest } = journal;
  return rest;
}

/** What a rotation's new record means for its secret's journal. */
function settle(journal: SecretJournal, record: RotationRecord, policy: EngineContext['policy']): SecretJournal {
  const next = { ...journal, rotation: record };
  if (record.phase !== 'closed') return next;
  if (record.outcome === 'rotated') return { ...withoutFailure(next), attempts: 0, lastRotatedAt: record.updatedAt };
  const failure = {
    code: record.abandon?.reason ?? 'abandoned',
    message: `the rotation of ${journal.secret} was given up; current was not changed by it`,
    at: record.updatedAt,
  };
  return { ...next, attempts: journal.attempts + 1, failure, retryAt: record.updatedAt + policy.backoff.cap };
}

/** Compare-and-set on the journal; a rotation's last record also goes to history in the same transaction. */
function* write(
  secret: string,
  journal: SecretJournal,
  stored: Stored<SecretJournal> | undefined,
): Engine<Stored<SecretJournal>> {
  const key = journalKey(secret);
  const record = journal.rotation;
  const closing = record?.phase === 'closed' && stored?.value.rotation?.phase !== 'closed';
  const history = closing ? [{ key: historyKey(secret, record.rotationId), value: record, expected: null }] : [];
  const revisions = yield* call('state', 'transact', [{ key, value: journal, expected: stored?.revision ?? null }, ...history]);
  return { key, value: journal, revision: revisions[0] ?? '' };
}

/** As far as this request goes; when it goes on is not this caller's business, so there is nothing to wait for. */
function notFurther(secret: string, rotation: RotationRecord): AdvanceResult {
  const { resumeAt: _resumeAt, ...rest } = standing(secret, rotation);
  return rest;
}

function standing(secret: string, rotation: RotationRecord): AdvanceResult {
  const resumeAt = rotation.nextAt;
  if (rotation.hold !== undefined) return { secret, status: 'held', rotation, resumeAt };
  if (rotation.failure !== undefined) return { secret, status: 'failed', rotation, resumeAt, error: rotation.failure };
  return { secret, status: 'waiting', rotation, resumeAt };
}
