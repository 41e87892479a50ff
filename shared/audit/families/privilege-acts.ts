/** Which privileged acts one event is: by verb and flags where they tell, by the vendor's operation where they do not. */
import { FLAG, type AuditEvent, type Verb } from '../event.ts';

/** Bits of a set, and by their position the codes under which a principal's habits are kept: they are written into state. */
export const ACT = {
  longToken: 1 << 0,
  endless: 1 << 1,
  root: 1 << 2,
  makesRoot: 1 << 3,
  broad: 1 << 4,
  external: 1 << 5,
  public: 1 << 6,
  wayIn: 1 << 7,
  exportable: 1 << 8,
  destroy: 1 << 9,
  destroyVersion: 1 << 10,
  remove: 1 << 11,
  backup: 1 << 12,
  rotationOff: 1 << 13,
  rotationFailed: 1 << 14,
  replicate: 1 << 15,
  override: 1 << 16,
  unwrapFailed: 1 << 17,
  raw: 1 << 18,
  alias: 1 << 19,
  foreignKey: 1 << 20,
  tokenFor: 1 << 21,
  policy: 1 << 22,
  disableKey: 1 << 23,
} as const;

/** The position of a bit. */
export const codeOf = (act: number): number => 31 - Math.clz32(act);

/** Flags that make any event worth a look; the rest of the acts have verbs of their own. */
const TELLING =
  FLAG.root |
  FLAG.makesRoot |
  FLAG.public |
  FLAG.broad |
  FLAG.external |
  FLAG.exportable |
  FLAG.policyOverride |
  FLAG.unwrap |
  FLAG.endless;

const WAYS_IN = [
  'CreateSAMLProvider',
  'UpdateSAMLProvider',
  'CreateOpenIDConnectProvider',
  'UpdateOpenIDConnectProviderThumbprint',
  'AddClientIDToOpenIDConnectProvider',
  'CreateWorkloadIdentityPool',
];
const ROTATION_OFF = ['CancelRotateSecret', 'DisableKeyRotation'];
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/retrieve-ct-entries.html
const ROTATION_FAILED = ['RotationFailed', 'RotationAbandoned'];
const REPLICATIONS = ['ReplicateSecretToRegions', 'ReplicateKey'];
const TOKEN_FOR = ['GenerateAccessToken', 'GenerateIdToken', 'SignJwt', 'SignBlob'];
const KEY_SETTERS = ['UpdateSecret', 'CreateSecret', 'PutParameter', 'PutSecretValue', 'ReEncrypt'];
const DISABLES_KEY = ['DisableKey', 'DisableCryptoKeyVersion'];

// What a key has encrypted is gone with it, and a vault takes all that is in it: that is never tidying up, even where it can be recovered for a while.
const ENDS = [
  'ScheduleKeyDeletion',
  'DestroyCryptoKeyVersion',
  'DeleteImportedKeyMaterial',
  'KeyDelete',
  'VaultDelete',
  'microsoft.keyvault/vaults/delete',
  'microsoft.keyvault/managedhsms/delete',
];
/** Beginnings of operations that take rights away, in lower case. */
const TAKES = ['delete', 'detach', 'remove', 'revoke', 'retire', 'deactivate'];
const LOOKS: ReadonlySet<Verb> = new Set<Verb>(['read', 'list', 'describe', 'crypto', 'whoami', 'other']);

/** Google's method names carry their service in front; with or without it they mean the same. */
const isOne = (names: readonly string[], action: string): boolean =>
  names.some(
    (name) => action.endsWith(name) && (action.length === name.length || action[action.length - name.length - 1] === '.'),
  );

/** Vault's operation and path, of an action such as `update sys/raw/core`. */
function vaultPath({ source, action }: AuditEvent): { changes: boolean; path: string } | undefined {
  if (source !== 'vault' && source !== 'openbao') return undefined;
  const space = action.indexOf(' ');
  const operation = action.slice(0, Math.max(0, space));
  return {
    changes: operation === 'update' || operation === 'create' || operation === 'patch' || operation === 'delete',
    path: action.slice(space + 1),
  };
}

/** The set of `event`'s acts; 0 for most events. Tokens' lifetimes and ordinary writes are looked at elsewhere. */
export function actsOf(event: AuditEvent): number {
  const { flags, verb } = event;
  if ((verb === 'read' || verb === 'crypto' || verb === 'list') && (flags & TELLING) === 0 && event.principal.kind !== 'root') {
    return rawAct(event);
  }
  let acts = 0;
  if ((flags & FLAG.root) !== 0 || event.principal.kind === 'root') acts |= ACT.root;
  if ((flags & FLAG.makesRoot) !== 0) acts |= ACT.makesRoot;
  if ((flags & FLAG.policyOverride) !== 0) acts |= ACT.override;
  // Who only looks at a key or a policy does not make it so.
  if (!LOOKS.has(verb)) {
    if ((flags & FLAG.exportable) !== 0) acts |= ACT.exportable;
    if ((flags & FLAG.public) !== 0) acts |= ACT.public;
    if ((flags & FLAG.broad) !== 0) acts |= ACT.broad;
  }
  if ((flags & FLAG.endless) !== 0 && (verb === 'token' || verb === 'login')) acts |= ACT.endless;
  if ((flags & FLAG.unwrap) !== 0 && event.outcome !== 'ok') acts |= ACT.unwrapFailed;
  return acts | verbActs(event) | rawAct(event);
}

