/**
 * What is remembered of one entity: a principal, a secret, a network (a /24 or /48) or the tenant. Each family of detectors keeps its own slice in
 * it, and nothing else; a slice that was never needed is not there. Pure.
 */
import { hash48 } from '../sketches/hash.ts';
import type { Slot } from './slot.ts';

export type EntityKind = 'principal' | 'secret' | 'network' | 'tenant';

export interface Profile {
  readonly kind: EntityKind;
  /** The entity's own key, e.g. a principal's id. */
  readonly key: string;
  /** hash48 of `key`. */
  readonly hash: number;
  /** Milliseconds, of the first and the last event that was learned. 0 before the first. */
  first: number;
  last: number;
  /** Events learned. */
  n: number;
  /** Days on which there was one. */
  days: number;
  /** By the index of their slot. */
  readonly slices: unknown[];
  /** Changed since it was read or written. */
  dirty: boolean;
}

export function freshProfile(kind: EntityKind, key: string): Profile {
  return { kind, key, hash: hash48(key), first: 0, last: 0, n: 0, days: 0, slices: [], dirty: false };
}

/** The slice of `slot`, made if there is none. */
export function sliceOf<S>(profile: Profile, slot: Slot<S>): S {
  const found = profile.slices[slot.index] as S | undefined;
  if (found !== undefined) return found;
  const made = slot.fresh();
  profile.slices[slot.index] = made;
  return made;
}

/** The slice of `slot`, if there is one: looking makes none. */
export const sliceIfAny = <S>(profile: Profile, slot: Slot<S>): S | undefined => profile.slices[slot.index] as S | undefined;
