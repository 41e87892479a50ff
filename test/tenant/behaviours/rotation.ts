/** Somebody's rotation functions: pending and previous stages are read, values are written, old versions end. Readers take the new value soon. */
import { act, makeIdentity, moveOn, seat, type Hand } from '../identities.ts';
import * as names from '../names.ts';
import { DAY, HOUR, MINUTE, type Behaviour, type Emit, type Secret, type Store } from '../types.ts';
import type { World } from '../world.ts';

export function createRotation(world: World, store: Store): Behaviour {
  const random = world.random.child(`rotation/${store.name}`);
  const hand: Hand = { random, persona: 'rotation' };
  const identity = makeIdentity(
    random,
    store,
    'function',
    `${names.stem(random)}-${random.pick(['rotation', 'rotator', 'renewal', 'keys'])}`,
    world.domain,
  );
  const network = names.natOf(random, store.source);
  const client = names.sdk(random);
  const chair = seat(random, identity, network.address(random), client, identity.name);
  const every = random.pick([7, 14, 30]);
  const share = random.between(0.2, 0.6);
  const hour = random.whole(0, 23);
  const retires = random.chance(0.4);
  const due = (secret: Secret, index: number, day: number): boolean =>
    ((index * 2_654_435_761) >>> 9) % 100 < share * 100 && (day + index) % every === 0 && secret.born < world.start + day * DAY;

  function rotate(secret: Secret, time: number, emit: Emit): void {
    const did = (op: Parameters<typeof act>[4], after: number, result: Parameters<typeof act>[6] = 'ok') =>
      act(emit, hand, chair, time + after, op, secret, result);
    if (store.kind === 'aws' && secret.type === 'secret') {
      act(emit, hand, chair, time - 400, 'rotated', secret, 'ok', { detail: 'RotationStarted' });
      did('describe', 100);
      did('read', 300);
      did('pending', 500, 'notfound');
      moveOn(secret, random);
      did('write', 900);
      did('pending', 2_500);
      did('pending', 4_200);
      did('describe', 5_000);
      did('stage', 5_300);
      act(emit, hand, chair, time + 6_000, 'rotated', secret, 'ok', { detail: 'RotationSucceeded' });
    } else {
      did('describe', 100);
      did('read', 300);
      moveOn(secret, random);
      did('write', 1_000);
      did('read', 1_900);
      if (retires && store.source === 'gcp') did('destroy', 20_000);
    }
    for (const service of world.services) {
      if (!service.secrets.includes(secret) || !random.chance(0.6)) continue;
      for (const reader of service.chairs)
        act(emit, { random, persona: 'rotation-echo' }, reader, time + random.between(0.2, 8) * MINUTE, 'read', secret);
    }
  }

  return {
    hour(start, emit) {
      if (Math.floor((start % DAY) / HOUR) !== hour) return;
      const day = Math.floor((start - world.start) / DAY);
      let at = start + random.between(1, 5) * MINUTE;
      for (const [index, secret] of store.secrets.entries()) {
        if (!due(secret, index, day)) continue;
        chair.now = { ...chair.now, address: network.address(random), head: '' };
        rotate(secret, at, emit);
        at += random.between(15, 90) * 1_000;
      }
    },
  };
}
