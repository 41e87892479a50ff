import type { Strategy } from './port.ts';

// The three below give every rotation a credential of its own: the slot names the principal and stays the same, and the
// credential's key tells old from new.

/** Mint a new credential, let both live, delete the old one by its id. */
export const overlap: Strategy = { name: 'overlap', next: sameSlot, overlaps: true, compares: false, reusesSlot: false };

/** Issue short-lived material (certificates, tokens); the old one is revoked or left to expire, as its target says. */
export const issue: Strategy = { name: 'issue', next: sameSlot, overlaps: true, compares: false, reusesSlot: false };

/** Add a key version, move ciphertext to it, and raise the least version only when a scan finds no old ciphertext. */
export const rewrap: Strategy = { name: 'rewrap', next: sameSlot, overlaps: true, compares: false, reusesSlot: false };

function sameSlot(slots: readonly string[], from: string): string | undefined {
  return slots.includes(from) ? from : undefined;
}
