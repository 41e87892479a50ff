/** How usual a privileged act is for who does it: what it does regularly surprises nobody, and nobody keeps a list of exceptions. */
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Scene } from '../scene.ts';
import { codeOf } from './privilege-acts.ts';
import { daysBefore, dayOf, markDay } from './days.ts';
import { ACTS } from './privilege-memory.ts';

/** On so many earlier days of the last month, the same act by the same principal is its habit. */
export const REGULAR_DAYS = 3;
/** What a newcomer is believed to have done already without any such act. */
const TAU = 10;
/** A principal of which every fifth event is this act is there for it: a nightly backup is known after its first night. */
const JOB_SHARE = 0.2;
const JOB_COUNT = 3;
const REGULAR_BITS = 2;

export interface Usual {
  readonly bits: number;
  /** Its floor is no longer due. */
  readonly regular: boolean;
  /** Earlier days with it, of the last month. */
  readonly days: number;
  /** For people. */
  readonly expected: string;
}

const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;

export function usualOf({ event, principal }: Scene, act: number): Usual {
  const slice = sliceIfAny(principal, ACTS);
  const habit = slice?.acts.get(codeOf(act));
  let singles = 0;
  if (slice !== undefined) for (const { count } of slice.acts.values()) if (count === 1) singles += 1;
  const days = habit === undefined ? 0 : daysBefore(habit, dayOf(event.time));
  // Good and Turing: the chance of something new, from how much was new so far.
  const unseen = -Math.log2(Math.min(1, (singles + 0.5) / (principal.n + 1 + TAU)));
  const job = habit !== undefined && days >= 1 && habit.count >= JOB_COUNT && habit.count >= JOB_SHARE * (principal.n + 1);
  if (days >= REGULAR_DAYS || job) {
    const bits = Math.min(REGULAR_BITS, -Math.log2(Math.min(1, (days + 0.5) / (principal.days + 1))));
    return { bits, regular: true, days, expected: `done on ${plural(days, 'earlier day')}` };
  }
  const expected = days === 0 ? `never before in ${plural(principal.n, 'event')}` : `done on only ${plural(days, 'earlier day')}`;
  return { bits: unseen * (1 - days / 4), regular: false, days, expected };
}

/**
 * Learned in quarantine too: whoever does such a thing was told of on each of the days that it takes to become a habit, and a nightly job that scores
 * high on its first nights must be able to become one.
 */
export function learnActs({ event, principal }: Scene, acts: number): void {
  const slice = sliceOf(principal, ACTS);
  const day = dayOf(event.time);
  for (let left = acts; left !== 0; left &= left - 1) {
    const code = codeOf(left & -left);
    const habit = slice.acts.get(code) ?? { count: 0, day: -1, mask: 0 };
    habit.count += 1;
    markDay(habit, day);
    slice.acts.set(code, habit);
  }
}
