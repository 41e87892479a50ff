/** Time and chance of a running process. */
import type { ClientDeps } from './types.ts';

const LONGEST_TIMEOUT = 2_147_483_647; // setTimeout takes a longer time for 1 ms

/**
 * A clock that never goes back. It counts the time that a frozen function or a sleeping machine missed, which the monotonic clock does not,
 * and ignores a wall clock that is set back: an age may come out too high, never too low.
 */
export function elapsedClock(wall: () => number = Date.now, monotonic: () => number = () => performance.now()): () => number {
  let [atWall, atMonotonic, elapsed] = [wall(), monotonic(), 0];
  return () => {
    const [w, m] = [wall(), monotonic()];
    elapsed += Math.max(w - atWall, m - atMonotonic, 0);
    [atWall, atMonotonic] = [w, m];
    return elapsed;
  };
}

export function systemDeps(): ClientDeps {
  return {
    now: elapsedClock(),
    uniform: Math.random,
    after(ms, run) {
      const timer = setTimeout(run, Math.min(ms, LONGEST_TIMEOUT));
      timer.unref();
      return () => clearTimeout(timer);
    },
  };
}
