/** Rotates what is named, due or unfinished, each secret in a bulkhead of its own. */
import { failureOf } from './context.ts';
import { Interrupted } from './interpret.ts';
import type { OpenPorts } from './ports.ts';
import type { RotationPolicy } from './policy.ts';
import { journalKey, RECORD_VERSION, type AdvanceResult, type SecretJournal } from './record.ts';
import { runRotation, type RunDeps, type RunOptions } from './run.ts';
import { nextStart, type Schedule } from './schedule.ts';
import type { State } from '../state/index.ts';
import { isKeywheelError } from '../errors.ts';

export interface Job {
  readonly secret: string;
  readonly policy: RotationPolicy;
  readonly schedule?: Schedule | undefined;
  /** Opens the store and target; called only when there is something to do. Closed again by `close`. */
  open(): Promise<Omit<OpenPorts, 'state'> & { close(): Promise<void> }>;
}

export interface Selection {
  /** named: rotate now. due: what the schedule and open rotations ask for. resume: only what is open, at once. */
  readonly mode: 'named' | 'due' | 'resume';
  readonly reason: string;
}

/** Secrets worked on at once. A target's own limits are its adapter's business. */
const BULKHEADS = 8;

export async function rotateMany(
  jobs: readonly Job[],
  selection: Selection,
  state: State,
  options: RunOptions,
  deps: RunDeps,
): Promise<AdvanceResult[]> {
  const results: AdvanceResult[] = [];
  const queue = jobs.entries();
  const worker = async (): Promise<void> => {
    for (const [index, job] of queue) results[index] = await rotateOne(job, selection, state, options, deps);
  };
  // After an interruption the others still finish their present step and release their leases.
  const ended = await Promise.allSettled(Array.from({ length: Math.min(BULKHEADS, jobs.length) }, worker));
  const stopped = ended.find((each) => each.status === 'rejected');
  if (stopped !== undefined) throw stopped.reason;
  return results;
}

async function rotateOne(
  job: Job,
  selection: Selection,
  state: State,
  options: RunOptions,
  deps: RunDeps,
): Promise<AdvanceResult> {
  try {
    const request =
      selection.mode === 'due' ? await whenDue(job, state, deps) : { start: selection.mode === 'named', resume: true };
    if ('status' in request) return request;
    const opened = await job.open();
    try {
      return await runRotation(
        job.secret,
        job.policy,
        { ...opened, state },
        { ...request, reason: selection.reason },
        options,
        deps,
      );
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (error instanceof Interrupted) throw error;
    return { secret: job.secret, status: 'failed', error: failureOf(error, deps.clock.now()) };
  }
}

/** What the schedule asks for now. The first time it sees a secret it only notes that, and rotates nothing. */
async function whenDue(
  job: Job,
  state: State,
  deps: RunDeps,
): Promise<AdvanceResult | { start: boolean; resume: boolean; after?: string | null }> {
  const { secret, policy, schedule } = job;
  const now = deps.clock.now();
  const stored = await state.get<SecretJournal>(journalKey(secret));
  const journal = stored?.value ?? { schemaVersion: RECORD_VERSION, secret, firstSeenAt: now, attempts: 0 };
  if (journal.schemaVersion > RECORD_VERSION) return { start: false, resume: false };
  if (!policy.enabled || stored === undefined) {
    const seen = policy.enabled ? journal : { ...journal, disabledSeenAt: now };
    try {
      await state.put({ key: journalKey(secret), value: seen, expected: stored?.revision ?? null });
    } catch (error) {
      if (!isKeywheelError(error, 'ERR_STATE_CONFLICT')) throw error;
    }
    if (!policy.enabled) return { secret, status: 'disabled' };
  }
  const open = journal.rotation !== undefined && journal.rotation.phase !== 'closed' ? journal.rotation : undefined;
  if (open !== undefined) {
    if (open.nextAt <= now) return { start: false, resume: false };
    return { secret, status: open.hold === undefined ? 'waiting' : 'held', rotation: open, resumeAt: open.nextAt };
  }
  if (schedule === undefined) return { secret, status: 'idle' };
  const startAt = nextStart(schedule, journal, policy);
  // Two timers that fire for the same due date begin one rotation.
  const after = journal.rotation?.rotationId ?? null;
  return startAt <= now ? { start: true, resume: false, after } : { secret, status: 'idle', resumeAt: startAt };
}
