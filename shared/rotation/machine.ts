/**
 * The rotation machine: which step comes next, and what a step's result makes of the record. Pure: plain data in, plain data
 * out. The order of effects is fixed here and nowhere else, so no target can revoke before publishing.
 */
import type { Evidence } from '../targets/index.ts';
import { CLOCK_SKEW_ALLOWANCE, type RotationPolicy } from './policy.ts';
import type { Failure, Hold, Phase, RotationRecord, Step } from './record.ts';
import { STRATEGIES } from './strategies/index.ts';

export type Action =
  | { readonly do: 'wait'; readonly until: number }
  | { readonly do: 'stage' | 'apply' | 'verify' | 'publish' | 'begin-grace' | 'sample' | 'prove' | 'close' | 'withdraw' };

const NEXT: Readonly<Record<Exclude<Phase, 'closed'>, Exclude<Action['do'], 'wait'>>> = {
  planned: 'stage',
  staged: 'apply',
  applied: 'verify',
  verified: 'publish',
  published: 'begin-grace',
  grace: 'sample',
  retired: 'prove',
  proven: 'close',
};

const KEPT_STEPS = 40;
const KEPT_READINGS = 5;

/**
 * The one next step of an open rotation. A held or failed record waits until `nextAt`, or is looked at again at once when
 * somebody asks (`resume`); grace cannot be shortened by asking.
 */
export function nextAction(record: RotationRecord, policy: RotationPolicy, now: number, resume: boolean): Action {
  if (record.phase === 'closed') return { do: 'wait', until: Number.POSITIVE_INFINITY };
  const standing = record.hold !== undefined || record.failure !== undefined;
  if (now < record.nextAt && !(resume && standing)) return { do: 'wait', until: record.nextAt };
  if (record.abandon !== undefined) return { do: 'withdraw' };
  return { do: NEXT[record.phase] };
}

/** A step was completed. */
export function reached(
  record: RotationRecord,
  phase: Phase,
  now: number,
  fence: number,
  change: Partial<RotationRecord> = {},
): RotationRecord {
  const { hold: _hold, failure: _failure, ...rest } = record;
  return {
    ...rest,
    ...change,
    phase,
    updatedAt: now,
    nextAt: change.nextAt ?? now,
    attempts: 0,
    steps: addStep(record.steps, { phase, at: now, fence }),
  };
}

/** A step failed in a way that may pass. It is tried again after a pause that doubles, is capped, and is jittered by `chance` in [0, 1). */
export function failed(
  record: RotationRecord,
  failure: Failure,
  policy: RotationPolicy,
  now: number,
  chance: number,
): RotationRecord {
  const attempts = record.attempts + 1;
  return { ...record, failure, attempts, updatedAt: now, nextAt: now + backoff(policy, attempts, chance) };
}

export function backoff(policy: RotationPolicy, attempts: number, chance: number): number {
  const pause = Math.min(policy.backoff.cap, policy.backoff.first * 2 ** Math.min(attempts - 1, 30));
  return Math.round(pause * (0.5 + chance / 2));
}

/** Something must change before it goes on. It is looked at again by itself, ever more rarely. */
export function held(
  record: RotationRecord,
  hold: Omit<Hold, 'since'>,
  policy: RotationPolicy,
  now: number,
  fence: number,
  chance: number,
): RotationRecord {
  const { failure: _failure, ...rest } = record;
  const again = record.hold?.code === hold.code;
  const attempts = again ? record.attempts + 1 : 1;
  return {
    ...rest,
    hold: { ...hold, since: again ? record.hold.since : now },
    attempts,
    updatedAt: now,
    nextAt: now + backoff(policy, attempts, chance),
    steps: again ? record.steps : addStep(record.steps, { phase: 'held', at: now, fence }),
  };
}

/** Gives the rotation up before publishing; what it staged and applied is withdrawn next. */
export function abandoned(record: RotationRecord, reason: string, now: number): RotationRecord {
  if (isPublished(record)) throw new Error(`a rotation in phase ${record.phase} is past the point of no return`);
  const { hold: _hold, failure: _failure, ...rest } = record;
  return { ...rest, abandon: { reason }, attempts: 0, updatedAt: now, nextAt: now };
}

/**
 * Current no longer names what this rotation published, by somebody's hand, and that stands. What it published takes the place of the old
 * credential: consumers may still hold it, so it is ended like any other, by its id, after grace and on evidence.
 */
