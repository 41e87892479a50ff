/** Vaults and what is in them. All names are of any case: https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates#object-identifiers */
import type { SecretRef } from '../../event.ts';
import { createMemory } from '../common-memory.ts';
import { capped, NAME_MAX } from '../common.ts';

const KINDS: ReadonlyMap<string, string> = new Map([
  ['secrets', 'secret'],
  ['keys', 'key'],
  ['certificates', 'certificate'],
  ['storage', 'storage'],
  ['deletedsecrets', 'secret'],
  ['deletedkeys', 'key'],
  ['deletedcertificates', 'certificate'],
  ['deletedstorage', 'storage'],
]);

/** The path of an address, without query: `/secrets/db/0123`. */
function pathOf(url: string): string {
  const scheme = url.indexOf('://');
  const start = scheme === -1 ? 0 : url.indexOf('/', scheme + 3);
  if (start === -1) return '';
  const query = url.indexOf('?', start);
  return query === -1 ? url.slice(start) : url.slice(start, query);
}

/** The first label of an address's host: `vault` of `https://vault.vault.azure.net:443/…`. */
function hostOf(url: string | undefined): string | undefined {
  const scheme = url?.indexOf('://') ?? -1;
  if (url === undefined || scheme === -1) return undefined;
  const host = url.slice(scheme + 3, scheme + 3 + 256).split('/', 1)[0] ?? '';
  const isVault = host.includes('.vault.') || host.includes('.managedhsm.');
  return isVault ? host.split('.', 1)[0]?.toLowerCase() : undefined;
}

/** The vault's name, which is unique in all of Azure, in lower case: from the resource's id, else from an address. */
export function vaultOf(resourceId: string | undefined, url: string | undefined): string {
  if (resourceId === undefined || resourceId.length > 1024) return readVault(resourceId, url);
  const known = vaults.get(resourceId);
  if (known !== undefined) return known;
  const name = readVault(resourceId, undefined);
  // Only what the id itself says is kept: an address is of one record.
  return name === UNKNOWN ? readVault(undefined, url) : vaults.keep(resourceId, name);
}

const UNKNOWN = 'unknown';
const vaults = createMemory<string, string>(4_096);

function readVault(resourceId: string | undefined, url: string | undefined): string {
  const parts = resourceId?.slice(0, 1024).toLowerCase().split('/') ?? [];
  const at = parts.findIndex((part) => part === 'vaults' || part === 'managedhsms' || part === 'deletedvaults');
  const name = parts[at + 1];
  return capped((at !== -1 && name !== undefined && name !== '' ? name : hostOf(url)) ?? UNKNOWN, 128);
}

/** The object that a record's addresses name; its version is never part of its key. */
export function objectNamed(id: string | undefined, requestUri: string | undefined, vault: string): SecretRef | undefined {
  return named(id, vault) ?? named(requestUri, vault);
}

const objects = createMemory<string, { readonly vault: string; readonly ref: SecretRef | undefined }>(8_192);

function named(url: string | undefined, vault: string): SecretRef | undefined {
  if (url === undefined || url.length > 2048) return undefined;
  const known = objects.get(url);
  if (known?.vault === vault) return known.ref;
  return objects.keep(url, { vault, ref: readObject(url, vault) }).ref;
}

function readObject(url: string, vault: string): SecretRef | undefined {
  const [, collection = '', object = '', version = ''] = pathOf(url).split('/', 4);
  const kind = KINDS.get(collection.toLowerCase());
  if (kind === undefined || object === '') return undefined;
  const name = capped(object, NAME_MAX);
  // `/secrets/db/versions` and `/keys/k/sign` are no versions, which are 32 hexadecimal digits.
  const ref = { key: `azure:${vault}:${kind}:${name.toLowerCase()}`, name };
  return version.length === 32 ? { ...ref, version } : ref;
}
