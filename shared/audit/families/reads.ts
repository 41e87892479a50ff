/** The families that look at reading (N, S, V, X): what is new in an event is worked out once for all four. */
import type { Slot } from '../profiles/slot.ts';
import type { DetectorFamily } from '../scene.ts';
import { ACROSS, learnAcross, observeAcross } from './across.ts';
import { HABITS, READERSHIP } from './known.ts';
import { learnNovelty, observeNovelty } from './novelty.ts';
import { forgetReading, readingOf } from './reading.ts';
import { SWEEP } from './sweep-slice.ts';
import { learnSweep, observeSweep } from './sweep.ts';
import { TENANT } from './tenant.ts';
import { learnVolume, observeVolume, VOLUME } from './volume.ts';

export const readingSlots = [HABITS, READERSHIP, SWEEP, VOLUME, ACROSS, TENANT] as readonly unknown[] as readonly Slot<unknown>[];

export const readsFamily: DetectorFamily = {
  family: 'N',
  observe(scene, say) {
    const reading = readingOf(scene);
    observeNovelty(scene, reading, say);
    observeSweep(scene, reading, say);
    observeVolume(scene, reading, say);
    observeAcross(scene, reading, say);
  },
  learn(scene, quarantined) {
    const reading = readingOf(scene);
    // Sweeps and chains ask what was new before novelty learns it.
    learnSweep(scene, reading, quarantined);
    learnAcross(scene, reading);
    learnVolume(scene, reading);
    learnNovelty(scene, reading, quarantined);
    forgetReading();
  },
};
