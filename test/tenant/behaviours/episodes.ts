/** What happens to a tenant now and then, and is nobody's attack: migrations, failovers, storms, new services, month's ends. */
import { act, makeIdentity, seat, type Hand } from '../identities.ts';
import { isWeekend, localHourOf, weekdayOf } from '../calendar.ts';
import * as names from '../names.ts';
import { DAY, HOUR, MINUTE, type Behaviour, type Emit } from '../types.ts';
import { drawNetwork, type World } from '../world.ts';
import { createService, relocate, type Service } from './service.ts';

type Episode = (world: World, service: Service, time: number, emit: Emit) => void;

/** How many in 28 days of a tenant of 60 principals, each. */
const EPISODES: readonly (readonly [string, number, Episode])[] = [
  ['new-service', 4, (world, service, time, emit) => newService(world, service, time, emit)],
  ['blue-green', 2, (world, service, time, emit) => blueGreen(world, service, time, emit)],
  ['migration', 1, (world, service, time, emit) => migration(world, service, time, emit)],
  ['load-test', 1.5, (_, service, time, emit) => as(service, 'load-test', () => service.busy(time, HOUR, 10, emit))],
  ['throttling', 1, (world, service, time, emit) => throttling(world, service, time, emit)],
  ['token-loop', 1.5, (world, service, time, emit) => tokenLoop(world, service, time, emit)],
  ['failover', 0.4, (world, service, time, emit) => failover(world, service, time, emit)],
  ['crash-loop', 1, (_, service, time, emit) => crashLoop(service, time, emit)],
  ['vpn-change', 0.4, (world) => void (world.vpn = names.hosterPrefix(world.random))],
  ['permission-lost', 1, (world, service, time, emit) => permissionLost(world, service, time, emit)],
  ['clean-up', 1, (world, service, time, emit) => cleanUp(world, service, time, emit)],
];

export function createEpisodes(world: World, size: 'small' | 'medium' | 'large'): Behaviour {
  const random = world.random.child('episodes');
  const scale = size === 'small' ? 0.35 : 1;
  return {
    hour(start, emit) {
      const local = localHourOf(world.zone, start);
      const working = !isWeekend(weekdayOf(world.zone, start)) && local >= 8 && local < 19;
      if (start - world.start < DAY) return;
      for (const [name, rate, episode] of EPISODES) {
        // Deployments are of working hours; trouble is of all.
        const planned = name !== 'failover' && name !== 'throttling' && name !== 'crash-loop' && name !== 'token-loop';
        if (planned && !working) continue;
        const hours = planned ? 220 : 28 * 24;
        if (!random.chance((rate * scale) / hours) || world.services.length === 0) continue;
        const service = random.pick(world.services);
        if (service.chairs.length > 0) episode(world, service, start + random.unit() * HOUR * 0.8, emit);
      }
    },
  };
}

function as(service: Service, persona: string, work: () => void): void {
  const before = service.persona;
  service.persona = persona;
  work();
  service.persona = before;
}

function newService(world: World, { store }: Service, time: number, emit: Emit): void {
  const count = world.random.whole(3, 6);
  const made = world.addService(store, time, count, 'new-service');
  let at = time - 20 * MINUTE;
  for (const secret of made.secrets)
    world.deployers.get(store)?.created(secret, (at += world.random.between(3_000, 9_000)), emit);
  if (world.random.chance(0.3)) made.secrets.push(world.random.pick(store.secrets));
}

/** Another identity of the same policies reads the same secrets; the old one goes. */
function blueGreen(world: World, service: Service, time: number, emit: Emit): void {
  const { store, identity } = service;
  const next = makeIdentity(
    world.random,
    store,
    identity.kind,
    `${service.name}-${world.random.pick(['green', 'v2', 'b', 'next', 'new'])}`,
    world.domain,
  );
  const other = createService(world, {
    store,
    name: `${service.name}-${world.random.hex(2)}`,
    secrets: service.secrets,
    network: world.random.chance(0.6) ? service.network : drawNetwork(world.random, store),
    at: time,
    persona: 'blue-green',
    identity: { ...next, policies: identity.policies },
    kind: identity.kind,
  });
  world.services.push(other);
  world.behaviours.push(other);
  void emit;
  service.stop();
  world.services.splice(world.services.indexOf(service), 1);
}

