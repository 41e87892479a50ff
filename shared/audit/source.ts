/** The port of a source of audit records: what a parser gives. Contract: `test/audit/sources.ts`. */
import type { Parsed, Source } from './event.ts';
import type { Plan, View } from './view.ts';

export interface ParseContext {
  /** Milliseconds since the epoch at which the batch was received; what is more than five minutes ahead of it is flagged `skewed`. */
  readonly received: number;
}

export interface SourceParser {
  readonly source: Source;
  readonly plan: Plan;
  /**
   * False only when the record cannot concern a secret store; looks at bytes and parses nothing. True may be wrong. Spaces, escapes, key order and
   * look-alike keys in nested objects never make it wrongly false.
   */
  mayConcern(bytes: Buffer, start: number, end: number): boolean;
  parse(view: View, context: ParseContext): Parsed;
}
