/**
 * At which hours of the week somebody is active: 168 decayed counts. The last half day is kept apart until it is over, so that one night's work
 * does not explain itself, and so that the order within that time does not count. Hours are of the wall clock (`hourOf` of calendar.ts).
 */
import { hourOfWeek, WEEK_HOURS } from './calendar.ts';

export interface Hours {
  /** By hour of the week, in quarters of an event. */
  readonly bins: Uint16Array;
  /** The sum of the bins. */
  sum: number;
  /** Days on which there was something, of those learned. */
  days: number;
  /** The newest of those days; -1: none. */
  day: number;
  /** The half-life in which it was learned last; -1: none. */
  period: number;
  /** Ascending. */
  readonly recent: Recent[];
}

interface Recent {
  readonly hour: number;
  count: number;
}

/** Half a day, in hours. */
const APART = 12;
/** One hour of hard work says no more than so many events. */
const MOST_AN_HOUR = 3;
/** Of an event, so that halving leaves something of a single one: it is forgotten after three half-lives. */
export const UNIT = 4;
const PERIOD = 45 * 24;
const MOST_DAYS = 1_000;

export const freshHours = (): Hours => ({ bins: new Uint16Array(WEEK_HOURS), sum: 0, days: 0, day: -1, period: -1, recent: [] });

export function noteHour(hours: Hours, hour: number): void {
  const { recent } = hours;
  let place = recent.length;
  while (place > 0 && (recent[place - 1]?.hour ?? 0) > hour) place -= 1;
  const found = recent[place - 1];
  if (found?.hour === hour) {
    if (found.count < MOST_AN_HOUR) found.count += 1;
    return;
  }
  const newest = recent.at(-1)?.hour ?? hour;
  // So late that its day is learned already: better left out than counted in the wrong place.
  if (hour < newest - APART) return;
  recent.splice(place, 0, { hour, count: 1 });
  for (let oldest = recent[0]; oldest !== undefined && oldest.hour < Math.max(newest, hour) - APART; oldest = recent[0]) {
    learn(hours, oldest);
    recent.shift();
  }
}

function learn(hours: Hours, { hour, count }: Recent): void {
  const period = Math.floor(hour / PERIOD);
  const halvings = hours.period === -1 ? 0 : Math.max(0, period - hours.period);
  if (halvings > 0) {
    hours.sum = 0;
    for (let at = 0; at < WEEK_HOURS; at += 1) {
      const left = (hours.bins[at] ?? 0) >> Math.min(halvings, 16);
      hours.bins[at] = left;
      hours.sum += left;
    }
  }
  hours.period = Math.max(hours.period, period);
  const at = hourOfWeek(hour);
  const before = hours.bins[at] ?? 0;
  const after = Math.min(0xffff, before + count * UNIT);
  hours.bins[at] = after;
  hours.sum += after - before;
  const day = Math.floor(hour / 24);
  if (day > hours.day) {
    hours.days = Math.min(MOST_DAYS, hours.days + 1);
    hours.day = day;
  }
}

/** What is known half a day before `hour`, into `into` (168 numbers); returns how many events and days that is. */
export function known(hours: Hours, hour: number, into: Float64Array): { n: number; days: number } {
  let { sum, days, day } = hours;
  into.set(hours.bins);
  for (const one of hours.recent) {
    if (one.hour >= hour - APART) break;
    const at = hourOfWeek(one.hour);
    into[at] = (into[at] ?? 0) + one.count * UNIT;
    sum += one.count * UNIT;
    if (Math.floor(one.hour / 24) > day) {
      day = Math.floor(one.hour / 24);
      days += 1;
    }
  }
  return { n: sum / UNIT, days };
}

/** The events within `reach` hours of the day around `hour`, on the days of the week that `counts`. */
export function near(bins: ArrayLike<number>, at: number, reach: number, counts: (weekday: number) => boolean): number {
  let sum = 0;
  for (let weekday = 0; weekday < 7; weekday += 1) {
    if (!counts(weekday)) continue;
    for (let away = -reach; away <= reach; away += 1)
      sum += bins[(weekday * 24 + (at % 24) + away + WEEK_HOURS) % WEEK_HOURS] ?? 0;
  }
  return sum / UNIT;
}

