/** The scene of an event: one object for all, so that looking at an event costs no memory. */
import type { AuditEvent } from '../event.ts';
import type { Profile } from '../profiles/profile.ts';
import type { Scene } from '../scene.ts';
import type { AuditSettings, Person } from '../settings.ts';
import type { Expected } from '../../expected/index.ts';
import { isOurs } from './ours.ts';
import type { ProfileStore } from './profiles.ts';

/** A scene that is set anew for each event. Its `secrets` are one array, too. */
export interface Stage extends Scene {
  event: AuditEvent;
  principal: Profile;
  readonly secrets: Profile[];
  network: Profile | undefined;
  tenant: Profile;
  kind: Scene['kind'];
  timeZone: string;
  own: boolean;
  tier: Scene['tier'];
  late: boolean;
}

export interface Scenes {
  /** The scene of this event; it is good until the next. */
  of(event: AuditEvent): Stage;
}

/** Events this much behind the newest are late: windows skip them. audit.md 8.11: the latest that was measured was 608 s. */
const LATE = 900_000;
/** Answers are kept: patterns are matched once for each name. When there are many they are begun anew. */
const MOST = 1 << 16;

interface Facts {
  readonly person: Person | undefined;
  readonly own: boolean;
}

export function openScenes(settings: AuditSettings, store: ProfileStore, expected: Expected | undefined): Scenes {
  const people = new Map<string, Facts>();
  const tiers = new Map<string, Scene['tier']>();

  const factsOf = ({ principal: { id, name } }: AuditEvent): Facts => {
    const known = people.get(id);
    if (known !== undefined) return known;
    const facts = { person: settings.people.find(({ match }) => match(id, name)), own: settings.ownPrincipals(id, name) };
    if (people.size >= MOST) people.clear();
    people.set(id, facts);
    return facts;
  };
  const tierOf = (key: string, name: string): Scene['tier'] => {
    const known = tiers.get(key);
    if (known !== undefined) return known;
    const tier = settings.crownJewels(key, name) ? 'crown' : settings.lowValue(key, name) ? 'low' : 'ordinary';
    if (tiers.size >= MOST) tiers.clear();
    tiers.set(key, tier);
    return tier;
  };

  let stage: Stage | undefined;
  const begin = (event: AuditEvent, principal: Profile, tenant: Profile): Stage => ({
    event,
    settings,
    detectors: settings.detectors,
    principal,
    secrets: [],
    network: undefined,
    tenant,
    kind: 'unknown',
    timeZone: settings.timeZone,
    own: false,
    tier: 'ordinary',
    late: false,
  });
  const settle = (on: Stage): void => {
    const { own } = factsOf(on.event);
    on.own = own || (expected !== undefined && isOurs(on.event, on.secrets, expected));
  };

  return {
    of(event) {
      const principal = store.get('principal', event.principal.id);
      const tenant = store.get('tenant', settings.tenant);
      const on = (stage ??= begin(event, principal, tenant));
      const { person } = factsOf(event);
      on.event = asConfigured(event, person);
      on.principal = principal;
      on.tenant = tenant;
      const { secrets } = event;
      on.secrets.length = secrets.length;
      let tier: Scene['tier'] = secrets.length === 0 ? 'ordinary' : 'low';
      for (let at = 0; at < secrets.length; at += 1) {
        const { key, name } = secrets[at] as (typeof secrets)[number];
        on.secrets[at] = store.get('secret', key);
        const one = tierOf(key, name);
        if (one === 'crown' || (one === 'ordinary' && tier === 'low')) tier = one;
      }
      on.tier = tier;
      on.network = event.net.prefix === undefined ? undefined : store.get('network', event.net.prefix);
      on.kind = person?.kind ?? event.principal.kind;
      on.timeZone = person?.timeZone ?? settings.timeZone;
      on.late = event.time < tenant.last - LATE;
      settle(on);
      return on;
    },
  };
}

/** The group of keywheel.yaml's `people` overrules the record's. */
function asConfigured(event: AuditEvent, person: Person | undefined): AuditEvent {
  return person?.group === undefined ? event : { ...event, principal: { ...event.principal, group: person.group } };
}
