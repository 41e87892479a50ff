/**
 * A strict stand-in for six vendors' key APIs over real HTTP, each as its documentation describes it. Whatever a vendor would not take (an unknown path,
 * parameter or field, a body on GET, the admin token where only the key may speak) is answered as an error and noted in `complaints`.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface VendorKey {
  readonly id: string;
  readonly name: string;
  readonly secret: string;
  live: boolean;
  lastUsedAt: number | null;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Desk {
  readonly keys: VendorKey[];
  readonly url: string;
  complain(what: string): Reply;
  make(name: string, id?: string): VendorKey;
  /** Marks the live key with this material as used; undefined when there is none. */
  use(secret: string | undefined): VendorKey | undefined;
  end(id: string): VendorKey | undefined;
}

interface VendorApi {
  /** The token as `passwordEnv` would hold it. */
  readonly admin: string;
  /** The fields of a secret that hold a key. */
  value(key: VendorKey): Record<string, string>;
  isAdmin(headers: Request['headers']): boolean;
  reply(request: Request, desk: Desk): Reply;
}

const random = (): string => randomBytes(12).toString('hex');
const bearer = (headers: Request['headers']): string | undefined => /^Bearer (\S+)$/.exec(headers['authorization'] ?? '')?.[1];
const only = (object: unknown, ...fields: string[]): boolean =>
  typeof object === 'object' && object !== null && Object.keys(object).every((field) => fields.includes(field));
const text = (object: unknown, field: string): string => {
  const found = (object as Record<string, unknown> | undefined)?.[field];
  return typeof found === 'string' ? found : '';
};
const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
const page = <T>(items: readonly T[], number: number, size: number): T[] => items.slice(number * size, (number + 1) * size);
const denied: Reply = { status: 401, body: { error: 'unauthorized' } };
const missing: Reply = { status: 404, body: { error: 'not found' } };

/** https://www.twilio.com/docs/sendgrid/api-reference/api-keys */
const sendgrid: VendorApi = {
  admin: 'SG.admin.token',
  value: (key) => ({ apiKey: key.secret }),
  isAdmin: (headers) => bearer(headers) === 'SG.admin.token',
  reply({ method, path, query, headers, body }, desk) {
    if (path === '/v3/scopes' && method === 'GET') {
      return desk.use(bearer(headers)) === undefined ? denied : { status: 200, body: { scopes: ['mail.send'] } };
    }
    if (!this.isAdmin(headers)) return denied;
    if (path === '/v3/api_keys' && method === 'GET') {
      if (!only(query, 'limit')) return desk.complain('query');
      const live = desk.keys.filter((key) => key.live);
      return { status: 200, body: { result: live.map((key) => ({ api_key_id: key.id, name: key.name })) } };
    }
    if (path === '/v3/api_keys' && method === 'POST') {
      if (!only(body, 'name', 'scopes') || text(body, 'name') === '') return desk.complain('body');
      const key = desk.make(text(body, 'name'));
      return { status: 201, body: { api_key: key.secret, api_key_id: key.id, name: key.name, scopes: ['mail.send'] } };
    }
    const [, id = ''] = /^\/v3\/api_keys\/([^/]+)$/.exec(path) ?? [];
    if (id !== '' && method === 'DELETE') return desk.end(id) === undefined ? missing : { status: 204 };
    return desk.complain('path');
  },
};

