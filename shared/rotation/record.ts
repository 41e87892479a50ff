/**
 * The journal's record of one rotation. It never holds material: material lives in the store's pending version, and the
 * record names it by version and credential id. Keys and fields are documented in docs/storage-schema.md.
 */
import type { Evidence, CredentialId, ProbeOutcome, Slot } from '../targets/index.ts';
import type { Revision } from '../stores/index.ts';

export const RECORD_VERSION = 1;

/** The last phase that is complete. `held` is not a phase a record is in: a held record keeps its phase and carries `hold`. */
export type Phase = 'planned' | 'staged' | 'applied' | 'verified' | 'published' | 'grace' | 'retired' | 'proven' | 'closed';
export const PHASES: readonly Phase[] = [
  'planned',
  'staged',
  'applied',
  'verified',
  'published',
  'grace',
  'retired',
  'proven',
  'closed',
];

export type StrategyName = 'dual-account' | 'dual-slot' | 'overlap' | 'issue' | 'rewrap' | 'in-place';

/** Why a rotation stands still and needs something to change before it goes on. */
export interface Hold {
  /** Stable, kebab-case: `edited`, `grants-differ`, `still-in-use`, `still-accepted`, … */
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly since: number;
}

/** The last failure of a step; the step is tried again at `nextAt`. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly at: number;
}

export interface Step {
  readonly phase: Phase | 'held' | 'resumed';
  readonly at: number;
  readonly fence: number;
}

export interface RotationRecord {
  readonly schemaVersion: typeof RECORD_VERSION;
  readonly rotationId: string;
  readonly secret: string;
  readonly strategy: StrategyName;
  readonly reason: string;
  readonly phase: Phase;
  readonly startedAt: number;
  readonly updatedAt: number;
  /** What was true when it was planned: publishing is compare-and-set against `revision`. */
  readonly from: { readonly id: CredentialId; readonly version: string };
  readonly to: Slot;
  readonly revision: Revision;
  /** Set durably before a provider is asked to mint, so that a lost response can be attributed. */
  readonly intent?: { readonly at: number };
  readonly staged?: { readonly version: string; readonly id: CredentialId };
  /** Grace runs on the target's clock from the first reading that was taken after publishing. */
  readonly grace?: { readonly startedAt: number; readonly clock: 'target' | 'worker' };
  /** The readings that the decision to retire rests on: the count, the first, and the latest few. */
  readonly evidence: { readonly count: number; readonly latest: readonly Evidence[] };
  /** in-place only: how long current did not authenticate. */
  readonly deadWindow?: { readonly from: number; readonly to?: number };
  readonly proof?: readonly {
    readonly endpoint: string;
    readonly outcome: ProbeOutcome | 'superseded';
    readonly detail: string;
    readonly at: number;
  }[];
  readonly outcome?: 'rotated' | 'abandoned';
  /** Set when current was moved away from what this rotation published, by hand: since then `from` is what it published, and is ended after a grace of its own. */
  readonly reverted?: { readonly reason: string };
  /** Set when a rotation is being given up before publishing: what was staged is withdrawn, then it closes. `ended`: the target's side is done. */
  readonly abandon?: { readonly reason: string; readonly ended?: boolean };
  readonly hold?: Hold;
  readonly failure?: Failure;
  /** Failures in a row of the present step. */
  readonly attempts: number;
  /** When to try again or look again; always set while the rotation is open. Milliseconds since the epoch. */
  readonly nextAt: number;
  readonly steps: readonly Step[];
}

/** One record per secret: its open rotation, or the last one, and what the schedule needs. Key `rotation/<secret>`. */
export interface SecretJournal {
  readonly schemaVersion: typeof RECORD_VERSION;
  readonly secret: string;
  readonly rotation?: RotationRecord;
  /** When the schedule first saw this secret: a new secret is due one interval later, never at once. */
  readonly firstSeenAt: number;
  readonly lastRotatedAt?: number;
  /** When the schedule last found this secret disabled: enabling it does not make it due at once. */
  readonly disabledSeenAt?: number;
  /** A due rotation that could not start is tried again at this time. */
  readonly retryAt?: number;
  readonly failure?: Failure;
  readonly attempts: number;
}

/** What one call of `advance` came to. */
export interface AdvanceResult {
  readonly secret: string;
  /**
   * idle: nothing to do. waiting: go on at `resumeAt`. held: something must change first. failed: this attempt failed and is tried
   * again at `resumeAt`. busy: another worker holds the lease. closed: the rotation ended in this call.
   */
  readonly status: 'idle' | 'waiting' | 'held' | 'failed' | 'busy' | 'disabled' | 'closed';
  readonly rotation?: RotationRecord;
  readonly resumeAt?: number;
  readonly error?: Failure;
  /** Why a blackout keeps it from starting, as the configuration says. */
  readonly blackout?: string;
}

export const journalKey = (secret: string): string => `rotation/${secret}`;
export const historyKey = (secret: string, rotationId: string): string => `history/${secret}/${rotationId}`;
export const leaseKey = (secret: string): string => `lease/${secret}`;
