import { describe, expect, it } from 'vitest';
import { detectorsOf, found, repeated, world, type EventOver } from '../../../test/audit/scenes.ts';
import { FLAG } from '../event.ts';
import { decoyFamily as family, isOneEdit } from './decoy.ts';
import { privilegeFamily } from './privilege.ts';

const trap = () => world({ canaries: ['prod/decoys/root-db', 'aws:sm:*:bait-*'] });

describe('D1: a canary is touched', () => {
  it.each<[string, EventOver]>([
    ['read', {}],
    ['denied', { outcome: 'denied' }],
    ['described', { verb: 'describe', action: 'DescribeSecret' }],
    ['listed by name', { verb: 'list', action: 'list secret/metadata/prod/decoys/root-db', source: 'vault' }],
    ['deleted', { verb: 'delete' }],
    ['read in a batch', { flags: FLAG.batch, secret: ['db', 'prod/decoys/root-db'] }],
  ])('says so when it is %s', (_how, over) => {
    const one = found(trap().observe(family, { secret: 'prod/decoys/root-db', ...over }), 'D1');
    expect(one).toMatchObject({
      floor: 95,
      bits: 16,
      entity: 'principal',
      about: 'aws:sm:111122223333:eu-west-1:prod/decoys/root-db',
    });
  });

  it('knows canaries by their keys too', () => {
    expect(detectorsOf(trap().observe(family, { secret: 'bait-7' }))).toEqual(['D1']);
  });

  it.each(['kv/prod/bait', 'kv/data/prod/bait', 'prod/bait', 'vault:ns/kv:prod/bait'])(
    'knows %s in a key-value store of Vault',
    (canary) => {
      const secret = [{ key: 'vault:ns/kv:prod/bait', name: 'kv/prod/bait' }];
      const over: EventOver = { source: 'vault', action: 'read kv/metadata/prod/bait', verb: 'describe', secret };
      expect(detectorsOf(world({ canaries: [canary] }).observe(family, over))).toEqual(['D1']);
    },
  );

  it('goes on saying so, and learns nothing', () => {
    const test = trap();
    const said = test.play(family, repeated(20, 86_400_000, { secret: 'bait-7' }));
    expect(said.every(([one]) => one?.floor === 95)).toBe(true);
    expect(test.profile('principal', 'app').slices).toEqual([]);
  });

  it.each<[string, EventOver, { own: boolean; kind?: 'service' }]>([
    ['who is ours', {}, { own: true }],
    ['a list by path', { flags: FLAG.byPath, verb: 'read' }, { own: false }],
    ["a store's echo of another event", { flags: FLAG.echo }, { own: false }],
    ["the cloud's own inventory", { verb: 'describe' }, { own: false, kind: 'service' }],
    ['another secret', { secret: 'prod/decoys' }, { own: false }],
  ])('is silent for %s', (_what, over, also) => {
    expect(trap().observe(family, { secret: 'prod/decoys/root-db', ...over }, also)).toEqual([]);
  });

  it('is silent where it is switched off or there are no canaries', () => {
    const off = world({ canaries: ['db'], detectors: { D1: { enabled: false } } });
    expect(off.observe(family, {})).toEqual([]);
    expect(world().observe(family, {})).toEqual([]);
  });
});

describe('D2: a canary is guessed', () => {
  it('says a name that is one letter away and not there', () => {
    const one = found(trap().observe(family, { secret: 'prod/decoys/rootdb', outcome: 'notfound' }), 'D2');
    expect(one).toMatchObject({ floor: 80, bits: 12 });
  });

  it('says another name of its folder with bits only', () => {
    const one = found(trap().observe(family, { secret: 'prod/decoys/admin', outcome: 'denied' }), 'D2');
    expect(one?.bits).toBe(6);
    expect(one?.floor).toBeUndefined();
  });

  it.each<[string, EventOver]>([
    ['what is read with success', { secret: 'prod/decoys/rootdb' }],
    ['a name that is far away', { secret: 'prod/web', outcome: 'notfound' }],
    ['the folder that everybody uses', { secret: 'prod/typo', outcome: 'notfound' }],
  ])('is silent for %s', (_what, over) => {
    expect(trap().observe(family, over)).toEqual([]);
  });

  it('does not take a secret that others read for a guess', () => {
    const test = trap();
    test.play(privilegeFamily, repeated(3, 1000, { secret: 'prod/decoys/rootdb' }));
    expect(test.observe(family, { secret: 'prod/decoys/rootdb', outcome: 'denied', by: 'other' })).toEqual([]);
  });
});

describe('isOneEdit', () => {
  it.each([
    ['abcdef', 'abcde', true],
    ['abcdef', 'abcdefg', true],
    ['abcdef', 'xabcdef', true],
    ['abcdef', 'abcxef', true],
    ['abcdef', 'abdcef', true],
    ['abcdef', 'abcdef', false],
    ['abcdef', 'abxxef', false],
    ['abcdef', 'bacdfe', false],
    ['abcdef', 'abcdefgh', false],
    ['abc*ef', 'abcxef', false],
    ['a'.repeat(300), 'a'.repeat(301), false],
  ])('%s, %s: %s', (canary, name, expected) => {
    expect(isOneEdit(canary, name)).toBe(expected);
    if (!canary.includes('*')) expect(isOneEdit(name, canary)).toBe(expected);
  });
});
