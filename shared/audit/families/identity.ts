/** I: who comes from where, and with whose credential. */
import { FLAG } from '../event.ts';
import { sliceIfAny, sliceOf } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import type { DetectorFamily, Scene } from '../scene.ts';
import { learnNetworks, observeNetworks } from './identity-networks.ts';
import { learnSigns, observeSigns } from './identity-signs.ts';
import { IDENTITY, TENANT_IDENTITY } from './identity-slices.ts';

export const identitySlots: readonly Slot<unknown>[] = [IDENTITY, TENANT_IDENTITY];

/** Of somebody who was let in, whatever was then answered. */
const isKnown = ({ event }: Scene): boolean =>
  event.outcome === 'ok' || event.outcome === 'denied' || event.outcome === 'notfound' || event.outcome === 'error';

export const identityFamily: DetectorFamily = {
  family: 'I',
  observe(scene, say) {
    if ((scene.event.flags & (FLAG.echo | FLAG.system)) !== 0) return;
    const identity = sliceIfAny(scene.principal, IDENTITY);
    observeSigns(scene, identity, say);
    if (identity !== undefined && isKnown(scene)) observeNetworks(scene, identity, say);
  },
  learn(scene, quarantined) {
    const { event } = scene;
    if ((event.flags & (FLAG.echo | FLAG.system | FLAG.skewed)) !== 0 || !isKnown(scene)) return;
    const identity = sliceOf(scene.principal, IDENTITY);
    learnNetworks(scene, identity, quarantined);
    if (!quarantined && event.outcome === 'ok') learnSigns(scene, identity);
  },
};
