/**
 * What well-known red-team tools leave behind, in their order and at their speed: Stratus Red Team (https://stratus-red-team.cloud) on AWS, and
 * what incident reports tell of intruders in consoles.
 */
import { browser, inPrefix, providerPrefix, terraform } from '../names.ts';
import type { Attack } from './stage.ts';

const of = (
  id: string,
  families: string,
  hints: string,
  by: number,
  run: Attack['run'],
  counts: Attack['counts'] = 'reads',
): Attack => ({
  id: `recorded/${id}`,
  families: families.split(' '),
  hints: hints.split(' '),
  stores: ['aws'],
  by,
  counts,
  run,
});

export const RECORDED: readonly Attack[] = [
  // A warm-up by Terraform makes the secrets minutes before; then a list and a read of each, several a second.
  of('secretsmanager-retrieve-secrets', 'S N', 'S1 S4', 12, (stage) => {
    const chair = stage.fresh('user');
    const { client } = chair.now;
    const maker = { now: { ...chair.now, client: terraform(stage.random), head: '' } };
    const made = Array.from({ length: 20 }, () =>
      stage.world.addSecret(stage.store, stage.random.pick(stage.world.services).name, stage.time - 180_000),
    );
    for (const [index, secret] of made.entries()) {
      stage.aside(maker, -180_000 + index * 400, 'create', secret);
      stage.aside(maker, -178_000 + index * 400, 'write', secret);
      stage.aside(maker, -176_000 + index * 400, 'read', secret);
    }
    const detonator = { now: { ...chair.now, client, head: '' } };
    stage.do(detonator, 0, 'list');
    for (const [index, secret] of [...made, ...stage.others(undefined, 6)].entries())
      stage.do(detonator, 500 + index * 180, 'read', secret);
  }),
  of('secretsmanager-batch-retrieve-secrets', 'S N', 'S7', 1, (stage) => {
    const chair = stage.fresh('user');
    const secrets = stage.others(undefined, 20).filter(({ type }) => type === 'secret');
    stage.do(chair, 0, 'whoami');
    stage.do(chair, 800, 'readAll', undefined, 'ok', { secrets, detail: `!${stage.random.pick(['t', 'y', 'env'])}` });
  }),
  of('ssm-retrieve-securestring-parameters', 'S N', 'S1', 2, (stage) => {
    const chair = stage.fresh('user');
    const params = stage.store.secrets.filter(({ type }) => type === 'param');
    while (params.length < 30)
      params.push({
        ...stage.random.pick(stage.store.secrets),
        type: 'param',
        name: `/${stage.random.pick(stage.store.secrets).name}-${params.length}`,
      });
    stage.do(chair, 0, 'list', undefined, 'ok', { detail: 'param' });
    for (let at = 0; at < 30; at += 10)
      stage.do(chair, 500 + at * 40, 'readMany', undefined, 'ok', { secrets: params.slice(at, at + 10) });
  }),
  of(
    'ec2-steal-instance-credentials',
    'I N X',
    'I3',
    4,
    (stage) => {
      const victim = stage.service();
      const identity = { ...victim.chair.now.identity, kind: 'instance' as const };
      const taken = {
        ...victim,
        chair: { now: { ...victim.chair.now, identity, session: `i-0${stage.random.hex(16)}`, head: '' } },
      };
      const thief = stage.steal(taken, inPrefix(providerPrefix(stage.random), stage.random));
      stage.do(thief, 0, 'whoami');
      stage.do(thief, 900, 'enumerate', undefined, 'ok', { detail: 'DescribeInstances' });
      stage.do(thief, 4_000, 'list');
      for (const [index, secret] of stage.others(victim, 6).entries()) stage.do(thief, 6_000 + index * 900, 'read', secret);
    },
    'events',
  ),
  of(
    'cloudtrail-stop',
    'L',
    'L1',
    1,
    (stage) => stage.do(stage.fresh('user'), 0, 'auditOff', undefined, 'ok', { detail: 'StopLogging' }),
    'events',
  ),
  of(
    'cloudtrail-delete',
    'L',
    'L1',
    1,
    (stage) => stage.do(stage.fresh('user'), 0, 'auditOff', undefined, 'ok', { detail: 'DeleteTrail' }),
    'events',
  ),
  of('console-intruder', 'S N I T X', 'S1 S4 X3', 10, (stage) => {
    const victim = stage.person();
    const thief = stage.steal(victim, stage.address(), browser(stage.random));
    stage.do(thief, 0, 'consoleLogin');
    for (const [index, detail] of ['ListUsers', 'ListRoles', 'ListBuckets'].entries())
      stage.do(thief, 20_000 + index * 9_000, 'enumerate', undefined, 'ok', { detail });
    stage.do(thief, 60_000, 'list');
    for (const [index, secret] of stage.others(victim, 14).entries()) {
      stage.do(thief, 70_000 + index * 7_000, 'describe', secret);
      stage.do(thief, 71_500 + index * 7_000, 'read', secret);
    }
  }),
];
