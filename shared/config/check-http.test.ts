import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTemplate, templateProblem } from './http-template.ts';
import { loadConfig } from './index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'keywheel-http-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Draft {
  [key: string]: any; // eslint-disable-line typescript/no-explicit-any -- drafts are broken on purpose
}

const good = (): Draft => ({
  kind: 'http',
  baseUrl: 'https://api.example.com/v1',
  principal: 'example/main',
  admin: { passwordEnv: 'ADMIN_TOKEN' },
  headers: { Authorization: 'Bearer {{admin.token}}' },
  create: { path: '/keys', json: { name: '{{marker}}' }, id: '/id', value: { apiKey: '/secret' } },
  verify: { path: '/me', headers: { Authorization: 'Bearer {{value.apiKey}}' } },
  list: { path: '/keys', items: '/keys', id: '/id', name: '/name' },
  revoke: { path: '/keys/{{id}}' },
});

async function load(target: Draft, secret: Draft = {}, others: Draft = {}) {
  const file = path.join(folder, 'keywheel.yaml');
  const secrets = { 'app/key': { store: 'main', strategy: 'overlap', target, ...secret }, ...others };
  const config = {
    version: 1,
    state: { kind: 'sqlite', path: 'state.db' },
    stores: { main: { kind: 'local', path: 'store.db', keyFile: 'store.key' } },
    secrets,
  };
  await writeFile(file, stringify(config));
  return loadConfig(file);
}

async function problemOf(change: (target: Draft) => void, secret: Draft = {}): Promise<{ code: string; text: string }> {
  const target = good();
  change(target);
  try {
    await load(target, secret);
  } catch (error) {
    const { code, message } = error as Error & { code: string };
    return { code, text: message.replace(/^.*?target\./s, '') };
  }
  return { code: 'none', text: '' };
}

describe('an HTTP target', () => {
  it('loads with defaults, and with paths against the file', async () => {
    const config = await load({ ...good(), ca: 'ca.pem', admin: { passwordFile: 'token' } });
    expect(config.secrets['app/key']?.target).toMatchObject({
      ca: path.join(folder, 'ca.pem'),
      admin: { passwordFile: path.join(folder, 'token') },
      timeout: 10_000,
      create: { method: 'POST', status: [200, 201] },
      verify: { method: 'GET', accepted: [200], refused: [401], forbidden: [403], throttled: [429] },
      revoke: { method: 'DELETE', status: [200, 202, 204], gone: [404, 410] },
    });
  });

  it.each<[string, (target: Draft) => void, string]>([
    [
      'an unknown name',
      (t) => (t['revoke'].path = '/keys/{{idd}}'),
      'names {{idd}}, which is not known here, did you mean {{id}}',
    ],
    [
      'the admin token in verify',
      (t) => (t['verify'].headers.X = '{{admin.token}}'),
      'names {{admin.token}}, which is not known here',
    ],
    ['the key in create', (t) => (t['create'].json.old = '{{value.apiKey}}'), 'names {{value.apiKey}}, which is not known here'],
    ['an unknown field', (t) => (t['verify'].path = '/{{value.apikey}}'), 'did you mean {{value.apiKey}}'],
    ['broken braces', (t) => (t['list'].query = { q: '{{admin.token}' }), 'has braces that are no {{name}}'],
    [
      'an unknown name deep in a body',
      (t) => (t['create'].json = { a: [{ name: '{{marker}}', b: '{{markr}}' }] }),
      'create.json.a[0].b: names {{markr}}',
    ],
    ['no marker', (t) => (t['create'].json.name = 'fixed'), 'names {{marker}} nowhere'],
    ['no id in revoke', (t) => (t['revoke'].path = '/keys'), 'revoke: names {{id}} nowhere'],
    ['no key in verify', (t) => delete t['verify'].headers, 'it would not verify the key'],
    ['two bodies', (t) => (t['create'].form = { a: 'b' }), 'a request has one body'],
    ['a body on GET', (t) => (t['list'].json = {}), 'has a body, which GET may not have'],
    ['a path that leaves', (t) => (t['list'].path = '/keys/../admin'), 'may not have . or ..'],
    ['a path that leaves, encoded', (t) => (t['list'].path = '/keys/%2e%2E/admin'), 'may not have . or ..'],
    ['a query in the path', (t) => (t['list'].path = '/keys?all=1'), 'use query for that'],
    ['a header of the client’s', (t) => (t['headers'].Host = 'other'), 'is a header that the client itself sets'],
    ['a header name with a line end', (t) => (t['headers']['X\r\nY'] = 'a'), 'is no name of a header'],
    ['a header with a line end', (t) => (t['headers'].X = 'a\r\nY: b'), 'holds a character that no header may hold'],
    ['two logins', (t) => (t['basic'] = { username: 'a', password: '{{admin.token}}' }), 'is set beside an Authorization header'],
    ['one status twice', (t) => (t['verify'].refused = [401, 403]), 'has 403, which refused has too'],
    ['nothing refused', (t) => (t['verify'].refused = []), 'no answer could ever mean it'],
    ['two ways of paging', (t) => (t['list'].paging = { page: 'p', link: true }), 'exactly one of token, url, link or page'],
    ['a token without its parameter', (t) => (t['list'].paging = { token: '/next' }), 'needs token and query together'],
    ['an expiry without a lifetime', (t) => (t['create'].json.until = '{{expires.date}}'), 'has no lifetime'],
    ['a lifetime without an expiry', (t) => (t['create'].lifetime = '90d'), 'has no effect'],
    ['no admin token', (t) => (t['admin'] = {}), 'has no source of the token'],
    ['two admin tokens', (t) => (t['admin'].passwordFile = 'x'), 'has 2 sources of the token'],
    ['itself as admin', (t) => (t['admin'] = { secret: 'app/key' }), 'names the secret itself'],
    ['a field without a secret', (t) => (t['admin'].field = 'x'), 'has an effect only with secret'],
    ['cleartext', (t) => (t['baseUrl'] = 'http://api.example.com'), 'is http: on a network'],
    ['a long wait', (t) => (t['timeout'] = '1m'), 'is longer than 15s'],
    ['keyId as a field', (t) => (t['create'].value.keyId = '/id'), 'is set from id already'],
    ['a wrong pointer', (t) => (t['list'].id = 'id'), 'write a JSON Pointer'],
  ])('with %s is refused', async (_, change, text) => {
    const problem = await problemOf(change);
    expect(problem.code).toBe('ERR_CONFIG_INVALID');
    expect(problem.text).toContain(text);
  });

  it('names the nearest of an unknown key', async () => {
    const problem = await problemOf((target) => (target['verify'].acepted = [200]));
    expect(problem).toMatchObject({ code: 'ERR_CONFIG_UNKNOWN_KEY', text: expect.stringContaining('"accepted"') });
  });

  it('is for overlap only', async () => {
    expect(await problemOf(() => {}, { strategy: 'in-place', acceptDeadWindow: true })).toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    });
  });

  it('may not share a principal with another secret, which would revoke its keys', async () => {
    const other = { store: 'main', strategy: 'overlap', target: good() };
    await expect(load(good(), {}, { 'app/other': other })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('principal'),
    });
    const apart = { ...other, target: { ...good(), principal: 'example/second' } };
    await expect(load(good(), {}, { 'app/other': apart })).resolves.toBeDefined();
  });
});

