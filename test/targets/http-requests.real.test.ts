/** What the HTTP target sends, and what it makes of answers that no vendor should give. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openGate } from '../../shared/deps.ts';
import type { Stamp } from '../../shared/targets/index.ts';
import { scratch } from '../contract/harness.ts';
import { configFor, openOver } from './http-harness.ts';
import { startVendor, type Vendor } from './http-vendor.ts';

const OPENSSL = 'openssl';
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void) {
  const requests: IncomingMessage[] = [];
  const server = createServer((incoming, outgoing) => {
    requests.push(incoming);
    answer(incoming, outgoing);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const stamp = (fence = 1, rotationId = 'r1'): Stamp => ({ installation: 'here', secret: 'app/key', rotationId, fence });
const json = (outgoing: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void => {
  outgoing.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};

/** A SendGrid that answers as told. */
async function over(answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void, change: Record<string, unknown> = {}) {
  const server = await serve(answer);
  const config = await configFor('sendgrid', server.url, change);
  return { ...server, config, target: await openOver(config, { admin: 'SG.admin.token' }, openGate()) };
}

const VALUE = { apiKey: 'key-material', keyId: 'k1' };

describe('probe', () => {
  it.each([
    [200, 'accepted'],
    [401, 'refused'],
    [403, 'forbidden'],
    [429, 'throttled'],
    [204, 'unreachable'],
    [302, 'unreachable'],
    [400, 'unreachable'],
    [404, 'unreachable'],
    [410, 'unreachable'],
    [500, 'unreachable'],
    [503, 'unreachable'],
  ])('takes status %i for %s', async (status, outcome) => {
    const { target } = await over((_, outgoing) => json(outgoing, status, {}));
    const [endpoint = ''] = target.endpoints;
    expect(await target.probe(VALUE, endpoint)).toMatchObject({
      outcome,
      endpoint,
      detail: expect.stringContaining(String(status)),
    });
  });

  it('takes no answer, a broken one and nobody there for unreachable', async () => {
    const silent = await over(() => {}, { timeout: '200ms' });
    const [endpoint = ''] = silent.target.endpoints;
    expect(await silent.target.probe(VALUE, endpoint)).toMatchObject({ outcome: 'unreachable', detail: 'no answer in time' });
    const broken = await over((incoming) => void incoming.socket.end('nonsense\r\n\r\n'));
    expect(await broken.target.probe(VALUE, broken.target.endpoints[0] ?? '')).toMatchObject({ outcome: 'unreachable' });
    const config = await configFor('sendgrid', 'http://127.0.0.1:1');
    const nobody = await openOver(config, { admin: '' }, openGate());
    expect(await nobody.probe(VALUE, '127.0.0.1:1')).toMatchObject({
      outcome: 'unreachable',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('takes a server without TLS for a failure of TLS', async () => {
    const { url } = await serve((_, outgoing) => json(outgoing, 200, {}));
    const config = await configFor('sendgrid', url.replace('http:', 'https:'));
    const target = await openOver(config, { admin: '' }, openGate());
    expect(await target.probe(VALUE, target.endpoints[0] ?? '')).toMatchObject({ outcome: 'tls' });
  });

  it('sends the key and nothing of the admin’s', async () => {
    const { target, requests } = await over((_, outgoing) => json(outgoing, 200, {}));
    await target.probe(VALUE, target.endpoints[0] ?? '');
    expect(requests).toHaveLength(1);
    expect(requests[0]?.headers).toMatchObject({ authorization: 'Bearer key-material', 'user-agent': 'keywheel' });
    expect(requests[0]?.rawHeaders.join('\n')).not.toContain('SG.admin.token');
  });

  it('sends nothing when the key cannot stand in a header, and does not repeat it', async () => {
    const { target, requests } = await over((_, outgoing) => json(outgoing, 200, {}));
    const probing = target.probe({ ...VALUE, apiKey: 'two\r\nX-Evil: lines' }, target.endpoints[0] ?? '');
    await expect(probing).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: expect.not.stringContaining('Evil'),
      subject: 'Authorization',
    });
    expect(requests).toEqual([]);
  });
});

describe('the body of an accepted answer', () => {
  const body = { at: '/state', accepted: ['active'], refused: ['disabled'] };
  it.each([
    [{ state: 'active', id: 'k1' }, 'accepted'],
    [{ state: 'disabled', id: 'k1' }, 'refused'],
    [{ state: 'new-word', id: 'k1' }, 'unreachable'],
    [{}, 'unreachable'],
    [[], 'unreachable'],
    [{ state: 'active', id: 'k2' }, 'forbidden'],
  ])('%j means %s', async (answer, outcome) => {
    const verify = { path: '/v3/scopes', headers: { Authorization: 'Bearer {{value.apiKey}}' }, body, id: '/id' };
    const { target } = await over((_, outgoing) => json(outgoing, 200, answer), { verify });
    expect(await target.probe(VALUE, target.endpoints[0] ?? '')).toMatchObject({ outcome });
  });
});

describe('the list', () => {
  const key = (id: string, name = '') => ({ api_key_id: id, name });
  const list = { path: '/v3/api_keys', items: '/result', id: '/api_key_id', name: '/name' };

  it.each([
    ['no JSON', (out: ServerResponse) => out.writeHead(200).end('<html>'), 'no array of keys'],
    ['no array', (out: ServerResponse) => json(out, 200, { result: {} }), 'no array of keys'],
    ['an item without an id', (out: ServerResponse) => json(out, 200, { result: [{ name: 'x' }] }), 'a key without an id'],
    ['more than a mebibyte', (out: ServerResponse) => json(out, 200, { result: ['x'.repeat(2 ** 20)] }), 'longer than 1 MiB'],
    ['a redirect', (out: ServerResponse) => json(out, 302, {}, { location: '/elsewhere' }), 'status 302'],
  ])('is an error and never empty when the answer is %s', async (_, answer, message) => {
    const { target, requests } = await over((_incoming, outgoing) => {
      answer(outgoing);
    });
    await expect(target.find('r1')).rejects.toMatchObject({
      code: 'ERR_TARGET_FAILED',
      message: expect.stringContaining(message),
    });
    expect(requests.map((each) => each.url)).toEqual(['/v3/api_keys']);
  });

  it.each([
    [401, 'ERR_TARGET_REFUSED', false],
    [403, 'ERR_TARGET_FORBIDDEN', false],
    [429, 'ERR_TARGET_THROTTLED', true],
    [500, 'ERR_TARGET_UNREACHABLE', true],
    [404, 'ERR_TARGET_FAILED', false],
  ])('tells status %i by its code', async (status, code, retryable) => {
    const { target } = await over((_, outgoing) => json(outgoing, status, { error: 'echo of SG.admin.token' }));
    const finding = target.find('r1');
    await expect(finding).rejects.toMatchObject({ code, retryable, message: expect.stringContaining(String(status)) });
    await expect(finding).rejects.toMatchObject({ message: expect.not.stringContaining('SG.admin') });
  });

  const marked = (id: string, fence = 1) => key(id, `keywheel-00000000-00000000-r1-${fence}`);

  it.each([
    [
      'a token',
      { token: '/next', query: 'after' },
      (url: URL) => (url.searchParams.get('after') === 'b' ? { result: [marked('2')] } : { result: [marked('1')], next: 'b' }),
    ],
    [
      'an address',
      { url: '/next' },
      (url: URL) =>
        url.searchParams.get('p') === '2'
          ? { result: [marked('2')], next: null }
          : { result: [marked('1')], next: '/v3/api_keys?p=2' },
    ],
    [
      'a number',
      { page: 'p', from: 0 },
      (url: URL) => ({ result: [[marked('1')], [marked('2')], []][Number(url.searchParams.get('p'))] }),
    ],
  ])('goes on by %s until its end', async (_, paging, body) => {
    const { target } = await over((incoming, outgoing) => json(outgoing, 200, body(new URL(incoming.url ?? '', 'http://x'))), {
      list: { ...list, paging },
    });
    expect((await target.find('r1')).map((each) => each.key)).toEqual(['1', '2']);
  });

  it('does not follow a next page to another address, so the token stays where it belongs', async () => {
    const other = await serve((_, outgoing) => json(outgoing, 200, { result: [] }));
    const answer = { result: [], next: `${other.url}/v3/api_keys` };
    const { target } = await over((_, outgoing) => json(outgoing, 200, answer), { list: { ...list, paging: { url: '/next' } } });
    await expect(target.find('r1')).rejects.toMatchObject({
      code: 'ERR_TARGET_FAILED',
      message: expect.stringContaining('elsewhere'),
    });
    expect(other.requests).toEqual([]);
  });

  it('does not go in circles', async () => {
    const answer = { result: [], next: '/v3/api_keys' };
    const { target } = await over((_, outgoing) => json(outgoing, 200, answer), { list: { ...list, paging: { url: '/next' } } });
    await expect(target.find('r1')).rejects.toMatchObject({
      code: 'ERR_TARGET_FAILED',
      message: expect.stringContaining('does not end'),
    });
  });

  it.each([
    ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
    [1_767_323_045, 1_767_323_045_000],
    [1_767_323_045_123, 1_767_323_045_123],
    ['2026-01-02', Date.UTC(2026, 0, 3) - 1],
    [null, undefined],
    ['', undefined],
  ])('reads %j as a last use at %s', async (used, at) => {
    const answer = { result: [{ ...key('k1'), used }] };
    const { target } = await over((_, outgoing) => json(outgoing, 200, answer), { list: { ...list, lastUsed: '/used' } });
    expect((await target.lastUsed?.('sendgrid/main', { slot: 'sendgrid/main', key: 'k1' }))?.lastUsedAt).toBe(at);
  });

  it('throws where a last use is no time, because that is no evidence of disuse', async () => {
    const answer = { result: [{ ...key('k1'), used: 'yesterday-ish' }] };
    const { target } = await over((_, outgoing) => json(outgoing, 200, answer), { list: { ...list, lastUsed: '/used' } });
    await expect(target.lastUsed?.('sendgrid/main')).rejects.toMatchObject({
      code: 'ERR_TARGET_FAILED',
      message: expect.stringContaining('no time'),
    });
  });
});

describe('mint', () => {
  let vendor: Vendor;
  const open = async (change: Record<string, unknown> = {}) => {
    vendor = await startVendor('sendgrid');
    closing.push(() => vendor.close());
    const adopted = vendor.valueOf(vendor.createByHand('made by hand'));
    const config = await configFor('sendgrid', vendor.url, change);
    return { adopted, target: await openOver(config, vendor, openGate()) };
  };
  const live = () => vendor.keys.filter((each) => each.live);

  it('revokes its own key when a later worker made one meanwhile', async () => {
    const { adopted, target } = await open();
    const later = await target.mint('sendgrid/main', 'r2', adopted, stamp(7, 'r2'));
    // What the paused worker saw before it slept: only the key made by hand.
    vendor.interfere(({ method, path }) => method === 'GET' && path === '/v3/api_keys', {
      status: 200,
      body: { result: [{ api_key_id: adopted['keyId'], name: 'made by hand' }] },
    });
    const minting = target.mint('sendgrid/main', 'r1', adopted, stamp(6));
    await expect(minting).rejects.toMatchObject({ code: 'ERR_FENCE_STALE', message: expect.stringContaining('fence 7, ours 6') });
    expect(live().map((each) => each.id)).toEqual([adopted['keyId'], later.id.key]);
  });

  it('revokes a key again whose name the vendor changed', async () => {
    const { adopted, target } = await open({
      list: { path: '/v3/api_keys', items: '/result', id: '/api_key_id', name: '/api_key_id' },
    });
    await expect(target.mint('sendgrid/main', 'r1', adopted, stamp())).rejects.toMatchObject({
      code: 'ERR_TARGET_FAILED',
      message: expect.stringContaining('keeps another name'),
    });
    expect(live().map((each) => each.id)).toEqual([adopted['keyId']]);
  });

  it('warns of keys that were left over', async () => {
    const { adopted, target } = await open();
    const one = await target.mint('sendgrid/main', 'r1', adopted, stamp());
    const two = await target.mint('sendgrid/main', 'r2', adopted, stamp(2, 'r2'));
    const [finding] = await target.preflight('sendgrid/main', 'sendgrid/main', stamp(3, 'r3'));
    expect(finding).toMatchObject({ code: 'keys-left', level: 'warning', message: expect.stringContaining(one.id.key) });
    expect(finding?.message).toContain(two.id.key);
  });

  it('puts an id into a path as one segment, whatever is in it', async () => {
    const { target } = await open();
    const before = vendor.requests.length;
    await target.retire({ slot: 'sendgrid/main', key: '../../v3/scopes?x=#y' }, stamp(), 'accepted');
    expect(vendor.requests.slice(before)).toEqual(['GET /v3/api_keys', 'DELETE /v3/api_keys/..%2F..%2Fv3%2Fscopes%3Fx%3D%23y']);
    await expect(target.retire({ slot: 'sendgrid/main', key: '..' }, stamp(), 'accepted')).rejects.toMatchObject({
      code: 'ERR_SECRET_INVALID',
      message: expect.stringContaining('a part of a path'),
    });
  });
});

describe('TLS', () => {
  /** A server with a certificate for `name` that nobody but `ca` vouches for. */
  async function secure(name: string) {
    const folder = scratch();
    closing.push(async () => folder.remove());
    const [key, ca] = [path.join(folder.path, 'key.pem'), path.join(folder.path, 'ca.pem')];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const what = ['-subj', '/CN=keywheel test vendor', '-addext', `subjectAltName=${name}`, '-days', '2'];
    execFileSync(OPENSSL, ['req', '-x509', ...curve, '-keyout', key, '-out', ca, ...what], { stdio: 'pipe' });
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(ca) }, (_, outgoing) => json(outgoing, 200, {}));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => void server.close(() => resolve())));
    return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, ca, folder: folder.path };
  }
  const probe = async (url: string, change: Record<string, unknown> = {}, ca?: string) => {
    const config = await configFor('sendgrid', url, change);
    const target = await openOver(ca === undefined ? config : { ...config, ca }, { admin: '' }, openGate());
    return target.probe(VALUE, target.endpoints[0] ?? '');
  };

  it('trusts the configured authority, and only for the name in the certificate', async () => {
    const right = await secure('IP:127.0.0.1');
    expect(await probe(right.url, {}, right.ca)).toMatchObject({ outcome: 'accepted' });
    expect(await probe(right.url)).toMatchObject({
      outcome: 'tls',
      detail: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED_CERT'),
    });
    const wrong = await secure('DNS:other.example.com');
    expect(await probe(wrong.url, {}, wrong.ca)).toMatchObject({
      outcome: 'tls',
      detail: expect.stringContaining('for another name'),
    });
  });

  it('is checked whatever the environment says', async () => {
    const server = await secure('IP:127.0.0.1');
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    try {
      expect(await probe(server.url)).toMatchObject({ outcome: 'tls' });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('names a file that holds no certificate', async () => {
    const server = await secure('IP:127.0.0.1');
    const empty = path.join(server.folder, 'empty.pem');
    writeFileSync(empty, 'nothing');
    for (const [file, why] of [
      [empty, 'holds no PEM certificate'],
      [`${empty}.not`, 'cannot be read (ENOENT)'],
    ] as const) {
      await expect(probe(server.url, {}, file)).rejects.toMatchObject({
        code: 'ERR_CONFIG_INVALID',
        message: expect.stringContaining(why),
      });
    }
  });
});
