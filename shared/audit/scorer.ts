/** All families of detectors as one: score before learning. Pure. */
import { combine, rated, type Context, type Reason } from './combine.ts';
import type { Slot } from './profiles/slot.ts';
import type { Scorer } from './pipeline/port.ts';
import type { DetectorFamily, Finding, Scene } from './scene.ts';
import type { Scored } from './scored.ts';

/** Findings below this say nothing worth reading. */
const LEAST_BITS = 1;
const NOTHING: Scored['reasons'] = [];
const QUIET = { score: 0, bits: 0, floor: 0 } as const;

export function createScorer(families: readonly DetectorFamily[], slots: readonly Slot<unknown>[]): Scorer {
  // Reused from event to event: most find nothing.
  let found: Reason[] = [];
  let scene: Scene | undefined;
  const say = (finding: Finding): void => {
    const detector = scene?.detectors[finding.detector];
    if (detector === undefined || !detector.enabled) return;
    if (finding.bits >= LEAST_BITS || (finding.floor ?? 0) > 0) found.push(rated(finding, detector));
  };
  return {
    slots,
    score(given) {
      scene = given;
      for (const family of families) family.observe(given, say);
      scene = undefined;
      const context = contextOf(given);
      if (found.length === 0) return { event: given.event, reasons: NOTHING, verdict: QUIET, context };
      const reasons = found.sort(byWeight);
      found = [];
      return { event: given.event, reasons, verdict: combine(strongest(reasons), context), context };
    },
    learn(given, quarantined) {
      for (const family of families) family.learn(given, quarantined);
    },
  };
}

function contextOf({ event, kind, tier }: Scene): Context {
  return { tier, kind, deniedOnly: event.outcome !== 'ok' };
}

/** Deterministic: the strongest first, by what they weigh with their floors. */
export const byWeight = (a: Reason, b: Reason): number =>
  weight(b) - weight(a) || (b.floor ?? 0) - (a.floor ?? 0) || (a.detector < b.detector ? -1 : 1);

/** What goes along with almost any attack, and explains little by itself. */
const GENERIC: ReadonlySet<string> = new Set(['N1', 'N3', 'N5', 'N6', 'N7', 'N8', 'X5']);
const GENERIC_WEIGHT = 0.5;

/** In bits, for the order of reasons alone. A floor of 95 is worth 39 bits of the scale that gives the score. */
function weight({ detector, bits, floor = 0 }: Reason): number {
  const own = GENERIC.has(detector) ? bits * GENERIC_WEIGHT : bits;
  if (floor <= 0) return own;
  return Math.max(own, floor >= 100 ? 60 : 4 - 8 * Math.log2(1 - floor / 100));
}

/** One of each detector. `reasons` are sorted. */
export function strongest(reasons: readonly Reason[]): Reason[] {
  const seen = new Set<string>();
  return reasons.filter(({ detector, entity }) => {
    const key = `${detector}${entity === 'network' || entity === 'tenant' ? entity : ''}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
