/**
 * KV version 2, as far as the store needs it. A write publishes at once; `cas` makes it conditional on the present version number.
 * https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
 */
import { KeywheelError } from '../../errors.ts';
import type { VaultAnswer } from './client.ts';
import { failureOf } from './errors.ts';
import type { About } from './errors.ts';
import { pathOf } from './path.ts';
import { isLostCas } from './session.ts';
import type { Session } from './session.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** One version of a key, by its number. `created` is the server's own text: with the number it names the version for good. */
export interface KeyVersion {
  readonly number: number;
  readonly created: string;
  /** Neither deleted, nor expired, nor destroyed. */
  readonly live: boolean;
}

export interface KeyMetadata {
  /** The newest number that was ever written; 0 when there is metadata and no version. */
  readonly current: number;
  /** Those that `max_versions` has left. */
  readonly versions: ReadonlyMap<number, KeyVersion>;
  /** 0: the mount's. */
  readonly maxVersions: number;
}

export interface Entry extends KeyVersion {
  /** Undefined when it is not live. */
  readonly fields: Fields | undefined;
}

type Written = Pick<KeyVersion, 'number' | 'created'>;

export interface Kv {
  /** Undefined when the key does not exist. */
  metadata(path: string): Promise<KeyMetadata | undefined>;
  /** The newest version, or the one with that number. Undefined when there is none. */
  read(path: string, number?: number): Promise<Entry | undefined>;
  /** Writes when the newest number is `cas`; otherwise says `moved` and has written nothing. */
  write(path: string, cas: number, fields: Fields): Promise<Written | 'moved'>;
  /** Makes a key that keeps its newest version only: each write then removes the material of the one before. */
  keepOne(path: string): Promise<void>;
  /** What is in a folder (`''`, or a path that ends with a slash); names that end with a slash are folders. */
  list(folder: string): Promise<readonly string[]>;
  /** What the mount's configuration keeps of each key; undefined when it may not be read. */
  mountKeeps(): Promise<number | undefined>;
}

const DEFAULT_MAX_VERSIONS = 10;

