/**
 * Google Cloud Secret Manager as its documentation describes it, over real gRPC with the protos of the vendor's own package. Written because
 * no registry has a server that is fit: it is strict where a lenient one would hide a mistake, and it has no clock of its own.
 */
import { status } from '@grpc/grpc-js';
import { RpcError, serveGrpc } from '../grpc.ts';
import { filterOf } from './filter.ts';
import { crc32c, timestamp, type SecretMessage, type SecretRecord } from './messages.ts';
import { checkEtag, SecretModel, type Name } from './model.ts';
import * as rules from './rules.ts';

export interface SecretManagerOptions {
  readonly now: () => number;
  readonly project?: string;
  /** Requests per minute and project: https://docs.cloud.google.com/secret-manager/quotas has 90000, 600 and 600. Default: no limit. */
  readonly quota?: { readonly access: number; readonly read: number; readonly write: number };
}

type Request = Record<string, unknown>;
type Hook = (request: Request) => void | Promise<void>;

export interface SecretManagerServer {
  readonly endpoint: string;
  readonly project: string;
  /** The calls that arrived, oldest first: the method, and the resource's name without the project. */
  readonly calls: { readonly method: string; readonly name: string }[];
  /**
   * Runs `hook` before or after the effect of the next `times` calls of a method. What it throws is the answer: after the effect, that is a
   * lost response.
   */
  on(method: string, when: 'before' | 'after', hook: Hook, times?: number): void;
  /** Answers the next call of a method with a status, before (default) or after its effect. */
  fail(method: string, code: status, when?: 'before' | 'after', times?: number): void;
  /** Who may do what; everybody everything by default. Checked before anything else: https://google.aip.dev/211 */
  permit: (permission: string, name: string) => boolean;
  /**
   * How long ago readers see. Only a version that was just added is seen at once, by its number:
   * https://docs.cloud.google.com/secret-manager/docs/reference/consistency
   */
  lag: number;
  stop(): Promise<void>;
}

