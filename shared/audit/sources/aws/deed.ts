/** What the readers of the services give: the part of an event that only they know. */
import type { Outcome, SecretRef, Verb } from '../../event.ts';
import type { View } from '../../view.ts';
import type { Actor } from './actor.ts';

export interface Record {
  readonly view: View;
  readonly action: string;
  /** That the record was written for. */
  readonly account: string;
  readonly region: string;
  readonly actor: Actor;
}

export interface Deed {
  readonly verb: Verb;
  readonly secrets: readonly SecretRef[];
  readonly weight: number;
  readonly flags: number;
  /** The account and region of what was touched, where they are not the record's. */
  readonly owner?: string | undefined;
  readonly region?: string | undefined;
  /** Where no errorCode tells it. */
  readonly outcome?: Outcome | undefined;
  readonly ttl?: number | undefined;
  readonly grantee?: string | undefined;
  readonly chain?: number | undefined;
}

/** Undefined: the record concerns no secret store. */
export type Reader = (record: Record) => Deed | undefined;

export const NOTHING: readonly SecretRef[] = Object.freeze([]);

const plain = new Map<Verb, Deed>();

/** A deed that names nothing; one object for each verb. */
export function plainDeed(verb: Verb): Deed {
  let deed = plain.get(verb);
  if (deed === undefined) {
    deed = Object.freeze({ verb, secrets: NOTHING, weight: 1, flags: 0 });
    plain.set(verb, deed);
  }
  return deed;
}
