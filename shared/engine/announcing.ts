/** A rotation says what it stages, so that the scoring of audit events does not take it for an attack. Best effort: it fails no rotation and delays none. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadedConfig } from '../config/index.ts';
import type { RotationPolicy, RotationRecord } from '../rotation/index.ts';
import type { State } from '../state/index.ts';

export interface Announcing {
  /** Begins to write, and returns at once. */
  readonly onStaged: (rotation: RotationRecord) => void;
  /** When all is written that was begun, or after two seconds; before the state is closed. */
  readonly settled: () => Promise<void>;
}

/** Records of what is done until the old credential is proved dead come within a day of it. */
const LATER = 86_400_000;
/** A rotation that was interrupted may have staged a little before. */
const BEFORE = 3_600_000;
const PATIENCE = 2_000;

/** Without an `audit` section nobody scores events, and nothing is written. */
export function announcing(
  config: LoadedConfig,
  state: State,
  policyOf: (secret: string) => Promise<Pick<RotationPolicy, 'grace'>>,
): Announcing {
  const begun: Promise<unknown>[] = [];
  const write = async ({ secret, rotationId, staged, startedAt, updatedAt }: RotationRecord): Promise<void> => {
    if (staged === undefined) return;
    const [{ announce }, { grace }] = await Promise.all([import('../expected/index.ts'), policyOf(secret)]);
    const versions = [...new Set([staged.version, rotationId])];
    await announce(state, { secret, rotationId, versions, from: startedAt - BEFORE, until: updatedAt + grace + LATER });
  };
  return {
    onStaged(rotation) {
      // What fails here is worth an alert too many, not a rotation.
      if (config.audit !== undefined) begun.push(write(rotation).catch(() => undefined));
    },
    async settled() {
      if (begun.length === 0) return;
      const stop = new AbortController();
      const patience = delay(PATIENCE, undefined, { signal: stop.signal }).catch(() => undefined);
      await Promise.race([Promise.all(begun), patience]);
      stop.abort();
    },
  };
}
