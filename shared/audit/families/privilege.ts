/** P: privilege is used, given, kept or abused. Acts of which one may be enough, weighed by how usual they are for who does them. */
import { FLAG, hasFlag } from '../event.ts';
import type { Slot } from '../profiles/slot.ts';
import type { DetectorFamily, Scene } from '../scene.ts';
import { ACT, actsOf } from './privilege-acts.ts';
import { learnDestroy, observeDestroy } from './privilege-destroy.ts';
import { learnChange, learnUnwrap, observeFollowing, observeUnwrap } from './privilege-follow.ts';
import { learnActs } from './privilege-habits.ts';
import { ACTS, GRANTS, SECRET_WRITERS } from './privilege-memory.ts';
import { learnGuests, observeSingle } from './privilege-single.ts';
import { hasLifetime, learnLifetime, longAct, observeLifetime } from './privilege-tokens.ts';
import { learnWrite, observeWrite } from './privilege-writes.ts';

/** For the codec of profiles. */
export const privilegeSlots: readonly Slot<unknown>[] = [ACTS, SECRET_WRITERS, GRANTS];

const allActs = (scene: Scene): number => actsOf(scene.event) | longAct(scene);

export const privilegeFamily: DetectorFamily = {
  family: 'P',

  observe(scene, say) {
    const { event } = scene;
    if (hasFlag(event, FLAG.echo) || event.outcome === 'challenge') return;
    const acts = allActs(scene);
    if (acts !== 0) {
      observeSingle(scene, acts, say);
      observeDestroy(scene, acts, say);
    }
    if ((acts & ACT.endless) !== 0 || hasLifetime(event)) observeLifetime(scene, acts, say);
    observeWrite(scene, say);
    observeFollowing(scene, say);
    observeUnwrap(scene, acts, say);
  },

  learn(scene, quarantined) {
    const { event } = scene;
    if (hasFlag(event, FLAG.echo) || event.outcome === 'challenge') return;
    const acts = allActs(scene);
    if (acts !== 0) {
      // Windows first: what they take for usual is what was usual before this event.
      learnChange(scene, acts);
      learnDestroy(scene, acts);
      learnGuests(scene, acts);
      if (event.outcome === 'ok' || (acts & (ACT.unwrapFailed | ACT.raw)) !== 0) learnActs(scene, acts);
    }
    learnWrite(scene, quarantined);
    learnLifetime(scene, quarantined);
    learnUnwrap(scene, quarantined);
  },
};
