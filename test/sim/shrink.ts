/** Finds a short history that still breaks the same invariant: fewer cycles first, then fewer injections, by delta debugging. */
import { simulate, type SimulationOptions, type SimulationResult } from './simulate.ts';

export interface Shrunk {
  readonly result: SimulationResult;
  readonly fromCycle: number;
  readonly only: readonly string[];
  readonly history: readonly string[];
  readonly attempts: number;
}

export function shrink(options: SimulationOptions, found: SimulationResult, limit = 400): Shrunk {
  const code = found.violation?.code;
  const last = found.violation?.cycle ?? 0;
  let attempts = 0;
  let { trace: _trace, onCycle: _onCycle, ...base } = options;
  base = { ...base, cycles: last + 1 };
  let best = found;
  const fails = (candidate: SimulationOptions): boolean => {
    if (attempts >= limit) return false;
    attempts += 1;
    const result = simulate(candidate);
    if (result.violation?.code !== code) return false;
    best = result;
    return true;
  };
  let fromCycle = options.fromCycle ?? 0;
  for (const back of [0, 1, 2, 3, 5, 8, 13, 21, 34]) {
    const from = last - back;
    if (from <= fromCycle) break;
    if (!fails({ ...base, fromCycle: from })) continue;
    fromCycle = from;
    break;
  }
  base = { ...base, fromCycle };
  if (best === found) best = simulate(base);
  let only = [...best.injected];
  for (let parts = 2; only.length > 0;) {
    const size = Math.ceil(only.length / parts);
    let smaller: string[] | undefined;
    for (let start = 0; start < only.length && smaller === undefined; start += size) {
      const rest = [...only.slice(0, start), ...only.slice(start + size)];
      // What was injected in the shorter run is what the shorter run needs.
      if (fails({ ...base, only: new Set(rest) })) smaller = best.injected.filter((name) => rest.includes(name));
    }
    if (smaller !== undefined) {
      only = smaller;
      parts = Math.max(2, parts - 1);
    } else if (size <= 1 || attempts >= limit) break;
    else parts = Math.min(only.length, parts * 2);
  }
  const history: string[] = [];
  const result = simulate({ ...base, only: new Set(only), trace: (line) => history.push(line) });
  return { result, fromCycle, only, history, attempts };
}