function verbActs(event: AuditEvent): number {
  const { verb, action, flags } = event;
  // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- the other verbs are no privileged acts
  switch (verb) {
    case 'policy':
      if (isTaking(action)) return 0;
      return ACT.policy | ((flags & FLAG.external) === 0 ? 0 : ACT.external) | wayIn(event) | alias(event);
    case 'destroy':
      return (flags & FLAG.system) !== 0 ? 0 : destroyAct(event);
    case 'delete':
      if ((flags & FLAG.system) !== 0) return 0;
      return endsKey(event) ? ACT.destroy : ACT.remove;
    case 'backup':
      return isOne(REPLICATIONS, action) ? ACT.replicate : ACT.backup;
    case 'token':
      return tokenFor(event) | alias(event);
    case 'create':
    case 'write':
    case 'config':
      if (isOne(REPLICATIONS, action)) return ACT.replicate;
      if (isOne(ROTATION_OFF, action)) return ACT.rotationOff;
      if (isOne(ROTATION_FAILED, action)) return ACT.rotationFailed;
      if (isOne(DISABLES_KEY, action)) return ACT.disableKey;
      return wayIn(event) | alias(event) | foreignKey(event);
    case 'crypto':
      return foreignKey(event);
    default:
      return 0;
  }
}

/** Whether it ends a key or a whole vault. */
export const endsKey = ({ action }: AuditEvent): boolean => isOne(ENDS, action);

/** Policies that are detached and grants that are revoked let nobody in. */
function isTaking(action: string): boolean {
  const name = action.slice(
    Math.max(action.lastIndexOf('.'), action.startsWith('microsoft.') ? action.lastIndexOf('/') : -1) + 1,
  );
  const lower = name.toLowerCase();
  return TAKES.some((take) => lower.startsWith(take));
}

/** Only some of a secret's versions are destroyed: a retention job's work. Leases that are revoked can be had again. */
function destroyAct(event: AuditEvent): number {
  if (endsKey(event)) return ACT.destroy;
  const path = vaultPath(event)?.path ?? '';
  if (path.startsWith('sys/leases/') || path.startsWith('sys/revoke-')) return ACT.remove;
  if ((event.flags & FLAG.force) !== 0) return ACT.destroy;
  if (event.secrets.some(({ version }) => version !== undefined)) return ACT.destroyVersion;
  if (isOne(['DestroySecretVersion'], event.action)) return ACT.destroyVersion;
  // https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2#destroy-secret-versions
  return path.includes('/destroy/') || path.endsWith('/trim') ? ACT.destroyVersion : ACT.destroy;
}

function wayIn(event: AuditEvent): number {
  const vault = vaultPath(event);
  if (vault === undefined)
    return isOne(WAYS_IN, event.action) || /WorkloadIdentityPoolProvider|federatedidentitycredentials\/write/.test(event.action)
      ? ACT.wayIn
      : 0;
  const { changes, path } = vault;
  if (!changes || event.action.startsWith('delete') || path.endsWith('/tune')) return 0;
  return path.startsWith('sys/auth/') || path.startsWith('sys/mounts/') ? ACT.wayIn : 0;
}

function alias(event: AuditEvent): number {
  const vault = vaultPath(event);
  if (vault === undefined || !vault.changes || event.action.startsWith('delete')) return 0;
  const { path } = vault;
  const links = path.startsWith('identity/entity/merge') || path.startsWith('identity/entity-alias');
  return links || path.startsWith('identity/group-alias') ? ACT.alias : 0;
}

/** Storage under the barrier, and code that the server runs. https://developer.hashicorp.com/vault/api-docs/system/raw */
function rawAct(event: AuditEvent): number {
  if (event.source !== 'vault' && event.source !== 'openbao') return 0;
  const space = event.action.indexOf(' ') + 1;
  if (!event.action.startsWith('sys/', space)) return 0;
  if (event.action.startsWith('sys/raw', space)) return ACT.raw;
  const plugins = event.action.startsWith('sys/plugins/catalog', space) || event.action.startsWith('sys/plugins/reload', space);
  return plugins && vaultPath(event)?.changes === true ? ACT.raw : 0;
}

/** The flag also marks callers of another account: then it is not the key that is foreign. */
function foreignKey(event: AuditEvent): number {
  if ((event.flags & FLAG.external) === 0 || !isOne(KEY_SETTERS, event.action)) return 0;
  const { home } = event.principal;
  return event.grantee !== undefined || (home !== undefined && home === event.account) ? ACT.foreignKey : 0;
}

function tokenFor({ action, grantee, principal, outcome }: AuditEvent): number {
  if (outcome !== 'ok') return 0;
  const other = grantee !== undefined && grantee !== principal.id && grantee !== principal.name;
  return other || (grantee === undefined && isOne(TOKEN_FOR, action)) ? ACT.tokenFor : 0;
}
