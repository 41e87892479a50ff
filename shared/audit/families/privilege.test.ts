import { describe, expect, it } from 'vitest';
import { said } from '../../../test/audit/said.ts';
import {
  DAY,
  HOUR,
  MINUTE,
  MONDAY,
  detectorsOf,
  event,
  found,
  repeated,
  world,
  type EventOver,
} from '../../../test/audit/scenes.ts';
import { FLAG } from '../event.ts';
import { sliceOf } from '../profiles/profile.ts';
import type { Finding } from '../scene.ts';
import { privilegeFamily as family, privilegeSlots } from './privilege.ts';

const vault = (action: string, over: EventOver = {}): EventOver => ({ source: 'vault', action, verb: 'config', ...over });

const ACTS: readonly [Finding['detector'], number | undefined, EventOver][] = [
  ['P2', 80, { flags: FLAG.root }],
  ['P2', 80, { by: { id: 'arn:root', kind: 'root' }, verb: 'describe', action: 'ListSecrets' }],
  ['P2', 80, { flags: FLAG.makesRoot, verb: 'token', action: 'update auth/token/create' }],
  ['P3', 85, { flags: FLAG.public, verb: 'policy', action: 'PutResourcePolicy' }],
  ['P3', 70, { flags: FLAG.broad, verb: 'policy', action: 'PutRolePolicy' }],
  ['P3', 70, { flags: FLAG.external, verb: 'policy', action: 'CreateGrant', grantee: '999988887777' }],
  ['P5', undefined, vault('update sys/auth/oidc')],
  ['P5', undefined, { verb: 'policy', action: 'CreateSAMLProvider' }],
  ['P6', 60, vault('update transit/keys/pay/config', { flags: FLAG.exportable })],
  ['P7', 70, { verb: 'destroy', action: 'DeleteSecret', flags: FLAG.force }],
  ['P8', 60, { verb: 'backup', action: 'SecretBackup', source: 'azure' }],
  ['P9', undefined, { verb: 'config', action: 'CancelRotateSecret' }],
  ['P10', undefined, { verb: 'backup', action: 'ReplicateSecretToRegions' }],
  ['P12', undefined, vault('read secret/data/db', { verb: 'read', flags: FLAG.policyOverride })],
  ['P14', 70, vault('read sys/raw/core/keyring', { verb: 'read' })],
  ['P14', 70, vault('update sys/plugins/catalog/secret/thief')],
  ['P15', undefined, vault('update identity/entity-alias')],
  [
    'P5',
    undefined,
    { source: 'azure', verb: 'policy', action: 'microsoft.managedidentity/id/federatedidentitycredentials/write' },
  ],
  [
    'P7',
    70,
    { source: 'gcp', verb: 'destroy', action: 'DestroyCryptoKeyVersion', secret: [{ key: 'k', name: 'k', version: '1' }] },
  ],
  ['P16', 70, { verb: 'crypto', action: 'ReEncrypt', flags: FLAG.external, by: { id: 'a', home: '111122223333' } }],
  [
    'P16',
    70,
    { verb: 'config', action: 'UpdateSecret', flags: FLAG.external, grantee: 'arn:aws:kms:eu-west-1:999988887777:key/k' },
  ],
];

