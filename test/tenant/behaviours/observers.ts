/** Who looks at everything and reads nothing: configuration recorders, scanners; who copies it: backups; who asks in vain: expired tokens. */
import { act, makeIdentity, seat, type Hand } from '../identities.ts';
import { localHourOf } from '../calendar.ts';
import * as names from '../names.ts';
import { DAY, HOUR, MINUTE, type Behaviour, type Store } from '../types.ts';
import { drawNetwork, type World } from '../world.ts';

export function createObservers(world: World, store: Store, size: 'small' | 'medium' | 'large'): Behaviour[] {
  const random = world.random.child(`observers/${store.name}`);
  const chosen: Behaviour[] = [inventory(world, store)];
  if (random.chance(0.6)) chosen.push(scanner(world, store));
  if (store.source !== 'aws' && random.chance(size === 'small' ? 0.2 : 0.45)) chosen.push(backup(world, store));
  if (random.chance(0.5)) chosen.push(nightlyBatch(world, store));
  if (random.chance(0.4)) chosen.push(sharedService(world, store));
  return chosen;
}

/** AWS Config, Resource Explorer, Azure Resource Graph, asset inventories. */
function inventory(world: World, store: Store): Behaviour {
  const random = world.random.child(`inventory/${store.name}`);
  const hand: Hand = { random, persona: 'inventory' };
  const identity = makeIdentity(random, store, 'agent', random.pick(['config', 'resource-explorer-2']));
  const chair = seat(
    random,
    identity,
    names.inPrefix(names.cloudPrefix(random, store.source), random),
    names.sdk(random),
    'inventory',
  );
  const every = random.pick([1, 3, 6]);
  return {
    hour(start, emit) {
      if (Math.floor(start / HOUR) % every !== 0) return;
      let at = start + random.unit() * 20 * MINUTE;
      act(emit, hand, chair, at, 'list');
      if (Math.floor(start / HOUR) % 24 !== 0) return;
      for (const secret of store.secrets.slice(0, 400)) {
        at += random.between(100, 800);
        act(emit, hand, chair, at, 'describe', secret);
      }
    },
  };
}

/** Describes everything each night, from a vendor's fixed addresses. */
function scanner(world: World, store: Store): Behaviour {
  const random = world.random.child(`scanner/${store.name}`);
  const hand: Hand = { random, persona: 'scanner' };
  const prefix = names.cloudPrefix(random, 'aws');
  const identity = makeIdentity(random, store, random.chance(0.5) ? 'foreign' : 'app', names.serviceName(random), world.domain);
  const chair = seat(random, identity, names.inPrefix(prefix, random), names.sdk(random), `scan-${random.hex(6)}`);
  const at = random.whole(0, 23);
  return {
    hour(start, emit) {
      if (Math.floor(localHourOf('UTC', start)) !== at) return;
      let time = start + random.between(0, 6) * MINUTE;
      chair.now = { ...chair.now, address: names.inPrefix(prefix, random), head: '' };
      act(emit, hand, chair, time, 'whoami');
      for (const detail of ['ListUsers', 'ListRoles', 'ListPolicies'])
        act(emit, hand, chair, (time += 900), 'enumerate', undefined, 'ok', { detail });
      act(emit, hand, chair, (time += 900), 'list');
      for (const secret of store.secrets.slice(0, 2_000)) {
        time += random.between(60, 300);
        act(emit, hand, chair, time, 'describe', secret);
        if (secret.type === 'secret') act(emit, hand, chair, time + 30, 'policyRead', secret);
      }
    },
  };
}

/** A daily job that copies the store, or single secrets of it. */
function backup(world: World, store: Store): Behaviour {
  const random = world.random.child(`backup/${store.name}`);
  const hand: Hand = { random, persona: 'backup' };
  const network = drawNetwork(random, store);
  const identity = makeIdentity(
    random,
    store,
    'app',
    `${names.stem(random)}-${random.pick(['backup', 'archive', 'dr', 'job'])}`,
    world.domain,
  );
  const chair = seat(random, identity, network.address(random), names.sdk(random), identity.name, network.endpoint);
  const hour = random.whole(0, 23);
  return {
    hour(start, emit) {
      if (Math.floor((start % DAY) / HOUR) !== hour) return;
      let at = start + random.between(0, 2) * MINUTE;
      if (store.source === 'vault') {
        act(emit, hand, chair, at, 'snapshot');
        return;
      }
      for (const secret of store.secrets.slice(0, 300))
        act(emit, hand, chair, (at += random.between(80, 300)), store.kind === 'azure' ? 'backup' : 'read', secret);
    },
  };
}

/** A job each night, three to six times as long at the month's end. */
function nightlyBatch(world: World, store: Store): Behaviour {
  const random = world.random.child(`batch/${store.name}`);
  const network = drawNetwork(random, store);
  const identity = makeIdentity(random, store, 'function', names.serviceName(random), world.domain);
  const chair = seat(random, identity, network.address(random), names.sdk(random), identity.name, network.endpoint);
  const secrets = random.some(store.secrets, random.whole(1, 5));
  const hour = random.whole(0, 6);
  return {
    hour(start, emit) {
      if (Math.floor(localHourOf(world.zone, start)) !== hour) return;
      const date = new Date(start + 2 * DAY).getUTCDate();
      const monthEnd = date <= 3;
      const times = monthEnd ? random.whole(6, 12) : random.whole(1, 3);
      const hand: Hand = { random, persona: monthEnd ? 'month-end' : 'batch' };
      for (const secret of secrets) {
        for (let turn = 0; turn < times; turn += 1) act(emit, hand, chair, start + random.unit() * 50 * MINUTE, 'read', secret);
      }
    },
  };
}

/** Somebody of another account of the same house, who was given some secrets. */
function sharedService(world: World, store: Store): Behaviour {
  const random = world.random.child(`foreign/${store.name}`);
  const hand: Hand = { random, persona: 'cross-account' };
  const network = names.natOf(random, store.source);
  const identity = makeIdentity(random, store, 'foreign', names.serviceName(random), world.domain);
  const chair = seat(random, identity, network.address(random), names.sdk(random), identity.name);
  const secrets = random.some(store.secrets, random.whole(1, 3));
  const rate = random.between(0.2, 2);
  return {
    hour(start, emit) {
      for (let count = random.poisson(rate); count > 0; count -= 1) {
        chair.now = { ...chair.now, address: network.address(random), head: '' };
        act(emit, hand, chair, start + random.unit() * HOUR, 'read', random.pick(secrets));
      }
    },
  };
}