describe('an IAM key target', () => {
  const iam = (change: Draft = {}): Draft => ({ kind: 'aws-iam-key', userName: 'app', ...change });
  it.each([
    [{ stsEndpoint: 'http://sts.example.com' }, 'stsEndpoint: is http'],
    [{ endpoint: 'http://iam.example.com' }, 'endpoint: is http'],
    [{ verifyRegions: ['eu-west-1', 'eu-west-1'] }, 'is named twice'],
    [{ userName: 'a b' }, 'write the name of an IAM user'],
    [{ account: '12' }, '12 digits'],
  ])('with %j is refused', async (change, text) => {
    await expect(load(iam(change))).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID', message: expect.stringContaining(text) });
  });

  it('is one for two spellings of a user, which IAM does not tell apart', async () => {
    const other = { store: 'main', strategy: 'overlap', target: iam({ userName: 'APP' }) };
    await expect(load(iam(), {}, { 'app/other': other })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining('already pinned by "app/key"'),
    });
  });
});

describe('templates', () => {
  it('find every name, and give every other text back', () => {
    const name = fc.stringMatching(/^[a-z][a-z.]{0,8}$/);
    const text = fc.string().filter((each) => !/[{}]/.test(each));
    fc.assert(
      fc.property(fc.array(fc.tuple(text, name)), text, (parts, last) => {
        const whole = parts.map(([before, each]) => `${before}{{ ${each} }}`).join('') + last;
        expect(parseTemplate(whole)).toEqual({
          texts: [...parts.map(([before]) => before), last],
          names: parts.map(([, each]) => each),
        });
      }),
    );
  });

  it.each(['{{', '}}', '{{a b}}', '{{}}', '{{a}}}}', '{{{{a}}', '{{a{{b}}}}', '{{constructor()}}'])('refuse %j', (text) => {
    expect(templateProblem(text, ['a', 'b'])).toMatch(/braces/);
  });
});
