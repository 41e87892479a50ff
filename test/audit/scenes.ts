/** Small synthetic scenes for the tests of detector families: events, profiles and a world that observes, then learns, as the scorer does. */
import type { AuditEvent, Net, Principal, PrincipalKind, SecretRef } from '../../shared/audit/event.ts';
import { freshProfile, type EntityKind, type Profile } from '../../shared/audit/profiles/profile.ts';
import type { DetectorFamily, Finding, Scene } from '../../shared/audit/scene.ts';
import { AUDIT_DEFAULTS, settingsOf, type AuditSettings } from '../../shared/audit/settings.ts';
import type { AuditConfig } from '../../shared/config/index.ts';
import type { DetectorId } from '../../shared/detectors/index.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** Monday, 1 June 2026, 09:00 in UTC. */
export const MONDAY = Date.UTC(2026, 5, 1, 9);

/** What a test says of an event; the rest is an ordinary read of `db` by the workload `app` at MONDAY, from `net('192.0.2.10')`. */
export interface EventOver extends Partial<Omit<AuditEvent, 'principal' | 'secrets' | 'net' | 'time'>> {
  readonly at?: number;
  /** An id, or parts of a principal; without an id it is `app`. */
  readonly by?: string | Partial<Principal>;
  /** A name, several, or whole references. */
  readonly secret?: string | readonly (string | SecretRef)[];
  /** An address, or a whole net. */
  readonly from?: string | Net;
}

/** The net of an IPv4 or IPv6 address, with the prefixes that parsers give. */
export function net(ip: string): Net {
  const six = ip.includes(':');
  const parts = ip.split(six ? ':' : '.');
  const prefix = six ? `${parts.slice(0, 3).join(':')}::/48` : `${parts.slice(0, 3).join('.')}.0/24`;
  const wide = six ? `${parts.slice(0, 2).join(':')}::/32` : `${parts.slice(0, 2).join('.')}.0.0/16`;
  const inner = six ? /^f[cd]/.test(ip) : /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(ip);
  return { kind: inner ? 'private' : 'public', ip, prefix, wide };
}

export const NO_NET: Net = { kind: 'none' };

const ref = (secret: string | SecretRef): SecretRef =>
  typeof secret === 'string' ? { key: `aws:sm:111122223333:eu-west-1:${secret}`, name: secret } : secret;

let serial = 0;

/** Each has an id of its own unless the test gives one. */
export function event(over: EventOver = {}): AuditEvent {
  const { at = MONDAY, by = 'app', secret = 'db', from = '192.0.2.10', ...rest } = over;
  const said: Partial<Principal> = typeof by === 'string' ? { id: by } : by;
  const id = said.id ?? 'app';
  serial += 1;
  return {
    source: 'aws',
    id: `event-${serial}`,
    ref: `ref-${serial}`,
    time: at,
    action: 'GetSecretValue',
    verb: 'read',
    outcome: 'ok',
    principal: { id, kind: 'workload', name: id, ...said },
    secrets: (typeof secret === 'string' ? [secret] : secret).map(ref),
    weight: 1,
    net: typeof from === 'string' ? net(from) : from,
    client: 'boto3',
    account: '111122223333',
    flags: 0,
    ...rest,
  };
}

export interface World {
  readonly settings: AuditSettings;
  readonly tenant: Profile;
  /** Made when it is first asked for. */
  profile(kind: EntityKind, key: string): Profile;
  scene(of: AuditEvent | EventOver, over?: Partial<Scene>): Scene;
  /** Findings of one event; nothing is learned. */
  observe(family: DetectorFamily, of: AuditEvent | EventOver, over?: Partial<Scene>): Finding[];
  /** Findings of each event, in the order given, each learned before the next. */
  play(family: DetectorFamily, events: readonly (AuditEvent | EventOver)[], over?: Partial<Scene>): Finding[][];
}

/** `audit` is what keywheel.yaml would say, on top of the defaults; `quarantined` tells which events are learned as such. */
export function world(
  audit: Partial<AuditConfig> = {},
  quarantined: (findings: readonly Finding[]) => boolean = () => false,
): World {
  const settings = settingsOf({ ...AUDIT_DEFAULTS, ...audit });
  const profiles = new Map<string, Profile>();
  const profile = (kind: EntityKind, key: string): Profile => {
    const found = profiles.get(`${kind} ${key}`) ?? freshProfile(kind, key);
    profiles.set(`${kind} ${key}`, found);
    return found;
  };
  const tenant = profile('tenant', settings.tenant);

  const scene: World['scene'] = (of, over = {}) => {
    const one = 'ref' in of && 'time' in of ? of : event(of);
    const { principal, secrets, net: from } = one;
    const person = settings.people.find(({ match }) => match(principal.id, principal.name));
    const some = (takes: (...texts: readonly string[]) => boolean): boolean => secrets.some(({ key, name }) => takes(key, name));
    return {
      event: one,
      settings,
      detectors: settings.detectors,
      principal: profile('principal', principal.id),
      secrets: secrets.map(({ key }) => profile('secret', key)),
      network: from.prefix === undefined ? undefined : profile('network', from.prefix),
      tenant,
      kind: person?.kind ?? (principal.kind satisfies PrincipalKind),
      timeZone: person?.timeZone ?? settings.timeZone,
      own: false,
      tier: some(settings.crownJewels)
        ? 'crown'
        : secrets.length > 0 && secrets.every((each) => settings.lowValue(each.key, each.name))
          ? 'low'
          : 'ordinary',
      late: false,
      ...over,
    };
  };
  const observe: World['observe'] = (family, of, over) => {
    const findings: Finding[] = [];
    family.observe(scene(of, over), (finding) => findings.push(finding));
    return findings;
  };

  return {
    settings,
    tenant,
    profile,
    scene,
    observe,
    play(family, events, over) {
      return events.map((of) => {
        const now = scene(of, over);
        const findings: Finding[] = [];
        family.observe(now, (finding) => findings.push(finding));
        family.learn(now, quarantined(findings));
        for (const each of [now.principal, ...now.secrets, now.network, now.tenant])
          if (each !== undefined) touch(each, now.event.time);
        return findings;
      });
    },
  };
}

/** What the pipeline keeps of every entity, after its families have learned. */
function touch(profile: Profile, time: number): void {
  if (profile.n === 0 || Math.floor(time / DAY) > Math.floor(profile.last / DAY)) profile.days += 1;
  profile.first = profile.n === 0 ? time : Math.min(profile.first, time);
  profile.last = Math.max(profile.last, time);
  profile.n += 1;
  profile.dirty = true;
}

/** The first family's findings, while all learn: for detectors that ask what another family remembers. */
export const both = (family: DetectorFamily, ...others: readonly DetectorFamily[]): DetectorFamily => ({
  family: family.family,
  observe: (scene, say) => family.observe(scene, say),
  learn(scene, quarantined) {
    for (const one of [family, ...others]) one.learn(scene, quarantined);
  },
});

/** `n` events, `gap` apart, from `over.at` on. */
export const repeated = (n: number, gap: number, over: EventOver = {}): AuditEvent[] =>
  Array.from({ length: n }, (_, at) => event({ ...over, at: (over.at ?? MONDAY) + at * gap }));

/** The finding of one detector, if it is there. */
export const found = (findings: readonly Finding[], id: DetectorId): Finding | undefined =>
  findings.find(({ detector }) => detector === id);

/** All detectors that said something, sorted, each once. */
export const detectorsOf = (findings: readonly (Finding | readonly Finding[])[]): DetectorId[] =>
  [...new Set(findings.flat().map(({ detector }) => detector))].toSorted();
