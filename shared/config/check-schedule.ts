import { Cron } from 'croner';
import type { Path, Problem } from './problem.ts';
import type { BlackoutConfig, ScheduleConfig } from './schema.ts';

export function knownZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** Undefined when the five-field expression can be read and comes due at least once. */
function cronFault(expression: string): string | undefined {
  const example = 'write five fields such as "0 3 * * 1"';
  // croner also reads @daily and six fields; one dialect is enough to explain.
  if (expression.trim().split(/\s+/).length !== 5) return `must have five fields; ${example}`;
  try {
    const cron = new Cron(expression, { mode: '5-part', paused: true });
    return cron.nextRun() === null ? 'never comes due: no such date exists' : undefined;
  } catch {
    return `cannot be read as a cron expression; ${example}`;
  }
}

export function checkSchedule(schedule: ScheduleConfig, at: Path): Problem[] {
  const problems: Problem[] = [];
  const report = (key: string, message: string): void => void problems.push({ path: [...at, key], message });
  const both = schedule.every !== undefined && schedule.cron !== undefined;
  if (both) report('cron', 'set either every or cron, not both');
  if (schedule.every === undefined && schedule.cron === undefined) {
    problems.push({
      path: at,
      message: 'needs one of every (such as 30d) or cron; without a schedule the secret rotates only when asked',
    });
  }
  if (schedule.every !== undefined && schedule.every < 1000) report('every', 'must be at least 1s');
  if (!knownZone(schedule.timeZone)) report('timeZone', 'is no IANA time zone; write one such as UTC or Europe/Berlin');
  if (schedule.cron !== undefined && !both) {
    const fault = cronFault(schedule.cron);
    if (fault !== undefined) report('cron', fault);
  }
  // 22:00 to 04:00 is a window over midnight; 02:00 to 02:00 could mean nothing or the whole day.
  if (schedule.window !== undefined && schedule.window.from === schedule.window.to) {
    report('window', 'from and to are the same time, so the window is empty; leave it out for the whole day');
  }
  return problems;
}

export function checkBlackouts(blackouts: readonly BlackoutConfig[]): Problem[] {
  return blackouts.flatMap((blackout, index) =>
    Date.parse(blackout.from) < Date.parse(blackout.to)
      ? []
      : [{ path: ['blackouts', index, 'to'], message: 'must be later than from' }],
  );
}
