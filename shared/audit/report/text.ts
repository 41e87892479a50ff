/** The report for a terminal: an incident in a few lines, with the reasons that weigh most. */
import { CATALOG } from '../../detectors/index.ts';
import { combine, type Reason } from '../combine.ts';
import type { Incident } from '../incidents/port.ts';
import { bandOf } from '../settings.ts';
import type { ReportSummary } from './data.ts';
import { cut, shown } from './escape.ts';
import { instant } from './json.ts';

export interface TextOptions {
  /** Every reason, and what the score would be without it. */
  readonly explain: boolean;
  /** Characters of a line. */
  readonly width: number;
}

const REASONS = 3;
const NAMES = 4;
const BITS = 5;

const count = (n: number, one: string): string => `${n.toLocaleString('en-US')} ${one}${n === 1 ? '' : 's'}`;

/** `2026-06-01 09:00:00`, in UTC. */
export const minute = (time: number): string => instant(time).slice(0, 19).replace('T', ' ');

/** The score without one of the reasons. */
export function without({ reasons, context }: Pick<Incident, 'reasons' | 'context'>, reason: Reason): number {
  return combine(
    reasons.filter((each) => each !== reason),
    context,
  ).score;
}

/** Lines with their ends. What came from records is harmless. */
export function* textReport(incidents: readonly Incident[], summary: ReportSummary, options: TextOptions): Generator<string> {
  for (const incident of incidents) yield `${incidentLines(incident, options).join('\n')}\n\n`;
  yield `${summaryLines(summary, options.width).join('\n')}\n`;
}

function incidentLines(incident: Incident, { explain, width }: TextOptions): string[] {
  const { principal, reasons, firstEvent, lastEvent, alertEvent, attack } = incident;
  const lines = [cut(`${incident.band} ${incident.score}  ${shown(incident.title)}`, width)];
  const say = (text: string): void => {
    lines.push(...wrap(text, width - 2).map((line) => `  ${line}`));
  };
  const where = [incident.source, incident.account, incident.network].filter((part) => part !== undefined && part !== '');
  say(`${shown(principal.name, 120)} (${principal.kind}), ${where.map((part) => shown(part ?? '', 80)).join(' ')}`);
  const until = lastEvent.time === firstEvent.time ? '' : ` to ${minute(lastEvent.time)}`;
  say(`${minute(firstEvent.time)}${until}: ${what(incident)}`);
  const worth = explain ? reasons : reasons.slice(0, REASONS);
  for (const reason of worth) lines.push(...reasonLines(incident, reason, { explain, width }));
  if (reasons.length > worth.length) say(`and ${count(reasons.length - worth.length, 'weaker reason')}`);
  say(`${attack.join(' ')} · ${alertEvent === null ? `not sent${heldBy(incident)}` : `alert at ${shown(alertEvent.id, 60)}`}`);
  return lines;
}

const heldBy = ({ held }: Incident): string => (held === undefined ? '' : `: ${held}`);

function what({ events, denied, secrets, secretCount }: Incident): string {
  const refused = denied === 0 ? '' : denied === events ? ', all refused' : `, ${denied} refused`;
  if (secretCount === 0) return `${count(events, 'event')}${refused}`;
  const some = secrets.slice(0, NAMES).map((name) => shown(name, 60));
  const more = secretCount > some.length ? ` and ${secretCount - some.length} more` : '';
  return `${count(events, 'event')}${refused} on ${some.join(', ')}${more}`;
}

function reasonLines(incident: Incident, reason: Reason, { explain, width }: TextOptions): string[] {
  const { detector, bits, floor = 0, observed, expected } = reason;
  const head = `  ${detector.padEnd(3)} ${bits.toFixed(1).padStart(BITS)}  `;
  const indent = ' '.repeat(head.length);
  const text = `${shown(observed)}; expected ${shown(expected)}`;
  const lines = wrap(explain ? `${CATALOG[detector].title}: ${text}` : text, width - head.length);
  if (explain) {
    const least = floor > 0 ? `at least ${floor}; ` : '';
    const rest = without(incident, reason);
    lines.push(`${least}without it, the score would be ${rest} (${bandOf(rest)})`);
  }
  return lines.map((line, at) => (at === 0 ? head : indent) + line);
}

function summaryLines(
  { events, parsed, ignored, duplicates, malformed, incidents, alerts }: ReportSummary,
  width: number,
): string[] {
  const found = incidents === 0 ? 'nothing unusual' : `${count(incidents, 'incident')}, ${count(alerts, 'alert')}`;
  const odd = malformed === 0 ? '' : `, ${malformed.toLocaleString('en-US')} malformed`;
  const rest = `${count(ignored, 'record')} of something else, ${count(duplicates, 'duplicate')}${odd}`;
  return wrap(`${found} in ${count(parsed, 'event')} of ${count(events, 'record')}; ${rest}`, width);
}

/** Breaks at spaces; what is longer than a line without one is cut into pieces. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line: string[] = [];
  for (const word of text.split(' ')) {
    const letters = Array.from(word);
    if (line.length > 0 && line.length + 1 + letters.length <= width) line.push(' ', ...letters);
    else {
      if (line.length > 0) lines.push(line.join(''));
      line = letters;
    }
    while (line.length > width) lines.push(line.splice(0, Math.max(1, width)).join(''));
  }
  return [...lines, line.join('')];
}
