/** Somebody comes who is not who they say, or from where they never came. */
import { atLocal } from '../calendar.ts';
import * as names from '../names.ts';
import { DAY, MINUTE, type Secret } from '../types.ts';
import { ALL, VAULTS, type Attack, type Stage } from './stage.ts';

const of = (id: string, families: string, hints: string, run: Attack['run'], more: Partial<Attack> = {}): Attack => ({
  id,
  families: families.split(' '),
  hints: hints.split(' '),
  stores: ALL,
  by: 10,
  counts: 'events',
  run,
  ...more,
});

const reads = (stage: Stage, chair: ReturnType<Stage['fresh']>, secrets: readonly Secret[], seconds = 20, from = 0): void => {
  const next = stage.pace(seconds);
  for (const secret of secrets) stage.do(chair, from + next(), 'read', secret);
};

export const ACCESS: readonly Attack[] = [
  of('network/service', 'N I', 'N4 I2 I1', (stage) => {
    const victim = stage.service();
    reads(
      stage,
      stage.steal(victim, stage.address(), victim.chair.now.client),
      [...victim.own, ...stage.others(victim, 3)].slice(0, 6),
    );
  }),
  of('network/service-and-client', 'N I', 'N4 N5 I2', (stage) => {
    const victim = stage.service();
    reads(stage, stage.steal(victim), [...victim.own, ...stage.others(victim, 3)].slice(0, 6));
  }),
  of(
    'network/own-secrets-only',
    'N I',
    'N4 I2',
    (stage) => {
      const victim = stage.service();
      reads(stage, stage.steal(victim), victim.own);
    },
    { weak: true },
  ),
  of(
    'client/new',
    'N I',
    'N5 I7',
    (stage) => {
      const victim = stage.service();
      const chair = stage.steal(victim, victim.chair.now.address, names.cli(stage.random));
      reads(stage, chair, stage.others(victim, 5));
    },
    { weak: true },
  ),
  of('hours/night', 'T N', 'T1 T2', (stage) => {
    const victim = stage.person();
    const zone = victim.person?.zone ?? stage.world.zone;
    const day = Math.floor(stage.time / DAY) * DAY;
    let night = atLocal(zone, day, 3.2) - stage.time;
    if (night < 0) night += DAY;
    const next = stage.pace(40);
    for (const secret of [...stage.random.some(victim.own, 2), ...stage.others(victim, 5)])
      stage.do(victim.chair, night + next(), 'read', secret);
  }),
  of('credential/two-networks', 'I N', 'I1', (stage) => {
    const victim = stage.person();
    const thief = stage.steal(victim);
    const mine = stage.random.some(victim.own, 5);
    for (const [index, secret] of mine.entries()) {
      // The victim goes on with their work, which is no part of the attack.
      stage.aside(victim.chair, index * 70_000, 'read', secret);
      stage.do(thief, index * 70_000 + 30_000, 'read', stage.random.pick(victim.own));
    }
    reads(stage, thief, stage.others(victim, 4), 20, 400_000);
  }),
  of(
    'role/off-cloud',
    'I N',
    'I3 N4',
    (stage) => {
      const victim = stage.service();
      const thief = stage.steal(
        victim,
        names.inPrefix(names.providerPrefix(stage.random), stage.random),
        names.cli(stage.random),
      );
      stage.do(thief, 0, 'whoami');
      stage.do(thief, 9_000, 'list');
      reads(stage, thief, [...victim.own, ...stage.others(victim, 4)].slice(0, 6), 15, 20_000);
    },
    { stores: ['aws', 'gcp', 'azure'] },
  ),
  of(
    'login/brute-force',
    'A',
    'A1 A2',
    (stage) => {
      const chair = stage.fresh('user');
      const { chair: known } = stage.person();
      const name = known.now.identity.name;
      const next = stage.pace(2);
      for (let turn = 0; turn < 30; turn += 1) stage.do(chair, next(), 'consoleLogin', undefined, 'authfail', { name });
    },
    { stores: ['aws', ...VAULTS], by: 12 },
  ),
  of(
    'login/slow-brute-force',
    'A',
    'A1 A2',
    (stage) => {
      const chair = stage.fresh('user');
      const { chair: known } = stage.person();
      const next = stage.pace(75);
      for (let turn = 0; turn < 24; turn += 1)
        stage.do(chair, next(), 'consoleLogin', undefined, 'authfail', { name: known.now.identity.name });
    },
    { stores: ['aws', ...VAULTS], by: 24 },
  ),
  of(
    'login/spray',
    'A',
    'A3',
    (stage) => {
      const address = stage.address();
      const next = stage.pace(6);
      for (let turn = 0; turn < 16; turn += 1) {
        const person = stage.world.people[turn];
        const chair = stage.fresh('user', address);
        stage.do(chair, next(), 'consoleLogin', undefined, 'authfail', { name: person?.name ?? names.personName(stage.random) });
      }
    },
    { stores: ['aws', ...VAULTS], by: 12 },
  ),
  of(
    'login/after-failures',
    'A N S',
    'A4 A1',
    (stage) => {
      const chair = stage.fresh('user');
      const next = stage.pace(4);
      for (let turn = 0; turn < 8; turn += 1) stage.do(chair, next(), 'consoleLogin', undefined, 'authfail');
      const at = next();
      stage.do(chair, at, 'consoleLogin');
      reads(stage, chair, stage.others(undefined, 5), 8, at + 5_000);
    },
    { stores: ['aws', ...VAULTS], by: 14 },
  ),
  of(
    'denied/scope',
    'A',
    'A5 A6',
    (stage) => {
      const victim = stage.service();
      const next = stage.pace(5);
      for (const secret of stage.others(victim, 8)) stage.do(victim.chair, next(), 'read', secret, 'denied');
    },
    { by: 8 },
  ),
  of('denied/outside', 'A N I', 'A5 A6', (stage) => {
    const victim = stage.service();
    const thief = stage.steal(victim);
    const next = stage.pace(5);
    for (const secret of stage.others(victim, 10))
      stage.do(thief, next(), 'read', secret, stage.random.chance(0.8) ? 'denied' : 'ok');
  }),
  of(
    'guess/names',
    'S A',
    'S6 A6',
    (stage) => {
      const victim = stage.service();
      const next = stage.pace(3);
      for (let turn = 0; turn < 18; turn += 1) {
        const name = names.secretName(stage.random, names.serviceName(stage.random), stage.world.style);
        stage.do(victim.chair, next(), 'read', undefined, stage.random.chance(0.7) ? 'notfound' : 'denied', {
          name: stage.store.source === 'gcp' || stage.store.source === 'azure' ? name.replaceAll(/[^\w-]/g, '-') : name,
        });
      }
    },
    { by: 15 },
  ),
  of(
    'account/foreign',
    'I N S',
    'I4 N7',
    (stage) => {
      const chair = stage.fresh('foreign');
      reads(stage, chair, stage.others(undefined, 5), 10);
    },
    { stores: ['aws', 'gcp'] },
  ),
  of('list-then-get', 'S N I', 'S4 N1', (stage) => {
    const victim = stage.service();
    stage.do(victim.chair, 0, 'list');
    reads(stage, victim.chair, stage.others(victim, 5), 15, 20_000);
  }),
  of('list-then-get/new-identity', 'S N', 'S4 N7 X5', (stage) => {
    const chair = stage.fresh();
    stage.do(chair, 0, 'list');
    reads(stage, chair, stage.others(undefined, 6), 15, 20_000);
  }),
  of('chain/recon', 'X S N I', 'X3', (stage) => {
    const victim = stage.person();
    const thief = stage.steal(victim);
    stage.do(thief, 0, 'whoami');
    for (const [index, detail] of ['ListUsers', 'ListRoles', 'ListPolicies'].entries())
      stage.do(thief, 15_000 + index * 8_000, 'enumerate', undefined, 'ok', { detail });
    stage.do(thief, 60_000, 'list');
    reads(stage, thief, stage.others(victim, 6), 12, 75_000);
  }),
  of(
    'token/chain',
    'I X N',
    'I6 X3',
    (stage) => {
      const victim = stage.service();
      const thief = stage.steal(victim);
      for (let turn = 0; turn < 4; turn += 1)
        stage.do(thief, turn * 9_000, 'assume', undefined, turn < 3 ? 'denied' : 'ok', { grantee: stage.identity('pod') });
      reads(stage, thief, stage.others(victim, 5), 12, 60_000);
    },
    { stores: ['aws'], by: 12 },
  ),
  of('stores/two', 'X N S I', 'X1', (stage) => {
    const address = stage.address();
    const client = stage.client();
    for (const [index, store] of stage.world.stores.entries()) {
      const found = stage.world.services.filter(
        (service) => service.store === store && service.chairs.some(({ now }) => now.born > 0),
      );
      const service = found.length > 0 ? stage.random.pick(found) : undefined;
      const chair = service?.chairs.find(({ now }) => now.born > 0);
      if (service === undefined || chair === undefined) continue;
      const thief = stage.steal({ chair, own: service.secrets }, address, client);
      const secrets = stage.random.some(store.secrets, 3);
      for (const [turn, secret] of secrets.entries()) stage.do(thief, index * 2 * MINUTE + turn * 20_000, 'read', secret);
    }
  }),
];
