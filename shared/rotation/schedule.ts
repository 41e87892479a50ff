/** When a secret is due. Pure: the same schedule, journal and secret always give the same instants. */
import { Cron } from 'croner';
import { blackoutUntil } from './machine.ts';
import type { RotationPolicy } from './policy.ts';
import type { SecretJournal } from './record.ts';

type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun';

/** All durations in milliseconds. Exactly one of `every` and `cron`. */
export interface Schedule {
  readonly every?: number | undefined;
  /** Five fields, in `timeZone`. */
  readonly cron?: string | undefined;
  readonly timeZone: string;
  /** A rotation starts only inside it. `to` before `from` means until the next day; the days are those it opens on. */
  readonly window?: { readonly from: string; readonly to: string; readonly days?: readonly Weekday[] | undefined } | undefined;
  readonly jitter: number;
}

/**
 * The instant from which the next rotation may start, and before which it may not: the interval or cron time after the last rotation, delayed by
 * jitter, moved into the window and past blackouts, and not before a failed start's retry. A secret that was never rotated
 * counts from when the schedule first saw it, so that neither a deploy nor enabling it rotates anything.
 */
export function nextStart(schedule: Schedule, journal: SecretJournal, policy: Pick<RotationPolicy, 'blackouts'>): number {
  const base = Math.max(journal.lastRotatedAt ?? journal.firstSeenAt, journal.disabledSeenAt ?? 0);
  const due = dueAfter(schedule, base) + Math.floor(schedule.jitter * fraction(`${journal.secret} ${base}`));
  let at = Math.max(due, journal.retryAt ?? 0);
  // Each pass leaves a blackout or a closed window behind; windows and blackouts that exclude each other for a year are a misconfiguration.
  for (let passes = 0; passes < 400; passes += 1) {
    const opened = windowFrom(schedule, at);
    const blackout = blackoutUntil(policy as RotationPolicy, opened);
    if (blackout === undefined) return opened;
    at = blackout;
  }
  return at;
}

function dueAfter(schedule: Schedule, base: number): number {
  if (schedule.every !== undefined) return base + schedule.every;
  const next = new Cron(schedule.cron ?? '', { timezone: schedule.timeZone, mode: '5-part' }).nextRun(new Date(base));
  return next?.getTime() ?? Number.MAX_SAFE_INTEGER;
}

/** `at` itself when the window is open then, else the instant at which it next opens. */
export function windowFrom(schedule: Schedule, at: number): number {
  const { window } = schedule;
  // Stryker disable next-line ConditionalExpression: equivalent - isOpen also says true where there is no window
  if (window === undefined || isOpen(schedule, at)) return at;
  const [hour, minute] = window.from.split(':').map(Number);
  const days = window.days === undefined ? '*' : window.days.join(',');
  const opening = new Cron(`${minute} ${hour} * * ${days}`, { timezone: schedule.timeZone, mode: '5-part' }).nextRun(
    new Date(at),
  );
  return opening?.getTime() ?? at;
}

const DAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

function isOpen(schedule: Schedule, at: number): boolean {
  const { window } = schedule;
  // Stryker disable next-line ConditionalExpression,BooleanLiteral: equivalent - its one caller comes only with a window
  if (window === undefined) return true;
  const parts = new Intl.DateTimeFormat('en-GB', {
    timeZone: schedule.timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(new Date(at));
  // Stryker disable next-line OptionalChaining,StringLiteral: equivalent - the format asks for every part that is looked up
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? '';
  const time = `${part('hour')}:${part('minute')}`;
  const today = part('weekday').toLowerCase() as Weekday;
  const yesterday = DAYS[(DAYS.indexOf(today) + 6) % 7] ?? today;
  const opensOn = (day: Weekday): boolean => window.days === undefined || window.days.includes(day);
  if (window.from < window.to) return opensOn(today) && window.from <= time && time < window.to;
  return (opensOn(today) && window.from <= time) || (opensOn(yesterday) && time < window.to);
}

/** A number in [0, 1) that is the same for the same text: FNV-1a, finished so that near texts do not give near numbers. */
function fraction(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
