/** External Secrets, the CSI driver, agents: one identity reads many secrets, over and over, with a constant cadence. */
import { act, makeIdentity, seat, type Hand } from '../identities.ts';
import * as names from '../names.ts';
import { DAY, HOUR, MINUTE, type Behaviour, type Chair, type Secret, type Store } from '../types.ts';
import { drawNetwork, type World } from '../world.ts';

export interface Poller extends Behaviour {
  readonly chair: Chair;
  readonly secrets: Secret[];
}

export function createPoller(world: World, store: Store): Poller {
  const random = world.random.child(`poller/${store.name}/${world.pollers.length}`);
  const hand: Hand = { random, persona: 'poller' };
  const identity = makeIdentity(
    random,
    store,
    'pod',
    `${random.pick(['external', 'secrets', 'csi', 'sync', names.stem(random)])}-${random.pick(['secrets', 'sync', 'operator', 'provider'])}`,
    world.domain,
  );
  const network = drawNetwork(random, store);
  const chair = seat(
    random,
    identity,
    network.address(random),
    names.sdk(random),
    `${identity.name}-${random.hex(9)}`,
    network.endpoint,
  );
  const secrets = random.some(
    store.secrets,
    Math.min(60, Math.max(2, Math.floor(store.secrets.length * random.between(0.1, 0.4)))),
  );
  // Many secrets are polled less often: what such operators cost is what their owners look at.
  const cadence = secrets.length > 12 ? random.pick([HOUR, 2 * HOUR]) : random.pick([5 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR]);
  const phase = random.unit() * cadence;
  const renews = store.source === 'vault';
  let joined = world.start;
  return {
    chair,
    secrets,
    hour(start, emit) {
      const first = Math.ceil((start - phase) / cadence) * cadence + phase;
      for (let due = first; due < start + HOUR; due += cadence) {
        let at = due + random.between(0, 250);
        for (const secret of secrets) {
          at += random.between(20, 180);
          act(emit, hand, chair, at, 'read', secret);
        }
      }
      if (renews && random.chance(0.5)) act(emit, { random, persona: 'agent' }, chair, start + random.unit() * HOUR, 'renew');
      if (renews && random.chance(0.5)) act(emit, { random, persona: 'agent' }, chair, start + random.unit() * HOUR, 'whoami');
      // New objects are synchronised now and then.
      if (start - joined > 3 * DAY && random.chance(0.008)) {
        joined = start;
        const secret = random.pick(store.secrets);
        if (!secrets.includes(secret)) secrets.push(secret);
      }
    },
  };
}