/** https://docs.datadoghq.com/api/latest/key-management/ and https://docs.datadoghq.com/api/latest/authentication/ */
const datadog: VendorApi = {
  admin: 'org-api-key:org-application-key',
  value: (key) => ({ apiKey: key.secret }),
  isAdmin: (headers) => headers['dd-api-key'] === 'org-api-key' && headers['dd-application-key'] === 'org-application-key',
  reply({ method, path, query, headers, body }, desk) {
    const forbidden: Reply = { status: 403, body: { errors: ['Forbidden'] } };
    if (path === '/api/v1/validate' && method === 'GET') {
      return desk.use(headers['dd-api-key']) === undefined ? forbidden : { status: 200, body: { valid: true } };
    }
    if (!this.isAdmin(headers)) return forbidden;
    const shown = (key: VendorKey) => ({
      type: 'api_keys',
      id: key.id,
      attributes: { name: key.name, last4: key.secret.slice(-4) },
    });
    if (path === '/api/v2/api_keys' && method === 'GET') {
      if (!only(query, 'page[size]', 'page[number]')) return desk.complain('query');
      const live = desk.keys.filter((key) => key.live);
      return { status: 200, body: { data: page(live, Number(query['page[number]'] ?? 0), 2).map(shown) } };
    }
    if (path === '/api/v2/api_keys' && method === 'POST') {
      const data = (body as { data?: { type?: string; attributes?: unknown } }).data;
      if (!only(body, 'data') || data?.type !== 'api_keys' || !only(data.attributes, 'name')) return desk.complain('body');
      const key = desk.make(text(data.attributes, 'name'));
      const { attributes, ...rest } = shown(key);
      return { status: 201, body: { data: { ...rest, attributes: { ...attributes, key: key.secret } } } };
    }
    const [, id = ''] = /^\/api\/v2\/api_keys\/([^/]+)$/.exec(path) ?? [];
    if (id !== '' && method === 'DELETE') return desk.end(id) === undefined ? missing : { status: 204 };
    return desk.complain('path');
  },
};

/** https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/ */
const cloudflare: VendorApi = {
  admin: 'cf-admin-token',
  value: (key) => ({ token: key.secret }),
  isAdmin: (headers) => bearer(headers) === 'cf-admin-token',
  reply({ method, path, query, headers, body }, desk) {
    const answer = (result: unknown): Reply => ({ status: 200, body: { success: true, errors: [], messages: [], result } });
    const base = '/client/v4/accounts/0123456789abcdef0123456789abcdef/tokens';
    if (path === `${base}/verify` && method === 'GET') {
      const key = desk.use(bearer(headers));
      if (key === undefined)
        return { status: 401, body: { success: false, errors: [{ code: 1000, message: 'Invalid API Token' }], result: null } };
      return answer({ id: key.id, status: 'active' });
    }
    if (!this.isAdmin(headers)) return denied;
    if (path === base && method === 'GET') {
      if (!only(query, 'page', 'per_page')) return desk.complain('query');
      const live = desk.keys.filter((key) => key.live);
      return answer(
        page(live, Number(query['page'] ?? 1) - 1, 2).map((key) => ({
          id: key.id,
          name: key.name,
          status: 'active',
          ...(key.lastUsedAt === null ? {} : { last_used_on: `${iso(key.lastUsedAt)?.slice(0, 19)}Z` }),
        })),
      );
    }
    if (path === base && method === 'POST') {
      if (!only(body, 'name', 'policies') || text(body, 'name') === '') return desk.complain('body');
      const key = desk.make(text(body, 'name'));
      return answer({ id: key.id, name: key.name, status: 'active', value: key.secret });
    }
    const id = path.startsWith(`${base}/`) ? path.slice(base.length + 1) : '';
    if (id !== '' && method === 'DELETE') return desk.end(id) === undefined ? missing : answer({ id });
    return desk.complain('path');
  },
};

/** https://www.elastic.co/docs/api/doc/elasticsearch/group/endpoint-security */
const elasticsearch: VendorApi = {
  admin: 'keywheel:es-admin-password',
  value: (key) => ({ encoded: encodedKey(key) }),
  isAdmin: (headers) => headers['authorization'] === `Basic ${Buffer.from('keywheel:es-admin-password').toString('base64')}`,
  reply({ method, path, query, headers, body }, desk) {
    if (path === '/_security/_authenticate' && method === 'GET') {
      const encoded = /^ApiKey (\S+)$/.exec(headers['authorization'] ?? '')?.[1];
      const named = desk.keys.find((key) => encodedKey(key) === encoded);
      const key = desk.use(named?.secret);
      return key === undefined ? denied : { status: 200, body: { username: 'app', api_key: { id: key.id, name: key.name } } };
    }
    if (!this.isAdmin(headers)) return denied;
    if (path !== '/_security/api_key') return desk.complain('path');
    if (method === 'GET') {
      if (!only(query, 'owner')) return desk.complain('query');
      // Invalidated keys go on being listed until they are removed in the background.
      return {
        status: 200,
        body: { api_keys: desk.keys.map((key) => ({ id: key.id, name: key.name, invalidated: !key.live })) },
      };
    }
    if (method === 'POST') {
      if (!only(body, 'name', 'role_descriptors') || text(body, 'name') === '') return desk.complain('body');
      const key = desk.make(text(body, 'name'));
      return { status: 200, body: { id: key.id, name: key.name, api_key: key.secret, encoded: encodedKey(key) } };
    }
    const ids = (body as { ids?: string[] }).ids;
    if (method !== 'DELETE' || !only(body, 'ids') || !Array.isArray(ids) || ids.length !== 1) return desk.complain('body');
    const [id = ''] = ids;
    const key = desk.keys.find((each) => each.id === id);
    if (key === undefined) return missing;
    const before = key.live;
    desk.end(id);
    return {
      status: 200,
      body: { invalidated_api_keys: before ? [id] : [], previously_invalidated_api_keys: before ? [] : [id], error_count: 0 },
    };
  },
};

