/** Local time and working hours, without a clock: from an instant and the name of a zone. Pure but for a bounded memory of offsets. */
import type { AuditSettings } from '../settings.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Zones of our days change their offset on a quarter of an hour: https://data.iana.org/time-zones/theory.html */
const QUARTER = 15 * MINUTE;
/** And never twice in a quarter of a day: where both ends are alike, so is all between. */
const QUARTERS = 24;
const MOST_BLOCKS = 4_096;
export const WEEK_HOURS = 168;

interface Zone {
  readonly format: Intl.DateTimeFormat | undefined;
  /** By quarter of a day; NaN where it changes. */
  readonly offsets: Map<number, number>;
  /** The last that was asked for. */
  quarter: number;
  offset: number;
}

const zones = new Map<string, Zone>();
const MOST_ZONES = 512;

function zoneOf(timeZone: string): Zone {
  const found = zones.get(timeZone);
  if (found !== undefined) return found;
  if (zones.size >= MOST_ZONES) zones.clear();
  const made: Zone = { format: formatOf(timeZone), offsets: new Map(), quarter: Number.NaN, offset: 0 };
  zones.set(timeZone, made);
  return made;
}

/** Undefined where the name is unknown: such a zone is taken for UTC, since one wrong name must not stop the stream. */
function formatOf(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
}

/** Whether the runtime knows the zone. */
export const isTimeZone = (timeZone: string): boolean => zoneOf(timeZone).format !== undefined;

/** Milliseconds that a zone's clocks are ahead of UTC at `time`. */
function offsetAt(timeZone: string, time: number): number {
  const zone = zoneOf(timeZone);
  const quarter = Math.floor(time / QUARTER);
  if (quarter === zone.quarter) return zone.offset;
  const block = Math.floor(quarter / QUARTERS);
  let offset = zone.offsets.get(block);
  if (offset === undefined) {
    const start = measured(zone.format, block * QUARTERS * QUARTER);
    offset = start === measured(zone.format, (block + 1) * QUARTERS * QUARTER) ? start : Number.NaN;
    if (zone.offsets.size >= MOST_BLOCKS) zone.offsets.clear();
    zone.offsets.set(block, offset);
  }
  if (Number.isNaN(offset)) offset = measured(zone.format, quarter * QUARTER);
  zone.quarter = quarter;
  zone.offset = offset;
  return offset;
}

function measured(format: Intl.DateTimeFormat | undefined, time: number): number {
  if (format === undefined || Math.abs(time) > 8.64e15) return 0;
  const parts = new Map(format.formatToParts(new Date(time)).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return Number.isFinite(local) ? local - time : 0;
}

/** The reading of a wall clock there, as if it were UTC: what the other functions of this file take. */
export const localTime = (timeZone: string, time: number): number => time + offsetAt(timeZone, time);

/** Hours since the epoch by the wall clock. */
export const hourOf = (local: number): number => Math.floor(local / HOUR);

/** 0 is Monday from midnight to one. The epoch was a Thursday. */
export const hourOfWeek = (hour: number): number => (((hour + 72) % WEEK_HOURS) + WEEK_HOURS) % WEEK_HOURS;

export interface Calendar {
  /** Monday first. */
  readonly works: readonly boolean[];
  /** Minutes of the day. `to` before `from`: until the next day. */
  readonly from: number;
  readonly to: number;
  /** Days since the epoch. */
  readonly holidays: ReadonlySet<number>;
}

const NAMES = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
const calendars = new WeakMap<object, Calendar>();

export function calendarOf(hours: AuditSettings['hours']): Calendar {
  const found = calendars.get(hours);
  if (found !== undefined) return found;
  const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  const made = {
    works: NAMES.map((name) => hours.days.includes(name)),
    from: minutes(hours.from),
    to: Math.min(24 * 60, minutes(hours.to)),
    holidays: new Set(hours.holidays.map((date) => Math.floor(Date.parse(date) / DAY))),
  };
  calendars.set(hours, made);
  return made;
}

const dayOf = (local: number): number => Math.floor(local / DAY);
/** 0 is Monday. */
const weekday = (day: number): number => (((day + 3) % 7) + 7) % 7;

export function isWorking({ works, from, to, holidays }: Calendar, local: number): boolean {
  const day = dayOf(local);
  const minute = Math.floor((local - day * DAY) / MINUTE);
  const opens = (on: number): boolean => works[weekday(on)] === true && !holidays.has(on);
  if (from <= to) return minute >= from && minute < to && opens(day);
  return (minute >= from && opens(day)) || (minute < to && opens(day - 1));
}

const DAY_NAMES = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
const two = (value: number): string => String(value).padStart(2, '0');

/** For people: `Tuesday 03:12`. */
export function whenText(local: number): string {
  const minute = Math.floor(local / MINUTE) - dayOf(local) * 24 * 60;
  return `${DAY_NAMES[weekday(dayOf(local))]} ${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}