export function reverted(record: RotationRecord, reason: string, now: number, fence: number): RotationRecord {
  const { hold: _hold, failure: _failure, grace: _grace, proof: _proof, staged, ...rest } = record;
  if (staged === undefined) throw new Error(`rotation ${record.rotationId} published nothing`);
  return {
    ...rest,
    from: { id: staged.id, version: staged.version },
    staged: { version: record.from.version, id: record.from.id },
    reverted: { reason },
    phase: 'published',
    evidence: { count: 0, latest: [] },
    attempts: 0,
    updatedAt: now,
    nextAt: now,
    steps: addStep(record.steps, { phase: 'published', at: now, fence }),
  };
}

export function isPublished(record: RotationRecord): boolean {
  return record.phase === 'published' || record.phase === 'grace' || record.phase === 'retired' || record.phase === 'proven';
}

function addStep(steps: readonly Step[], step: Step): readonly Step[] {
  return [...steps.slice(-(KEPT_STEPS - 1)), step];
}

/** Milliseconds that must pass after publishing on the clock that grace runs on. */
export function graceOf(record: RotationRecord, policy: RotationPolicy): number {
  if (!STRATEGIES[record.strategy].overlaps) return 0;
  const skew = record.grace?.clock === 'worker' ? CLOCK_SKEW_ALLOWANCE : 0;
  return Math.max(policy.grace, policy.maxCacheAge) + policy.readLag + skew;
}

/** Records a reading of use and says when to take the next one. */
export function sampled(record: RotationRecord, reading: Evidence, policy: RotationPolicy, now: number): RotationRecord {
  const { hold: _hold, failure: _failure, ...rest } = record;
  const remaining = (record.grace?.startedAt ?? reading.at) + graceOf(record, policy) - reading.at;
  const pause = remaining > 0 ? Math.min(remaining, samplePause(record, policy)) : samplePause(record, policy);
  return {
    ...rest,
    evidence: { count: record.evidence.count + 1, latest: [...record.evidence.latest, reading].slice(-KEPT_READINGS) },
    attempts: 0,
    updatedAt: now,
    nextAt: now + Math.max(1, Math.ceil(pause)),
  };
}

function samplePause(record: RotationRecord, policy: RotationPolicy): number {
  return Math.min(300_000, Math.max(100, graceOf(record, policy) / (policy.samples + 1)));
}

export type Verdict = { readonly ready: true } | { readonly ready: false; readonly hold?: Omit<Hold, 'since'> };

/**
 * May the old credential be retired on this reading? Only when grace has passed on the target's own clock, enough readings
 * were taken, no session of it ran a statement lately, and nobody logged in with it after every cache must have run out. One late login means
 * that some consumer caches longer than it should: then a whole cache age must pass without another.
 */
export function judgeUse(record: RotationRecord, reading: Evidence, policy: RotationPolicy): Verdict {
  const startedAt = record.grace?.startedAt;
  if (startedAt === undefined || reading.at - startedAt < graceOf(record, policy)) return { ready: false };
  if (record.evidence.count < policy.samples) return { ready: false };
  const account = record.from.id.slot;
  // Stryker disable next-line ConditionalExpression: equivalent - without a last use the difference is NaN, which is less than nothing
  if (reading.lastUsedAt !== undefined && reading.at - reading.lastUsedAt < policy.quiet) {
    return {
      ready: false,
      hold: stillInUse(
        `${account} still runs statements: ${reading.sessions} open ${reading.sessions === 1 ? 'session' : 'sessions'}`,
      ),
    };
  }
  const cachesRunOut = startedAt + policy.maxCacheAge + policy.readLag;
  const logins = [...record.evidence.latest, reading].map((each) => each.lastLoginAt ?? Number.NEGATIVE_INFINITY);
  const lastLogin = Math.max(...logins);
  if (lastLogin > cachesRunOut && reading.at - lastLogin < policy.maxCacheAge) {
    return { ready: false, hold: stillInUse(`a consumer logged in as ${account} after every cache must have run out`) };
  }
  return { ready: true };
}

function stillInUse(message: string): Omit<Hold, 'since'> {
  return {
    code: 'still-in-use',
    message,
    hint: 'find the consumer that does not read current again; it is looked at again by itself',
  };
}

/** The end of the blackout that holds at `now`; undefined outside of all. */
export function blackoutUntil(policy: RotationPolicy, now: number): number | undefined {
  const ends = policy.blackouts.filter((each) => each.from <= now && now < each.to).map((each) => each.to);
  return ends.length === 0 ? undefined : Math.max(...ends);
}
