/**
 * Incidents from scored events. Pure, and cheap for what is not unusual: an event below `JOINS` is looked at no further.
 *
 * An event belongs to its principal. What detectors say of its network, of a secret or of the tenant belongs to those when it says more than what they
 * say of the principal: a spray is one incident of the network, not one for each account; else it counts with the principal's.
 */
import { combine, type Reason } from '../combine.ts';
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import { sliceOf, type EntityKind, type Profile } from '../profiles/profile.ts';
import type { Scene } from '../scene.ts';
import type { Scored } from '../scored.ts';
import { strongest as bestOf } from '../scorer.ts';
import { bandOf, leastOf, type AuditSettings } from '../settings.ts';
import { titleOf, tellable } from './alert.ts';
import { grow, heardScore, know, markOfEvent, opened, worse } from './grow.ts';
import { count, hold, ledgerAt, permit } from './ledger.ts';
import { INCIDENT, type IncidentSlice, type Open } from './slot.ts';
import { suppressor } from './suppress.ts';

/** The least score that opens an incident, and that keeps one open. */
const OPENS = 20;
/** The least score that an open incident takes in. */
const JOINS = 10;
/** Of events and incidents from here on baselines do not learn. */
const QUARANTINE = 60;
const UNSENT = 3;
const DAY = 86_400_000;

export interface Incidents {
  /**
   * Takes in a scored event. `changed` hears of each profile whose incident opened or changed. True: the event is not to be learned as normal.
   */
  take(scored: Scored, scene: Scene, changed: (profile: Profile, open: Open) => void): boolean;
}

export function openIncidents(settings: AuditSettings): Incidents {
  const suppress = suppressor(settings);
  const { tenant, alerts } = settings;

  const join = (group: Group, scored: Scored, heard: readonly Reason[], scene: Scene): Open | undefined => {
    const { profile, kind, reasons, opens } = group;
    const at = timeOf(scored.event, scene);
    let open = openOf(profile);
    if (open === undefined || !belongs(open, at, alerts)) {
      if (!opens) return undefined;
      const slice = sliceOf(profile, INCIDENT);
      if (open !== undefined && tellable(open)) slice.unsent = [...slice.unsent, open].slice(-UNSENT);
      open = opened(scored.event, scored.context, tenant, kind, profile.key);
      slice.open = open;
    }
    grow(open, scored, reasons, heard.length === reasons.length ? reasons : heard);
    if (group.score >= OPENS) open.hot = Math.max(open.hot, at);
    decide(open, at, scored, scene.tenant, group);
    return open;
  };

  /** Whether people hear of it now. */
  const decide = (open: Open, at: number, scored: Scored, tenantProfile: Profile, { kind, profile }: Group): void => {
    const score = heardScore(open);
    const again = worse(open);
    const least = leastOf(alerts.from);
    if (open.alert !== null) {
      if (again) open.rev += 1;
      if (open.ack !== undefined) open.held = score >= leastAbove(open.ack.band) ? undefined : 'acknowledged';
      return;
    }
    if (score < least) {
      open.held = open.score >= least ? 'suppressed' : undefined;
      if (open.held === undefined) return;
      const ledger = ledgerAt(sliceOf(tenantProfile, INCIDENT), at, tenant);
      hold(ledger, open.id, 'suppressed', open.score, titleOf(open, kind, profile.key));
      tenantProfile.dirty = true;
      return;
    }
    // A held incident is asked about again when it is worse, not with each of its events.
    if ((open.held === 'budget' || open.held === 'storm') && !again) return;
    const ledger = ledgerAt(sliceOf(tenantProfile, INCIDENT), at, tenant);
    tenantProfile.dirty = true;
    open.held = permit(ledger, { id: open.id, score }, at, settings);
    if (open.held === undefined) {
      open.alert = markOfEvent(scored.event);
      know(open);
    } else hold(ledger, open.id, open.held, score, titleOf(open, kind, profile.key));
  };

  return {
    take(scored, scene, changed) {
      const { event, verdict } = scored;
      const ledger = (scene.tenant.slices[INCIDENT.index] as IncidentSlice | undefined)?.ledger;
      if (ledger !== undefined && event.time >= (ledger.day + 1) * DAY) {
        ledgerAt(sliceOf(scene.tenant, INCIDENT), timeOf(event, scene), tenant);
      }
      if (verdict.score < JOINS) return false;
      const heard = suppress(event, scored.reasons);
      const free = heard.length === scored.reasons.length;
      let quarantined = (free ? verdict.score : combine(bestOf(heard), scored.context).score) >= QUARANTINE && heard.length > 0;
      for (const group of groupsOf(scored, scene)) {
        const own = free ? group.reasons : group.reasons.filter((reason) => heard.includes(reason));
        const open = join(group, scored, own, scene);
        if (open === undefined) continue;
        group.profile.dirty = true;
        changed(group.profile, open);
        quarantined ||= own.length > 0 && open.ack === undefined && heardScore(open) >= QUARANTINE;
      }
      return quarantined;
    },
  };
}

