/** Whether the tenant works at an instant: in its zone, by the hours and holidays of keywheel.yaml. */
import type { AuditSettings } from '../settings.ts';

const zones = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const found = zones.get(timeZone);
  if (found !== undefined) return found;
  const made = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  zones.set(timeZone, made);
  return made;
}

/** `time` in milliseconds since the epoch. A `to` of 24:00 is the end of the day; one before `from` is of the next day. */
export function isWorking(time: number, { hours, timeZone }: Pick<AuditSettings, 'hours' | 'timeZone'>): boolean {
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
  for (const { type, value } of formatOf(timeZone).formatToParts(new Date(time))) parts[type] = value;
  const { weekday = '', year, month, day, hour, minute } = parts;
  if (hours.holidays.includes(`${year}-${month}-${day}`)) return false;
  if (!hours.days.some((each) => weekday.toLowerCase().startsWith(each))) return false;
  const now = `${hour}:${minute}`;
  return hours.from < hours.to ? hours.from <= now && now < hours.to : hours.from <= now || now < hours.to;
}
