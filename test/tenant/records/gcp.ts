/** Cloud Audit Logs of Secret Manager, KMS and IAM, as LogEntry: https://docs.cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry */
import type { Random } from '../random.ts';
import type { Act, Identity, Seat } from '../types.ts';
import { json, millis, type Writer } from './writer.ts';

const SM = 'secretmanager.googleapis.com';
const METHODS = 'google.cloud.secretmanager.v1.SecretManagerService.';

export function emailOf(identity: Identity): string {
  const { kind, mail, name, store, home, other } = identity;
  if (kind === 'sso' || kind === 'user' || kind === 'root') return mail;
  if (kind === 'agent')
    return `service-${store.number}@gcp-sa-${name === 'config' ? 'cloudasset' : 'websecurityscanner'}.iam.gserviceaccount.com`;
  if (kind === 'ci' && other.startsWith('0')) return `${store.number}-compute@developer.gserviceaccount.com`;
  return `${name.slice(0, 30)}@${home === '' ? store.name : home}.iam.gserviceaccount.com`;
}

function headOf(seat: Seat): string {
  const { identity, key, client } = seat;
  const email = emailOf(identity);
  const person = identity.kind === 'sso' || identity.kind === 'user';
  const subject = person ? `user:${email}` : `serviceAccount:${email}`;
  const withKey = identity.kind === 'app' || identity.kind === 'foreign';
  const auth = {
    principalEmail: email,
    principalSubject: subject,
    ...(withKey
      ? {
          serviceAccountKeyName: `//iam.googleapis.com/projects/${identity.store.name}/serviceAccounts/${email}/keys/${identity.other}`,
        }
      : {}),
    ...(person ? { oauthInfo: { oauthClientId: '32555940559.apps.googleusercontent.com' } } : {}),
  };
  void key;
  return `"authenticationInfo":${json(auth)},"requestMetadata":{"callerIp":"${seat.address}","callerSuppliedUserAgent":${json(client.agents.gcp)}`;
}

interface Call {
  readonly service: string;
  readonly method: string;
  readonly permission: string;
  readonly type: 'DATA_READ' | 'ADMIN_READ' | 'ADMIN_WRITE';
  readonly resource: string;
  readonly request: unknown;
  readonly response?: unknown;
  readonly resourceType?: string;
}

