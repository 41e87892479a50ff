/** Deliberate bugs, as patches of single calls or of the engine's stream of calls. The simulator must catch every one. */
import type { AdvanceResult, Engine, Op } from '../../shared/rotation/index.ts';
import type { World } from './world.ts';

export interface Mutant {
  /** Makes one call in its own, wrong way. `perform` is the right one. */
  readonly perform?: (op: Op, world: World, worker: number, perform: (op: Op) => unknown) => unknown;
  /** Wraps the engine. */
  readonly engine?: (engine: Engine<AdvanceResult>) => Engine<AdvanceResult>;
}
