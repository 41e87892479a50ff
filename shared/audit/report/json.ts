/** One line of JSON for each incident, and one with what was counted: what other programs read. */
import type { EventMark, Incident } from '../incidents/port.ts';
import type { ReportSummary } from './data.ts';
import { jsonLine } from './escape.ts';

const mark = ({ id, time }: EventMark): { readonly id: string; readonly time: string } => ({ id, time: instant(time) });

/** RFC 3339; a time that no calendar has is left out of reach, not of the report. */
export const instant = (time: number): string =>
  Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : new Date(8.64e15).toISOString();

/** Incidents in the order given, then the summary. Ends with a line end. */
export function* jsonReport(incidents: readonly Incident[], summary: ReportSummary): Generator<string> {
  for (const incident of incidents) yield jsonLine(incidentJson(incident));
  yield jsonLine({ summary });
}

function incidentJson(incident: Incident): object {
  const { id, score, band, title, principal, secrets, events, firstEvent, alertEvent, lastEvent, reasons, attack } = incident;
  return {
    schemaVersion: 1,
    id,
    score,
    band,
    alerted: alertEvent !== null,
    title,
    principal,
    secrets,
    events,
    firstEvent: mark(firstEvent),
    alertEvent: alertEvent === null ? null : mark(alertEvent),
    lastEvent: mark(lastEvent),
    reasons: reasons.map(({ detector, family, bits, observed, expected }) => ({
      detector,
      family,
      bits: Math.round(bits * 100) / 100,
      observed,
      expected,
    })),
    attack,
  };
}