function callOf(act: Act): Call | undefined {
  const { store, secret, extras } = act;
  // Records name the project by its number; callers say what they like.
  const name = `projects/${store.number}/secrets/${secret?.name ?? extras.name ?? 'x'}`;
  const sm = (method: string, permission: string, type: Call['type'], resource: string, request: object = {}): Call => ({
    service: SM,
    method: METHODS + method,
    permission: `secretmanager.${permission}`,
    type,
    resource,
    request: { '@type': `type.googleapis.com/google.cloud.secretmanager.v1.${method}Request`, ...request },
  });
  const grantee = extras.grantee ?? act.seat.identity;
  const person = grantee.kind === 'sso' || grantee.kind === 'user';
  const member = `${person ? 'user' : 'serviceAccount'}:${emailOf(grantee)}`;
  const policyOf = (who: string, role: string) => ({ resource: name, policy: { bindings: [{ role, members: [who] }] } });
  switch (act.op as string) {
    case 'read':
      return sm('AccessSecretVersion', 'versions.access', 'DATA_READ', `${name}/versions/latest`, {
        name: `projects/${store.name}/secrets/${secret?.name ?? extras.name ?? 'x'}/versions/latest`,
      });
    case 'readOld':
    case 'pending':
      return sm('AccessSecretVersion', 'versions.access', 'DATA_READ', `${name}/versions/${secret?.previous ?? 1}`, {
        name: `${name}/versions/${secret?.previous ?? 1}`,
      });
    case 'list':
      return sm('ListSecrets', 'secrets.list', 'ADMIN_READ', `projects/${store.number}`, {
        parent: `projects/${store.name}`,
        pageSize: 100,
      });
    case 'describe':
      return sm('GetSecret', 'secrets.get', 'ADMIN_READ', name, { name });
    case 'history':
      return sm('ListSecretVersions', 'versions.list', 'ADMIN_READ', name, { parent: name });
    case 'policyRead':
      return sm('GetIamPolicy', 'secrets.getIamPolicy', 'ADMIN_READ', name, { resource: name });
    case 'create':
      return sm('CreateSecret', 'secrets.create', 'ADMIN_WRITE', `projects/${store.number}`, {
        parent: `projects/${store.name}`,
        secretId: secret?.name,
        secret: { replication: { automatic: {} } },
      });
    case 'write':
      return sm('AddSecretVersion', 'versions.add', 'ADMIN_WRITE', name, { parent: name });
    case 'stage':
      return sm('UpdateSecret', 'secrets.update', 'ADMIN_WRITE', name, { secret: { name }, updateMask: 'versionAliases' });
    case 'delete':
      return sm('DisableSecretVersion', 'versions.disable', 'ADMIN_WRITE', `${name}/versions/${secret?.version ?? 1}`, {
        name: `${name}/versions/${secret?.version ?? 1}`,
      });
    case 'destroy':
      return extras.detail === 'whole'
        ? sm('DeleteSecret', 'secrets.delete', 'ADMIN_WRITE', name, { name })
        : sm('DestroySecretVersion', 'versions.destroy', 'ADMIN_WRITE', `${name}/versions/${secret?.previous ?? 1}`, {
            name: `${name}/versions/${secret?.previous ?? 1}`,
          });
    case 'restore':
      return sm('EnableSecretVersion', 'versions.enable', 'ADMIN_WRITE', `${name}/versions/${secret?.version ?? 1}`, {
        name: `${name}/versions/${secret?.version ?? 1}`,
      });
    case 'policy':
      return sm(
        'SetIamPolicy',
        'secrets.setIamPolicy',
        'ADMIN_WRITE',
        name,
        policyOf(
          extras.detail === 'narrow'
            ? `serviceAccount:${secret?.name.split('-')[0]}@${store.name}.iam.gserviceaccount.com`
            : extras.elsewhere === undefined
              ? member
              : `user:${extras.elsewhere}`,
          'roles/secretmanager.secretAccessor',
        ),
      );
    case 'public':
      return sm(
        'SetIamPolicy',
        'secrets.setIamPolicy',
        'ADMIN_WRITE',
        name,
        policyOf('allUsers', 'roles/secretmanager.secretAccessor'),
      );
    case 'grant':
      return {
        service: 'cloudresourcemanager.googleapis.com',
        method: 'SetIamPolicy',
        permission: 'resourcemanager.projects.setIamPolicy',
        type: 'ADMIN_WRITE',
        resource: `projects/${store.name}`,
        resourceType: 'project',
        request: {
          '@type': 'type.googleapis.com/google.iam.v1.SetIamPolicyRequest',
          resource: store.name,
          policy: { bindings: [{ role: 'roles/secretmanager.admin', members: [member] }] },
        },
      };
    case 'token':
      return {
        service: 'iamcredentials.googleapis.com',
        method: 'GenerateAccessToken',
        permission: 'iam.serviceAccounts.getAccessToken',
        type: 'DATA_READ',
        resource: `projects/-/serviceAccounts/${grantee.id}`,
        resourceType: 'service_account',
        request: {
          '@type': 'type.googleapis.com/google.iam.credentials.v1.GenerateAccessTokenRequest',
          name: `projects/-/serviceAccounts/${emailOf(grantee)}`,
          scope: ['https://www.googleapis.com/auth/cloud-platform'],
          lifetime: `${extras.ttl ?? 3600}s`,
        },
      };
    case 'newKey':
      return {
        service: 'iam.googleapis.com',
        method: 'google.iam.admin.v1.CreateServiceAccountKey',
        permission: 'iam.serviceAccountKeys.create',
        type: 'ADMIN_WRITE',
        resource: `projects/-/serviceAccounts/${grantee.id}`,
        resourceType: 'service_account',
        request: {
          '@type': 'type.googleapis.com/google.iam.admin.v1.CreateServiceAccountKeyRequest',
          name: `projects/-/serviceAccounts/${emailOf(grantee)}`,
          private_key_type: 2,
        },
      };
    case 'enumerate':
      return {
        service: 'iam.googleapis.com',
        method: 'google.iam.admin.v1.ListServiceAccounts',
        permission: 'iam.serviceAccounts.list',
        type: 'ADMIN_READ',
        resource: `projects/${store.name}`,
        resourceType: 'project',
        request: {
          '@type': 'type.googleapis.com/google.iam.admin.v1.ListServiceAccountsRequest',
          name: `projects/${store.name}`,
        },
      };
    case 'decrypt':
    case 'encrypt': {
      const name = act.op === 'decrypt' ? 'Decrypt' : 'Encrypt';
      return {
        service: 'cloudkms.googleapis.com',
        method: name,
        permission: `cloudkms.cryptoKeyVersions.useTo${name}`,
        type: 'DATA_READ',
        resource: store.key,
        resourceType: 'cloudkms_cryptokey',
        request: { '@type': `type.googleapis.com/google.cloud.kms.v1.${name}Request`, name: store.key },
      };
    }
    case 'keyDelete':
      return {
        service: 'cloudkms.googleapis.com',
        method: 'DestroyCryptoKeyVersion',
        permission: 'cloudkms.cryptoKeyVersions.destroy',
        type: 'ADMIN_WRITE',
        resource: `${store.key}/cryptoKeyVersions/1`,
        resourceType: 'cloudkms_cryptokeyversion',
        request: {
          '@type': 'type.googleapis.com/google.cloud.kms.v1.DestroyCryptoKeyVersionRequest',
          name: `${store.key}/cryptoKeyVersions/1`,
        },
      };
    case 'auditOff':
    case 'sinkOff':
      return {
        service: 'logging.googleapis.com',
        method: 'google.logging.v2.ConfigServiceV2.DeleteSink',
        permission: 'logging.sinks.delete',
        type: 'ADMIN_WRITE',
        resource: `projects/${store.name}/sinks/${extras.name ?? 'audit'}`,
        resourceType: 'logging_sink',
        request: {
          '@type': 'type.googleapis.com/google.logging.v2.DeleteSinkRequest',
          sinkName: `projects/${store.name}/sinks/${extras.name ?? 'audit'}`,
        },
      };
    default:
      return undefined;
  }
}

