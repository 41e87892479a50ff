/**
 * A service: reads its secrets when an instance starts and when its cache ends. It is released now and then, with more secrets or a newer
 * client; it scales out; on some days it does more than yesterday.
 */
import { act, makeIdentity, move, seat, type Hand } from '../identities.ts';
import { daily, isWeekend, localHourOf, weekdayOf } from '../calendar.ts';
import * as names from '../names.ts';
import {
  DAY,
  HOUR,
  MINUTE,
  type Behaviour,
  type Chair,
  type Client,
  type Emit,
  type Identity,
  type IdentityKind,
  type Network,
  type Secret,
  type Store,
} from '../types.ts';
import type { World } from '../world.ts';

export interface Service extends Behaviour {
  readonly name: string;
  readonly store: Store;
  readonly secrets: Secret[];
  readonly chairs: Chair[];
  readonly born: number;
  identity: Identity;
  network: Network;
  client: Client;
  /** Tells what befalls it, for the truth. */
  persona: string;
  /** Every instance starts anew within `spread`. */
  restart(time: number, spread: number, emit: Emit): void;
  /** Everything is read `times` times within `length`. */
  busy(time: number, length: number, times: number, emit: Emit): void;
  /** No more instances, no more reads. */
  stop(): void;
}

export interface ServiceParts {
  readonly store: Store;
  readonly name: string;
  readonly secrets: readonly Secret[];
  readonly network: Network;
  readonly at: number;
  readonly persona: string;
  readonly identity?: Identity;
  readonly kind?: IdentityKind;
}

