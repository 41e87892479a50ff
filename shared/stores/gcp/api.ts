/** The few calls of Secret Manager that the store is made of. The rehearsal has the same ones over a copy (`rehearsal.ts`). */
import type { protos } from '@google-cloud/secret-manager';
import type { GcpStoreConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import type { Client } from './client.ts';
import { isRace, isUntold, stateIn, STATUS, statusOf, storeError, type Method } from './errors.ts';
import { crc32c } from './payload.ts';

type ISecret = protos.google.cloud.secretmanager.v1.ISecret;
type ISecretVersion = protos.google.cloud.secretmanager.v1.ISecretVersion;

export interface Secret {
  readonly id: string;
  readonly etag: string;
  readonly aliases: Readonly<Record<string, number>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Where its payloads are kept and by which key they are encrypted, for a companion that shall be no worse. */
  readonly placement: Pick<ISecret, 'replication' | 'customerManagedEncryption'>;
}

export interface Version {
  readonly number: number;
  readonly createdAt: number;
  readonly state: 'ENABLED' | 'DISABLED' | 'DESTROYED';
}

interface Changes {
  readonly aliases?: Readonly<Record<string, number>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface SecretApi {
  get(id: string): Promise<Secret | undefined>;
  /** Every secret of the project (or of its location), in no order. */
  list(): Promise<Secret[]>;
  /** Undefined when the id is taken. Without a placement to follow, Google chooses where (automatic replication). */
  create(id: string, placement: Secret['placement'] | undefined): Promise<Secret | undefined>;
  /** One atomic change, if the secret is still as it was read; undefined when it is not. */
  update(secret: Secret, changes: Changes): Promise<Secret | undefined>;
  add(id: string, payload: Buffer): Promise<Version>;
  /** Newest first, page by page until `enough` says so of a version, or there are no more. */
  versions(id: string, enough: (version: Version) => boolean): Promise<Version[]>;
  version(id: string, number: number): Promise<Version | undefined>;
  /** The payload, or why there is none. */
  access(id: string, number: number): Promise<Buffer | 'DISABLED' | 'DESTROYED' | 'MISSING'>;
  /** A no-op when it is destroyed or gone. */
  destroy(id: string, number: number): Promise<void>;
}

const PAGE = 50;

/** Errors are those of `storeError`; a lost response of a write is ERR_STORE_UNAVAILABLE, as its outcome is not known. */
export function openApi(client: Client, config: GcpStoreConfig): SecretApi {
  const parent = `projects/${config.project}${config.location === undefined ? '' : `/locations/${config.location}`}`;
  const nameOf = (id: string): string => `${parent}/secrets/${id}`;

  const call = async <T, E = never>(
    kind: 'read' | 'write',
    method: Method,
    id: string,
    perform: Parameters<typeof client.call<T>>[1],
    expected?: (error: unknown) => { readonly value: E } | undefined,
  ): Promise<T | E> => {
    try {
      return await client.call(kind, perform);
    } catch (error) {
      const answer = expected?.(error);
      if (answer !== undefined) return answer.value;
      throw storeError(error, method, id);
    }
  };
  const at = (status: number) => (error: unknown) => (statusOf(error) === status ? { value: undefined } : undefined);

  return {
    get: (id) =>
      call(
        'read',
        'GetSecret',
        id,
        async (sdk, options) => secretOf((await sdk.getSecret({ name: nameOf(id) }, options))[0]),
        at(STATUS.NOT_FOUND),
      ),
    async list() {
      const found: Secret[] = [];
      for (let pageToken = ''; ;) {
        const page = await call('read', 'ListSecrets', config.project, (sdk, options) =>
          sdk.listSecrets({ parent, pageSize: 250, pageToken }, { ...options, autoPaginate: false }),
        );
        found.push(...page[0].map(secretOf));
        pageToken = page[2].nextPageToken ?? '';
        if (pageToken === '') return found;
      }
    },
    create: (id, placement) =>
      call(
        'write',
        'CreateSecret',
        id,
        async (sdk, options) => {
          const secret = placement ?? (config.location === undefined ? { replication: { automatic: {} } } : {});
          return secretOf((await sdk.createSecret({ parent, secretId: id, secret }, options))[0]);
        },
        at(STATUS.ALREADY_EXISTS),
      ),
    async update(secret, changes) {
      // Without an etag the update would not be checked at all: https://docs.cloud.google.com/secret-manager/docs/etags
      if (secret.etag === '') {
        throw new KeywheelError('ERR_STORE_FAILED', `secret ${secret.id} came without an etag and was not changed`, {
          hint: 'use a server that keeps etags, as Google Secret Manager does',
          subject: secret.id,
        });
      }
      return call(
        'write',
        'UpdateSecret',
        secret.id,
        async (sdk, options): Promise<Secret | undefined> => {
          const { aliases, annotations } = changes;
          const name = nameOf(secret.id);
          const paths = [
            ...(aliases === undefined ? [] : ['version_aliases']),
            ...(annotations === undefined ? [] : ['annotations']),
          ];
          const changed = {
            name,
            etag: secret.etag,
            ...(aliases === undefined ? {} : { versionAliases: { ...aliases } }),
            ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
          };
          try {
            return secretOf((await sdk.updateSecret({ secret: changed, updateMask: { paths } }, options))[0]);
          } catch (error) {
            if (!isUntold(error) || secretOf((await sdk.getSecret({ name }, options))[0]).etag === secret.etag) throw error;
            return undefined;
          }
        },
        (error) => (isRace(error) ? { value: undefined } : undefined),
      );
    },
    add: (id, data) =>
      call('write', 'AddSecretVersion', id, async (sdk, options) =>
        versionOf((await sdk.addSecretVersion({ parent: nameOf(id), payload: { data, dataCrc32c: crc32c(data) } }, options))[0]),
      ),
    async versions(id, enough) {
      const found: Version[] = [];
      for (let pageToken = ''; ;) {
        const page = await call(
          'read',
          'ListSecretVersions',
          id,
          (sdk, options) =>
            sdk.listSecretVersions({ parent: nameOf(id), pageSize: PAGE, pageToken }, { ...options, autoPaginate: false }),
          at(STATUS.NOT_FOUND), // a secret that was just made may not be listed yet
        );
        found.push(...(page?.[0] ?? []).map(versionOf));
        pageToken = page?.[2].nextPageToken ?? '';
        if (pageToken === '' || found.some(enough)) return found.sort((a, b) => b.number - a.number);
      }
    },
    version: (id, number) =>
      call(
        'read',
        'GetSecretVersion',
        id,
        async (sdk, options) => versionOf((await sdk.getSecretVersion({ name: `${nameOf(id)}/versions/${number}` }, options))[0]),
        at(STATUS.NOT_FOUND),
      ),
    access: (id, number) =>
      call<Buffer | 'DISABLED' | 'DESTROYED', 'MISSING'>(
        'read',
        'AccessSecretVersion',
        id,
        async (sdk, options) => {
          const name = `${nameOf(id)}/versions/${number}`;
          try {
            return payloadOf((await sdk.accessSecretVersion({ name }, options))[0], id);
          } catch (error) {
            const told = stateIn(error);
            if (told !== undefined) return told;
            if (!isUntold(error)) throw error;
            const { state } = versionOf((await sdk.getSecretVersion({ name }, options))[0]);
            if (state === 'ENABLED') throw error;
            return state;
          }
        },
        (error) => (statusOf(error) === STATUS.NOT_FOUND ? { value: 'MISSING' } : undefined),
      ),
    destroy: (id, number) =>
      call(
        'write',
        'DestroySecretVersion',
        id,
        async (sdk, options) => void (await sdk.destroySecretVersion({ name: `${nameOf(id)}/versions/${number}` }, options)),
        // "SecretVersion.state is already DESTROYED", or scheduled for it.
        (error) => at(STATUS.NOT_FOUND)(error) ?? at(STATUS.FAILED_PRECONDITION)(error),
      ),
  };
}

/** Names come back with the project's number instead of its id, so only their last part is compared: https://google.aip.dev/122 */
function lastOf(name: string | null | undefined): string {
  return name?.split('/').at(-1) ?? '';
}

function secretOf(secret: ISecret): Secret {
  const aliases = Object.entries(secret.versionAliases ?? {}).map(([alias, number]) => [alias, Number(number)] as const);
  const { replication, customerManagedEncryption } = secret;
  return {
    id: lastOf(secret.name),
    etag: secret.etag ?? '',
    aliases: Object.fromEntries(aliases),
    annotations: { ...secret.annotations },
    placement: {
      ...(replication == null ? {} : { replication }),
      ...(customerManagedEncryption == null ? {} : { customerManagedEncryption }),
    },
  };
}

const STATES: Readonly<Record<string, Version['state']>> = {
  ENABLED: 'ENABLED',
  1: 'ENABLED',
  DESTROYED: 'DESTROYED',
  3: 'DESTROYED',
};

function versionOf(version: ISecretVersion): Version {
  const { seconds, nanos } = version.createTime ?? {};
  // Over gRPC the names come, over REST the numbers (`message SecretVersion`).
  const state = STATES[String(version.state)] ?? 'DISABLED';
  return {
    number: Number(lastOf(version.name)),
    createdAt: Number(seconds ?? 0) * 1000 + Math.floor((nanos ?? 0) / 1_000_000),
    state,
  };
}

/** ERR_STORE_UNAVAILABLE when what came is not what was sent: https://docs.cloud.google.com/secret-manager/docs/data-integrity */
export function payloadOf(response: protos.google.cloud.secretmanager.v1.IAccessSecretVersionResponse, id: string): Buffer {
  const { data, dataCrc32c } = response.payload ?? {};
  const bytes = typeof data === 'string' ? Buffer.from(data, 'base64') : Buffer.from(data ?? []);
  if (dataCrc32c != null && Number(dataCrc32c) !== crc32c(bytes)) {
    throw new KeywheelError('ERR_STORE_UNAVAILABLE', `a version of ${id} was damaged on its way, its checksum is another`, {
      hint: 'it is read again',
      retryable: true,
      subject: id,
    });
  }
  return bytes;
}
