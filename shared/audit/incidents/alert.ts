/** What people and channels see of an incident. Pure. */
import { CATALOG } from '../../detectors/index.ts';
import type { EntityKind, Profile } from '../profiles/profile.ts';
import { bandOf } from '../settings.ts';
import { clean } from './clean.ts';
import { secretCount } from './grow.ts';
import type { Alert, Incident } from './port.ts';
import { INCIDENT, type IncidentSlice, type Open } from './slot.ts';

const REASONS = 10;
const SECRETS = 20;

/** Something is still to be told of it. */
export const tellable = ({ alert, rev, sent, held }: Open): boolean => alert !== null && rev > sent && held === undefined;

/** The strongest reason, and whom or what it is about. */
export function titleOf({ reasons, principal }: Pick<Open, 'reasons' | 'principal'>, kind: EntityKind, key: string): string {
  const [reason] = reasons;
  const what = reason === undefined ? 'unusual' : CATALOG[reason.detector].title;
  const about = reason?.about;
  const who = { principal: principal.name, secret: about ?? key, network: key, tenant: 'everywhere' }[kind];
  return clean(`${what}: ${who}`, 300);
}

export function incidentOf(open: Open, kind: EntityKind, key: string): Incident {
  return {
    id: open.id,
    entity: kind,
    entityKey: key,
    title: titleOf(open, kind, key),
    principal: open.principal,
    secrets: [...open.names],
    secretCount: secretCount(open),
    events: open.events,
    denied: open.denied,
    score: open.score,
    band: bandOf(open.score),
    reasons: [...open.reasons],
    context: open.context,
    attack: [...new Set(open.reasons.flatMap(({ detector }): readonly string[] => CATALOG[detector].attack))],
    firstEvent: open.first,
    alertEvent: open.alert,
    lastEvent: open.last,
    source: open.source,
    account: open.account,
    network: open.network,
    sampleEvents: [...open.samples],
    rev: open.rev,
    sentRev: open.sent,
    held: open.held,
  };
}

/** The incidents of a profile: the open one, and those that ended before they were told. */
export function incidentsOf(profile: Profile): Incident[] {
  const slice = profile.slices[INCIDENT.index] as IncidentSlice | undefined;
  if (slice === undefined) return [];
  const all = slice.open === undefined ? slice.unsent : [...slice.unsent, slice.open];
  return all.map((open) => incidentOf(open, profile.kind, profile.key));
}

/** True when it must be told now. */
export const mustTell = ({ alertEvent, rev, sentRev, held }: Incident): boolean =>
  alertEvent !== null && rev > sentRev && held === undefined;

/** The alert of an incident as it is now; `tenant` as keywheel.yaml calls it. The same incident and revision give the same alert. */
export function alertOf(incident: Incident, tenant: string): Alert {
  const { principal, events, secretCount: distinctSecrets, denied } = incident;
  return {
    schema: 1,
    id: incident.id,
    rev: incident.rev,
    kind: 'incident',
    tenant,
    score: incident.score,
    band: incident.band,
    title: incident.title,
    principal: { id: clean(principal.id, 300), name: clean(principal.name, 300), kind: principal.kind },
    source: incident.source,
    account: clean(incident.account, 300),
    secrets: incident.secrets.slice(0, SECRETS).map((name) => clean(name, 300)),
    counts: { events, distinctSecrets, denied },
    firstEvent: incident.firstEvent,
    lastEvent: incident.lastEvent,
    reasons: incident.reasons.slice(0, REASONS).map(({ entity: _entity, about, ...reason }) => ({
      ...reason,
      ...(about === undefined ? {} : { about: clean(about, 300) }),
    })),
    attack: incident.attack,
    sampleEventIds: incident.sampleEvents,
  };
}
