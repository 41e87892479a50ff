/** T1 and T2: people at hours that are not theirs, or not those of keywheel.yaml. */
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Finding, Scene } from '../scene.ts';
import { calendarOf, hourOf, hourOfWeek, isWorking, localTime, WEEK_HOURS, whenText } from '../sketches/calendar.ts';
import { freshHours, known, near, noteHour, rarity, UNIT, usualHours, type Hours } from '../sketches/hours.ts';
import { wordHash } from './known.ts';
import { priorOf, shiftOf } from './time-prior.ts';
import { GROUP_HOURS, HOURS, MOST_GROUPS, type GroupHours } from './time-slices.ts';

type Say = (finding: Finding) => void;

/** What somebody did at such an hour before, or a peer did, surprises no more than this. */
const SEEN_BEFORE = 3;
const NEAR_OWN = 2;
const NEAR_PEERS = 1;
/** The share of a large group's events that make an hour an ordinary one. */
const PEERS_SHARE = 0.003;
const LEAST_EVENTS = 8;
/** So often at such hours is a habit: a shift, or a zone that keywheel.yaml does not know of. */
const HABIT = 3;

/** By people, on purpose: not what clients do by themselves. */
const isAct = ({ verb, outcome, flags }: AuditEvent): boolean =>
  (outcome === 'ok' || outcome === 'denied') &&
  verb !== 'whoami' &&
  verb !== 'other' &&
  (flags & (FLAG.echo | FLAG.system)) === 0;

export function observeHours(scene: Scene, say: Say): void {
  if (scene.kind !== 'human' || scene.own || !isAct(scene.event)) return;
  const { detectors, principal, settings, timeZone, event } = scene;
  const local = localTime(timeZone, event.time);
  const hours = sliceIfAny(principal, HOURS);
  const at = hourOfWeek(hourOf(local));
  if (detectors.T1.enabled && hours !== undefined && hours.bins[at] === 0) observeUnusual(scene, local, hours, say);
  const calendar = calendarOf(settings.hours);
  if (detectors.T2.enabled && !isWorking(calendar, local)) observeClosed(scene, local, hours, say);
}

const bins = new Float64Array(WEEK_HOURS);
const everyDay = (): boolean => true;

function observeUnusual(scene: Scene, local: number, hours: Hours, say: Say): void {
  const { params } = scene.detectors.T1;
  const hour = hourOf(local);
  const at = hourOfWeek(hour);
  const { n, days } = known(hours, hour, bins);
  if (n < LEAST_EVENTS || days < 2 || (bins[at] ?? 0) > 0) return;
  const prior = priorOf(calendarOf(scene.settings.hours));
  const shifted = (at - shiftOf(prior, bins) + WEEK_HOURS) % WEEK_HOURS;
  const { works } = prior.calendar;
  const own = rarity(bins, at, works);
  const weight = params['prior'] ?? 30;
  const p = Math.max(1e-9, (n * own + weight * (prior.rarity[shifted] ?? 1)) / (n + weight));
  if (p > (params['p'] ?? 0.02)) return;
  const ripe = Math.min(1, days / Math.max(1, (params['days'] ?? 10) / 2));
  // A night is a night on every day; work on a day off is another thing than the same hour on a working day.
  const night = (prior.asleep[shifted] ?? 0) === 1;
  const likeDays = night ? everyDay : (weekday: number) => works[weekday] === works[Math.floor(at / 24)];
  const before = near(bins, at, NEAR_OWN, likeDays) > 0 || peersDid(scene, hour, likeDays);
  const bits = before ? Math.min(SEEN_BEFORE, -Math.log2(p) * ripe) : -Math.log2(p) * ripe;
  if (bits < 1) return;
  known(hours, hour, bins);
  say({
    detector: 'T1',
    bits,
    observed: `${whenText(local)} in ${scene.timeZone}`,
    expected: `${usualHours(bins)} on ${days} days`,
    entity: 'principal',
  });
}

function peersDid({ tenant, event }: Scene, hour: number, likeDays: (weekday: number) => boolean): boolean {
  const peers = sliceIfAny(tenant, GROUP_HOURS)?.get(groupOf(event));
  if (peers === undefined) return false;
  const { n } = known(peers, hour, bins);
  return near(bins, hourOfWeek(hour), NEAR_PEERS, likeDays) >= Math.max(1, PEERS_SHARE * n);
}

function observeClosed(scene: Scene, local: number, hours: Hours | undefined, say: Say): void {
  if (hours !== undefined && isHabit(scene, hourOfWeek(hourOf(local)), hours)) return;
  const { days, from, to } = scene.settings.hours;
  const floor = scene.tier === 'crown' ? (scene.detectors.T2.params['crown'] ?? 0) : 0;
  say({
    detector: 'T2',
    bits: 3,
    ...(floor > 0 && { floor }),
    observed: `${whenText(local)} in ${scene.timeZone}`,
    expected: `${days.join(' ')} ${from}-${to}`,
    entity: 'principal',
  });
}

/** Often at such hours, and on a day off, on days off: hours of working days make no habit of those. */
function isHabit({ settings }: Scene, at: number, { bins: counts }: Hours): boolean {
  if ((counts[at] ?? 0) >= HABIT * UNIT) return true;
  const { works } = calendarOf(settings.hours);
  const isOff = works[Math.floor(at / 24)] !== true;
  return near(counts, at, NEAR_OWN, isOff ? (weekday) => works[weekday] !== true : everyDay) >= HABIT;
}

export function learnHours(scene: Scene, quarantined: boolean): void {
  const { event } = scene;
  if (quarantined || scene.kind !== 'human' || scene.own || !isAct(event) || hasFlag(event, FLAG.skewed)) return;
  const hour = hourOf(localTime(scene.timeZone, event.time));
  noteHour(sliceOf(scene.principal, HOURS), hour);
  const groups = sliceOf(scene.tenant, GROUP_HOURS);
  const group = groupOf(event);
  let hours = groups.get(group);
  if (hours === undefined) {
    if (groups.size >= MOST_GROUPS) dropStale(groups);
    hours = freshHours();
    groups.set(group, hours);
  }
  noteHour(hours, hour);
}

const groupOf = ({ principal }: AuditEvent): number => wordHash(principal.group ?? '');

function dropStale(groups: GroupHours): void {
  const last = (hours: Hours): number => hours.recent.at(-1)?.hour ?? -1;
  const [stale] = [...groups].sort(([a, x], [b, y]) => last(x) - last(y) || a - b);
  if (stale !== undefined) groups.delete(stale[0]);
}
