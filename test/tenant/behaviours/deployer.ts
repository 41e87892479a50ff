/**
 * Infrastructure as code: plans read every secret that is managed, once or twice, from wherever the runner happens to be. Creates what
 * releases need.
 */
import { act, makeIdentity, moveOn, seat, type Hand } from '../identities.ts';
import { isWeekend, localHourOf, weekdayOf } from '../calendar.ts';
import * as names from '../names.ts';
import { HOUR, MINUTE, type Behaviour, type Chair, type Emit, type Secret, type Store } from '../types.ts';
import type { World } from '../world.ts';

export interface Deployer extends Behaviour {
  readonly chair: Chair;
  /** A new secret is made and given its first value. */
  created(secret: Secret, time: number, emit: Emit): void;
  /** The pipeline of a release ran. */
  deployed(time: number, emit: Emit): void;
}

const MOST = 300;

export function createDeployer(world: World, store: Store): Deployer {
  const random = world.random.child(`deployer/${store.name}`);
  const hand: Hand = { random, persona: 'iac' };
  const hosted = random.chance(0.5);
  const network = hosted ? names.poolOf('azure') : names.natOf(random, store.source);
  const identity = makeIdentity(
    random,
    store,
    random.chance(0.7) ? 'ci' : 'app',
    `${names.stem(random)}-${random.pick(['deploy', 'ci', 'pipeline', 'infra', 'tf'])}`,
    world.domain,
  );
  const client = random.chance(0.8) ? names.terraform(random) : names.sdk(random);
  const chair = seat(random, identity, network.address(random), client, `${names.stem(random)}-${random.digits(10)}`);
  /** Plans read values, or metadata alone. */
  const values = random.chance(0.6);
  const share = random.chance(0.5) ? 1 : random.between(0.3, 0.8);
  /** One state of many, in a large house. */
  const first = store.secrets.length > MOST ? random.whole(0, store.secrets.length - MOST) : 0;
  const managed = (): readonly Secret[] =>
    store.secrets.slice(first, first + MOST).filter((_, index) => ((index * 2_654_435_761) >>> 8) % 100 < share * 100);
  /** Hours of the drift check, if there is one. */
  const nightly = random.chance(0.4) ? random.whole(0, 23) : -1;

  const newRunner = (): void => {
    chair.now = {
      ...seat(random, identity, network.address(random), client, `${chair.now.session.split('-')[0]}-${random.digits(10)}`).now,
    };
  };
  function plan(time: number, emit: Emit): void {
    newRunner();
    let at = time;
    if (store.kind === 'aws') act(emit, hand, chair, at, 'whoami');
    for (const secret of managed()) {
      at += random.between(40, 400);
      act(emit, hand, chair, at, 'describe', secret);
      if (store.source === 'aws' && secret.type === 'secret') act(emit, hand, chair, at + 40, 'policyRead', secret);
      if (values) act(emit, hand, chair, at + 90, 'read', secret);
    }
  }

  return {
    chair,
    created(secret, time, emit) {
      const now = Math.max(time, world.start);
      newRunner();
      act(emit, hand, chair, now, 'create', secret);
      moveOn(secret, random);
      if (store.kind === 'aws' && secret.type === 'param') return;
      act(emit, hand, chair, now + random.between(300, 1_500), 'write', secret);
      act(emit, hand, chair, now + random.between(1_600, 3_000), 'read', secret);
    },
    deployed(time, emit) {
      // A large house has many pipelines; this one is of a part of it.
      if (!random.chance(0.5 * Math.min(1, MOST / store.secrets.length))) return;
      plan(time, emit);
      if (random.chance(0.5)) plan(time + 10 * MINUTE, emit);
    },
    hour(start, emit) {
      const local = Math.floor(localHourOf(world.zone, start));
      if (local === nightly) plan(start + random.between(0, 3) * MINUTE, emit);
      const working = !isWeekend(weekdayOf(world.zone, start)) && local >= 8 && local < 18;
      if (!working || !random.chance(0.12)) return;
      const time = start + random.unit() * HOUR;
      plan(time, emit);
      if (random.chance(0.25)) {
        const secret = random.pick(store.secrets);
        act(emit, hand, chair, time + 2 * MINUTE, 'policy', secret, 'ok', { detail: 'narrow' });
      }
    },
  };
}
