/** Something is changed, made, copied or ended. */
import { seat } from '../identities.ts';
import * as names from '../names.ts';
import { DAY } from '../types.ts';
import { ALL, VAULTS, type Attack, type Stage } from './stage.ts';

const of = (id: string, families: string, hints: string, run: Attack['run'], more: Partial<Attack> = {}): Attack => ({
  id,
  families: families.split(' '),
  hints: hints.split(' '),
  stores: ALL,
  by: 5,
  counts: 'events',
  run,
  ...more,
});

const YEAR = 365 * 86_400;
const rootSeat = (stage: Stage): ReturnType<Stage['fresh']> =>
  seat(stage.random, { ...stage.identity('root'), name: 'root' }, stage.address(), stage.client(), 'root');

export const CHANGES: readonly Attack[] = [
  of(
    'volume/ten',
    'V',
    'V1 V2',
    (stage) => {
      const victim = stage.service();
      const secret = stage.random.pick(victim.own.length > 0 ? victim.own : stage.store.secrets);
      for (let turn = 0; turn < 120; turn += 1) stage.do(victim.chair, turn * 12_000, 'read', secret);
    },
    { by: 100, counts: 'reads' },
  ),
  of(
    'volume/thirty',
    'V',
    'V1 V2',
    (stage) => {
      const victim = stage.service();
      const secret = stage.random.pick(victim.own.length > 0 ? victim.own : stage.store.secrets);
      for (let turn = 0; turn < 400; turn += 1) stage.do(victim.chair, turn * 3_000, 'read', secret);
    },
    { by: 100, counts: 'reads' },
  ),
  of(
    'keys/decrypt-burst',
    'V N',
    'V4 V5',
    (stage) => {
      const victim = stage.service();
      for (let turn = 0; turn < 400; turn += 1) stage.do(victim.chair, turn * 600, 'decrypt');
    },
    { by: 300 },
  ),
  of(
    'keys/decrypt-burst-outside',
    'V N I',
    'V4 N4',
    (stage) => {
      const victim = stage.service();
      const thief = stage.steal(victim);
      for (let turn = 0; turn < 400; turn += 1) stage.do(thief, turn * 600, 'decrypt');
    },
    { by: 200 },
  ),
  of(
    'token/years',
    'P',
    'P1',
    (stage) => {
      const victim = stage.person();
      stage.do(victim.chair, 0, 'token', undefined, 'ok', { ttl: 3 * YEAR });
    },
    { stores: VAULTS, by: 1 },
  ),
  of(
    'token/months',
    'P',
    'P1',
    (stage) => {
      const victim = stage.person();
      stage.do(victim.chair, 0, 'token', undefined, 'ok', { ttl: 90 * 86_400 });
    },
    { stores: VAULTS, by: 1 },
  ),
  of(
    'token/endless',
    'P',
    'P1',
    (stage) => {
      const victim = stage.person();
      stage.do(victim.chair, 0, 'token', undefined, 'ok', { ttl: 40 * 86_400, endless: true });
    },
    { stores: VAULTS, by: 1 },
  ),
  of(
    'token/impersonation',
    'P N I X',
    'P17',
    (stage) => {
      const victim = stage.person();
      const chosen = stage.service();
      stage.do(victim.chair, 0, 'token', undefined, 'ok', { grantee: chosen.chair.now.identity, ttl: 3600 });
      const thief = stage.steal(chosen, victim.chair.now.address, victim.chair.now.client);
      for (const [index, secret] of stage.others(chosen, 5).entries()) stage.do(thief, 20_000 + index * 9_000, 'read', secret);
    },
    { stores: ['gcp'] },
  ),
  of(
    'root/used',
    'P',
    'P2',
    (stage) => {
      const chair = rootSeat(stage);
      stage.do(chair, 0, 'list');
      for (const [index, secret] of stage.others(undefined, 4).entries()) stage.do(chair, 8_000 + index * 7_000, 'read', secret);
    },
    { stores: ['aws', ...VAULTS], by: 2 },
  ),
  of('root/made', 'P', 'P2', (stage) => stage.do(stage.person().chair, 0, 'rootToken'), { stores: VAULTS, by: 1 }),
  of(
    'policy/then-read',
    'P',
    'P3 P4',
    (stage) => {
      const victim = stage.person();
      stage.do(victim.chair, 0, 'grant', undefined, 'ok', { grantee: victim.chair.now.identity, name: names.stem(stage.random) });
      for (const [index, secret] of stage.others(victim, 5).entries())
        stage.do(victim.chair, 90_000 + index * 15_000, 'read', secret);
    },
    { by: 4 },
  ),
  of('policy/public', 'P', 'P3', (stage) => stage.do(stage.person().chair, 0, 'public', stage.others(undefined, 1)[0]), {
    stores: ['aws', 'gcp'],
    by: 1,
  }),
  of(
    'policy/other-account',
    'P',
    'P3',
    (stage) => {
      const elsewhere =
        stage.store.kind === 'aws'
          ? stage.random.digits(12).replace(/^0/, '6')
          : `${names.personName(stage.random)}@${names.stem(stage.random)}.example`;
      for (const [index, secret] of stage.others(undefined, 3).entries())
        stage.do(stage.person().chair, index * 9_000, 'policy', secret, 'ok', { elsewhere });
    },
    { stores: ['aws', 'gcp'], by: 3 },
  ),
  of(
    'policy/key-other-account',
    'P',
    'P3',
    (stage) =>
      stage.do(stage.person().chair, 0, 'keyConfig', undefined, 'ok', { elsewhere: stage.random.digits(12).replace(/^0/, '6') }),
    { stores: ['aws'], by: 1 },
  ),
  of(
    'key/new-then-read',
    'P N S I',
    'N7 P17',
    (stage) => {
      const victim = stage.person();
      const made = stage.fresh('user');
      stage.do(victim.chair, 0, 'newKey', undefined, 'ok', { grantee: made.now.identity });
      stage.do(made, 120_000, 'whoami');
      for (const [index, secret] of stage.others(undefined, 8).entries()) stage.do(made, 140_000 + index * 8_000, 'read', secret);
    },
    { stores: ['aws', 'gcp'], by: 10 },
  ),
  of(
    'secret-ids/burst',
    'A',
    'A9',
    (stage) => {
      const { chair } = stage.service();
      for (let turn = 0; turn < 12; turn += 1)
        stage.do(chair, turn * 4_000, 'secretId', undefined, 'ok', { grantee: stage.identity('app'), ttl: 0 });
    },
    { stores: VAULTS, by: 10 },
  ),
  of(
    'write/foreign',
    'P N',
    'P11',
    (stage) => {
      const victim = stage.service();
      for (const [index, secret] of stage.others(victim, 4).entries())
        stage.do(victim.chair, index * 12_000, 'write', secret, 'ok', { detail: 'current' });
    },
    { by: 4 },
  ),
  of(
    'write/foreign-outside',
    'P N I',
    'P11 N4',
    (stage) => {
      const victim = stage.person();
      const thief = stage.steal(victim);
      for (const [index, secret] of stage.others(victim, 4).entries())
        stage.do(thief, index * 12_000, 'write', secret, 'ok', { detail: 'current' });
    },
    { by: 4 },
  ),
  of(
    'destroy/burst',
    'P',
    'P7',
    (stage) => {
      const { chair } = stage.person();
      for (const [index, secret] of stage.others(undefined, 8).entries())
        stage.do(chair, index * 5_000, 'destroy', secret, 'ok', { detail: 'whole' });
    },
    { by: 3 },
  ),
  of(
    'destroy/deletes',
    'P',
    'P7',
    (stage) => {
      const { chair } = stage.service();
      for (const [index, secret] of stage.others(undefined, 15).entries()) stage.do(chair, index * 5_000, 'delete', secret);
    },
    { by: 15 },
  ),
  of('destroy/key', 'P', 'P7', (stage) => stage.do(stage.person().chair, 0, 'keyDelete'), { by: 1 }),
  of(
    'copy/backup',
    'P',
    'P8',
    (stage) => {
      const { chair } = stage.person();
      for (const [index, secret] of stage.others(undefined, 12).entries())
        stage.do(chair, index * 3_000, stage.store.source === 'vault' ? 'snapshot' : 'backup', secret);
    },
    { stores: ['azure', ...VAULTS], by: 2 },
  ),
  of(
    'copy/export',
    'P',
    'P6 P8',
    (stage) => {
      const { chair } = stage.person();
      stage.do(chair, 0, 'keyConfig');
      stage.do(chair, 20_000, 'export');
    },
    { stores: ['azure', ...VAULTS], by: 2 },
  ),
  of(
    'copy/elsewhere',
    'P',
    'P10',
    (stage) => {
      const { chair } = stage.person();
      for (const [index, secret] of stage.others(undefined, 6).entries())
        stage.do(chair, index * 6_000, 'replicate', secret, 'ok', {
          elsewhere: stage.random.pick(['sa-east-1', 'me-south-1', 'af-south-1']),
        });
    },
    { stores: ['aws'], by: 6 },
  ),
  of(
    'rotation/off',
    'P',
    'P9',
    (stage) => {
      const { chair } = stage.person();
      for (const [index, secret] of stage.others(undefined, 5).entries()) stage.do(chair, index * 9_000, 'rotationOff', secret);
    },
    { stores: ['aws'], by: 5, weak: true },
  ),
  of(
    'audit/off',
    'L',
    'L1',
    (stage) =>
      stage.do(stage.person().chair, 0, 'auditOff', undefined, 'ok', { name: names.stem(stage.random), detail: 'StopLogging' }),
    { by: 1 },
  ),
  of(
    'audit/blinded',
    'L',
    'L1',
    (stage) =>
      stage.do(stage.person().chair, 0, 'auditOff', undefined, 'ok', {
        name: names.stem(stage.random),
        detail: 'PutEventSelectors',
      }),
    { stores: ['aws'], by: 1 },
  ),
  of(
    'audit/trail-deleted',
    'L',
    'L1',
    (stage) =>
      stage.do(stage.service().chair, 0, 'auditOff', undefined, 'ok', { name: names.stem(stage.random), detail: 'DeleteTrail' }),
    { stores: ['aws'], by: 1 },
  ),
  of(
    'audit/sink',
    'L',
    'L2',
    (stage) => stage.do(stage.person().chair, 0, 'sinkOff', undefined, 'ok', { name: names.stem(stage.random) }),
    { stores: ['aws', 'gcp'], by: 1 },
  ),
  of('storage/raw', 'P', 'P14', (stage) => stage.do(stage.person().chair, 0, 'raw'), { stores: VAULTS, by: 1 }),
  of('canary/read', 'D', 'D1', (stage) => stage.do(stage.person().chair, 0, 'read', stage.decoy()), { by: 1, canary: true }),
  of('canary/denied', 'D', 'D1', (stage) => stage.do(stage.service().chair, 0, 'read', stage.decoy(), 'denied'), {
    by: 1,
    canary: true,
  }),
  of('canary/described', 'D', 'D1', (stage) => stage.do(stage.person().chair, 0, 'history', stage.decoy()), {
    by: 1,
    canary: true,
  }),
  of(
    'dormant/woken',
    'N S',
    'N8 N1',
    (stage) => {
      const victim = stage.person();
      const long = stage.store.secrets.filter((secret) => secret.born < stage.world.start - 200 * DAY).slice(0, 6);
      for (const [index, secret] of (long.length > 2 ? long : stage.others(victim, 6)).entries())
        stage.do(victim.chair, index * 30_000, 'read', secret);
    },
    { weak: true, by: 6 },
  ),
];
