/** Reports of incidents: for a terminal, for programs, for platforms that gather findings, and to look at. Pure. */
import type { Incident } from '../incidents/port.ts';
import type { Scored } from '../scored.ts';
import { createReportData, type ReportSummary } from './data.ts';
import { htmlReport } from './html.ts';
import { jsonReport } from './json.ts';
import { sarifReport } from './sarif.ts';
import { textReport } from './text.ts';

export type { ReportSummary } from './data.ts';

export interface ReportOptions {
  readonly format: 'text' | 'json' | 'sarif' | 'html';
  /** Text: every reason, and the score without it. */
  readonly explain: boolean;
  /** Text: characters of a line. */
  readonly width: number;
  /** HTML: of the heat map. Default UTC. */
  readonly timeZone?: string;
}

export interface Report {
  /** Every event with its score, in any order. Keeps a bounded amount, and nothing unless the format needs it. */
  seen(scored: Scored): void;
  /** The report, in pieces to be written one after another. `incidents` are told in the order given; in HTML by score. */
  done(incidents: readonly Incident[], summary: ReportSummary): Iterable<string>;
}

export function openReport({ format, explain, width, timeZone = 'UTC' }: ReportOptions): Report {
  const gatherer = format === 'html' ? createReportData({ timeZone }) : undefined;
  return {
    seen: (scored) => gatherer?.seen(scored),
    done(incidents, summary) {
      if (gatherer !== undefined) return [htmlReport(gatherer.done(incidents, summary))];
      if (format === 'sarif') return [sarifReport(incidents, summary)];
      return format === 'json' ? jsonReport(incidents, summary) : textReport(incidents, summary, { explain, width });
    },
  };
}