describe('single acts', () => {
  it.each(ACTS)('says %s with floor %s', (id, floor, over) => {
    const one = said(world().observe(family, over), id);
    expect(one.floor).toBe(floor);
    expect(one.bits).toBeGreaterThan(0);
    expect(one.expected).not.toBe('');
  });

  it.each(ACTS)('says %s when it is switched on only', (id, _floor, over) => {
    const off = world({ detectors: { [id]: { enabled: false } } });
    expect(found(off.observe(family, over), id)).toBeUndefined();
  });

  it.each(ACTS.filter(([, floor, { flags = 0 }]) => floor !== undefined && (flags & FLAG.root) === 0))(
    'gives %s no floor when it was refused',
    (id, _floor, over) => {
      if (over.action === 'ListSecrets') return expect(said(world().observe(family, over), id).floor).toBe(80);
      const tried = said(world().observe(family, { ...over, outcome: 'denied' }), id);
      const done = said(world().observe(family, over), id);
      expect(tried.floor).toBeUndefined();
      expect(tried.bits).toBeLessThan(done.bits);
    },
  );

  it('is silent on ordinary reads, writes, logins and lists', () => {
    const ordinary: EventOver[] = [
      {},
      { verb: 'write', action: 'PutSecretValue' },
      { verb: 'login', action: 'AssumeRole', ttl: 3600 },
      { verb: 'list', action: 'ListSecrets', secret: [] },
      vault('read sys/plugins/catalog', { verb: 'list' }),
      vault('update sys/mounts/secret/tune'),
      { verb: 'describe', action: 'KeyGet', source: 'azure', flags: FLAG.exportable },
      { verb: 'describe', action: 'GetResourcePolicy', flags: FLAG.public },
      { verb: 'policy', action: 'DetachRolePolicy', flags: FLAG.external },
      { verb: 'crypto', action: 'ReEncrypt', flags: FLAG.external, by: { id: 'b', home: '999988887777' } },
      { verb: 'config', action: 'UpdateSecretVersionStage' },
      { flags: FLAG.external, verb: 'write', action: 'PutSecretValue', by: { id: 'b', home: '999988887777' } },
    ];
    for (const over of ordinary) expect(detectorsOf(world().play(family, [over, over]))).toEqual([]);
  });

  it('takes a look into raw storage for done, unless it was refused', () => {
    const look = vault('read sys/raw/core/keyring', { verb: 'read' });
    expect(said(world().observe(family, { ...look, outcome: 'notfound' }), 'P14').floor).toBe(70);
    expect(said(world().observe(family, { ...look, outcome: 'denied' }), 'P14').floor).toBeUndefined();
  });

  it('counts no echo and no challenge', () => {
    const over: EventOver = { verb: 'destroy', flags: FLAG.force };
    expect(world().observe(family, { ...over, flags: FLAG.force | FLAG.echo })).toEqual([]);
    expect(world().observe(family, { ...over, outcome: 'challenge' })).toEqual([]);
  });

  it('takes the floor from keywheel.yaml', () => {
    const mild = world({ detectors: { P8: { floor: 33 } } });
    expect(said(mild.observe(family, { verb: 'backup' }), 'P8').floor).toBe(33);
  });
});

