/** T: hours at which people do not work, and paces that are not theirs. */
import type { Slot } from '../profiles/slot.ts';
import type { DetectorFamily } from '../scene.ts';
import { learnHours, observeHours } from './time-hours.ts';
import { learnPace, observePace } from './time-pace.ts';
import { GROUP_HOURS, HOURS, PACE } from './time-slices.ts';

export const timeSlots: readonly Slot<unknown>[] = [HOURS, GROUP_HOURS, PACE];

export const timeFamily: DetectorFamily = {
  family: 'T',
  observe(scene, say) {
    observeHours(scene, say);
    observePace(scene, say);
  },
  learn(scene, quarantined) {
    learnHours(scene, quarantined);
    learnPace(scene, quarantined);
  },
};
