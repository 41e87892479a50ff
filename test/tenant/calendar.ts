/** Local time, for people who live by it. Offsets are looked up once for each zone and day. */
import { DAY, HOUR } from './types.ts';

const formats = new Map<string, Intl.DateTimeFormat>();
const offsets = new Map<string, number>();

/** Milliseconds that local time is ahead of UTC at noon of the day. */
export function offsetOf(zone: string, time: number): number {
  const day = Math.floor(time / DAY);
  const key = `${zone}/${day}`;
  const known = offsets.get(key);
  if (known !== undefined) return known;
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
    });
    formats.set(zone, format);
  }
  const noon = day * DAY + DAY / 2;
  const part: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(noon)) part[type] = Number(value);
  const local = Date.UTC(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'] ?? 1, part['hour'] ?? 0, part['minute'] ?? 0);
  const offset = local - noon;
  if (offsets.size > 20_000) offsets.clear();
  offsets.set(key, offset);
  return offset;
}

/** 0 is Sunday. */
export const weekdayOf = (zone: string, time: number): number => new Date(time + offsetOf(zone, time)).getUTCDay();
export const localHourOf = (zone: string, time: number): number => (((time + offsetOf(zone, time)) % DAY) / HOUR + 24) % 24;
/** The instant of a local hour on the UTC day that begins at `day`. */
export const atLocal = (zone: string, day: number, hour: number): number => day + hour * HOUR - offsetOf(zone, day);
export const isWeekend = (weekday: number): boolean => weekday === 0 || weekday === 6;

/** How busy a service with human customers is, by local hour: 0.25 to 1. */
export function daily(zone: string, time: number): number {
  const hour = localHourOf(zone, time);
  const bell = Math.exp(-(((hour - 14) / 5) ** 2));
  return (0.25 + 0.75 * bell) * (isWeekend(weekdayOf(zone, time)) ? 0.6 : 1);
}
