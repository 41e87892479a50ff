/** The fetch hook against a small HTTP server that checks its tokens. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { secretFetch, type SecretFetchOptions } from '../../shared/client/index.ts';
import { leakForms } from '../contract/harness.ts';
import { CANARY, world } from './world.ts';

const NAME = 'vendor/api';
let server: Server;
let origin: string;
let accepted: string;
let requests: { header: string; body: string }[];
let redirect: string | undefined;

const bodyOf = async (request: IncomingMessage): Promise<string> => (await request.setEncoding('utf8').toArray()).join('');

beforeEach(async () => {
  requests = [];
  redirect = undefined;
  accepted = `Bearer ${CANARY}-1`;
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const header = String(request.headers.authorization ?? request.headers['x-api-key']);
      requests.push({ header, body });
      if (redirect !== undefined) response.writeHead(302, { location: redirect }).end();
      else response.writeHead(header === accepted ? 200 : 401).end(`answer to ${body}`);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => void server.close());

function api(options: Partial<SecretFetchOptions> = {}) {
  const made = world();
  made.store.put(NAME, 'v1', { token: `${CANARY}-1` });
  return { ...made, call: secretFetch(made.client, NAME, { origin, ...options }) };
}

describe('a fetch with a secret', () => {
  it('sends it as the header, from the cache', async () => {
    const { call, store } = api();

    const answers = [await call(`${origin}/one`), await call(new URL('/two', origin))];

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(requests.map(({ header }) => header)).toEqual([accepted, accepted]);
    expect(store.reads).toHaveLength(1);
  });

  it.each([
    ['nothing', undefined],
    ['text', 'a body'],
    ['bytes', new TextEncoder().encode('a body')],
    ['a form', new URLSearchParams({ a: 'body' })],
    ['a blob', new Blob(['a body'])],
  ])('at 401 sends %s again once with the refreshed token', async (_kind, body) => {
    const { call, store } = api();
    await call(origin);
    store.put(NAME, 'v2', { token: `${CANARY}-2` });
    accepted = `Bearer ${CANARY}-2`;

    const answer = await call(origin, { method: 'POST', ...(body === undefined ? {} : { body }) });

    expect(answer.status).toBe(200);
    expect(requests).toHaveLength(3);
    expect(requests[2]?.body).toBe(requests[1]?.body);
    expect(await answer.text()).toBe(`answer to ${requests[1]?.body}`);
  });

  it.each(['a stream', 'a Request with a body'])(
    'does not send %s again: the 401 is the answer, and the next request succeeds',
    async (kind) => {
      const { call, store } = api();
      await call(origin);
      store.put(NAME, 'v2', { token: `${CANARY}-2` });
      accepted = `Bearer ${CANARY}-2`;
      const stream = new Blob(['streamed']).stream();

      const answer =
        kind === 'a stream'
          ? await call(origin, { method: 'POST', body: stream, duplex: 'half' } as RequestInit)
          : await call(new Request(origin, { method: 'POST', body: 'streamed' }));
      const next = await call(origin);

      expect([answer.status, next.status]).toEqual([401, 200]);
      expect(requests.map(({ body }) => body)).toEqual(['', 'streamed', '']);
    },
  );

  it('a token that stays refused gives the 401, and does not storm the store', async () => {
    const { call, store } = api();
    accepted = 'another';

    for (let n = 0; n < 50; n += 1) expect((await call(origin)).status).toBe(401);

    expect(requests).toHaveLength(50);
    expect(store.reads).toHaveLength(2);
  });

  it('is sent to its origin only: not to another, and not where a redirect points', async () => {
    const { call } = api({ header: 'x-api-key', content: ({ token }) => String(token) });
    redirect = `${origin}/elsewhere`;

    await expect(call('http://127.0.0.1:1/')).rejects.toMatchObject({
      code: 'ERR_USAGE',
      message: `secret vendor/api was not sent to http://127.0.0.1:1, because it is for ${origin} only`,
    });
    await expect(call(origin)).rejects.toThrow(TypeError);
    expect((await call(origin, { redirect: 'manual' })).status).toBe(302);
    expect(requests).toHaveLength(2);
  });

  it('that cannot be a header is refused without being shown', async () => {
    const { call, store, client } = api();
    store.put(NAME, 'v2', { token: `${CANARY}\nx: y` });
    await client.refresh(NAME);

    const error: unknown = await call(origin).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: 'secret vendor/api cannot be sent as a header, because of a character in it',
    });
    const shown = inspect([error, call], { depth: Infinity, showHidden: true });
    for (const form of leakForms(CANARY)) expect(shown).not.toContain(form);
  });
});
