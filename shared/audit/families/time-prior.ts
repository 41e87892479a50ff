/** What is believed of people's weeks before they are known: the hours of keywheel.yaml, and how far a person's own may lie from them. */
import { isWorking, WEEK_HOURS, type Calendar } from '../sketches/calendar.ts';
import { UNIT } from '../sketches/hours.ts';

/** What is believed of a person's week before anything is known: the configured hours, a little around them, hardly anything at night. */
export interface Prior {
  readonly calendar: Calendar;
  /** The chance of such an hour or a rarer one, by hour of the week. */
  readonly rarity: Float64Array;
  /** The logarithm of each hour's weight. */
  readonly logs: Float64Array;
  /** 1: hours at which the calendar's people sleep. */
  readonly asleep: Uint8Array;
}

/** The first, second and third hour before and after work. */
const BESIDE = [0.15, 0.08, 0.04] as const;
const BY_DAY_OFF = 0.0062;
const BY_NIGHT = 0.0032;
const priors = new WeakMap<Calendar, Prior>();

export function priorOf(calendar: Calendar): Prior {
  const found = priors.get(calendar);
  if (found !== undefined) return found;
  // A Monday without holidays: 5 January 1970.
  const start = 4 * 24;
  const open = Array.from({ length: WEEK_HOURS }, (_, at) =>
    [0, 15, 30, 45].some((minute) => isWorking({ ...calendar, holidays: new Set() }, ((start + at) * 60 + minute) * 60_000)),
  );
  const asleep = new Uint8Array(WEEK_HOURS);
  const weights = open.map((works, at) => {
    if (works) return 1;
    const away = [1, 2, 3].find(
      (by) => open[(at + by) % WEEK_HOURS] === true || open[(at + WEEK_HOURS - by) % WEEK_HOURS] === true,
    );
    if (away !== undefined) return BESIDE[away - 1] ?? BY_NIGHT;
    const day = at % 24 >= 8 && at % 24 < 22;
    if (day && calendar.works[Math.floor(at / 24)] !== true) return BY_DAY_OFF;
    asleep[at] = 1;
    return BY_NIGHT;
  });
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const rarer = (weight: number): number => weights.reduce((sum, one) => (one <= weight ? sum + one : sum), 0) / all;
  const prior: Prior = {
    calendar,
    rarity: Float64Array.from(weights, rarer),
    logs: Float64Array.from(weights, (weight) => Math.log(weight / all)),
    asleep,
  };
  priors.set(calendar, prior);
  return prior;
}

/** So many nats in favour are needed before a person's working day is believed to lie elsewhere than configured. */
const CONVINCED = 6;
const SHIFTS = Array.from({ length: 24 }, (_, index) => index - 11);

/** By how many hours this person's week lies behind the configured one: a zone that nobody configured, or a shift. `bins` as of hours.ts. */
export function shiftOf({ logs }: Prior, bins: ArrayLike<number>): number {
  const fit = (shift: number): number => {
    let sum = 0;
    for (let at = 0; at < WEEK_HOURS; at += 1) {
      const count = bins[at] ?? 0;
      if (count > 0) sum += count * (logs[(at - shift + WEEK_HOURS) % WEEK_HOURS] ?? 0);
    }
    return sum / UNIT;
  };
  const fits = SHIFTS.map(fit);
  const most = Math.max(...fits);
  if (most <= fit(0) + CONVINCED) return 0;
  // Of several that fit as well, the middle one.
  const best = SHIFTS.filter((_, index) => (fits[index] ?? 0) > most - 1e-6);
  return best[best.length >> 1] ?? 0;
}
