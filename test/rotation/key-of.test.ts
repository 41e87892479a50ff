/** Pinned: a provider's credential is known by the id that its target reads from a value, also from one that a person wrote without our `keyId`. */
import { expect, it } from 'vitest';
import {
  advance,
  DEFAULT_POLICY,
  enginePorts,
  factsOf,
  interpret,
  type OpenPorts,
  type RotationPolicy,
} from '../../shared/rotation/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { FakeKeyTarget } from '../fakes/key-target.ts';
import { FakeState } from '../fakes/state.ts';
import { FakeStore } from '../fakes/store.ts';

const SECRET = 'app/key';

/** The fake's keys as a vendor would write them: the id has a name of its own. */
const outer = ({ keyId, ...rest }: SecretValue): SecretValue => (keyId === undefined ? rest : { ...rest, accessKeyId: keyId });
const inner = ({ accessKeyId, ...rest }: SecretValue): SecretValue => ({ ...rest, keyId: accessKeyId ?? '' });

function world() {
  let time = Date.UTC(2026, 0, 1);
  const clock = { now: () => time };
  const keys = new FakeKeyTarget(clock.now, 'app');
  const store = new FakeStore(clock.now);
  const state = new FakeState(clock.now);
  const target = {
    kind: keys.kind,
    description: keys.description,
    slots: keys.slots,
    endpoints: keys.endpoints,
    capability: keys.capability,
    slotOf: (value: SecretValue) => keys.slotOf(value),
    keyOf: (value: SecretValue) => (typeof value['accessKeyId'] === 'string' ? value['accessKeyId'] : undefined),
    preflight: keys.preflight.bind(keys),
    mint: (...[slot, marker, current, stamp]: Parameters<FakeKeyTarget['mint']>) => {
      const { id, value } = keys.mint(slot, marker, inner(current), stamp);
      return { id, value: outer(value) };
    },
    find: keys.find.bind(keys),
    probe: (value: SecretValue, endpoint: string) => keys.probe(inner(value), endpoint),
    compare: keys.compare.bind(keys),
    fence: keys.fence.bind(keys),
    retire: keys.retire.bind(keys),
    lastUsed: keys.lastUsed.bind(keys),
  };
  const open = { store, state, target } as unknown as OpenPorts;
  const random = { bytes: (length: number) => new Uint8Array(length), uniform: () => 0.5 };
  const policy: RotationPolicy = { ...DEFAULT_POLICY, strategy: 'overlap', grace: 1000, maxCacheAge: 1000, quiet: 1, samples: 1 };
  const first = outer(keys.createByHand());
  store.put(SECRET, first);
  return {
    keys,
    store,
    first,
    run: async () => {
      const result = await interpret(
        advance(
          { secret: SECRET, policy, facts: factsOf(open.target), holder: 'w1' },
          { start: true, reason: 'test', resume: false },
        ),
        enginePorts(open, clock, random),
        { timeout: 1000 },
      );
      time = Math.max(time, result.resumeAt ?? time);
      return result;
    },
    ids: () => keys.credentials().map((each) => each.split('=')[0]),
  };
}

it('records the id of a key that was found in place, and ends that very key', async () => {
  const { run, first, ids, store } = world();
  const begun = await run();
  expect(begun).toMatchObject({ status: 'waiting', rotation: { phase: 'grace', from: { id: { key: first['accessKeyId'] } } } });
  let result = begun;
  for (let turns = 0; result.status === 'waiting' && turns < 20; turns += 1) result = await run();
  expect(result).toMatchObject({ status: 'closed', rotation: { outcome: 'rotated' } });
  expect(ids()).toEqual([store.read(SECRET, 'current')?.value['accessKeyId']]);
});

it('does not end the old key when a person makes it current again in other words', async () => {
  const { run, first, ids, store } = world();
  await run();
  store.put(SECRET, { ...first, note: 'rolled back by hand' });
  let result = await run();
  for (let turns = 0; result.status === 'waiting' && turns < 20; turns += 1) result = await run();
  expect(result).toMatchObject({ status: 'held', rotation: { hold: { code: 'edited-back' } } });
  expect(ids()).toContain(first['accessKeyId']);
});
