/** A tenant: its stores, people and machines, drawn from a seed. */
import { createDeployer, type Deployer } from './behaviours/deployer.ts';
import { createEpisodes } from './behaviours/episodes.ts';
import { createObservers } from './behaviours/observers.ts';
import { createPerson } from './behaviours/person.ts';
import { createPoller } from './behaviours/poller.ts';
import { createRotation } from './behaviours/rotation.ts';
import { createService, type Service } from './behaviours/service.ts';
import { makeIdentity, makeSecret, makeStore, seat } from './identities.ts';
import * as names from './names.ts';
import { createRandom, type Random } from './random.ts';
import { DAY, type Behaviour, type Chair, type Network, type Person, type Secret, type Store, type StoreKind } from './types.ts';

export interface TenantOptions {
  readonly seed: string;
  readonly size: 'small' | 'medium' | 'large';
  /** For `large`: how many principals. */
  readonly principals?: number;
  /** Which stores; drawn when absent. */
  readonly stores?: readonly StoreKind[];
  /** Milliseconds; drawn when absent. */
  readonly start?: number;
}

export interface World {
  readonly random: Random;
  readonly start: number;
  readonly zone: string;
  /** What the house is called in e-mail addresses. */
  readonly domain: string;
  /** How secrets are named here. */
  readonly style: number;
  /** Of very many principals, each does little. */
  readonly quiet: boolean;
  readonly stores: readonly Store[];
  readonly people: Person[];
  readonly services: Service[];
  readonly pollers: { readonly chair: Chair; readonly secrets: Secret[] }[];
  readonly deployers: Map<Store, Deployer>;
  readonly behaviours: Behaviour[];
  /** Where people are: the office, the VPN's exit. */
  readonly office: string;
  vpn: string;
  /** A new service with its own secrets, as a deployment makes it. */
  addService(store: Store, at: number, count: number, persona: string): Service;
  addSecret(store: Store, owner: string, at: number): Secret;
}

const ZONES = [
  'Europe/Berlin',
  'Europe/London',
  'America/New_York',
  'America/Los_Angeles',
  'Asia/Kolkata',
  'Australia/Sydney',
  'America/Sao_Paulo',
  'Asia/Tokyo',
];
const SHAPE = {
  small: { principals: 8, secrets: 30, people: 3 },
  medium: { principals: 60, secrets: 300, people: 18 },
  large: { principals: 1000, secrets: 3000, people: 150 },
};

export function createWorld(options: TenantOptions): World {
  const random = createRandom(options.seed);
  const shape = { ...SHAPE[options.size] };
  if (options.principals !== undefined) {
    shape.secrets = Math.ceil((options.principals * shape.secrets) / shape.principals);
    shape.people = Math.ceil((options.principals * shape.people) / shape.principals);
    shape.principals = options.principals;
  }
  const kinds = options.stores ?? drawKinds(random);
  const stores = kinds.map((kind) => makeStore(random, kind));
  const zone = random.pick(ZONES);
  const services: Service[] = [];
  const world: World = {
    random,
    // Some weeks of these years have a change to or from summer time in them.
    start: options.start ?? Date.UTC(2025, random.whole(0, 20), random.whole(1, 28)),
    zone,
    domain: `${names.stem(random)}${names.stem(random)}.example`,
    style: random.whole(0, 59),
    quiet: options.size === 'large',
    stores,
    people: [],
    services,
    pollers: [],
    deployers: new Map(),
    behaviours: [],
    office: names.providerPrefix(random),
    vpn: names.hosterPrefix(random),
    addSecret: (store, owner, at) => makeSecret(random, store, owner, world.style, at),
    addService(store, at, count, persona) {
      const name = names.serviceName(random);
      const own = Array.from({ length: count }, () => world.addSecret(store, name, at));
      const service = createService(world, { store, name, secrets: own, network: drawNetwork(random, store), at, persona });
      services.push(service);
      world.behaviours.push(service);
      return service;
    },
  };

  const machines = Math.max(stores.length, shape.principals - shape.people - stores.length * 2);
  const budget = shape.secrets / stores.length;
  for (const store of stores) {
    const shared = Array.from({ length: Math.max(2, Math.floor(budget * 0.08)) }, () =>
      world.addSecret(store, 'shared', world.start),
    );
    const count = Math.max(1, Math.round((machines * 0.75) / stores.length));
    const mean = Math.max(1, Math.floor((budget - shared.length) / (count + 1)));
    for (let at = 0; at < count; at += 1) {
      const service = world.addService(
        store,
        world.start - random.whole(30, 400) * DAY,
        random.whole(Math.max(1, Math.ceil(mean / 2)), Math.ceil(mean * 1.3)),
        'service',
      );
      if (random.chance(0.35)) service.secrets.push(random.pick(shared));
    }
    // What nobody has read for long.
    while (store.secrets.length < budget) world.addSecret(store, names.stem(random), world.start - 300 * DAY);
    const deployer = createDeployer(world, store);
    world.deployers.set(store, deployer);
    world.behaviours.push(deployer);
    for (let at = 0; at < Math.max(1, Math.floor((machines * 0.1) / stores.length)); at += 1) {
      const poller = createPoller(world, store);
      world.pollers.push(poller);
      world.behaviours.push(poller);
    }
    world.behaviours.push(createRotation(world, store), ...createObservers(world, store, options.size));
  }
  const zones = [zone, zone, zone, random.pick(ZONES)];
  for (let at = 0; at < shape.people; at += 1) {
    const hired = random.chance(0.06) ? world.start + random.whole(3, 30) * DAY : world.start - 100 * DAY;
    world.behaviours.push(createPerson(world, random.pick(zones), hired));
  }
  world.behaviours.push(createEpisodes(world, options.size));
  return world;
}

function drawKinds(random: Random): StoreKind[] {
  const vault: StoreKind = random.chance(0.5) ? 'vault' : 'openbao';
  const count = random.weighted([
    [1, 4],
    [2, 4],
    [3, 1],
    [4, 1],
  ] as const);
  return random.some<StoreKind>(['aws', 'gcp', 'azure', vault], count);
}

/** Own networks of services: private ones with endpoints, gateways, autoscaled pools. */
export function drawNetwork(random: Random, store: Store): Network {
  const drawn = random.unit();
  if (drawn < 0.45) return names.privateOf(random, store.source);
  if (drawn < 0.9) return names.natOf(random, store.source, random.whole(1, 3));
  return names.poolOf(store.source);
}

export function makePersonChair(world: World, random: Random, store: Store, name: string, address: string): Chair {
  const kind = store.kind === 'aws' && random.chance(0.2) ? 'user' : 'sso';
  const identity = makeIdentity(random, store, kind, name, world.domain);
  const client = random.chance(0.45) ? names.browser(random) : names.cli(random);
  return seat(random, identity, address, client, identity.mail);
}
