/** When an entity was seen: first, last, how often, on how many days. Exact in whatever order the events of a month come. */
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import type { Profile } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';

const DAY = 86_400_000;
/** As many days as a small integer has bits. */
const REACH = 30;

/** The days on which it was seen, as bits: the day of `last`, the one before, and so on. */
export const CALENDAR: Slot<number> = {
  index: SLOT.calendar,
  name: 'calendar',
  fresh: () => 0,
  pack: (days) => days,
  unpack: (packed) => (Number.isInteger(packed) ? (packed as number) : undefined),
};

/** Counts one event. What a store tells of another event's trace counts for nothing, and an unbelievable time moves no clock. */
export function note(profile: Profile, event: AuditEvent): void {
  profile.dirty = true;
  if (!hasFlag(event, FLAG.echo)) profile.n += 1;
  if (hasFlag(event, FLAG.skewed)) return;
  const { time } = event;
  const { last } = profile;
  if (last === 0) {
    profile.first = time;
    profile.last = time;
    profile.days = 1;
    profile.slices[CALENDAR.index] = 1;
    return;
  }
  const ahead = Math.floor(time / DAY) - Math.floor(last / DAY);
  if (ahead !== 0) noteDay(profile, ahead);
  if (time > last) profile.last = time;
  else if (time < profile.first) profile.first = time;
}

function noteDay(profile: Profile, ahead: number): void {
  const seen = (profile.slices[CALENDAR.index] as number | undefined) ?? 1;
  if (ahead > 0) {
    profile.slices[CALENDAR.index] = ahead >= REACH ? 1 : ((seen << ahead) & ((1 << REACH) - 1)) | 1;
    profile.days += 1;
    return;
  }
  // Older than it remembers: whether that day was counted nobody knows.
  if (-ahead >= REACH || (seen & (1 << -ahead)) !== 0) return;
  profile.slices[CALENDAR.index] = seen | (1 << -ahead);
  profile.days += 1;
}
