import type { Slot } from '../../targets/index.ts';
import type { StrategyName } from '../record.ts';

/**
 * What one strategy decides. Everything else (order, evidence, compare-and-set, proof) is the machine's and is
 * the same for all.
 */
export interface Strategy {
  readonly name: StrategyName;
  /** The slot that the next material goes to. Undefined when the pinned slots do not fit the strategy. */
  next(slots: readonly Slot[], from: Slot): Slot | undefined;
  /** False: the old material dies when the new is applied, so there is a dead window, no grace, and nothing to retire. */
  readonly overlaps: boolean;
  /** True: the two sides are separate principals whose privileges must be equal before one takes the other's place. */
  readonly compares: boolean;
  /** True: before the first effect, the slot that is about to be overwritten must be unused. */
  readonly reusesSlot: boolean;
}
