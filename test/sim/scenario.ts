/** What one seed simulates: the strategy, the clocks, the lags, the people, and which faults happen how often. */
import { DEFAULT_POLICY, type RotationPolicy, type StrategyName } from '../../shared/rotation/index.ts';
import type { Choices } from './choices.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const EPOCH = 1_700_000_000_000;
/** One rotation is due in each cycle: faults for its first part, then calm, then everything must have converged. */
export const CYCLE = 30 * DAY;
export const CALM = 20 * DAY;
export const CHECK = 29 * DAY;
export const CYCLES_A_YEAR = 12;

/** Every way in which one call of the engine may go wrong. */
export const FAULTS = [
  'crash-before', // the process ends; the call was never made
  'crash-after', // the call took effect; the process ends before it hears of it
  'lost', // the call took effect; the worker is told that it timed out
  'late', // the worker is told that it timed out; the call takes effect some time later
  'throttled',
  'unreachable',
  'pause-before', // the process stands still before the call is made
  'pause-after', // the process stands still before it hears of the result
] as const;
export type Fault = (typeof FAULTS)[number];

export interface ClockModel {
  /** Milliseconds ahead of true time. */
  readonly skew: number;
  /** Milliseconds gained per millisecond; set right every ten days, so the clock also jumps. */
  readonly drift: number;
}

export interface Scenario {
  readonly strategy: StrategyName;
  /** Can the target tell use? Where it cannot, grace runs on workers' clocks, which then differ by less than the allowance. */
  readonly usage: boolean;
  readonly replicaLag: number;
  readonly readLag: number;
  readonly workers: readonly ClockModel[];
  readonly policy: Omit<RotationPolicy, 'blackouts'>;
  /** Chance of each fault at one call. */
  readonly rates: Readonly<Record<Fault, number>>;
  readonly duplicates: number;
  readonly handEdits: number;
  readonly logins: number;
  /** Chance that a consumer keeps what it read for longer than it may. */
  readonly rogues: number;
  readonly blackouts: number;
}

export const STRATEGIES: readonly StrategyName[] = ['dual-account', 'overlap', 'dual-slot', 'in-place'];

export const strategyNamed = (name: string): StrategyName | undefined => STRATEGIES.find((each) => each === name);

export function scenarioOf(choices: Choices, chosen?: StrategyName): Scenario {
  let index = 0;
  const unit = (): number => choices.unit('scenario', (index += 1));
  const sometimes = (chance: number, value: number): number => (unit() < chance ? value : 0);
  const strategy = chosen ?? STRATEGIES[choices.seed % STRATEGIES.length] ?? 'dual-account';
  const usage = strategy !== 'overlap' || unit() < 0.7;
  // Clocks wrong by hours show that nothing rests on them; without usage evidence the documented allowance is the limit.
  const skew = usage ? ([SECOND, MINUTE, 6 * HOUR][Math.floor(unit() * 3)] ?? 0) : 2 * MINUTE;
  const drift = usage ? 2e-4 : 1e-5;
  const maxCacheAge = HOUR;
  return {
    strategy,
    usage,
    replicaLag: sometimes(0.4, Math.ceil(unit() * 90 * SECOND)),
    readLag: sometimes(0.4, Math.ceil(unit() * 30 * SECOND)),
    workers: Array.from({ length: 2 + Math.floor(unit() * 3) }, () => ({
      skew: Math.round((unit() * 2 - 1) * skew),
      drift: (unit() * 2 - 1) * drift,
    })),
    policy: {
      ...DEFAULT_POLICY,
      strategy,
      maxCacheAge,
      grace: maxCacheAge * (1 + Math.floor(unit() * 3) / 2),
      samples: 1 + Math.floor(unit() * 4),
    },
    rates: Object.fromEntries(FAULTS.map((fault) => [fault, sometimes(0.7, unit() * 0.02)])) as Record<Fault, number>,
    duplicates: sometimes(0.7, unit() * 0.3),
    handEdits: sometimes(0.7, unit() * 0.6),
    logins: Math.floor(unit() * 6),
    rogues: sometimes(0.4, unit() * 0.3),
    blackouts: sometimes(0.5, 0.3),
  };
}