describe('habits', () => {
  const nightly = (over: EventOver, days: number): Finding[][] =>
    world().play(
      family,
      Array.from({ length: days }, (_, at) => event({ ...over, at: MONDAY + at * DAY })),
    );

  it('lets a backup job off after three nights among other work', () => {
    const test = world();
    const day = (at: number): EventOver[] => [
      ...repeated(40, MINUTE, { at }),
      { at: at + HOUR, verb: 'backup', action: 'snapshot' },
    ];
    const findings = [0, 1, 2, 3, 4].map((at) => test.play(family, day(MONDAY + at * DAY)).flat());
    const floors = findings.map((of) => said(of, 'P8').floor);
    expect(floors).toEqual([60, 60, 60, undefined, undefined]);
    expect(said(findings[4], 'P8').bits).toBeLessThanOrEqual(2);
  });

  it('lets a principal that does nothing else off after its first night', () => {
    const test = world();
    const night = (at: number): Finding[] =>
      test.play(family, repeated(3, MINUTE, { at, verb: 'backup', action: 'SecretBackup' })).flat();
    expect(night(MONDAY).every(({ floor }) => floor === 60)).toBe(true);
    expect(night(MONDAY + DAY).every(({ floor }) => floor === undefined)).toBe(true);
  });

  it('learns a habit in quarantine too, since people were told each day', () => {
    const test = world({}, () => true);
    const days = [0, 1, 2, 3].flatMap((at) => [
      ...repeated(40, MINUTE, { at: MONDAY + at * DAY }),
      event({ at: MONDAY + at * DAY + HOUR, flags: FLAG.root }),
    ]);
    const floors = test
      .play(family, days)
      .flat()
      .filter(({ detector }) => detector === 'P2')
      .map(({ floor }) => floor);
    expect(floors).toEqual([80, 80, 80, undefined]);
  });

  it('forgets a habit after a month without', () => {
    const test = world();
    for (let at = 0; at < 4; at += 1)
      test.play(family, [{ at: MONDAY + at * DAY, verb: 'backup' }, ...repeated(30, MINUTE, { at: MONDAY + at * DAY })]);
    expect(said(test.observe(family, { at: MONDAY + 5 * DAY, verb: 'backup' }), 'P8').floor).toBeUndefined();
    expect(said(test.observe(family, { at: MONDAY + 40 * DAY, verb: 'backup' }), 'P8').floor).toBe(60);
  });

  it.each([
    ['P3', 85, { verb: 'policy', flags: FLAG.public } satisfies EventOver],
    ['P2', 80, { verb: 'token', flags: FLAG.makesRoot } satisfies EventOver],
  ] as const)('never lets %s off', (id, floor, over) => {
    for (const findings of nightly(over, 8)) expect(said(findings, id).floor).toBe(floor);
  });

  it('does not depend on the order within ten minutes', () => {
    const midnight = Date.UTC(2026, 5, 3);
    const some = [-4, -2, 3, 5].map((minute) =>
      event({ at: midnight + minute * MINUTE, verb: 'destroy', flags: FLAG.exportable, secret: `s${minute}` }),
    );
    const one = world();
    const other = world();
    one.play(family, some);
    other.play(family, [...some].reverse());
    const kept = (of: typeof one): unknown[] =>
      privilegeSlots.map((slot) => slot.pack(sliceOf(slot.name === 'grants' ? of.tenant : of.profile('principal', 'app'), slot)));
    expect(kept(other)).toEqual(kept(one));
    expect(kept(one)).not.toEqual(kept(world()));
  });
});

describe('P2: root', () => {
  it('is silent for break-glass principals, but not when they make root', () => {
    const test = world({ breakGlass: ['rescue*'] });
    expect(test.observe(family, { by: 'rescue-1', flags: FLAG.root })).toEqual([]);
    expect(said(test.observe(family, { by: 'rescue-1', flags: FLAG.root | FLAG.makesRoot, verb: 'token' }), 'P2').floor).toBe(80);
  });

  it('takes a failed login as root for what the login detectors judge', () => {
    expect(world().observe(family, { by: { id: 'r', kind: 'root' }, verb: 'login', outcome: 'authfail' })).toEqual([]);
  });
});

describe('P3: policies', () => {
  it('does not wonder at an outsider that was let in on an earlier day', () => {
    const test = world();
    const grant: EventOver = { verb: 'policy', flags: FLAG.external, grantee: 'arn:aws:iam::999988887777:root' };
    test.play(family, [grant]);
    expect(test.observe(family, { ...grant, by: 'other', at: MONDAY + DAY })).toEqual([]);
    expect(said(test.observe(family, { ...grant, by: 'other', at: MONDAY + HOUR }), 'P3').floor).toBe(70);
  });

  it('weighs automation a little less, and keeps the floor', () => {
    const over: EventOver = { verb: 'policy', flags: FLAG.broad };
    const person = said(world().observe(family, over), 'P3');
    const robot = said(world().observe(family, { ...over, flags: FLAG.broad | FLAG.automation }), 'P3');
    expect(robot.bits).toBeLessThan(person.bits);
    expect(robot.floor).toBe(70);
  });
});

describe('P9: rotation', () => {
  it('says a failed rotation of the secret, not of who ran it', () => {
    const over: EventOver = { verb: 'config', action: 'RotationFailed', flags: FLAG.system };
    expect(said(world().observe(family, over), 'P9')).toMatchObject({
      entity: 'secret',
      about: 'aws:sm:111122223333:eu-west-1:db',
      bits: 3,
    });
    expect(world().observe(family, over, { own: true })).toEqual([]);
  });
});
