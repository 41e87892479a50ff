/** What Secret Manager refuses, each rule with where Google documents it. */
import { status } from '@grpc/grpc-js';
import { RpcError } from '../grpc.ts';
import type { SecretMessage } from './messages.ts';

/** Content limits: https://docs.cloud.google.com/secret-manager/quotas */
export const PAYLOAD_LIMIT = 65_536;
const ALIAS_LIMIT = 50;
const ANNOTATION_LIMIT = 16 * 1024;

/** What UpdateSecret may change; everything else of a Secret is output only or immutable (resources.proto, `message Secret`). */
const MUTABLE = new Set([
  'labels',
  'topics',
  'expire_time',
  'ttl',
  'rotation',
  'version_aliases',
  'annotations',
  'version_destroy_ttl',
  'customer_managed_encryption',
]);

export function invalid(details: string): RpcError {
  return new RpcError(status.INVALID_ARGUMENT, details);
}

/** https://docs.cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets/create: at most 255 of letters, digits, - and _. */
export function checkSecretId(id: string): void {
  if (!/^[A-Za-z0-9_-]{1,255}$/.test(id)) throw invalid(`Secret ID [${id}] must match the pattern [a-zA-Z_0-9-]{1,255}.`);
}

/**
 * https://docs.cloud.google.com/secret-manager/docs/assign-alias-to-secret-version: a letter first, at most 63 of letters, digits, - and _,
 * and neither `latest` nor `new` in any case. At most 50 of them. An alias names a version that the secret has.
 */
export function checkAliases(aliases: Readonly<Record<string, string>>, exists: (version: string) => boolean): void {
  if (Object.keys(aliases).length > ALIAS_LIMIT) throw invalid(`A secret may have at most ${ALIAS_LIMIT} version aliases.`);
  for (const [alias, version] of Object.entries(aliases)) {
    const reserved = ['latest', 'new'].includes(alias.toLowerCase());
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(alias) || reserved) throw invalid(`Version alias [${alias}] is not valid.`);
    if (!exists(version)) throw invalid(`Version alias [${alias}] names version [${version}], which does not exist.`);
  }
}

/** resources.proto, `Secret.annotations`: keys of 1 to 63 characters, alphanumeric at both ends; keys and values together under 16 KiB. */
export function checkAnnotations(annotations: Readonly<Record<string, string>>): void {
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    if (!/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/.test(key)) throw invalid(`Annotation key [${key}] is not valid.`);
    size += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (size >= ANNOTATION_LIMIT) throw invalid('The annotations are larger than 16 KiB.');
}

/** resources.proto, `Secret.labels`: at most 64; keys start with a lower-case letter. */
export function checkLabels(labels: Readonly<Record<string, string>>): void {
  if (Object.keys(labels).length > 64) throw invalid('A secret may have at most 64 labels.');
  for (const [key, value] of Object.entries(labels)) {
    if (!/^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$/u.test(key)) throw invalid(`Label key [${key}] is not valid.`);
    if (!/^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$/u.test(value)) throw invalid(`The value of label [${key}] is not valid.`);
  }
}

/** Global secrets name their replication once and for all; regional ones have none (`Secret.replication`, immutable). */
export function checkReplication(secret: Partial<SecretMessage>, regional: boolean): void {
  const { replication } = secret;
  const named = replication?.automatic != null || replication?.userManaged != null;
  if (regional && named) throw invalid('Replication cannot be set on a regional secret.');
  if (regional) return;
  if (!named) throw invalid('Secret.replication must be set.');
  if (secret.customerManagedEncryption != null) throw invalid('Secret.customer_managed_encryption is for regional secrets.');
  if (replication.userManaged != null && (replication.userManaged.replicas ?? []).length === 0) {
    throw invalid('Secret.replication.user_managed.replicas cannot be empty.');
  }
}

/** service.proto, UpdateSecretRequest: the mask is required, and names only what may change. */
export function checkMask(paths: readonly string[]): void {
  if (paths.length === 0) throw invalid('update_mask is required.');
  const wrong = paths.find((path) => !MUTABLE.has(path));
  if (wrong !== undefined) throw invalid(`The field [${wrong}] cannot be updated.`);
}
