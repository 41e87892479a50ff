/** From events to incidents, over profiles that are read once and written once in a batch. */
import type { AuditEvent } from '../event.ts';
import type { Alert, Incident } from '../incidents/port.ts';
import type { Slot } from '../profiles/slot.ts';
import type { Scene } from '../scene.ts';
import type { Scored } from '../scored.ts';

export interface Tally {
  /** Records seen. */
  readonly events: number;
  /** Those that gave an event. */
  readonly parsed: number;
  /** Those that concern no secret store, and halves of pairs. */
  readonly ignored: number;
  readonly duplicates: number;
  readonly malformed: number;
}

export interface BatchResult {
  /** Incidents that this batch opened or changed, as they are after it. */
  readonly incidents: readonly Incident[];
  /** Those of them that must be told now: their `rev` is above their `sentRev`, and they are not held. */
  readonly toSend: readonly Incident[];
  /** Alerts that are no incident: a storm has begun, or the digest of a day's held incidents. Given again until `sent` names them. */
  readonly notices: readonly Alert[];
  readonly duplicates: number;
  readonly scored: number;
  /** Entities that were written: equals the distinct ones that changed. */
  readonly writes: number;
}

export interface Pipeline {
  /** Scores events in the order of their time and id. Idempotent: events that were seen count as duplicates and change nothing. */
  process(events: readonly AuditEvent[], observe?: (scored: Scored) => void): Promise<BatchResult>;
  /** Marks what was sent. */
  sent(incidents: readonly Incident[], notices?: readonly Alert[]): Promise<void>;
  /** Writes what is still held in memory. */
  close(): Promise<void>;
}

/** All families of detectors, in one. Pure: knows no clock and does no I/O. */
export interface Scorer {
  /** Every slot that its families keep, for the codec of profiles. */
  readonly slots: readonly Slot<unknown>[];
  /** Changes nothing. */
  score(scene: Scene): Scored;
  learn(scene: Scene, quarantined: boolean): void;
}
