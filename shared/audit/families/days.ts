/** On which days of the last month something happened. A day is one of UTC; the order in which they are learned does not count. */

const DAY = 86_400_000;
/** Days that are remembered, the newest among them: a habit that pauses for longer must be shown again. */
const SPAN = 31;
const ALL = 0x7fff_ffff;

export interface Days {
  /** The newest, since the epoch; -1: none yet. */
  day: number;
  /** Bit k: `day - k`. */
  mask: number;
}

export const dayOf = (time: number): number => Math.floor(time / DAY);

export function markDay(days: Days, day: number): void {
  const ahead = day - days.day;
  if (days.mask === 0 || ahead >= SPAN) {
    days.day = day;
    days.mask = 1;
  } else if (ahead > 0) {
    days.day = day;
    days.mask = ((days.mask << ahead) | 1) & ALL;
  } else if (-ahead < SPAN) days.mask |= 1 << -ahead;
}

/** How many of the remembered days lie before `day`. */
export function daysBefore({ day: newest, mask }: Days, day: number): number {
  const ahead = day - newest;
  if (ahead >= SPAN || -ahead >= SPAN) return 0;
  return ones((ahead >= 0 ? (mask << ahead) & ALL : mask >> -ahead) & ~1);
}

function ones(bits: number): number {
  let left = bits - ((bits >>> 1) & 0x5555_5555);
  left = (left & 0x3333_3333) + ((left >>> 2) & 0x3333_3333);
  return Math.imul((left + (left >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
