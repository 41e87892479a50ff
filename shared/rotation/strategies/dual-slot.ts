import type { Strategy } from './port.ts';

/** One principal with two places for material; each rotation fills the idle place. */
export const dualSlot: Strategy = {
  name: 'dual-slot',
  next: (slots, from) => (slots.length === 2 && slots.includes(from) ? slots.find((slot) => slot !== from) : undefined),
  overlaps: true,
  compares: false,
  reusesSlot: true,
};