export async function startSecretManager(options: SecretManagerOptions): Promise<SecretManagerServer> {
  const { now } = options;
  const project = options.project ?? 'keywheel-test';
  const model = new SecretModel(project, '408713339517', now);
  const hooks: { method: string; when: 'before' | 'after'; hook: Hook; left: number }[] = [];
  const calls: SecretManagerServer['calls'] = [];
  const spent = new Map<string, number>();

  const hooked = async (method: string, when: 'before' | 'after', request: Request): Promise<void> => {
    for (const each of hooks.filter((one) => one.method === method && one.when === when && one.left > 0)) {
      each.left -= 1;
      await each.hook(request);
    }
  };
  const charge = (kind: 'access' | 'read' | 'write'): void => {
    const key = `${kind}@${Math.floor(now() / 60_000)}`;
    spent.set(key, (spent.get(key) ?? 0) + 1);
    if ((spent.get(key) ?? 0) > (options.quota?.[kind] ?? Number.POSITIVE_INFINITY)) {
      throw new RpcError(
        status.RESOURCE_EXHAUSTED,
        `Quota exceeded for quota metric '${kind} requests' of secretmanager.googleapis.com.`,
      );
    }
  };
  const method =
    (
      kind: 'access' | 'read' | 'write',
      permission: string,
      depth: 'parent' | 'secret' | 'version',
      effect: (name: Name, request: Request) => object,
    ) =>
    async (request: Request, called: string): Promise<object> => {
      const resource = textOf(request['name'] ?? request['parent'] ?? (request['secret'] as SecretMessage | undefined)?.name);
      const short = resource.replace(/^projects\/[^/]+\/?/, '');
      calls.push({ method: called, name: short });
      await hooked(called, 'before', request);
      charge(kind);
      if (!server.permit(permission, short)) {
        const said = `Permission '${permission}' denied for resource '${resource}' (or it may not exist).`;
        throw new RpcError(status.PERMISSION_DENIED, said);
      }
      const answer = effect(model.parse(resource, depth), request);
      await hooked(called, 'after', request);
      return answer;
    };

  const methods = {
    CreateSecret: method('write', 'secretmanager.secrets.create', 'parent', (parent, request) => {
      const secretId = textOf(request['secretId']);
      const given = (request['secret'] ?? {}) as Partial<SecretMessage>;
      const name = { ...parent, secret: secretId };
      rules.checkSecretId(secretId);
      rules.checkReplication(given, name.location !== undefined);
      rules.checkLabels(given.labels ?? {});
      rules.checkAnnotations(given.annotations ?? {});
      rules.checkAliases(given.versionAliases ?? {}, () => false);
      if (model.find(name) !== undefined)
        throw new RpcError(status.ALREADY_EXISTS, `Secret [${model.nameOf(name)}] already exists.`);
      const secret = { ...empty, ...given, name: model.nameOf(name), createTime: timestamp(now()), etag: model.etag() };
      model.save(name, { secret, versions: [] });
      return secret;
    }),
    GetSecret: method('read', 'secretmanager.secrets.get', 'secret', (name) => model.must(name, server.lag).secret),
    ListSecrets: method('read', 'secretmanager.secrets.list', 'parent', (parent, request) => {
      const matches = filterOf(textOf(request['filter']));
      const found = model.under(parent.parent, server.lag).map((record) => record.secret);
      const { items, ...rest } = page(
        found.filter((secret) => matches(secret)),
        request,
      );
      return { secrets: items, ...rest };
    }),
    UpdateSecret: method('write', 'secretmanager.secrets.update', 'secret', (name, request) => {
      const given = request['secret'] as SecretMessage;
      const paths = (request['updateMask'] as { paths?: string[] } | null)?.paths ?? [];
      const record = model.must(name);
      rules.checkMask(paths);
      checkEtag(given.etag, record.secret.etag);
      const changes = Object.fromEntries(paths.map((path) => [camel(path), given[camel(path) as keyof SecretMessage]]));
      const secret: SecretMessage = { ...record.secret, ...changes, etag: model.etag() };
      rules.checkLabels(secret.labels);
      rules.checkAnnotations(secret.annotations);
      if (paths.includes('version_aliases')) {
        rules.checkAliases(
          secret.versionAliases,
          (version) => /^[1-9]\d*$/.test(version) && Number(version) <= record.versions.length,
        );
      }
      model.save(name, { ...record, secret });
      return secret;
    }),
    DeleteSecret: method('write', 'secretmanager.secrets.delete', 'secret', (name, request) => {
      checkEtag(request['etag'], model.must(name).secret.etag);
      model.save(name, undefined);
      return {};
    }),
    AddSecretVersion: method('write', 'secretmanager.versions.add', 'secret', (name, request) => {
      const record = model.must(name);
      const payload = request['payload'] as { data: Buffer; dataCrc32c?: string } | null;
      const data = Buffer.from(payload?.data ?? '');
      if (data.length === 0) throw rules.invalid('The payload must not be empty.');
      if (data.length > rules.PAYLOAD_LIMIT) throw rules.invalid(`The payload is larger than ${rules.PAYLOAD_LIMIT} bytes.`);
      const checked = payload !== null && Object.hasOwn(payload, '_dataCrc32c');
      // https://docs.cloud.google.com/secret-manager/docs/data-integrity
      if (checked && Number(payload.dataCrc32c) !== crc32c(data)) throw rules.invalid('The payload does not match its checksum.');
      const message = {
        name: `${model.nameOf(name)}/versions/${record.versions.length + 1}`, // "start at 1 and are incremented"
        createTime: timestamp(now()),
        state: 'ENABLED' as const,
        etag: model.etag(),
        clientSpecifiedPayloadChecksum: checked,
      };
      model.save(name, { ...record, versions: [...record.versions, { message, data }] });
      return message;
    }),
    ListSecretVersions: method('read', 'secretmanager.versions.list', 'secret', (name, request) => {
      const matches = filterOf(textOf(request['filter']));
      const found = model.must(name, server.lag).versions.map((version) => version.message);
      const { items, ...rest } = page(
        found.toReversed().filter((version) => matches(version)),
        request,
      );
      return { versions: items, ...rest };
    }),
    GetSecretVersion: method('read', 'secretmanager.versions.get', 'version', (name) => versionOf(name, server.lag).message),
    AccessSecretVersion: method('access', 'secretmanager.versions.access', 'version', (name) => {
      const byNumber = /^\d+$/.test(name.version ?? '');
      const { message, data } = versionOf(name, byNumber ? 0 : server.lag);
      if (message.state !== 'ENABLED' || data === undefined) {
        throw new RpcError(status.FAILED_PRECONDITION, `Secret Version [${message.name}] is in ${message.state} state.`);
      }
      return { name: message.name, payload: { data, dataCrc32c: String(crc32c(data)) } };
    }),
    EnableSecretVersion: method(
      'write',
      'secretmanager.versions.enable',
      'version',
      (name, request) => model.transition(name, request['etag'], 'ENABLED').message,
    ),
    DisableSecretVersion: method(
      'write',
      'secretmanager.versions.disable',
      'version',
      (name, request) => model.transition(name, request['etag'], 'DISABLED').message,
    ),
    DestroySecretVersion: method(
      'write',
      'secretmanager.versions.destroy',
      'version',
      (name, request) => model.transition(name, request['etag'], 'DESTROYED').message,
    ),
  };

  function versionOf(name: Name, lag: number): SecretRecord['versions'][number] {
    const record = model.must(name, lag);
    const found = record.versions[model.indexOf(name, record)];
    if (found === undefined) throw new RpcError(status.INTERNAL, 'no such index');
    return found;
  }

  const listening = await serveGrpc(
    '@google-cloud/secret-manager/build/protos/protos.json',
    'google.cloud.secretmanager.v1.SecretManagerService',
    methods,
  );
  const server: SecretManagerServer = {
    endpoint: `http://127.0.0.1:${listening.port}`,
    project,
    calls,
    on: (name, when, hook, times = 1) => void hooks.push({ method: name, when, hook, left: times }),
    fail: (name, code, when = 'before', times = 1) => {
      server.on(
        name,
        when,
        () => {
          throw new RpcError(code, `the test made ${name} fail`);
        },
        times,
      );
    },
    permit: () => true,
    lag: 0,
    stop: () => listening.stop(),
  };
  return server;
}

const empty = { labels: {}, annotations: {}, versionAliases: {} };

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const camel = (path: string): string => path.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** A page token is opaque; 0 lets the server decide the size, and more than 25000 is 25000 (service.proto, ListSecretsRequest). */
function page<T>(all: readonly T[], request: Request): { items: T[]; nextPageToken: string; totalSize: number } {
  const asked = Number(request['pageSize'] ?? 0);
  if (asked < 0) throw rules.invalid('page_size must not be negative.');
  const size = asked === 0 ? 100 : Math.min(asked, 25_000);
  const token = textOf(request['pageToken']);
  if (token !== '' && !/^p\d+$/.test(token)) throw rules.invalid('page_token is not valid.');
  const start = token === '' ? 0 : Number(token.slice(1));
  const end = start + size;
  // "The total number … but 0 when the filter field is set."
  const totalSize = textOf(request['filter']) === '' ? all.length : 0;
  return { items: all.slice(start, end), nextPageToken: end < all.length ? `p${end}` : '', totalSize };
}