const encodedKey = (key: VendorKey): string => Buffer.from(`${key.id}:${key.secret}`).toString('base64');

/** https://docs.gitlab.com/api/project_access_tokens/ and https://docs.gitlab.com/api/personal_access_tokens/ */
const gitlab: VendorApi = {
  admin: 'glpat-admin',
  value: (key) => ({ token: key.secret }),
  isAdmin: (headers) => headers['private-token'] === 'glpat-admin',
  reply({ method, path, query, headers, body }, desk) {
    if (path === '/api/v4/personal_access_tokens/self' && method === 'GET') {
      const key = desk.use(headers['private-token']);
      return key === undefined ? denied : { status: 200, body: { id: Number(key.id), active: true, revoked: false } };
    }
    if (!this.isAdmin(headers)) return denied;
    const base = '/api/v4/projects/42/access_tokens';
    const shown = (key: VendorKey) => ({
      id: Number(key.id),
      name: key.name,
      revoked: !key.live,
      active: key.live,
      last_used_at: iso(key.lastUsedAt),
    });
    if (path === base && method === 'GET') {
      if (!only(query, 'state', 'per_page', 'page')) return desk.complain('query');
      const listed = desk.keys.filter((key) => query['state'] !== 'active' || key.live);
      const number = Number(query['page'] ?? 1);
      const more = number * 2 < listed.length;
      const next = `<${desk.url}${base}?state=${query['state'] ?? 'all'}&per_page=${query['per_page'] ?? 20}&page=${number + 1}>; rel="next", <${desk.url}${base}>; rel="first"`;
      return { status: 200, body: page(listed, number - 1, 2).map(shown), ...(more ? { headers: { link: next } } : {}) };
    }
    if (path === base && method === 'POST') {
      if (!only(body, 'name', 'scopes', 'access_level', 'expires_at')) return desk.complain('body');
      // Without a date in the future the request is refused.
      if (!/^\d{4}-\d{2}-\d{2}$/.test(text(body, 'expires_at')) || Date.parse(text(body, 'expires_at')) < Date.now())
        return desk.complain('expires_at');
      const key = desk.make(text(body, 'name'), String(1000 + desk.keys.length));
      return { status: 201, body: { ...shown(key), token: key.secret } };
    }
    const id = path.startsWith(`${base}/`) ? path.slice(base.length + 1) : '';
    if (id !== '' && method === 'DELETE') return desk.end(id) === undefined ? missing : { status: 204 };
    return desk.complain('path');
  },
};

