/**
 * Key Vault's secrets, from the vendor's documentation. Strict: what the documentation leaves open (the order of a list) is made as
 * unhelpful as it may be.
 */
import { randomBytes } from 'node:crypto';

/** https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret#keyvaulterror */
export class VaultError extends Error {
  readonly status: number;
  readonly code: string;
  readonly inner: string | undefined;
  constructor(status: number, code: string, message: string, inner?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.inner = inner;
  }
}

export interface StoredVersion {
  readonly id: string;
  readonly value: string;
  readonly contentType: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
  readonly attributes: Attributes;
}

export interface Attributes {
  readonly enabled: boolean;
  readonly nbf?: number;
  readonly exp?: number;
  /** Seconds: IntDate. https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#data-types */
  readonly created: number;
  readonly updated: number;
}

export interface Parameters {
  readonly value?: unknown;
  readonly contentType?: unknown;
  readonly tags?: unknown;
  readonly attributes?: { readonly enabled?: unknown; readonly nbf?: unknown; readonly exp?: unknown } | null;
}

interface Secret {
  /** As it was first written: names are compared without case. */
  readonly name: string;
  readonly versions: StoredVersion[];
  deletedAt: number | undefined;
}

/** 25 KB: https://learn.microsoft.com/azure/key-vault/secrets/about-secrets */
const LARGEST = 25_600;
/** https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#secret-tags */
const MOST_TAGS = 15;
const LONGEST_TAG = 256;

export class SecretsModel {
  readonly #secrets = new Map<string, Secret>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** PUT: a new version, which is the newest at once; there is no condition. https://learn.microsoft.com/rest/api/keyvault/secrets/set-secret/set-secret */
  set(name: string, parameters: Parameters): { name: string; version: StoredVersion } {
    checkName(name);
    const { value } = parameters;
    if (typeof value !== 'string') throw bad('The request body must have a string value.');
    if (Buffer.byteLength(value) > LARGEST) throw bad('The secret value is too long.');
    const secret = this.#secrets.get(name.toLowerCase()) ?? { name, versions: [], deletedAt: undefined };
    if (secret.deletedAt !== undefined) {
      // https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview: the name cannot be reused until it is purged
      const message = `Secret ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.`;
      throw new VaultError(409, 'Conflict', message, 'ObjectIsDeletedButRecoverable');
    }
    const seconds = this.#seconds();
    const version: StoredVersion = {
      id: randomBytes(16).toString('hex'),
      value,
      contentType: contentTypeOf(parameters) ?? undefined,
      tags: tagsOf(parameters) ?? {},
      attributes: { enabled: true, created: seconds, updated: seconds, ...attributesOf(parameters) },
    };
    secret.versions.push(version);
    this.#secrets.set(name.toLowerCase(), secret);
    return { name: secret.name, version };
  }

