/** Manual invocation by HTTP: who may, what is answered, and what nobody can forge. The rotation itself is real. */
import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../shared/config/index.ts';
import { manual, type Host } from '../../shared/drivers/index.ts';
import type { ManualRequest } from '../../shared/drivers/manual.ts';
import { systemDeps } from '../../shared/engine/index.ts';
import { prepareRoom, type Room } from '../e2e/helpers/room.ts';
import { SUBJECT, startIssuer, type Issuer } from '../helpers/issuer.ts';
import { startPostgres, type Postgres } from '../helpers/postgres.ts';

let server: Postgres;
let issuer: Issuer;
let room: Room;
let host: Host;
const logged: string[] = [];

beforeAll(async () => {
  [server, issuer] = await Promise.all([startPostgres(), startIssuer()]);
  room = await prepareRoom(server, { secrets: ['app/db'], put: 'port' });
});
afterAll(async () => {
  await room.close();
  issuer.close();
  await server.stop();
});
beforeEach(async () => {
  await room.configure((config) => {
    config['manual'] = issuer.manual;
  });
  const write = (message: string, fields: object): void => void logged.push(JSON.stringify({ message, ...fields }));
  host = {
    config: await loadConfig(room.file('keywheel.yaml')),
    env: room.env,
    deps: systemDeps,
    log: { info: write, warn: write, error: write },
    measure: () => undefined,
    signal: new AbortController().signal,
  };
});

const JSON_TYPE = 'application/json';
const request = (body: unknown, over: Partial<ManualRequest> = {}): ManualRequest => ({
  method: 'POST',
  authorization: undefined,
  contentType: JSON_TYPE,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  ...over,
});
async function ask(body: unknown, over: Partial<ManualRequest> = {}): Promise<{ status: number; json: Record<string, unknown> }> {
  const authorization = 'authorization' in over ? over.authorization : `Bearer ${await issuer.token()}`;
  const { status, body: text } = await manual(request(body, { ...over, authorization }), host);
  return { status, json: JSON.parse(text) as Record<string, unknown> };
}

async function journal(): Promise<unknown> {
  const state = await room.openState();
  try {
    return await state.get('rotation/app/db');
  } finally {
    await state.close();
  }
}