export function openKv(mount: string, session: Session, address: string): Kv {
  const root = pathOf(mount);
  const at = (part: 'data' | 'metadata', path: string): string => `${root}/${part}/${pathOf(path)}`;
  let checked: Promise<void> | undefined;

  /**
   * A mount of version 1 answers 404 to all of this, which would pass for secrets that are not there.
   * `vault kv` asks the same: https://developer.hashicorp.com/vault/api-docs/system/internal-ui-mounts
   */
  async function checkVersion(about: About): Promise<void> {
    const path = `sys/internal/ui/mounts/${root}`;
    const answer = await session.call({ method: 'GET', path }, about).catch((error: unknown) => {
      if (error instanceof KeywheelError && error.code === 'ERR_STORE_FORBIDDEN') return undefined;
      throw error;
    });
    const data = dataOf(answer);
    const version = (data['options'] as { version?: unknown } | null | undefined)?.version;
    if (data['type'] === undefined || (data['type'] === 'kv' && version === '2')) return;
    const found = data['type'] === 'kv' ? 'a KV engine of version 1' : 'another engine';
    throw new KeywheelError('ERR_STORE_FAILED', `vault: ${mount} cannot be used, it is ${found}`, {
      hint: 'let `mount` name a KV engine of version 2, or upgrade it with `vault kv enable-versioning`',
      subject: address,
    });
  }

  async function get(path: string, about: About): Promise<VaultAnswer> {
    const answer = await session.call({ method: 'GET', path }, about);
    if (answer.status === 404 && answer.body['data'] === undefined) await (checked ??= checkVersion(about));
    return answer;
  }

  return {
    async metadata(path) {
      const answer = await get(at('metadata', path), { doing: `vault: reading ${path}`, subject: path });
      if (answer.status === 404) return undefined;
      const data = dataOf(answer);
      const now = answer.at ?? Date.now();
      const versions = Object.entries((data['versions'] ?? {}) as Record<string, Fields>);
      return {
        current: numberOf(data['current_version']),
        maxVersions: numberOf(data['max_versions']),
        versions: new Map(versions.map(([number, version]) => [Number(number), versionOf(Number(number), version, now)])),
      };
    },

    async read(path, number) {
      const about = { doing: `vault: reading ${path}`, subject: path };
      const query = number === undefined ? '' : `?version=${number}`;
      const answer = await get(`${at('data', path)}${query}`, about);
      const data = dataOf(answer);
      const metadata = data['metadata'] as Fields | null | undefined;
      if (metadata === undefined || metadata === null) {
        if (answer.status === 404) return undefined;
        throw strange(about);
      }
      const live = answer.status === 200;
      const fields = live && typeof data['data'] === 'object' && data['data'] !== null ? (data['data'] as Fields) : undefined;
      return { number: numberOf(metadata['version']), created: textOf(metadata['created_time']), live, fields };
    },

    async write(path, cas, fields) {
      const about = { doing: `vault: writing ${path}`, subject: path };
      const answer = await session.call(
        { method: 'POST', path: at('data', path), body: { data: fields, options: { cas } } },
        about,
      );
      if (isLostCas(answer)) return 'moved';
      const data = dataOf(answer);
      // An engine of version 1 takes any write and says nothing.
      if (typeof data['version'] !== 'number') throw strange(about);
      return { number: data['version'], created: textOf(data['created_time']) };
    },

    async keepOne(path) {
      const about = { doing: `vault: preparing ${path}`, subject: path };
      const body = {
        max_versions: 1,
        custom_metadata: { keywheel: 'pending versions of the secret of this name, and what became of them; for keywheel alone' },
      };
      const request = { method: 'POST', path: at('metadata', path) } as const;
      const answer = await session.call({ ...request, body }, about);
      if (!isLostCas(answer)) return;
      // OpenBao may be told to demand a compare-and-set for metadata too: https://openbao.org/api-docs/secret/kv/kv-v2/
      const metadata = dataOf(await session.call({ method: 'GET', path: at('metadata', path) }, about));
      const cas = numberOf(metadata['current_metadata_version']);
      const again = await session.call({ ...request, body: { ...body, metadata_cas: cas } }, about);
      if (isLostCas(again)) throw failureOf({ ...again, status: 412 }, about);
    },

    async list(folder) {
      const about = { doing: `vault: listing ${folder === '' ? mount : folder}`, subject: address };
      const answer = await get(`${root}/metadata/${folder === '' ? '' : pathOf(folder)}?list=true`, about);
      const keys = dataOf(answer)['keys'];
      return Array.isArray(keys) ? keys.filter((key): key is string => typeof key === 'string') : [];
    },

    async mountKeeps() {
      const about = { doing: `vault: reading the configuration of ${mount}`, subject: address };
      try {
        const data = dataOf(await session.call({ method: 'GET', path: `${root}/config` }, about));
        return numberOf(data['max_versions']) || DEFAULT_MAX_VERSIONS;
      } catch (error) {
        if (error instanceof KeywheelError && error.code === 'ERR_STORE_FORBIDDEN') return undefined;
        throw error;
      }
    },
  };
}

const dataOf = (answer: VaultAnswer | undefined): Fields => (answer?.body['data'] ?? {}) as Fields;
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);

/** A deletion time in the future is when the version will end: `delete_version_after`. */
function versionOf(number: number, version: Fields, now: number): KeyVersion {
  const ends = Date.parse(textOf(version['deletion_time']));
  const live = version['destroyed'] !== true && !(ends <= now);
  return { number, created: textOf(version['created_time']), live };
}

function strange(about: About): KeywheelError {
  return new KeywheelError('ERR_STORE_FAILED', `${about.doing} failed, the answer is not that of a KV engine of version 2`, {
    hint: 'see that `address` is Vault or OpenBao, and that `mount` names a KV engine of version 2',
    subject: about.subject,
  });
}