/** Somebody has it in hand: it is told again when it comes into a higher band than people knew, and what it does may be learned. */
export function acknowledge(open: Open, { by, at }: { readonly by: string; readonly at: number }): void {
  open.ack = { band: bandOf(open.told.score), by, at };
  open.held = heardScore(open) >= leastAbove(open.ack.band) ? undefined : 'acknowledged';
}

/** Enters alerts that were decided with an older copy of the tenant's ledger. */
export function recount(tenantProfile: Profile, opens: readonly Open[], tenant: string): void {
  for (const open of opens) {
    if (open.alert === null) continue;
    const ledger = ledgerAt(sliceOf(tenantProfile, INCIDENT), open.alert.time, tenant);
    count(ledger, open, open.alert.time);
    tenantProfile.dirty = true;
  }
}

export const openOf = (profile: Profile): Open | undefined => (profile.slices[INCIDENT.index] as IncidentSlice | undefined)?.open;

interface Group {
  readonly kind: EntityKind;
  readonly profile: Profile;
  readonly reasons: readonly Reason[];
  readonly score: number;
  /** May open an incident; otherwise it only joins one. */
  readonly opens: boolean;
}

function groupsOf({ event, reasons, context, verdict }: Scored, scene: Scene): Group[] {
  if (reasons.every(({ entity }) => entity === 'principal')) {
    const { principal } = scene;
    return [{ kind: 'principal', profile: principal, reasons, score: verdict.score, opens: verdict.score >= OPENS }];
  }
  const by = new Map<Profile, Reason[]>();
  for (const reason of reasons) {
    const profile = subjectOf(reason, event, scene);
    const own = by.get(profile);
    if (own === undefined) by.set(profile, [reason]);
    else own.push(reason);
  }
  const groups = [...by].map(([profile, own]) => ({ profile, own, score: combine(bestOf(own), context).score }));
  groups.sort((a, b) => b.score - a.score || ORDER[a.profile.kind] - ORDER[b.profile.kind]);
  const [strongest] = groups;
  return groups.flatMap(({ profile, own, score }) => {
    const { kind } = profile;
    const leads = profile === strongest?.profile;
    const all = kind === 'principal' && leads ? reasons.filter(({ entity }) => entity !== 'tenant') : own;
    const total = all.length > own.length ? combine(bestOf(all), context).score : score;
    const opens = total >= OPENS && (leads || kind === 'principal' || kind === 'tenant');
    return total >= JOINS ? { kind, profile, reasons: all, score: total, opens } : [];
  });
}

const ORDER = { principal: 0, network: 1, secret: 2, tenant: 3 } as const;

function subjectOf({ entity, about }: Reason, event: AuditEvent, scene: Scene): Profile {
  if (entity === 'tenant') return scene.tenant;
  if (entity === 'network') return scene.network ?? scene.principal;
  if (entity === 'principal') return scene.principal;
  const at = about === undefined ? 0 : event.secrets.findIndex(({ key, name }) => key === about || name === about);
  return scene.secrets[Math.max(0, at)] ?? scene.principal;
}

/** It is still open, also for what comes late. */
function belongs(open: Open, at: number, { quiet, longest }: AuditSettings['alerts']): boolean {
  return at <= open.hot + quiet && at - open.first.time <= longest;
}

/** The clock of incidents: an unbelievable time neither opens nor ends one. */
function timeOf(event: AuditEvent, scene: Scene): number {
  return hasFlag(event, FLAG.skewed) && scene.tenant.last > 0 ? scene.tenant.last : event.time;
}

const ABOVE = { none: 20, low: 40, medium: 60, high: 80, critical: Number.POSITIVE_INFINITY } as const;
const leastAbove = (band: keyof typeof ABOVE): number => ABOVE[band];