export function createService(world: World, parts: ServiceParts): Service {
  const { store, name, at } = parts;
  const random = world.random.child(`service/${name}/${at}`);
  const kind =
    parts.kind ??
    random.weighted<IdentityKind>([
      ['function', 3],
      ['pod', 4],
      ['instance', 2],
      ['app', 1],
    ]);
  const functions = kind === 'function';
  const size = world.quiet ? 1 : functions ? random.whole(2, 6) : random.whole(1, 5);
  /** Milliseconds that a secret is kept in memory; functions keep it as long as they live. */
  const cache = functions ? 0 : world.quiet ? DAY : random.pick([HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY]);
  const coldStarts = functions ? random.between(0.5, 3) * (world.quiet ? 0.2 : 1) : 0;
  const release = 1 / random.between(4, 14);
  const crypto = random.chance(0.12) && store.key !== '' ? random.between(3, 25) * (world.quiet ? 0.1 : 1) : 0;
  let running = true;
  let more = 1;
  let today = -1;
  let extra = 0;

  const service: Service = {
    name,
    store,
    secrets: [...parts.secrets],
    chairs: [],
    born: at,
    identity:
      parts.identity ??
      makeIdentity(
        random,
        store,
        kind,
        `${name}${store.kind === 'aws' ? random.pick(['-role', '', '-task']) : ''}`,
        world.domain,
      ),
    network: parts.network,
    client: names.sdk(random),
    persona: parts.persona,
    restart(time, spread, emit) {
      const count = Math.max(1, Math.round(service.chairs.length));
      for (let index = 0; index < count; index += 1) start(index, time + random.unit() * spread, emit);
    },
    busy(time, length, times, emit) {
      for (const secret of service.secrets) {
        for (let turn = 0; turn < times; turn += 1)
          read(random.pick(service.chairs), time + random.unit() * length, secret, emit);
      }
    },
    stop() {
      running = false;
    },
    hour(from, emit) {
      if (!running || from + HOUR <= at) return;
      const now = Math.max(from, at);
      if (service.chairs.length === 0) {
        for (let index = 0; index < size; index += 1) service.chairs.push(newChair());
        if (now > world.start) service.restart(now, 3 * MINUTE, emit);
      }
      dayOf(now);
      const local = localHourOf(world.zone, now);
      const working = !isWeekend(weekdayOf(world.zone, now)) && local >= 8 && local < 18;
      if (working && random.chance(release / 10)) released(now, emit);
      if (random.chance(0.006)) scaleOut(now, emit);
      if (extra > 0 && random.chance(0.3)) extra = Math.max(0, extra - 2);
      for (let count = random.poisson(coldStarts * more * daily(world.zone, now)); count > 0; count -= 1) {
        start(random.whole(0, service.chairs.length - 1), now + random.unit() * HOUR, emit);
      }
      if (cache > 0) refresh(now, emit);
      if (crypto > 0) {
        for (let count = random.poisson(crypto * more * daily(world.zone, now)); count > 0; count -= 1) {
          act(
            emit,
            hand('crypto'),
            random.pick(service.chairs),
            now + random.unit() * HOUR,
            random.chance(0.8) ? 'decrypt' : 'encrypt',
          );
        }
      }
    },
  };
  const hand = (persona = service.persona): Hand => ({ random, persona });
  const newChair = (): Chair => {
    const { identity, network } = service;
    const session = functions
      ? service.name
      : kind === 'instance'
        ? `i-0${random.hex(16)}`
        : kind === 'pod'
          ? `${service.name}-${random.hex(9)}-${random.hex(5)}`
          : random.hex(32);
    return seat(random, identity, network.address(random), service.client, session, network.endpoint);
  };

  function read(chair: Chair, time: number, secret: Secret, emit: Emit): void {
    const drawn = random.unit();
    if (drawn < 0.0006) act(emit, hand('throttled'), chair, time - 300, 'read', secret, 'throttled');
    act(emit, hand(), chair, time, 'read', secret);
  }

  /** A cold start: a new instance, which reads what it needs. */
  function start(index: number, time: number, emit: Emit): void {
    const chair = newChair();
    service.chairs[index] = chair;
    let at = time;
    for (const secret of service.secrets) {
      at += random.between(15, 220);
      read(chair, at, secret, emit);
    }
  }

  function refresh(now: number, emit: Emit): void {
    for (const [index, chair] of service.chairs.entries()) {
      // Each instance has its own phase.
      const phase = ((index * 7919 + service.name.length * 104_729) * 1013) % cache;
      const due = Math.ceil((now - phase) / cache) * cache + phase;
      if (due >= now + HOUR) continue;
      let at = due + random.between(0, 2_000);
      for (const secret of service.secrets) {
        if (more < 1.3 && random.chance(0.02)) continue;
        at += random.between(10, 400);
        read(chair, at, secret, emit);
        if (more > 1.3 && random.chance(more - 1)) read(chair, at + random.between(1, 40) * MINUTE, secret, emit);
      }
    }
  }

  function dayOf(now: number): void {
    const day = Math.floor(now / DAY);
    if (day === today) return;
    today = day;
    more = random.chance(0.08) ? random.between(1.3, 2.5) : random.between(0.85, 1.15);
  }

  function released(now: number, emit: Emit): void {
    const time = now + random.unit() * 0.6 * HOUR;
    const gains = random.chance(0.35) ? random.whole(1, 3) : 0;
    for (let count = 0; count < gains; count += 1) {
      const shared = random.chance(0.2) ? random.pick(store.secrets) : undefined;
      const secret = shared ?? world.addSecret(store, service.name, time);
      if (shared === undefined) world.deployers.get(store)?.created(secret, time - random.between(4, 25) * MINUTE, emit);
      if (!service.secrets.includes(secret)) service.secrets.push(secret);
    }
    if (random.chance(0.3)) service.client = names.upgraded(service.client, random);
    world.deployers.get(store)?.deployed(time - random.between(2, 4) * MINUTE, emit);
    const before = service.persona;
    service.persona = gains > 0 ? 'release' : 'restart';
    service.restart(time, 4 * MINUTE, emit);
    service.persona = before;
  }

  function scaleOut(now: number, emit: Emit): void {
    const count = Math.min(6, Math.max(1, Math.round(service.chairs.length * random.between(0.5, 1.5))));
    extra += count;
    const before = service.persona;
    service.persona = 'scale-out';
    for (let index = 0; index < count; index += 1) start(service.chairs.length, now + random.unit() * 0.3 * HOUR, emit);
    service.persona = before;
    if (service.chairs.length > size * 3) service.chairs.splice(0, service.chairs.length - size);
  }
  return service;
}

/** The same chairs at new addresses: a failover, a move. */
export function relocate(service: Service, world: World, network: Network): void {
  service.network = network;
  for (const chair of service.chairs) move(chair, { address: network.address(world.random), endpoint: network.endpoint });
}
