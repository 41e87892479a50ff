/** People: weeks and holidays, office, home and road, known work and now and then something new, typing errors, nights on call. */
import { act, move, type Hand } from '../identities.ts';
import { atLocal, isWeekend, weekdayOf } from '../calendar.ts';
import * as names from '../names.ts';
import { DAY, HOUR, MINUTE, type Behaviour, type Chair, type Emit, type Person } from '../types.ts';
import { makePersonChair, type World } from '../world.ts';

export function createPerson(world: World, zone: string, born: number): Behaviour & { readonly person: Person } {
  const index = world.people.length;
  const random = world.random.child(`person/${index}`);
  const name = `${names.personName(random)}${index > 200 ? index : ''}`;
  let home = random.chance(0.3) ? names.ipv6Prefix(random) : names.providerPrefix(random);
  const at = (prefix: string): string => (prefix.includes(':') ? names.ipv6In(prefix, random) : names.inPrefix(prefix, random));
  const stores = random.some(world.stores, random.chance(0.4) ? 2 : 1);
  const chairs = stores.map((store) => makePersonChair(world, random, store, name, at(home)));
  const known = stores.flatMap((store) => random.some(store.secrets, random.whole(3, 12)));
  const person: Person = { name, mail: `${name}@${world.domain}`, zone, chairs, secrets: known, born };
  world.people.push(person);

  const begins = random.between(7.5, 10);
  const ends = begins + random.between(7.5, 9.5);
  const eager = random.between(0.4, 2);
  const remote = random.unit();
  const onCallTurn = random.chance(0.4) ? random.whole(0, 4) : -1;
  const vacation = random.chance(0.5) ? { from: random.whole(0, 30), days: random.pick([3, 5, 7, 14]) } : undefined;
  const movesOn = random.chance(0.1) ? random.whole(4, 34) : -1;
  const admin = index % 6 === 0;
  let device = 0;
  let today = 0;

  function where(): string {
    const drawn = random.unit();
    if (drawn < 0.025) return at(names.providerPrefix(random)); // on the road, tethered
    if (drawn < 0.3) return at(world.vpn);
    return drawn < 0.3 + 0.7 * remote ? at(home) : at(world.office);
  }

  function session(time: number, persona: string, emit: Emit, length = random.whole(1, 5)): void {
    const hand: Hand = { random, persona };
    const chair = random.pick(chairs);
    const { store } = chair.now.identity;
    move(chair, { address: where() });
    const mine = known.filter((secret) => secret.store === store);
    let now = time;
    if (chair.now.client.console && store.kind === 'aws') act(emit, hand, chair, now - 30_000, 'consoleLogin');
    if (random.chance(0.4)) act(emit, hand, chair, now, 'list');
    if (store.source === 'vault' && random.chance(0.5)) act(emit, hand, chair, now, 'whoami');
    for (let count = 0; count < length; count += 1) {
      now += random.between(0.1, 4) * MINUTE;
      one(chair, now, hand, mine, emit);
    }
  }

  function one(chair: Chair, now: number, hand: Hand, mine: Person['secrets'], emit: Emit): void {
    const { store } = chair.now.identity;
    const drawn = random.unit();
    if (drawn < 0.025) {
      act(emit, hand, chair, now, 'read', undefined, 'notfound', {
        name: `${random.pick(store.secrets).name}${random.pick(['s', '-', '2', '-old'])}`,
      });
    } else if (drawn < 0.04) {
      act(emit, hand, chair, now, 'read', random.pick(store.secrets), 'denied');
    } else if (drawn < 0.055) {
      const secret = world.addSecret(store, names.stem(random), now);
      act(emit, hand, chair, now, 'create', secret);
      act(emit, hand, chair, now + 20_000, 'read', secret);
      known.push(secret);
    } else if (drawn < 0.075 && mine.length > 0) {
      act(emit, hand, chair, now, 'write', random.pick(mine));
    } else if (drawn < 0.08 && mine.length > 0) {
      act(emit, hand, chair, now, random.pick(['history', 'readOld'] as const), random.pick(mine));
    } else if (drawn < 0.09 && admin) {
      act(emit, hand, chair, now, store.source === 'vault' ? 'token' : 'policyRead', random.pick(store.secrets), 'ok', {
        ttl: random.pick([3600, 28_800, 86_400]),
      });
    } else if (drawn < 0.15 || mine.length === 0) {
      const secret = random.pick(store.secrets);
      act(emit, hand, chair, now, 'read', secret);
      if (random.chance(0.7)) known.push(secret);
    } else {
      const secret = random.pick(mine);
      if (chair.now.client.console) act(emit, hand, chair, now - 900, 'describe', secret);
      act(emit, hand, chair, now, 'read', secret);
    }
  }

  return {
    person,
    hour(start, emit) {
      const day = Math.floor(start / DAY);
      if (day === today) return;
      today = day;
      const from = day * DAY;
      if (from + DAY < born) return;
      const nth = Math.floor((from - world.start) / DAY);
      if (vacation !== undefined && nth >= vacation.from && nth < vacation.from + vacation.days) return;
      if (nth === movesOn) home = names.providerPrefix(random);
      if (random.chance(0.01)) {
        device += 1;
        for (const chair of chairs) move(chair, { client: device % 2 === 0 ? names.cli(random) : names.browser(random) });
      }
      const weekend = isWeekend(weekdayOf(zone, from + DAY / 2));
      if (random.chance(weekend ? 0.04 : 0.8)) {
        const newHire = born > world.start && from - born < 7 * DAY;
        const count = 1 + random.poisson(eager * (newHire ? 2 : 1));
        for (let turn = 0; turn < count; turn += 1) {
          const hour = random.chance(0.04) ? random.between(ends, 22.5) : random.between(begins, ends);
          session(atLocal(zone, from, hour), weekend ? 'weekend' : newHire ? 'new-hire' : 'person', emit);
        }
      }
      const onCall = onCallTurn >= 0 && Math.floor(nth / 7) % 5 === onCallTurn;
      if (onCall && random.chance(0.2)) {
        const hour = random.between(0.5, 5.5);
        session(atLocal(zone, from, hour) + (atLocal(zone, from, hour) < from ? DAY : 0), 'on-call', emit, random.whole(2, 4));
      }
      if (random.chance(0.01)) expired(from + random.between(9, 16) * HOUR, emit);
    },
  };

  /** A forgotten script goes on with a token that has ended. */
  function expired(time: number, emit: Emit): void {
    const chair = random.pick(chairs);
    const secret = random.pick(known);
    const cadence = random.pick([30_000, 60_000, 300_000]);
    const count = random.whole(20, 80);
    for (let turn = 0; turn < count; turn += 1) {
      if (secret.store === chair.now.identity.store)
        act(emit, { random, persona: 'expired-loop' }, chair, time + turn * cadence, 'read', secret, 'expired');
    }
  }
}
