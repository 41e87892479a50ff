/** What the methods of each service do, by their last part: `google.cloud.secretmanager.v1.SecretManagerService.GetSecret` and `GetSecret` are one. */
import { FLAG, type Verb } from '../../event.ts';
import { createMemory } from '../common-memory.ts';

export interface Method {
  /** The last part. */
  readonly name: string;
  readonly verb: Verb;
  readonly flags: number;
}

type Table = Readonly<Record<string, Verb>>;

// https://docs.cloud.google.com/secret-manager/docs/audit-logging; parameters have the same methods by another name.
const SECRETS: Table = {
  AccessSecretVersion: 'read',
  CreateSecret: 'create',
  AddSecretVersion: 'write',
  UpdateSecret: 'config',
  // Nothing brings back a secret or a destroyed version.
  DeleteSecret: 'destroy',
  DestroySecretVersion: 'destroy',
  DisableSecretVersion: 'delete',
  EnableSecretVersion: 'restore',
  RenderParameterVersion: 'read',
  GetParameterVersion: 'read',
  CreateParameter: 'create',
  CreateParameterVersion: 'write',
  UpdateParameter: 'config',
  UpdateParameterVersion: 'config',
  DeleteParameter: 'destroy',
  DeleteParameterVersion: 'destroy',
};

// https://docs.cloud.google.com/kms/docs/audit-logging
const KEYS: Table = {
  Decrypt: 'crypto',
  Encrypt: 'crypto',
  RawDecrypt: 'crypto',
  RawEncrypt: 'crypto',
  AsymmetricSign: 'crypto',
  AsymmetricDecrypt: 'crypto',
  MacSign: 'crypto',
  MacVerify: 'crypto',
  Decapsulate: 'crypto',
  GenerateRandomBytes: 'other',
  CreateKeyRing: 'create',
  CreateCryptoKey: 'create',
  CreateImportJob: 'create',
  CreateCryptoKeyVersion: 'write',
  ImportCryptoKeyVersion: 'write',
  DestroyCryptoKeyVersion: 'destroy',
  DeleteCryptoKey: 'destroy',
  DeleteCryptoKeyVersion: 'destroy',
  RestoreCryptoKeyVersion: 'restore',
};

// https://docs.cloud.google.com/iam/docs/audit-logging
const TOKENS: Table = {
  GenerateAccessToken: 'token',
  GenerateIdToken: 'token',
  SignJwt: 'token',
  SignBlob: 'token',
  ExchangeToken: 'login',
};

const IAM: Table = {
  CreateServiceAccountKey: 'token',
  UploadServiceAccountKey: 'token',
  EnableServiceAccountKey: 'token',
  DeleteServiceAccountKey: 'config',
  DisableServiceAccountKey: 'config',
};

/** Everything else that changes something, in each service. */
const ELSE: ReadonlyMap<string, Verb> = new Map([
  ['secretmanager.googleapis.com', 'config'],
  ['parametermanager.googleapis.com', 'config'],
  ['cloudkms.googleapis.com', 'config'],
  ['iam.googleapis.com', 'policy'],
]);

const NOTHING: Table = {};
const TABLES: ReadonlyMap<string, Table> = new Map([
  ['secretmanager.googleapis.com', SECRETS],
  ['parametermanager.googleapis.com', SECRETS],
  ['cloudkms.googleapis.com', KEYS],
  ['iamcredentials.googleapis.com', TOKENS],
  ['sts.googleapis.com', TOKENS],
  ['iam.googleapis.com', IAM],
  ['cloudresourcemanager.googleapis.com', NOTHING],
]);

/** Services of which few methods matter. */
const OTHERS: ReadonlySet<string> = new Set(['logging.googleapis.com', 'pubsub.googleapis.com']);

const IRREVERSIBLE: ReadonlySet<string> = new Set(['DeleteSecret', 'DeleteParameter', 'DeleteCryptoKey']);
/** What ends or narrows what the log keeps. Of sinks that are changed, their new settings tell. */
const BLINDS: ReadonlySet<string> = new Set('DeleteSink CreateExclusion UpdateExclusion DeleteBucket DeleteLog'.split(' '));
const CUTS: ReadonlySet<string> = new Set(['DeleteSubscription', 'DetachSubscription']);

type Act = Omit<Method, 'name'>;
const methods = createMemory<string, Method | null>(4_096);

/** `method` as the record has it, with its service in front or without. Undefined where the call concerns no secret store. */
export function methodOf(service: string, method: string): Method | undefined {
  if (!TABLES.has(service) && !OTHERS.has(service)) return undefined;
  const key = `${service} ${method}`;
  const known = methods.get(key);
  if (known !== undefined) return known ?? undefined;
  const name = method.slice(method.lastIndexOf('.') + 1);
  const act = actOf(service, name);
  const made = act === undefined ? null : { name, ...act };
  return (key.length > 256 ? made : methods.keep(key, made)) ?? undefined;
}

function actOf(service: string, name: string): Act | undefined {
  if (service === 'pubsub.googleapis.com') return CUTS.has(name) ? { verb: 'audit', flags: FLAG.auditOff } : undefined;
  if (service === 'logging.googleapis.com') {
    // Writing and reading entries has nothing to do with their being kept.
    const keeps = /^(?:Create|Update|Delete|Undelete)/u.test(name);
    return keeps ? { verb: 'audit', flags: BLINDS.has(name) ? FLAG.auditOff : 0 } : undefined;
  }
  const table = TABLES.get(service);
  if (table === undefined) return undefined;
  // An IAM service account's policy is set by `SetIAMPolicy`.
  if (name === 'SetIamPolicy' || name === 'SetIAMPolicy') return plain('policy');
  if (Object.hasOwn(table, name)) {
    return { verb: table[name] ?? 'other', flags: IRREVERSIBLE.has(name) ? FLAG.force : 0 };
  }
  if (name.startsWith('List') || name.startsWith('Search') || name.startsWith('Query')) return plain('list');
  if (name.startsWith('Get')) return plain('describe');
  if (name.startsWith('TestIamPermissions') || name === 'TestIAMPermissions') return plain('whoami');
  const verb = ELSE.get(service);
  return verb === undefined ? undefined : plain(verb);
}

const plain = (verb: Verb): Act => ({ verb, flags: 0 });
