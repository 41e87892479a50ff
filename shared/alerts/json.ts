/** The alert as programs read it: the same bytes for the same alert, and never more than a channel takes. Pure. */
import type { Alert } from '../audit/index.ts';
import { isoOf, plain } from './text.ts';

const NAME = 512;
const TEXT = 256;

/** The fields of the contract, in its order, each text harmless and capped; nothing that the contract does not have. */
export function recordOf(alert: Alert, secrets = 50, reasons = 40): object {
  const mark = ({ id, time }: Alert['firstEvent']) => ({ id: plain(id, TEXT), time: isoOf(time) });
  return {
    schema: alert.schema,
    id: alert.id,
    rev: alert.rev,
    kind: alert.kind,
    tenant: plain(alert.tenant, TEXT),
    score: alert.score,
    band: alert.band,
    title: plain(alert.title, NAME),
    principal: { id: plain(alert.principal.id, NAME), name: plain(alert.principal.name, NAME), kind: alert.principal.kind },
    source: plain(alert.source, TEXT),
    account: plain(alert.account, TEXT),
    secrets: alert.secrets.slice(0, secrets).map((name) => plain(name, NAME)),
    counts: {
      events: alert.counts.events,
      distinctSecrets: alert.counts.distinctSecrets,
      denied: alert.counts.denied,
    },
    firstEvent: mark(alert.firstEvent),
    lastEvent: mark(alert.lastEvent),
    reasons: alert.reasons.slice(0, reasons).map((reason) => ({
      detector: reason.detector,
      family: reason.family,
      bits: Math.round(reason.bits * 100) / 100,
      observed: plain(reason.observed, TEXT),
      expected: plain(reason.expected, TEXT),
    })),
    attack: alert.attack.slice(0, 40).map((id) => plain(id, 32)),
    sampleEventIds: alert.sampleEventIds.slice(0, 10).map((id) => plain(id, TEXT)),
  };
}

/** At most `most` bytes of UTF-8. What is left out first is names of secrets, then the weakest reasons; the counts still tell how many there were. */
export function jsonOf(alert: Alert, most: number): string {
  let text = '';
  for (const [secrets, reasons] of [
    [50, 40],
    [10, 20],
    [0, 5],
    [0, 0],
  ] as const) {
    text = JSON.stringify(recordOf(alert, secrets, reasons));
    if (Buffer.byteLength(text) <= most) break;
  }
  return text;
}

/** What subscribers filter by, without reading the message. */
export function labelsOf(alert: Alert): { score: number; band: string; source: string; families: string[] } {
  const families = [...new Set(alert.reasons.map(({ family }) => family))];
  return { score: alert.score, band: alert.band, source: plain(alert.source, 64) || 'unknown', families };
}

/** One line for people: `[high 72] Sweep of secrets by alice`. */
export const headlineOf = (alert: Alert, most: number): string => plain(`[${alert.band} ${alert.score}] ${alert.title}`, most);

/** The same for every delivery of one revision. */
export const deliveryId = ({ id, rev }: Pick<Alert, 'id' | 'rev'>): string => `${id}-${rev}`;
