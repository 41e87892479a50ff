import type { Strategy } from './port.ts';

/** Two accounts, pinned; each rotation renews the idle one and moves `current` to it. */
export const dualAccount: Strategy = {
  name: 'dual-account',
  next: (slots, from) => (slots.length === 2 && slots.includes(from) ? slots.find((slot) => slot !== from) : undefined),
  overlaps: true,
  compares: true,
  reusesSlot: true,
};
