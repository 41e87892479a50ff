/** The operations of Key Vault and Managed HSM. https://learn.microsoft.com/azure/key-vault/general/logging#interpret-your-key-vault-logs */
import { FLAG, type Verb } from '../../event.ts';

export interface Operation {
  readonly verb: Verb;
  readonly flags: number;
  /** Whether the record's URL names an object of the vault. */
  readonly names: boolean;
  /** Written by the vault about itself. */
  readonly system: boolean;
}

/** By what stands behind `Secret`, `Key`, `Certificate` or `StorageAccount`. */
const COMMON: Readonly<Record<string, Verb>> = {
  List: 'list',
  ListVersions: 'list',
  ListDeleted: 'list',
  GetDeleted: 'describe',
  Set: 'write',
  Create: 'create',
  Import: 'create',
  Update: 'config',
  Delete: 'delete',
  Purge: 'destroy',
  Backup: 'backup',
  Restore: 'restore',
  Recover: 'restore',
};

const OWN: Readonly<Record<string, Verb>> = {
  SecretGet: 'read',
  // Public parts; the private part of a certificate is read as a secret.
  KeyGet: 'describe',
  CertificateGet: 'describe',
  ...Object.fromEntries(
    ['Sign', 'Verify', 'Wrap', 'Unwrap', 'Encrypt', 'Decrypt'].map((name) => [`Key${name}`, 'crypto' as const]),
  ),
  // Hands out the key itself, wrapped. https://learn.microsoft.com/rest/api/keyvault/keys/release/release
  KeyRelease: 'read',
  KeyRotate: 'write',
  KeyGetRotationPolicy: 'describe',
  KeyGetAttestation: 'describe',
  KeySetRotationPolicy: 'config',
  KeyUpdateRotationPolicy: 'config',
  RandomBytesGet: 'other',
  CertificateMerge: 'write',
  CertificatePolicyGet: 'describe',
  CertificatePolicySet: 'config',
  CertificatePolicyUpdate: 'config',
  CertificatePendingGet: 'describe',
  CertificatePendingMerge: 'write',
  CertificatePendingUpdate: 'config',
  CertificatePendingDelete: 'config',
  CertificateContactsGet: 'describe',
  CertificateContactsSet: 'config',
  CertificateContactsDelete: 'config',
  CertificateIssuerGet: 'describe',
  CertificateIssuersList: 'list',
  CertificateIssuerSet: 'config',
  CertificateIssuerUpdate: 'config',
  CertificateIssuerDelete: 'config',
};

const VAULT: Readonly<Record<string, Verb>> = {
  VaultGet: 'describe',
  VaultList: 'list',
  VaultListDeleted: 'list',
  VaultGetDeleted: 'describe',
  VaultCheckName: 'other',
  // Both carry access policies.
  VaultPut: 'policy',
  VaultPatch: 'policy',
  VaultUpdate: 'policy',
  VaultDelete: 'delete',
  VaultPurge: 'destroy',
  VaultRecover: 'restore',
  Authentication: 'login',
  // Managed HSM: https://learn.microsoft.com/azure/key-vault/managed-hsm/logging
  RoleAssignmentCreate: 'policy',
  RoleAssignmentDelete: 'policy',
  RoleAssignmentGet: 'describe',
  RoleAssignmentList: 'list',
  RoleDefinitionSet: 'policy',
  RoleDefinitionDelete: 'policy',
  RoleDefinitionList: 'list',
  FullBackup: 'backup',
  SelectiveBackup: 'backup',
  FullRestore: 'restore',
  SelectiveRestore: 'restore',
  SecurityDomainDownload: 'backup',
  SecurityDomainUpload: 'restore',
};

const OBJECTS = ['Secret', 'Key', 'Certificate', 'StorageAccount'];

const table: ReadonlyMap<string, Operation> = new Map([
  ...OBJECTS.flatMap((object) =>
    Object.entries(COMMON).map(
      ([name, verb]) => [`${object}${name}`, operation(verb, verb !== 'list' || name === 'ListVersions')] as const,
    ),
  ),
  ...Object.entries(OWN).map(([name, verb]) => [name, operation(verb, true)] as const),
  ...Object.entries(VAULT).map(([name, verb]) => [name, operation(verb, false)] as const),
]);

function operation(verb: Verb, names: boolean): Operation {
  return Object.freeze({ verb, flags: verb === 'destroy' ? FLAG.force : 0, names, system: false });
}

const NOTICE: Operation = Object.freeze({ verb: 'config', flags: FLAG.system, names: true, system: true });

/** Undefined: not known, or none of Key Vault's. */
export function operationOf(name: string): Operation | undefined {
  return table.get(name) ?? (name.endsWith('EventGridNotification') ? NOTICE : undefined);
}
