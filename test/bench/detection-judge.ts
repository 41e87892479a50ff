/** What a scorer said, held against what is true. Pure. */
import type { Label } from '../tenant/label.ts';

export interface FoundIncident {
  readonly id: string;
  readonly score: number;
  readonly alerted: boolean;
  readonly title: string;
  readonly firstEvent: { readonly id: string; readonly time: string };
  readonly alertEvent: { readonly id: string; readonly time: string } | null;
  readonly lastEvent: { readonly id: string; readonly time: string };
  readonly reasons: readonly {
    readonly detector: string;
    readonly family: string;
    readonly bits: number;
    readonly observed?: string;
    readonly expected?: string;
  }[];
}

export interface Found {
  readonly incidents: readonly FoundIncident[];
  readonly summary: Readonly<Record<string, number>>;
}

export interface AttackOutcome {
  readonly attack: string;
  readonly source: string;
  readonly tenant: string;
  readonly seen: boolean;
  readonly alerted: boolean;
  /** At which of its events, or reads, it was told; counted from 1. Absent when it was not. */
  readonly after: number | undefined;
  readonly expectedBy: number;
  readonly onTime: boolean;
  /** The family of the first reason is one of those that were done. */
  readonly named: boolean;
  readonly score: number;
  readonly weak: boolean;
  readonly families: readonly string[];
  readonly first: string;
}

export interface FalseAlert {
  readonly tenant: string;
  readonly persona: string;
  readonly time: string;
  readonly score: number;
  readonly title: string;
  readonly reasons: string;
}

const said = ({ reasons }: FoundIncident): string =>
  reasons
    .slice(0, 4)
    .map(({ detector, bits, observed }) => `${detector} ${bits.toFixed(1)}${observed === undefined ? '' : ` (${observed})`}`)
    .join(', ');

/** One attack in one tenant. Incidents are the attack's when it opened them, or when it is what made them be told. */
export function judgeAttack(tenant: string, label: Label, { incidents }: Found): AttackOutcome {
  const positions = new Map<string, number>();
  let count = 0;
  for (const { ids, read, counts } of label.events) {
    if (label.counts === 'events' ? counts : read) count += 1;
    for (const id of ids) positions.set(id, Math.max(1, count));
  }
  const own = incidents.filter(({ firstEvent, alertEvent, lastEvent }) =>
    [firstEvent.id, alertEvent?.id, lastEvent.id].some((id) => id !== undefined && positions.has(id)),
  );
  const told = own
    .filter(({ alertEvent }) => alertEvent !== null && positions.has(alertEvent.id))
    .sort((one, other) => (positions.get(one.alertEvent?.id ?? '') ?? 0) - (positions.get(other.alertEvent?.id ?? '') ?? 0));
  const best = told[0] ?? [...own].sort((one, other) => other.score - one.score)[0];
  const after = told[0] === undefined ? undefined : positions.get(told[0].alertEvent?.id ?? '');
  return {
    attack: label.attack,
    source: label.source,
    tenant,
    seen: own.length > 0,
    alerted: told.length > 0,
    after,
    expectedBy: label.expectedBy,
    onTime: after !== undefined && after <= label.expectedBy,
    named: best !== undefined && label.families.includes(best.reasons[0]?.family ?? ''),
    score: best?.score ?? 0,
    weak: label.weak,
    families: label.families,
    first: best === undefined ? '' : said(best),
  };
}

/** Alerts that no attack of ours caused, from `since` on. `personas`: who did the event of an id. */
export function falseAlerts(
  tenant: string,
  { incidents }: Found,
  since: number,
  personas: ReadonlyMap<string, string>,
): FalseAlert[] {
  return incidents.flatMap((incident) => {
    const { alertEvent } = incident;
    if (alertEvent === null || Date.parse(alertEvent.time) < since) return [];
    const persona = personas.get(alertEvent.id) ?? 'unknown';
    if (persona === 'attack') return [];
    return [{ tenant, persona, time: alertEvent.time, score: incident.score, title: incident.title, reasons: said(incident) }];
  });
}
