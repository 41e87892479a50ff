/** An event with its score: what the scorer gives to incidents. */
import type { Context, Reason, Verdict } from './combine.ts';
import type { AuditEvent } from './event.ts';

export interface Scored {
  readonly event: AuditEvent;
  /** The strongest first: by bits, then floor, then the detector's id. */
  readonly reasons: readonly Reason[];
  readonly verdict: Verdict;
  readonly context: Context;
}
