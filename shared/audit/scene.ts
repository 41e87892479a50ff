/** What detectors see of one event, and what they answer. */
import type { DetectorId } from '../detectors/index.ts';
import type { AuditEvent } from './event.ts';
import type { EntityKind, Profile } from './profiles/profile.ts';
import type { AuditSettings, Detector } from './settings.ts';

/** What a detector says of one event. */
export interface Finding {
  readonly detector: DetectorId;
  /** Before its cap. Surprise: -log2 of the probability of this or worse. */
  readonly bits: number;
  /** The least score; absent or 0: none. Given only when the finding deserves the detector's floor. */
  readonly floor?: number;
  /** Short, for people: a number with its unit, or words. Never a token; names of principals, secrets and networks are allowed. */
  readonly observed: string;
  readonly expected: string;
  /** Whose incident it is: the principal's for most. */
  readonly entity: EntityKind;
  /** For a finding of a network, a secret or the tenant: which. Absent: the event's own. */
  readonly about?: string;
}

export interface Scene {
  readonly event: AuditEvent;
  readonly settings: AuditSettings;
  /** `settings.detectors`, for short. */
  readonly detectors: Readonly<Record<DetectorId, Detector>>;
  readonly principal: Profile;
  /** As many as `event.secrets`, in their order. */
  readonly secrets: readonly Profile[];
  /** The /24 or /48 that it came from; undefined where it is no public or private address. */
  readonly network: Profile | undefined;
  readonly tenant: Profile;
  /** The kind after keywheel.yaml's `people` had their say. */
  readonly kind: AuditEvent['principal']['kind'];
  /** The principal's time zone. */
  readonly timeZone: string;
  /** A rotation of ours announced it, or one of our own functions did it. */
  readonly own: boolean;
  /** By settings: crown jewel, ordinary, low value; the highest of what it touches. */
  readonly tier: 'crown' | 'ordinary' | 'low';
  /** The event is more than the allowed lateness behind the newest: windows skip it, sets learn it. */
  readonly late: boolean;
}

/** One family of detectors. `observe` comes before `learn`, always; neither knows a clock. */
export interface DetectorFamily {
  readonly family: string;
  /** Says what is unusual. Changes nothing. */
  observe(scene: Scene, say: (finding: Finding) => void): void;
  /**
   * Remembers the event. `quarantined`: it scored high or belongs to an open incident, so that baselines must not take it for normal; windows and
   * counters that detectors need in the moment still move.
   */
  learn(scene: Scene, quarantined: boolean): void;
}