const smooth = new Float64Array(WEEK_HOURS);

/**
 * The chance of an hour that is as rare as this one or rarer, by the histogram alone (a highest-density p-value). Smoothed over the hours beside, and
 * a little over the same hour of like days: working days are like each other, and so are days off.
 */
export function rarity(bins: ArrayLike<number>, at: number, works: readonly boolean[]): number {
  const around = (bin: number): number =>
    0.5 * (bins[bin] ?? 0) + 0.25 * ((bins[(bin + 1) % WEEK_HOURS] ?? 0) + (bins[(bin + WEEK_HOURS - 1) % WEEK_HOURS] ?? 0));
  for (let bin = 0; bin < WEEK_HOURS; bin += 1) smooth[bin] = around(bin);
  const value = (bin: number): number => {
    const kind = works[Math.floor(bin / 24)];
    let others = 0;
    let days = 0;
    for (let weekday = 0; weekday < 7; weekday += 1) {
      if (works[weekday] !== kind || weekday === Math.floor(bin / 24)) continue;
      others += smooth[weekday * 24 + (bin % 24)] ?? 0;
      days += 1;
    }
    return days === 0 ? (smooth[bin] ?? 0) : 0.85 * (smooth[bin] ?? 0) + (0.15 * others) / days;
  };
  const here = value(at);
  if (here === 0) return 0;
  let rarer = 0;
  let all = 0;
  for (let bin = 0; bin < WEEK_HOURS; bin += 1) {
    const mass = value(bin);
    all += mass;
    if (mass <= here * (1 + 1e-9)) rarer += mass;
  }
  return rarer / all;
}

/** The hours of the day at which something was learned, for people: `08-18`. The longest quiet stretch is what is left out. */
export function usualHours(bins: ArrayLike<number>): string {
  const active = Array.from({ length: 24 }, (_, hour) => near(bins, hour, 0, () => true) > 0);
  const count = active.filter(Boolean).length;
  if (count === 0) return 'no hours';
  if (count === 24) return 'all hours';
  let best = { start: 0, length: 0 };
  for (let start = 0; start < 24; start += 1) {
    let length = 0;
    while (length < 24 && active[(start + length) % 24] === false) length += 1;
    if (length > best.length) best = { start, length };
  }
  const two = (hour: number): string => String(hour % 24).padStart(2, '0');
  return `${two(best.start + best.length)}-${two(best.start)}`;
}

const FORMAT = 1;

/** [format, days, day, period, recents, hour, count, …, bin, quarters, …]. */
export function packHours({ bins, days, day, period, recent }: Hours): number[] {
  const packed = [FORMAT, days, day, period, recent.length];
  for (const { hour, count } of recent) packed.push(hour, count);
  bins.forEach((quarters, bin) => {
    if (quarters > 0) packed.push(bin, quarters);
  });
  return packed;
}

export function unpackHours(packed: unknown): Hours | undefined {
  if (!Array.isArray(packed) || packed[0] !== FORMAT || packed.length < 5 || !packed.every(Number.isSafeInteger))
    return undefined;
  const [, days = 0, day = 0, period = 0, recents = 0, ...rest] = packed as number[];
  if (recents < 0 || rest.length % 2 !== 0 || rest.length < 2 * recents) return undefined;
  const hours: Hours = { ...freshHours(), days, day, period };
  for (let at = 0; at < rest.length; at += 2) {
    const [key = 0, count = 0] = [rest[at], rest[at + 1]];
    if (at < 2 * recents) {
      hours.recent.push({ hour: key, count });
      continue;
    }
    if (key < 0 || key >= WEEK_HOURS || count <= 0 || count > 0xffff) return undefined;
    hours.sum += count - (hours.bins[key] ?? 0);
    hours.bins[key] = count;
  }
  return hours;
}
