/** What was told is marked in the profiles it came from. */
import { KeywheelError } from '../../errors.ts';
import type { ProfileStore } from '../pipeline/profiles.ts';
import type { EntityKind, Profile } from '../profiles/profile.ts';
import type { Alert, Incident } from './port.ts';
import { INCIDENT, type IncidentSlice } from './slot.ts';

const TURNS = 8;
const NONE: readonly Alert[] = [];

export const noticesOf = (tenant: Profile): readonly Alert[] => {
  const notices = (tenant.slices[INCIDENT.index] as IncidentSlice | undefined)?.ledger?.notices ?? NONE;
  return notices.length === 0 ? NONE : [...notices];
};

/** Marks incidents up to the revision that they have here, and drops notices. What is no longer there is passed over. ERR_STATE codes. */
export async function settle(
  store: ProfileStore,
  tenant: string,
  incidents: readonly Incident[],
  notices: readonly Alert[],
): Promise<void> {
  let left = byEntity(tenant, incidents, notices);
  for (let turn = 0; turn < TURNS && left.size > 0; turn += 1) {
    const tried = new Map<Profile, Told>();
    for (const told of left.values()) {
      const profile = await store.find(told.kind, told.key);
      if (profile !== undefined && mark(profile, told)) tried.set(profile, told);
    }
    const saved = await store.save();
    const again = (saved?.conflicts ?? []).flatMap((profile) => tried.get(profile) ?? []);
    left = new Map(again.map((told) => [`${told.kind} ${told.key}`, told]));
  }
  if (left.size === 0) return;
  throw new KeywheelError('ERR_STATE_CONFLICT', 'what was sent could not be marked, other workers changed the same profiles', {
    hint: 'nothing is lost; the same alerts, with the same ids and revisions, are sent again',
    retryable: true,
  });
}

interface Told {
  readonly kind: EntityKind;
  readonly key: string;
  /** Revisions by the incident's id. */
  readonly revs: Map<string, number>;
  readonly notices: Set<string>;
}

function byEntity(tenant: string, incidents: readonly Incident[], notices: readonly Alert[]): Map<string, Told> {
  const all = new Map<string, Told>();
  const of = (kind: EntityKind, key: string): Told => {
    const name = `${kind} ${key}`;
    const told = all.get(name) ?? { kind, key, revs: new Map(), notices: new Set() };
    all.set(name, told);
    return told;
  };
  for (const { entity, entityKey, id, rev } of incidents) of(entity, entityKey).revs.set(id, rev);
  for (const { id } of notices) of('tenant', tenant).notices.add(id);
  return all;
}

function mark(profile: Profile, { revs, notices }: Told): boolean {
  const slice = profile.slices[INCIDENT.index] as IncidentSlice | undefined;
  if (slice === undefined) return false;
  let changed = false;
  for (const one of slice.open === undefined ? slice.unsent : [...slice.unsent, slice.open]) {
    const rev = revs.get(one.id) ?? 0;
    if (rev <= one.sent) continue;
    one.sent = rev;
    changed = true;
  }
  slice.unsent = slice.unsent.filter(({ sent, rev }) => sent < rev);
  if (slice.ledger !== undefined && notices.size > 0) {
    slice.ledger.notices = slice.ledger.notices.filter(({ id }) => !notices.has(id));
    changed = true;
  }
  profile.dirty ||= changed;
  return changed;
}
