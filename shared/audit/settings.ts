/** What keywheel.yaml says of scoring, made ready: patterns compiled, defaults filled in. */
import type { AuditConfig } from '../config/index.ts';
import { CATALOG, type DetectorId, type DetectorSpec } from '../detectors/index.ts';
import { patternOf, type Pattern } from './pattern.ts';

export type Band = 'none' | 'low' | 'medium' | 'high' | 'critical';

/** The least score of each band. */
const BANDS: readonly (readonly [Band, number])[] = [
  ['critical', 80],
  ['high', 60],
  ['medium', 40],
  ['low', 20],
  ['none', 0],
];

export const bandOf = (score: number): Band => BANDS.find(([, least]) => score >= least)?.[0] ?? 'none';
export const leastOf = (band: Band): number => BANDS.find(([name]) => name === band)?.[1] ?? 0;

export interface Detector {
  readonly id: DetectorId;
  readonly spec: DetectorSpec;
  readonly enabled: boolean;
  readonly cap: number;
  /** 0 where it has none. */
  readonly floor: number;
  /** By the names of the catalog; every one is there. */
  readonly params: Readonly<Record<string, number>>;
}

export interface Person {
  readonly match: Pattern;
  readonly kind: 'human' | 'workload' | 'service' | undefined;
  readonly timeZone: string | undefined;
  readonly group: string | undefined;
}

export interface Suppression {
  readonly principal: Pattern | undefined;
  readonly secret: Pattern | undefined;
  readonly network: string | undefined;
  readonly detectors: readonly string[] | undefined;
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly reason: string;
}

export interface AuditSettings {
  readonly tenant: string;
  readonly timeZone: string;
  readonly hours: AuditConfig['hours'];
  readonly people: readonly Person[];
  readonly canaries: Pattern;
  /** As they are written, for who asks what is close to one. */
  readonly canaryNames: readonly string[];
  readonly crownJewels: Pattern;
  readonly lowValue: Pattern;
  readonly breakGlass: Pattern;
  readonly ownPrincipals: Pattern;
  readonly trustedNetworks: readonly string[];
  readonly blockedNetworks: readonly string[];
  readonly detectors: Readonly<Record<DetectorId, Detector>>;
  readonly suppressions: readonly Suppression[];
  readonly alerts: Omit<AuditConfig['alerts'], 'channels'>;
}

/** What the schema fills in where keywheel.yaml says nothing: scoring needs no configuration, and then loads no schema. */
export const AUDIT_DEFAULTS: AuditConfig = {
  tenant: 'default',
  timeZone: 'UTC',
  hours: { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '19:00', holidays: [] },
  people: [],
  canaries: [],
  crownJewels: [],
  lowValue: [],
  breakGlass: [],
  ownPrincipals: [],
  trustedNetworks: [],
  blockedNetworks: [],
  detectors: {},
  suppressions: [],
  alerts: { from: 'medium', quiet: 3_600_000, longest: 21_600_000, budget: 5, storm: 20, channels: [] },
};

/** The settings of a configuration's `audit` section; without one, the defaults. */
export function settingsOf(audit: AuditConfig = AUDIT_DEFAULTS): AuditSettings {
  const optional = (text: string | undefined): Pattern | undefined => (text === undefined ? undefined : patternOf([text]));
  const { channels: _channels, ...alerts } = audit.alerts;
  return {
    tenant: audit.tenant,
    timeZone: audit.timeZone,
    hours: audit.hours,
    people: audit.people.map(({ match, kind, timeZone, group }) => ({ match: patternOf([match]), kind, timeZone, group })),
    canaries: patternOf(audit.canaries),
    canaryNames: audit.canaries,
    crownJewels: patternOf(audit.crownJewels),
    lowValue: patternOf(audit.lowValue),
    breakGlass: patternOf(audit.breakGlass),
    ownPrincipals: patternOf(audit.ownPrincipals),
    trustedNetworks: audit.trustedNetworks,
    blockedNetworks: audit.blockedNetworks,
    detectors: detectorsOf(audit.detectors),
    suppressions: audit.suppressions.map((one) => ({
      principal: optional(one.principal),
      secret: optional(one.secret),
      network: one.network,
      detectors: one.detectors,
      until: Date.parse(one.until),
      reason: one.reason,
    })),
    alerts,
  };
}

function detectorsOf(tuned: AuditConfig['detectors']): AuditSettings['detectors'] {
  const one = (id: DetectorId, spec: DetectorSpec): Detector => {
    const { enabled, cap, floor, ...params } = tuned[id] ?? {};
    return {
      id,
      spec,
      enabled: enabled ?? spec.enabled ?? true,
      cap: cap ?? spec.cap,
      floor: floor ?? spec.floor ?? 0,
      params: { ...spec.params, ...(params as Record<string, number>) },
    };
  };
  return Object.fromEntries(
    Object.entries(CATALOG).map(([id, spec]) => [id, one(id as DetectorId, spec)]),
  ) as unknown as AuditSettings['detectors'];
}
