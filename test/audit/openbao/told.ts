/** Audit records as short lines, so that a test can say what each operation is to become. */
import { FLAG, isEvent, type AuditEvent, type Parsed } from '../../../shared/audit/event.ts';
import type { SourceParser } from '../../../shared/audit/source.ts';
import { jsonView } from '../../../shared/audit/view.ts';

/** In these tests nothing is from the future. */
const RECEIVED = Date.UTC(2100, 0, 1);

/** A line of a device, whatever stands before its record. */
export const parseLine = (source: SourceParser, line: string): Parsed =>
  source.parse(jsonView(source.plan, JSON.parse(line.slice(line.indexOf('{')))), { received: RECEIVED });

/** The events of `lines`, of which the second with one id is left out as the pipeline does. */
export function eventsOf(source: SourceParser, lines: readonly string[]): AuditEvent[] {
  const events = new Map<string, AuditEvent>();
  for (const line of lines) {
    const parsed = parseLine(source, line);
    if (isEvent(parsed) && !events.has(parsed.id)) events.set(parsed.id, parsed);
  }
  return [...events.values()];
}

/** `read ok vault:kv:app/db#2 by userpass-ann [wrapped] 3600s`; what there is none of is left out. */
export function told({ verb, outcome, secrets, principal, flags, ttl, grantee }: AuditEvent): string {
  const named = secrets.map(({ key, version }) => ` ${key}${version === undefined ? '' : `#${version}`}`).join('');
  const names = Object.entries(FLAG)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
    .toSorted()
    .join(' ');
  const to = grantee === undefined ? '' : ` to ${grantee}`;
  return `${verb} ${outcome}${named}${to} by ${principal.name}${names === '' ? '' : ` [${names}]`}${ttl === undefined ? '' : ` ${ttl}s`}`;
}