const STATUS: Readonly<Record<string, string>> = {
  ok: '{}',
  denied: '{"code":7,"message":"Permission \'PERMISSION\' denied for resource \'RESOURCE\' (or it may not exist)."}',
  notfound: '{"code":5,"message":"Secret [RESOURCE] not found or has no versions."}',
  throttled: '{"code":8,"message":"Quota exceeded for quota metric \'Access requests\'."}',
  expired: '{"code":16,"message":"Request had invalid authentication credentials."}',
  authfail: '{"code":16,"message":"Request had invalid authentication credentials."}',
  error: '{"code":13,"message":"Internal error encountered."}',
};

export function gcpWriter(random: Random): Writer {
  return (act, out) => {
    const call = callOf(act);
    if (call === undefined || act.result === 'challenge') return;
    const { seat, store, result } = act;
    const head = seat.head === '' ? (seat.head = headOf(seat)) : seat.head;
    const id = `${random.hex(12)}d${random.base32(2).toLowerCase()}`;
    const log = call.type === 'ADMIN_WRITE' ? 'activity' : 'data_access';
    const status = (STATUS[result] ?? '{}').replace('PERMISSION', call.permission).replace('RESOURCE', call.resource);
    const unauthenticated = result === 'expired' || result === 'authfail';
    const nanos = `${millis(act.time)}${random.whole(100_000, 999_999)}Z`;
    const caller = unauthenticated
      ? head.replace(/^"authenticationInfo":\{.*?\},"requestMetadata"/, '"authenticationInfo":{},"requestMetadata"')
      : head;
    const labels =
      call.resourceType === undefined
        ? `"service":"${SM}","method":"${call.method}","project_id":"${store.name}"`
        : `"project_id":"${store.name}","location":"global"`;
    out(
      `{"protoPayload":{"@type":"type.googleapis.com/google.cloud.audit.AuditLog","status":${status},${caller},"requestAttributes":{"time":"${nanos}","auth":{}},"destinationAttributes":{}},"serviceName":"${call.service}","methodName":"${call.method}",` +
        `"authorizationInfo":[{"resource":"${call.resource}","permission":"${call.permission}","granted":${result !== 'denied' && !unauthenticated},"resourceAttributes":{"service":"${call.service}","name":"${call.resource}","type":"${call.service}/Resource"},"permissionType":"${call.type}"}],"resourceName":"${call.resource}","request":${json(call.request)},"resourceLocation":{"currentLocations":["${store.regions[0] ?? 'global'}"]}},` +
        `"insertId":"${id}","resource":{"type":"${call.resourceType ?? 'audited_resource'}","labels":{${labels}}},"timestamp":"${nanos}","severity":"${result === 'ok' ? (log === 'activity' ? 'NOTICE' : 'INFO') : 'ERROR'}","logName":"projects/${store.name}/logs/cloudaudit.googleapis.com%2F${log}","receiveTimestamp":"${millis(act.time + 480)}${random.whole(100_000, 999_999)}Z"}`,
      id,
    );
  };
}
