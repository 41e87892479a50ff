/** Nothing that a client hands out, throws or tells shows material, unless it is asked for by name. */
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { findLeaks } from '../e2e/helpers/leaks.ts';
import { CANARY, unavailable, world } from './world.ts';

const NAME = 'app/db';

it('printing, serialising and spreading a secret, the client and its events shows no material', async () => {
  const { client, store, events, timers } = world({ maxAge: 1000 });
  store.put(NAME, 'v1');
  const secret = await client.get(NAME);
  store.put(NAME, 'v2');
  await client.refused(NAME, 'v1');
  store.failure = unavailable();
  await timers.advance(2000);
  const stale = await client.get(NAME);
  const error: unknown = await client.refresh(NAME).catch((thrown: unknown) => thrown);
  store.failure = new Error(CANARY);
  await timers.advance(60_000);
  const strange: unknown = await client.refresh(NAME).catch((thrown: unknown) => thrown);

  const all = [secret, { ...secret }, stale, client, events, error, strange];
  const shown = all.map((each) => inspect(each, { depth: Infinity, showHidden: true, getters: true })).join('\n');

  expect(findLeaks('inspect', shown, [{ label: 'password', material: CANARY }])).toEqual([]);
  expect(findLeaks('JSON', JSON.stringify(all), [{ label: 'password', material: CANARY }])).toEqual([]);
  expect(inspect(secret)).toBe(`{ secret: 'app/db', version: 'v1', age: 0, stale: false }`);
  expect(JSON.stringify(client)).toBe('{"secrets":[{"name":"app/db","version":"v2"}]}');
  expect(secret.value['password']).toBe(`${CANARY}-v1`); // by name it is there
  expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['changed', 'refused', 'failed', 'stale']));
});