  /** GET, of the newest or of one version. Disabled ones are refused; times of validity are for information only. */
  get(name: string, id: string): { name: string; version: StoredVersion } {
    const { secret, version } = this.#version(name, id);
    if (!version.attributes.enabled) {
      throw new VaultError(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', 'SecretDisabled');
    }
    return { name: secret.name, version };
  }

  /** PATCH: attributes that are given change, a map of tags that is given replaces the whole one, the value stays. */
  update(name: string, id: string, parameters: Parameters): { name: string; version: StoredVersion } {
    const { secret, version } = this.#version(name, id);
    if (parameters.value !== undefined) throw bad('The value of a version cannot be changed.');
    const contentType = contentTypeOf(parameters);
    const changed: StoredVersion = {
      ...version,
      ...(contentType === undefined ? {} : { contentType }),
      tags: tagsOf(parameters) ?? version.tags,
      attributes: { ...version.attributes, ...attributesOf(parameters), updated: this.#seconds() },
    };
    secret.versions[secret.versions.indexOf(version)] = changed;
    return { name: secret.name, version: changed };
  }

  /** Versions in the order of their random ids. None, and no error, for a secret that does not exist. */
  versions(name: string): { name: string; versions: StoredVersion[] } {
    const secret = this.#live(name);
    return { name: secret?.name ?? name, versions: (secret?.versions ?? []).toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
  }

  /** In the order of a digest of the name would be as good; by the last letter is as unlike any order that somebody may count on. */
  secrets(deleted: boolean): { name: string; newest: StoredVersion; deletedAt: number | undefined }[] {
    const mirrored = (text: string): string => Array.from(text).toReversed().join('');
    return [...this.#secrets.values()]
      .filter((secret) => (secret.deletedAt !== undefined) === deleted)
      .toSorted((a, b) => (mirrored(a.name) < mirrored(b.name) ? -1 : 1))
      .map(({ name, versions, deletedAt }) => ({ name, newest: versions.at(-1) as StoredVersion, deletedAt }));
  }

  delete(name: string): { name: string; newest: StoredVersion; deletedAt: number } {
    const secret = this.#live(name);
    if (secret === undefined) throw notFound(name);
    secret.deletedAt = this.#seconds();
    return { name: secret.name, newest: secret.versions.at(-1) as StoredVersion, deletedAt: secret.deletedAt };
  }

  deleted(name: string): { name: string; newest: StoredVersion; deletedAt: number } {
    const secret = this.#secrets.get(name.toLowerCase());
    if (secret?.deletedAt === undefined) throw new VaultError(404, 'SecretNotFound', `Deleted Secret not found: ${name}`);
    return { name: secret.name, newest: secret.versions.at(-1) as StoredVersion, deletedAt: secret.deletedAt };
  }

  recover(name: string): { name: string; version: StoredVersion } {
    const { newest } = this.deleted(name);
    const secret = this.#secrets.get(name.toLowerCase()) as Secret;
    secret.deletedAt = undefined;
    return { name: secret.name, version: newest };
  }

  purge(name: string): void {
    this.deleted(name);
    this.#secrets.delete(name.toLowerCase());
  }

  /** Oldest first, for tests that look behind the API. */
  history(name: string): readonly StoredVersion[] {
    return this.#secrets.get(name.toLowerCase())?.versions ?? [];
  }

  #seconds(): number {
    return Math.floor(this.#now() / 1000);
  }

  #live(name: string): Secret | undefined {
    checkName(name);
    const secret = this.#secrets.get(name.toLowerCase());
    return secret?.deletedAt === undefined ? secret : undefined;
  }

  #version(name: string, id: string): { secret: Secret; version: StoredVersion } {
    const secret = this.#live(name);
    if (secret === undefined) throw notFound(name);
    if (id !== '' && !/^[0-9a-f]{32}$/i.test(id)) throw bad(`Invalid version ${id}.`);
    const version = id === '' ? secret.versions.at(-1) : secret.versions.find((one) => one.id === id.toLowerCase());
    if (version === undefined) throw notFound(`${name}/${id}`);
    return { secret, version };
  }
}

/** https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers */
function checkName(name: string): void {
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(name)) throw bad(`The request URI contains an invalid name: ${name}`);
}

function tagsOf({ tags }: Parameters): Record<string, string> | undefined {
  if (tags === undefined || tags === null) return undefined;
  const entries = Object.entries(tags);
  if (entries.length > MOST_TAGS) throw bad(`Too many tags: ${entries.length}.`);
  for (const [name, value] of entries) {
    if (typeof value !== 'string') throw bad('Tags must be strings.');
    if (name.length > LONGEST_TAG || value.length > LONGEST_TAG) throw bad(`Tag ${name} is too long.`);
  }
  return tags as Record<string, string>;
}

function contentTypeOf({ contentType }: Parameters): string | undefined {
  if (contentType === undefined || contentType === null) return undefined;
  if (typeof contentType !== 'string' || contentType.length > 255) throw bad('The content type is too long.');
  return contentType;
}

function attributesOf({ attributes }: Parameters): Partial<Attributes> {
  const { enabled, nbf, exp } = attributes ?? {};
  if (enabled !== undefined && typeof enabled !== 'boolean') throw bad('enabled must be a boolean.');
  for (const time of [nbf, exp]) {
    if (time !== undefined && !Number.isInteger(time)) throw bad('A time must be whole seconds since 1970.');
  }
  return {
    ...(enabled === undefined ? {} : { enabled }),
    ...(typeof nbf === 'number' ? { nbf } : {}),
    ...(typeof exp === 'number' ? { exp } : {}),
  };
}

function bad(message: string): VaultError {
  return new VaultError(400, 'BadParameter', message);
}

function notFound(what: string): VaultError {
  const message = `A secret with (name/id) ${what} was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command.`;
  return new VaultError(404, 'SecretNotFound', message);
}
