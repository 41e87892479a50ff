import type { Strategy } from './port.ts';

/** One principal, one place: the old material dies when the new is applied. Only with `acceptDeadWindow: true`. */
export const inPlace: Strategy = {
  name: 'in-place',
  next: (slots, from) => (slots.includes(from) ? from : undefined),
  overlaps: false,
  compares: false,
  reusesSlot: false,
};
