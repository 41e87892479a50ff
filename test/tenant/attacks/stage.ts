/** What an attack finds in a tenant, and how it acts. Nothing that it does is named or drawn in another way than what others do. */
import { act, makeIdentity, seat, stolen, type Hand } from '../identities.ts';
import * as names from '../names.ts';
import type { Random } from '../random.ts';
import type {
  Act,
  Chair,
  Client,
  Emit,
  Extras,
  Identity,
  IdentityKind,
  Op,
  Person,
  Result,
  Secret,
  Store,
  StoreKind,
} from '../types.ts';
import type { World } from '../world.ts';

export interface Attack {
  readonly id: string;
  /** Families of which one should be named first. */
  readonly families: readonly string[];
  /** Detectors that ought to see it. */
  readonly hints: readonly string[];
  readonly stores: readonly StoreKind[];
  /** The attack's event, counted from 1, at which it should at latest be told; reads count where it is of reads. */
  readonly by: number;
  /** What `by` and the time to detection count. */
  readonly counts: 'reads' | 'events';
  /** It is seen when there is an incident, whether it is told or not: a single weak sign. */
  readonly weak?: boolean;
  /** What it touches is called a canary in the configuration. */
  readonly canary?: boolean;
  run(stage: Stage): void;
}

export interface Victim {
  readonly chair: Chair;
  /** What it reads of its own. */
  readonly own: readonly Secret[];
}

export interface Stage {
  readonly world: World;
  readonly random: Random;
  readonly store: Store;
  /** The attack's beginning, in milliseconds. */
  readonly time: number;
  readonly emit: Emit;
  do(chair: Chair, after: number, op: Op, secret?: Secret, result?: Result, extras?: Extras): Act;
  /** What came before, or goes on beside it: no step of the attack. */
  aside(chair: Chair, after: number, op: Op, secret?: Secret): Act;
  /** Credentials of a service that has been running for days. */
  service(): Victim;
  person(): Victim & { readonly person: Person | undefined };
  /** Somebody new, in the manner of this house. */
  fresh(kind?: IdentityKind, address?: string): Chair;
  identity(kind: IdentityKind): Identity;
  address(): string;
  client(): Client;
  /** The victim's credential, presented from elsewhere. */
  steal(victim: Victim, address?: string, client?: Client): Chair;
  /** Secrets that the victim does not read. */
  others(victim: Victim | undefined, count: number): Secret[];
  /** A secret that nobody else knows of. */
  decoy(): Secret;
  /** A step after which something takes as long as it takes a script. */
  pace(seconds: number): () => number;
}

export function createStage(world: World, random: Random, store: Store, time: number, emit: Emit): Stage {
  const hand: Hand = { random, persona: 'attack' };
  const address = (): string =>
    names.inPrefix(random.chance(0.5) ? names.hosterPrefix(random) : names.providerPrefix(random), random);
  const client = (): Client => (random.chance(0.6) ? names.cli(random) : names.sdk(random));
  const stage: Stage = {
    world,
    random,
    store,
    time,
    emit,
    address,
    client,
    do: (chair, after, op, secret, result = 'ok', extras = {}) =>
      act(emit, hand, chair, time + after, op, secret, result, extras),
    aside: (chair, after, op, secret) =>
      act((made) => emit(Object.assign(made, { attack: 'benign' })), hand, chair, time + after, op, secret),
    service() {
      const old = world.services.filter(
        (service) => service.store === store && service.chairs.length > 0 && service.born < world.start,
      );
      const chosen = old.length > 0 ? random.pick(old) : undefined;
      if (chosen === undefined) return { chair: stage.fresh('pod'), own: [] };
      const chair = chosen.chairs.find(({ now }) => now.born > 0);
      return chair === undefined
        ? { chair: chosen.chairs[0] ?? stage.fresh('pod'), own: chosen.secrets }
        : { chair, own: chosen.secrets };
    },
    person() {
      const here = (person: Person): Chair | undefined =>
        person.chairs.find(({ now }) => now.identity.store === store && now.born > 0);
      const found = world.people.filter((person) => here(person) !== undefined && person.born < world.start);
      if (found.length === 0) return { ...stage.service(), person: undefined };
      const person = random.pick(found);
      return { chair: here(person) ?? stage.fresh(), own: person.secrets.filter((secret) => secret.store === store), person };
    },
    identity: (kind) =>
      makeIdentity(
        random,
        store,
        kind,
        kind === 'sso' || kind === 'user' ? names.personName(random) : names.serviceName(random),
        world.domain,
      ),
    fresh(kind = store.kind === 'aws' ? 'user' : 'app', from = address()) {
      return seat(random, stage.identity(kind), from, client(), names.personName(random));
    },
    steal: (victim, from = address(), with_ = client()) => stolen(victim.chair.now, from, with_),
    others(victim, count) {
      const own = new Set(victim?.own);
      const rest = store.secrets.filter((secret) => !own.has(secret) && secret.born < time);
      return random.some(rest.length >= 3 ? rest : store.secrets, count);
    },
    decoy() {
      const secret = world.addSecret(store, random.pick(world.services).name, world.start);
      store.secrets.splice(store.secrets.indexOf(secret), 1);
      return secret;
    },
    pace(each) {
      let at = 0;
      return () => {
        const now = at;
        at += each * 1000 * (0.6 + 0.8 * random.unit());
        return now;
      };
    },
  };
  return stage;
}

export const ALL: readonly StoreKind[] = ['aws', 'gcp', 'azure', 'vault', 'openbao'];
export const VAULTS: readonly StoreKind[] = ['vault', 'openbao'];