/** Secrets get other names: old ones are read, new ones written, readers follow, old ones are deleted. */
function migration(world: World, service: Service, time: number, emit: Emit): void {
  const { random } = world;
  const deployer = world.deployers.get(service.store);
  if (deployer === undefined) return;
  const hand: Hand = { random, persona: 'migration' };
  let at = time;
  for (const [index, old] of service.secrets.entries()) {
    const made = world.addSecret(service.store, service.name, time);
    act(emit, hand, deployer.chair, (at += random.between(500, 2_000)), 'read', old);
    act(emit, hand, deployer.chair, at + 300, 'create', made);
    act(emit, hand, deployer.chair, at + 600, 'write', made);
    act(emit, hand, deployer.chair, time + 6 * HOUR + index * 2_000, 'delete', old);
    service.secrets[index] = made;
  }
  as(service, 'migration', () => service.restart(at + 5 * MINUTE, 5 * MINUTE, emit));
}

function throttling(world: World, service: Service, time: number, emit: Emit): void {
  const { random } = world;
  const hand: Hand = { random, persona: 'throttled' };
  let at = time;
  for (let count = random.whole(30, 120); count > 0; count -= 1) {
    at += random.exponential() * 20_000;
    act(
      emit,
      hand,
      random.pick(service.chairs),
      at,
      'read',
      random.pick(service.secrets),
      random.chance(0.75) ? 'throttled' : 'ok',
    );
  }
}

function tokenLoop(world: World, service: Service, time: number, emit: Emit): void {
  const { random } = world;
  const chair = random.pick(service.chairs);
  const secret = random.pick(service.secrets);
  const cadence = random.pick([5_000, 10_000, 30_000]);
  for (let turn = random.whole(60, 300); turn > 0; turn -= 1) {
    act(
      emit,
      { random, persona: 'expired-loop' },
      chair,
      time + turn * cadence + random.between(0, 80),
      'read',
      secret,
      'expired',
    );
  }
}

/** A region is lost: everything comes from elsewhere for some hours. */
function failover(world: World, { store }: Service, time: number, emit: Emit): void {
  const network = drawNetwork(world.random, store);
  for (const service of world.services) {
    if (service.store !== store) continue;
    relocate(service, world, network);
    as(service, 'failover', () => service.restart(time, 8 * MINUTE, emit));
  }
  const poller = world.pollers.find(({ chair }) => chair.now.identity.store === store);
  if (poller !== undefined)
    poller.chair.now = { ...poller.chair.now, address: network.address(world.random), endpoint: network.endpoint, head: '' };
}

function crashLoop(service: Service, time: number, emit: Emit): void {
  as(service, 'crash-loop', () => {
    let wait = 10_000;
    let at = time;
    for (let turn = 0; turn < 8; turn += 1) {
      service.restart(at, 2_000, emit);
      at += wait;
      wait = Math.min(300_000, wait * 2);
    }
  });
}

/** A policy was too tight after a change: its own secrets are refused until somebody mends it. */
function permissionLost(world: World, service: Service, time: number, emit: Emit): void {
  const { random } = world;
  const hand: Hand = { random, persona: 'permission-lost' };
  const secret = random.pick(service.secrets);
  for (let count = random.whole(4, 20); count > 0; count -= 1) {
    act(emit, hand, random.pick(service.chairs), time + count * 30_000 + random.between(0, 5_000), 'read', secret, 'denied');
  }
}

/** Somebody tidies up: old secrets are deleted, with a way back. */
function cleanUp(world: World, { store }: Service, time: number, emit: Emit): void {
  const { random } = world;
  const person = world.people.find(({ chairs }) => chairs.some(({ now }) => now.identity.store === store));
  const chair =
    person?.chairs.find(({ now }) => now.identity.store === store) ??
    seat(
      random,
      makeIdentity(random, store, 'sso', names.personName(random), world.domain),
      names.inPrefix(world.office, random),
      names.cli(random),
      'tidy',
    );
  const used = new Set(world.services.flatMap((service) => service.secrets));
  const unused = store.secrets.filter((secret) => !used.has(secret));
  for (const [index, secret] of random.some(unused, random.whole(1, 3)).entries()) {
    act(emit, { random, persona: 'clean-up' }, chair, time + index * 40_000, 'delete', secret);
  }
}