describe('the manual trigger', () => {
  it('rehearses and then rotates for a pinned subject, with the terminal’s own reply', async () => {
    const dry = await ask({ names: ['app/db'], dryRun: true });
    const done = await ask({ names: ['app/db'], reason: 'left the team' });
    const terminal = JSON.parse((await room.run(['rotate', 'app/db', '--resume', '--json'])).stdout) as { results: object[] };

    expect(dry).toMatchObject({
      status: 200,
      json: { schemaVersion: 1, dryRun: true, rehearsals: [{ secret: 'app/db', status: 'closed' }] },
    });
    expect(done).toMatchObject({
      status: 200,
      json: { schemaVersion: 1, exitCode: 0, results: [{ secret: 'app/db', status: 'closed' }] },
    });
    const [result] = done.json['results'] as [{ rotation: { reason: string; outcome: string } }];
    expect(result.rotation).toMatchObject({ reason: `left the team (${SUBJECT})`, outcome: 'rotated' });
    expect(Object.keys(terminal.results[0] ?? {})).toEqual(expect.arrayContaining(['secret', 'status']));
    expect(await room.login('app/db', await room.get('app/db'))).toBe('ok');
  });

  it('takes an address that the issuer verified, and a caller whom the platform authenticated', async () => {
    const email = await issuer.token({ sub: 'somebody', email: 'person@example.com', email_verified: true });

    const byEmail = await ask({ due: true }, { authorization: `Bearer ${email}` });
    const byPlatform = await ask(
      { due: true },
      { authorization: undefined, caller: { subject: 'arn:aws:iam::111122223333:user/op' } },
    );

    expect([byEmail.status, byPlatform.status]).toEqual([200, 200]);
  });

  it.each<[string, () => Promise<string | undefined>, number, string, RegExp]>([
    ['nobody', async () => undefined, 401, 'ERR_REQUEST_UNAUTHENTICATED', /no bearer token/],
    [
      'a token of another key',
      async () => `Bearer ${await issuer.foreign()}`,
      401,
      'ERR_REQUEST_UNAUTHENTICATED',
      /not signed by the pinned issuer/,
    ],
    [
      'another issuer',
      async () => `Bearer ${await issuer.token({ iss: 'https://evil.example.com' })}`,
      401,
      'ERR_REQUEST_UNAUTHENTICATED',
      /claim iss/,
    ],
    [
      'another audience',
      async () => `Bearer ${await issuer.token({ aud: 'other' })}`,
      401,
      'ERR_REQUEST_UNAUTHENTICATED',
      /claim aud/,
    ],
    [
      'an expired token',
      async () => `Bearer ${await issuer.token({}, Date.now() - 3_600_000)}`,
      401,
      'ERR_REQUEST_UNAUTHENTICATED',
      /expired/,
    ],
    [
      'a token for ever',
      async () => `Bearer ${await issuer.token({ exp: undefined } as never)}`,
      401,
      'ERR_REQUEST_UNAUTHENTICATED',
      /claim exp/,
    ],
    ['an unsigned token', async () => `Bearer ${unsigned()}`, 401, 'ERR_REQUEST_UNAUTHENTICATED', /cannot be read|not signed/],
    ['a token signed with a shared secret', hmac, 401, 'ERR_REQUEST_UNAUTHENTICATED', /cannot be read|not signed/],
    [
      'another subject',
      async () => `Bearer ${await issuer.token({ sub: 'stranger' })}`,
      403,
      'ERR_REQUEST_FORBIDDEN',
      /subject may not ask/,
    ],
    [
      'an address that nobody verified',
      async () => `Bearer ${await issuer.token({ sub: 'x', email: 'person@example.com', email_verified: false })}`,
      403,
      'ERR_REQUEST_FORBIDDEN',
      /subject may not ask/,
    ],
  ])('refuses %s, says nothing of the secret, and does nothing', async (_who, token, status, code, message) => {
    const authorization = await token();
    const before = await journal();

    const answer = await ask({ names: ['app/db', 'no such'], nonsense: 1 }, { authorization });

    expect(answer).toMatchObject({
      status,
      json: { error: { code, message: expect.stringMatching(message), hint: expect.any(String) } },
    });
    expect(JSON.stringify(answer.json)).not.toMatch(/app\/db|nonsense/);
    if (authorization !== undefined) expect(logged.join('\n')).not.toContain(authorization.slice(-40));
    expect(await journal()).toEqual(before);
  });

  it.each<[string, unknown, Partial<ManualRequest>, number, RegExp]>([
    ['no body', '', {}, 400, /no body/],
    ['no JSON', 'names=app', {}, 400, /no JSON object/],
    ['a form', 'names=app', { contentType: 'application/x-www-form-urlencoded' }, 400, /not JSON/],
    ['an unknown key', { name: ['app/db'] }, {}, 400, /unknown key "name", did you mean "names"/],
    ['an unknown secret', { names: ['app/dbs'] }, {}, 400, /no secret "app\/dbs"/],
    ['nothing asked for', {}, {}, 400, /no secret is named/],
    ['two modes', { due: true, resume: true }, {}, 400, /cannot be given together/],
    ['a word for a flag', { due: 'yes' }, {}, 400, /due must be true or false/],
    ['too much', { names: ['x'.repeat(17_000)] }, {}, 400, /larger than 16384 bytes/],
    ['another method', { due: true }, { method: 'GET' }, 405, /only POST/],
  ])('refuses %s with one clear message', async (_what, body, over, status, message) => {
    const answer = await ask(body, over);

    expect(answer).toMatchObject({
      status,
      json: { error: { code: 'ERR_USAGE', message: expect.stringMatching(message) }, exitCode: 2 },
    });
  });

  it('says that the keys cannot be read when the issuer is down, and lets nobody in', async () => {
    const down = { ...issuer.manual, jwksUri: 'http://127.0.0.1:9/keys' };
    host = { ...host, config: { ...host.config, manual: down } };

    const answer = await ask({ due: true });

    expect(answer).toMatchObject({
      status: 503,
      json: { error: { code: 'ERR_TARGET_UNREACHABLE', message: expect.stringMatching(/keys of the token issuer/) } },
    });
  });
});

function unsigned(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ iss: issuer.manual.issuer, aud: 'keywheel', sub: SUBJECT, exp: 9_999_999_999 })}.`;
}

/** The classic confusion: the issuer's public key as an HMAC secret. */
async function hmac(): Promise<string> {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = publicKey.export({ format: 'der', type: 'spki' });
  const { issuer: iss, audience: aud } = issuer.manual;
  return `Bearer ${await new SignJWT({ iss, aud, sub: SUBJECT, exp: 9_999_999_999 }).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(key)}`;
}
