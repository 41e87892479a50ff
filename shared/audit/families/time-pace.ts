/** T3 and T4: a machine that loses its rhythm, and a person who has one. */
import { FLAG, type AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { insertTime, variation } from '../sketches/walk.ts';
import { dayOf, daysBefore, markDay } from './days.ts';
import { MOST_BEATS, MOST_GAPS, MOST_READS, PACE, type Pace } from './time-slices.ts';

type Say = (finding: Finding) => void;

const MINUTE = 60_000;
/** Reads that are so close are one beat: a poller of twenty secrets reads them together. */
const TOGETHER = 5_000;
/** A rhythm faster than this is a load, not a clock. */
const SHORTEST = 20_000;
/** Stores tell whole seconds: faster than one in so many milliseconds, gaps say nothing, and hands are left behind anyway. */
const TOO_FAST = 1_500;
/** On so many earlier days as fast: it is how this person works, with a script of their own. */
const HABIT = 3;

const isRead = ({ verb, outcome, flags }: AuditEvent): boolean =>
  verb === 'read' && outcome === 'ok' && (flags & (FLAG.echo | FLAG.system | FLAG.skewed)) === 0;

export function observePace(scene: Scene, say: Say): void {
  const { event, kind } = scene;
  if (scene.late || scene.own || !isRead(event)) return;
  const pace = sliceIfAny(scene.principal, PACE);
  if (pace === undefined) return;
  if (kind === 'human') {
    if (scene.detectors.T4.enabled) observeSpeed(scene, pace, say);
  } else if (scene.detectors.T3.enabled) observeRhythm(scene, pace, say);
}

/** The reads of the minute up to and with `time`. */
function lastMinute({ reads }: Pace, time: number): number[] {
  return [...reads.filter((at) => at > time - MINUTE && at <= time), time];
}

function isFast(pace: Pace, time: number, perMinute: number, cv: number): number[] | undefined {
  const least = Math.min(perMinute, MOST_READS);
  if (pace.reads.length + 1 < least || time - (pace.reads[pace.reads.length + 1 - least] ?? time) >= MINUTE) return undefined;
  const minute = lastMinute(pace, time);
  if (minute.length < least) return undefined;
  const mean = (time - (minute[0] ?? time)) / (minute.length - 1);
  return mean < TOO_FAST || variation(minute, 3) < cv ? minute : undefined;
}

function observeSpeed({ event, detectors }: Scene, pace: Pace, say: Say): void {
  const perMinute = detectors.T4.params['perMinute'] ?? 20;
  const minute = isFast(pace, event.time, perMinute, detectors.T4.params['cv'] ?? 0.3);
  if (minute === undefined) return;
  const before = daysBefore(pace.fast, dayOf(event.time));
  const bits = (6 + Math.log2(minute.length / perMinute)) * (before >= HABIT ? 0.25 : 1);
  say({
    detector: 'T4',
    bits: (event.flags & FLAG.automation) === 0 ? bits : bits / 2,
    observed: `${minute.length} reads in a minute`,
    expected: `fewer than ${perMinute} by hand`,
    entity: 'principal',
  });
}

function observeRhythm({ event, detectors }: Scene, { beats, gaps, mean, variance }: Pace, say: Say): void {
  const { params } = detectors.T3;
  if (gaps < (params['least'] ?? 20) || mean < SHORTEST || variance > ((params['cv'] ?? 0.3) * mean) ** 2) return;
  let last = beats.length - 1;
  while (last >= 0 && (beats[last] ?? 0) > event.time) last -= 1;
  const early = (gap: number): boolean => gap < mean / 2;
  const gap = event.time - (beats[last] ?? Number.NEGATIVE_INFINITY);
  if (gap <= TOGETHER || !early(gap)) return;
  let off = 1;
  for (let at = Math.max(1, last - 4); at <= last; at += 1) if (early((beats[at] ?? 0) - (beats[at - 1] ?? 0))) off += 1;
  // One or two beats out of step are a restart.
  if (off < 3) return;
  say({
    detector: 'T3',
    bits: off,
    observed: `${off} reads out of step, ${Math.round(gap / 1_000)} s after the last`,
    expected: `one every ${Math.round(mean / 1_000)} s`,
    entity: 'principal',
  });
}

export function learnPace(scene: Scene, quarantined: boolean): void {
  const { event, kind } = scene;
  if (scene.late || scene.own || !isRead(event)) return;
  if (kind === 'human') {
    const pace = sliceOf(scene.principal, PACE);
    const { perMinute = 20, cv = 0.3 } = scene.detectors.T4.params;
    if (isFast(pace, event.time, perMinute, cv) !== undefined) markDay(pace.fast, dayOf(event.time));
    insertTime(pace.reads, event.time, MOST_READS);
  } else if (kind === 'workload' || kind === 'service') beat(sliceOf(scene.principal, PACE), event.time, quarantined);
}

function beat(pace: Pace, time: number, quarantined: boolean): void {
  const { beats } = pace;
  let place = beats.length;
  while (place > 0 && (beats[place - 1] ?? 0) > time) place -= 1;
  const before = beats[place - 1];
  // A beat that comes late, after others: it belongs to the one it is next to. Otherwise reads in a row would be one long beat.
  if (before !== undefined && time - before <= TOGETHER) return;
  const after = beats[place];
  if (after !== undefined && after - time <= TOGETHER) {
    beats[place] = time;
    return;
  }
  if (place === beats.length) beats.push(time);
  else beats.splice(place, 0, time);
  if (beats.length <= MOST_BEATS) return;
  const gap = (beats[1] ?? 0) - (beats[0] ?? 0);
  beats.shift();
  if (quarantined) return;
  pace.gaps = Math.min(MOST_GAPS, pace.gaps + 1);
  const weight = 1 / pace.gaps;
  // A night's pause does not undo a rhythm.
  const bounded = pace.gaps > 5 ? Math.min(gap, 4 * pace.mean) : gap;
  const from = bounded - pace.mean;
  pace.mean += weight * from;
  pace.variance = (1 - weight) * (pace.variance + weight * from * from);
}