/** https://platform.openai.com/docs/api-reference/project-service-accounts */
const openai: VendorApi = {
  admin: 'sk-admin-token',
  value: (key) => ({ apiKey: key.secret }),
  isAdmin: (headers) => bearer(headers) === 'sk-admin-token',
  reply({ method, path, query, headers, body }, desk) {
    if (path === '/v1/models' && method === 'GET') {
      return desk.use(bearer(headers)) === undefined ? denied : { status: 200, body: { object: 'list', data: [] } };
    }
    if (!this.isAdmin(headers)) return denied;
    const base = '/v1/organization/projects/proj_abc/service_accounts';
    if (path === base && method === 'GET') {
      if (!only(query, 'limit', 'after')) return desk.complain('query');
      const live = desk.keys.filter((key) => key.live);
      const from = query['after'] === undefined ? 0 : live.findIndex((key) => key.id === query['after']) + 1;
      const data = live
        .slice(from, from + 2)
        .map((key) => ({ object: 'organization.project.service_account', id: key.id, name: key.name }));
      return { status: 200, body: { object: 'list', data, last_id: data.at(-1)?.id ?? null, has_more: from + 2 < live.length } };
    }
    if (path === base && method === 'POST') {
      if (!only(body, 'name') || text(body, 'name') === '') return desk.complain('body');
      const key = desk.make(text(body, 'name'), `svc_acct_${random()}`);
      return {
        status: 200,
        body: { id: key.id, name: key.name, role: 'member', api_key: { id: `key_${random()}`, value: key.secret } },
      };
    }
    const id = path.startsWith(`${base}/`) ? path.slice(base.length + 1) : '';
    if (id !== '' && method === 'DELETE')
      return desk.end(id) === undefined ? missing : { status: 200, body: { id, deleted: true } };
    return desk.complain('path');
  },
};

export const VENDORS = { sendgrid, datadog, cloudflare, elasticsearch, gitlab, openai } as const;
export type VendorName = keyof typeof VENDORS;

export interface Vendor {
  readonly url: string;
  readonly keys: readonly VendorKey[];
  readonly admin: string;
  /** What no request of a careful client causes. */
  readonly complaints: readonly string[];
  /** Requests seen: method and path. */
  readonly requests: readonly string[];
  createByHand(name: string): VendorKey;
  valueOf(key: VendorKey): Record<string, string>;
  /** Answers the next request that matches with this instead; `after` lets it take effect first. */
  interfere(match: (request: { method: string; path: string }) => boolean, reply: Reply | 'hang-up', after?: boolean): void;
  close(): Promise<void>;
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export async function startVendor(name: VendorName): Promise<Vendor> {
  const api = VENDORS[name];
  const keys: VendorKey[] = [];
  const complaints: string[] = [];
  const requests: string[] = [];
  let trouble: { match: (request: Request) => boolean; reply: Reply | 'hang-up'; after: boolean } | undefined;
  let url = '';
  const make = (keyName: string, id = random()): VendorKey => {
    const key = { id, name: keyName, secret: `${name}-${random()}${random()}`, live: true, lastUsedAt: null };
    keys.push(key);
    return key;
  };
  const deskFor = (said: string): Desk => ({
    keys,
    url,
    complain(what) {
      complaints.push(`${said}: ${what}`);
      return { status: 400, body: { error: `bad ${what}` } };
    },
    make,
    use(secret) {
      const key = keys.find((each) => each.live && each.secret === secret);
      if (key !== undefined) key.lastUsedAt = Date.now();
      return key;
    },
    end(id) {
      const key = keys.find((each) => each.id === decodeURIComponent(id) && each.live);
      if (key !== undefined) key.live = false;
      return key;
    },
  });
  const answer = async (incoming: IncomingMessage): Promise<Reply | 'hang-up'> => {
    const { pathname, searchParams } = new URL(incoming.url ?? '/', url);
    const sent = await bodyOf(incoming);
    const method = incoming.method ?? '';
    const said = `${method} ${pathname}`;
    requests.push(said);
    const desk = deskFor(said);
    if (sent !== '' && method === 'GET') return desk.complain('a body on GET');
    if (sent !== '' && incoming.headers['content-type'] !== 'application/json') return desk.complain('content-type');
    const headers = incoming.headers as Record<string, string>;
    const request: Request = {
      method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers,
      body: sent === '' ? {} : JSON.parse(sent),
    };
    const now = trouble;
    if (now?.match(request) !== true) return api.reply(request, desk);
    trouble = undefined;
    if (now.after) api.reply(request, desk);
    return now.reply;
  };
  const server = createServer((incoming, outgoing) => {
    void answer(incoming).then((reply) => {
      if (reply === 'hang-up') {
        incoming.socket.destroy();
        return;
      }
      outgoing.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
      outgoing.end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    keys,
    admin: api.admin,
    complaints,
    requests,
    createByHand: (keyName) => make(keyName, name === 'gitlab' ? String(1000 + keys.length) : undefined),
    valueOf: (key) => ({ ...api.value(key), keyId: key.id }),
    interfere: (match, reply, after = false) => void (trouble = { match, reply, after }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
