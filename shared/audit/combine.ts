/** From findings to a score of 0 to 100. Pure; the same for one event and for all that an incident has gathered. */
import type { Family } from '../detectors/index.ts';
import type { Finding } from './scene.ts';
import type { Detector } from './settings.ts';

/** A finding as it counts: bits capped by its detector. */
export interface Reason extends Finding {
  readonly family: Family;
}

export interface Context {
  readonly tier: 'crown' | 'ordinary' | 'low';
  readonly kind: 'human' | 'workload' | 'service' | 'root' | 'unknown';
  /** Nothing was got: every event was refused. */
  readonly deniedOnly: boolean;
}

export interface Verdict {
  /** 0 to 100, whole. */
  readonly score: number;
  /** Evidence in bits, after the penalty for looking in many places. */
  readonly bits: number;
  /** The floor that decided, if one did. */
  readonly floor: number;
}

/** Reasons of one family say much the same: the strongest counts in full, the others by this. */
const ALSO = 0.3;
/** Many detectors look at each event: so many bits are nobody's surprise. */
const PENALTY = 4;
/** Bits that halve the distance to 100. */
const HALF = 8;
const TIER = { crown: 1.3, ordinary: 1, low: 0.7 } as const;
const KIND = { human: 1, workload: 1, unknown: 1, service: 0.6, root: 1.3 } as const;
const DENIED_ONLY = 0.7;

export function rated(finding: Finding, { spec, cap }: Detector): Reason {
  return { ...finding, family: spec.family, bits: Math.min(finding.bits, cap) };
}

/** `reasons` hold at most one of each detector. */
export function combine(reasons: readonly Reason[], { tier, kind, deniedOnly }: Context): Verdict {
  const families = new Map<Family, { most: number; sum: number }>();
  let floor = 0;
  for (const reason of reasons) {
    floor = Math.max(floor, reason.floor ?? 0);
    const family = families.get(reason.family);
    if (family === undefined) families.set(reason.family, { most: reason.bits, sum: reason.bits });
    else {
      family.most = Math.max(family.most, reason.bits);
      family.sum += reason.bits;
    }
  }
  let total = 0;
  for (const { most, sum } of families.values()) total += most + ALSO * (sum - most);
  const bits = Math.max(0, total * TIER[tier] * KIND[kind] * (deniedOnly ? DENIED_ONLY : 1) - PENALTY);
  const score = Math.round(100 * (1 - 2 ** (-bits / HALF)));
  return { score: Math.max(score, Math.round(floor)), bits, floor };
}
