import type { StrategyName } from './record.ts';

/** What configuration says of one secret's rotation, resolved: every default applied, every duration in milliseconds. */
export interface RotationPolicy {
  readonly strategy: StrategyName;
  readonly enabled: boolean;
  /** How long `previous` keeps working after publishing; never shorter than `maxCacheAge`. */
  readonly grace: number;
  /** The longest that any consumer may cache `current`. */
  readonly maxCacheAge: number;
  /** How long the store's own reads may lag its writes. Added to grace. */
  readonly readLag: number;
  /** Readings of use that must be taken during grace. */
  readonly samples: number;
  /** A session that ran a statement within this time counts as use. */
  readonly quiet: number;
  /** Half-open intervals in which nothing starts and nothing is retired, in order. */
  readonly blackouts: readonly { readonly from: number; readonly to: number; readonly reason?: string }[];
  /** Milliseconds that a lease is held for; renewed before half of it has passed. */
  readonly leaseTtl: number;
  /** First and longest pause between attempts of a step that failed. */
  readonly backoff: { readonly first: number; readonly cap: number };
}

export const DEFAULT_POLICY: Omit<RotationPolicy, 'strategy'> = {
  enabled: true,
  grace: 3_600_000,
  maxCacheAge: 3_600_000,
  readLag: 0,
  samples: 3,
  quiet: 60_000,
  blackouts: [],
  leaseTtl: 60_000,
  backoff: { first: 2_000, cap: 900_000 },
};

/** Where grace is measured on workers' clocks, because the target has none to read, they may differ by this much. */
export const CLOCK_SKEW_ALLOWANCE = 300_000;
