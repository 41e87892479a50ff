/** Alerts that are no incident: a storm, and the digest of what a day's budget, storms and suppressions held back. Pure. */
import { hash48 } from '../sketches/hash.ts';
import { bandOf } from '../settings.ts';
import { clean } from './clean.ts';
import type { Alert } from './port.ts';
import type { Ledger } from './slot.ts';

const DAY = 86_400_000;
const LINES = 5;

/** 16 hexadecimal digits of a text: ids of incidents and notices. */
export const idOf = (text: string): string =>
  hash48(text).toString(16).padStart(12, '0') + (hash48(`${text}\0`) % 0x1_0000).toString(16).padStart(4, '0');

const nobody = { id: '', name: '', kind: 'unknown' } as const;

export function stormAlert(recent: Ledger['recent'], at: number, tenant: string): Alert {
  const score = Math.max(...recent.map(([, told]) => told));
  const start = Math.min(...recent.map(([time]) => time));
  return {
    ...blank(idOf(`storm ${tenant} ${at}`), 'storm', tenant, score),
    title: `alert storm: ${recent.length} incidents in ten minutes; only what is worse is told until it is over`,
    firstEvent: { id: '', time: start },
    lastEvent: { id: '', time: at },
    counts: { events: recent.length, distinctSecrets: 0, denied: 0 },
  };
}

export function digestAlert({ day, held, heldCount }: Ledger, tenant: string): Alert {
  const date = new Date(day * DAY).toISOString().slice(0, 10);
  const lines = held.slice(0, LINES).map(([, why, score, title]) => `${title} (${score}, ${why})`);
  const more = heldCount > lines.length ? [`and ${heldCount - lines.length} more`] : [];
  return {
    ...blank(idOf(`digest ${tenant} ${day}`), 'digest', tenant, held[0]?.[2] ?? 0),
    title: clean(`${heldCount} incident${heldCount === 1 ? '' : 's'} of ${date} held back: ${[...lines, ...more].join('; ')}`),
    firstEvent: { id: '', time: day * DAY },
    lastEvent: { id: '', time: (day + 1) * DAY - 1 },
    counts: { events: heldCount, distinctSecrets: 0, denied: 0 },
  };
}

const blank = (id: string, kind: Alert['kind'], tenant: string, score: number) => ({
  schema: 1 as const,
  id,
  rev: 1,
  kind,
  tenant,
  score,
  band: bandOf(score),
  principal: nobody,
  source: '',
  account: '',
  secrets: [],
  reasons: [],
  attack: [],
  sampleEventIds: [],
});
