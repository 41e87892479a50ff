import type { SecretConfig } from './schema.ts';

/** The vendors' own caches (AWS, Azure) keep a value for up to an hour, so an hour is what an unknown consumer may do. */
export const DEFAULT_MAX_CACHE_AGE = 3_600_000;

/** What one secret's configuration comes to once defaults are in. Durations in milliseconds. */
export interface SecretPolicy {
  /** The longest that a consumer may go on using what it read before. */
  readonly maxCacheAgeMs: number;
  /** How long `previous` keeps authenticating. Never less than `maxCacheAgeMs`; 0 for in-place, where it cannot. */
  readonly graceMs: number;
  /** How many readings of use are taken during grace before the old credential is retired. */
  readonly samples: number;
  /** A session that ran a statement within this time counts as use. */
  readonly quietMs: number;
}

export function policyOf(secret: SecretConfig): SecretPolicy {
  const maxCacheAgeMs = secret.consumers?.maxCacheAge ?? DEFAULT_MAX_CACHE_AGE;
  return {
    maxCacheAgeMs,
    graceMs: secret.strategy === 'in-place' ? 0 : (secret.grace ?? maxCacheAgeMs),
    samples: secret.evidence.samples,
    quietMs: secret.evidence.quiet,
  };
}
