/**
 * The report as SARIF 2.1.0, for platforms that gather findings: https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/sarif-v2.1.0-os.html. A rule is a
 * detector, a result is an incident under its strongest reason.
 */
import { CATALOG, type DetectorId } from '../../detectors/index.ts';
import type { Incident } from '../incidents/port.ts';
import type { Band } from '../settings.ts';
import type { ReportSummary } from './data.ts';
import { escapedJson, sarifText, shown } from './escape.ts';
import { instant } from './json.ts';

const LEVEL: Readonly<Record<Band, 'error' | 'warning' | 'note' | 'none'>> = {
  critical: 'error',
  high: 'error',
  medium: 'warning',
  low: 'note',
  none: 'none',
};

const IDS = Object.keys(CATALOG) as DetectorId[];
const SECRETS = 20;

/**
 * 0.0 to 10.0, as text: a detector's floor, or what its bits alone would give.
 * https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support
 */
function severity(id: DetectorId): string {
  const spec = CATALOG[id];
  const floor = 'floor' in spec ? spec.floor : 0;
  const alone = 100 * (1 - 2 ** (-Math.max(0, spec.cap - 4) / 8));
  return (Math.max(floor, alone) / 10).toFixed(1);
}

function rule(id: DetectorId): object {
  const { title, what, attack } = CATALOG[id];
  const text = `${title}: ${what}.`;
  return {
    id,
    name: title.replace(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9])/g, (_all, letter: string) => letter.toUpperCase()),
    shortDescription: { text: title },
    fullDescription: { text },
    help: {
      text: `${text} MITRE ATT&CK: ${attack.join(', ')}. Tune or switch it off in keywheel.yaml, under audit.detectors.${id}.`,
    },
    properties: { tags: ['security', ...attack], precision: 'medium', 'security-severity': severity(id) },
  };
}

function result(incident: Incident): object {
  const { id, score, band, title, principal, source, account, reasons, secrets, firstEvent, lastEvent, alertEvent } = incident;
  const [reason] = reasons;
  const ruleId = reason?.detector ?? IDS[0] ?? 'N1';
  const why = reasons
    .slice(0, 5)
    .map(({ detector, observed, expected }) => `${detector}: ${shown(observed)}; expected ${shown(expected)}.`);
  const place = [source, ...account.split('/')].map((part) => encodeURIComponent(wellFormed(part.slice(0, 200)))).join('/');
  return {
    ruleId,
    ruleIndex: IDS.indexOf(ruleId),
    level: LEVEL[band],
    rank: score,
    message: { text: sarifText(`${shown(title, 300)}. ${why.join(' ')}`) },
    locations: [
      {
        // Where findings are shown by file, the account that wrote the records stands for one.
        physicalLocation: { artifactLocation: { uri: `audit/${place}` } },
        logicalLocations: [
          { fullyQualifiedName: shown(principal.id), name: shown(principal.name), kind: 'principal' },
          ...secrets.slice(0, SECRETS).map((name) => ({ fullyQualifiedName: shown(name), kind: 'secret' })),
        ],
      },
    ],
    // Holds for one incident as it grows: the same id, made of its entity and its first event.
    partialFingerprints: { 'keywheelIncident/v1': id },
    properties: {
      score,
      band,
      alerted: alertEvent !== null,
      events: incident.events,
      distinctSecrets: incident.secretCount,
      firstEvent: { id: shown(firstEvent.id), time: instant(firstEvent.time) },
      lastEvent: { id: shown(lastEvent.id), time: instant(lastEvent.time) },
      attack: incident.attack,
    },
  };
}

/** encodeURIComponent refuses halves of surrogate pairs. */
const wellFormed = (text: string): string => text.toWellFormed();

/** One document. Ends with a line end. */
export function sarifReport(incidents: readonly Incident[], summary: ReportSummary): string {
  const log = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'Keywheel', rules: IDS.map(rule) } },
        columnKind: 'utf16CodeUnits',
        results: incidents.map(result),
        properties: { summary },
      },
    ],
  };
  return `${escapedJson(JSON.stringify(log, undefined, 2))}\n`;
}
