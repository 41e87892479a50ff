/**
 * What the client decides about one secret: pure, so that properties can be shown for every order of events. `chance` is uniform in [0, 1).
 * Times are milliseconds of one clock that never goes back.
 */

export interface Limits {
  readonly maxAge: number;
  readonly maxStale: number;
  readonly missingAge: number;
}

/** The version in use. `askedAt`: when the read that last confirmed it was begun, so the value is at most that old. */
interface Held {
  readonly version: string;
  readonly askedAt: number;
  readonly refreshAt: number;
}

/** Logins with `held.version` that were refused, and reads since that gave the same version. Neither is repeated before its time. */
interface Refusal {
  readonly version: string;
  readonly logins: number;
  readonly loginAt: number;
  readonly reads: number;
  readonly readAt: number;
}

export interface Entry {
  readonly held?: Held;
  /** Reads that failed in a row, or the answer that there is no such secret (`failures` 0). None is begun before `retryAt`. */
  readonly trouble?: { readonly failures: number; readonly retryAt: number };
  readonly refusal?: Refusal;
  /** Versions that `current` has moved away from, latest first. */
  readonly former: readonly string[];
  /** A former version that one reading gave, and that a second one must confirm. */
  readonly doubted?: string;
}

export const EMPTY: Entry = { former: [] };

const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;
const FORMER_KEPT = 8;
/** A second reading of a doubted version is taken after this, or a quarter of maxAge. Stores' reads lag by less. */
const SETTLE = 5000;

/** 0.5 to 1 s at first, doubling up to 30 to 60 s. */
export function pause(turn: number, chance: number): number {
  return Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(turn - 1, 16)) * (0.5 + 0.5 * chance);
}

/** How the held value may be used. */
export function serving({ held }: Entry, now: number, limits: Limits): 'fresh' | 'stale' | 'none' {
  if (held === undefined) return 'none';
  const age = now - held.askedAt;
  if (age <= limits.maxAge) return 'fresh';
  return age <= limits.maxAge + limits.maxStale ? 'stale' : 'none';
}

/** The earliest time at which a read is wanted; what is past means now. */
export function wakeAt({ held, trouble, refusal }: Entry): number {
  const wanted = Math.min(held?.refreshAt ?? -Infinity, refusal?.readAt ?? Infinity);
  return Math.max(wanted, trouble?.retryAt ?? -Infinity);
}

export function wantsRead(entry: Entry, now: number): boolean {
  return now >= wakeAt(entry);
}

export interface Reading {
  readonly version: string;
  readonly askedAt: number;
  readonly now: number;
  /** A person or program asked for this very read: what it says is believed. */
  readonly insisted: boolean;
}

/** After a read that found a version. */
export function afterRead(
  entry: Entry,
  reading: Reading,
  limits: Limits,
  chance: number,
): { readonly entry: Entry; readonly outcome: 'same' | 'changed' | 'doubted' } {
  const { held, refusal, former } = entry;
  const { version, askedAt, now } = reading;
  // Spread over 60 to 90 % of maxAge, anew each time, so that a fleet that started together does not read together.
  const next: Held = { version, askedAt, refreshAt: askedAt + limits.maxAge * (0.6 + 0.3 * chance) };
  if (held?.version === version) {
    if (refusal === undefined) return { entry: { held: next, former }, outcome: 'same' };
    const reads = refusal.reads + 1;
    return {
      entry: { held: next, former, refusal: { ...refusal, reads, readAt: now + pause(reads, chance) } },
      outcome: 'same',
    };
  }
  // A version that `current` had left: a replica that lags, or a rollback by hand. Whoever waits for a second reading never waits beyond
  // maxAge, and not at all when the newer version was refused.
  const back = held !== undefined && former.includes(version) && entry.doubted !== version;
  if (back && !reading.insisted && refusal === undefined && serving(entry, now, limits) === 'fresh') {
    const refreshAt = now + Math.min(SETTLE, limits.maxAge / 4) * (0.5 + 0.5 * chance);
    return { entry: { held: { ...held, refreshAt }, former, doubted: version }, outcome: 'doubted' };
  }
  const left = held === undefined ? former : [held.version, ...former.filter((old) => old !== held.version)];
  return {
    entry: { held: next, former: left.filter((old) => old !== version).slice(0, FORMER_KEPT) },
    outcome: 'changed',
  };
}

/** After the store said that there is no such secret. What is held is kept within its bounds: a deletion by mistake ends nothing at once. */
export function afterMissing(entry: Entry, now: number, limits: Limits, chance: number): Entry {
  return { ...entry, trouble: { failures: 0, retryAt: now + limits.missingAge * (0.5 + 0.5 * chance) } };
}

/** After a read that failed. */
export function afterFailure(entry: Entry, now: number, chance: number): Entry {
  const failures = (entry.trouble?.failures ?? 0) + 1;
  return { ...entry, trouble: { failures, retryAt: now + pause(failures, chance) } };
}

/** After a refused login. Refusals of logins that were under way together count once. */
export function afterRefusal(entry: Entry, version: string, now: number, chance: number): Entry {
  const { held, refusal } = entry;
  if (held?.version !== version) return entry;
  if (refusal === undefined) {
    return { ...entry, refusal: { version, logins: 1, loginAt: now + pause(1, chance), reads: 0, readAt: now } };
  }
  return now < refusal.loginAt ? entry : anotherLogin(entry, refusal, now, chance);
}

function anotherLogin(entry: Entry, refusal: Refusal, now: number, chance: number): Entry {
  const logins = refusal.logins + 1;
  return { ...entry, refusal: { ...refusal, logins, loginAt: now + pause(logins, chance) } };
}

/** Whether a login with `version` may be tried: always at first; after a refusal, once for each pause. */
export function admitLogin(
  entry: Entry,
  version: string,
  now: number,
  chance: number,
): { readonly entry: Entry; readonly allowed: boolean } {
  const { refusal } = entry;
  if (refusal?.version !== version) return { entry, allowed: true };
  if (now < refusal.loginAt) return { entry, allowed: false };
  return { entry: anotherLogin(entry, refusal, now, chance), allowed: true };
}

/** After a login that succeeded. */
export function afterAccepted(entry: Entry, version: string): Entry {
  if (entry.refusal?.version !== version) return entry;
  const { refusal: _ended, ...rest } = entry;
  return rest;
}
