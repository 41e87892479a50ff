/** Incidents: findings that belong together, for one entity, until it is quiet. One incident raises or updates one alert. */
import type { Context, Reason } from '../combine.ts';
import type { PrincipalKind } from '../event.ts';
import type { EntityKind } from '../profiles/profile.ts';
import type { Band } from '../settings.ts';

export interface EventMark {
  /** The vendor's id of the event. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

export interface Incident {
  /** Stable: made of the tenant, the entity and the event that opened it. 16 hexadecimal digits. */
  readonly id: string;
  readonly entity: EntityKind;
  readonly entityKey: string;
  readonly title: string;
  readonly principal: { readonly id: string; readonly name: string; readonly kind: PrincipalKind };
  /** Names, at most 50; `secretCount` counts all, by a sketch beyond. */
  readonly secrets: readonly string[];
  readonly secretCount: number;
  readonly events: number;
  readonly denied: number;
  readonly score: number;
  readonly band: Band;
  /** The best of each detector, the strongest first. */
  readonly reasons: readonly Reason[];
  readonly context: Context;
  readonly attack: readonly string[];
  readonly firstEvent: EventMark;
  /** At which it was first to be sent; null: never. */
  readonly alertEvent: EventMark | null;
  readonly lastEvent: EventMark;
  readonly source: string;
  readonly account: string;
  readonly network: string | undefined;
  /** Up to 10. */
  readonly sampleEvents: readonly string[];
  /** Grows by one whenever people should hear again: opened, worse by 15, a new family, twice the secrets. */
  readonly rev: number;
  /** The revision that was sent last; below `rev`, something is still to be sent. */
  readonly sentRev: number;
  /** Why it is not sent although its band would be. */
  readonly held: 'suppressed' | 'budget' | 'storm' | 'acknowledged' | undefined;
}

/** What an alert says: the contract of every channel. Never a secret, a token, or more than 8 characters of an HMAC. */
export interface Alert {
  readonly schema: 1;
  readonly id: string;
  readonly rev: number;
  readonly kind: 'incident' | 'storm' | 'digest';
  readonly tenant: string;
  readonly score: number;
  readonly band: Band;
  readonly title: string;
  readonly principal: Incident['principal'];
  readonly source: string;
  readonly account: string;
  readonly secrets: readonly string[];
  readonly counts: { readonly events: number; readonly distinctSecrets: number; readonly denied: number };
  readonly firstEvent: EventMark;
  readonly lastEvent: EventMark;
  readonly reasons: readonly Omit<Reason, 'entity'>[];
  readonly attack: readonly string[];
  readonly sampleEventIds: readonly string[];
}
