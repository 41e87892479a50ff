/** What the chaos matrix needs of a world to rotate in: the engine's ports, time that can be passed, and a look at what is true. */
import type { EnginePorts, RotationPolicy, RotationRecord, SecretJournal, TargetFacts } from '../../shared/rotation/index.ts';
import type { SecretState, SecretValue, SecretVersion } from '../../shared/stores/index.ts';

export type Strategy = 'dual-account' | 'in-place' | 'overlap';

/** What is true right now, whatever any lagging reader is shown. */
export interface Look {
  readonly state: SecretState;
  readonly current: SecretVersion;
  readonly previous: SecretVersion | undefined;
  readonly pending: SecretVersion | undefined;
  readonly journal: SecretJournal | undefined;
  readonly history: readonly RotationRecord[];
}

export interface World {
  readonly secret: string;
  readonly strategy: Strategy;
  readonly policy: RotationPolicy;
  readonly facts: TargetFacts;
  readonly ports: EnginePorts;
  /** The right time on workers' clocks, in milliseconds. */
  now(): number;
  /** By how much the clock is wrong of the worker whose call comes next; its leases are judged by it too. */
  skew(milliseconds: number): void;
  /** The most that a worker's clock may be wrong by; less where grace runs on it. */
  readonly mostSkew: number;
  /** The target has a place for fences; where it has none, only what comes of a late effect can be judged. */
  readonly keepsFence: boolean;
  /** The clock that grace runs on. */
  targetNow(): number;
  /** Time passes. `target`: also on the target's own clock, where that is another one. */
  elapse(milliseconds: number, target: boolean): Promise<void>;
  look(): Promise<Look>;
  /** What of a value is secret, and tells its credential from every other. Pure. */
  materialOf(value: SecretValue): string;
  /** Whether exactly this material logs in. */
  accepts(value: SecretValue, endpoint: string): Promise<boolean>;
  /** Names the material that lives at the target beyond what is given; empty when nothing else does, or when it cannot be told. */
  strangers(known: readonly SecretValue[]): Promise<string[]>;
  /** A person writes `current`. */
  edit(value: SecretValue): Promise<void>;
  close(): Promise<void>;
}

export interface Matrix {
  readonly kind: string;
  open(strategy: Strategy): Promise<World>;
}
