/** Diagnostics of Azure Key Vault (AuditEvent), and the Activity Log of what is above it: https://learn.microsoft.com/azure/key-vault/general/logging */
import type { Random } from '../random.ts';
import type { Act, Identity, Seat } from '../types.ts';
import { json, millis, type Writer } from './writer.ts';

const CLI = '04b07795-8ddb-461a-bbee-02f9e1bf7b46';
const PORTAL = 'c44b4083-3bb0-49c1-b47d-974e53cbdf3c';
const GRAPH = '509e4652-da8d-478d-a730-e9d4a1996ca4';

const objectid = 'http://schemas.microsoft.com/identity/claims/objectidentifier';
const isPerson = ({ kind }: Identity): boolean => kind === 'sso' || kind === 'user' || kind === 'root';

function claims(seat: Seat): string {
  const { identity, client, born, life, key } = seat;
  const { store } = identity;
  const issued = Math.floor((born === 0 ? 1_700_000_000_000 : born) / 1000);
  const times = {
    iat: `${issued}`,
    nbf: `${issued}`,
    exp: `${issued + Math.floor(life / 1000)}`,
    iss: `https://sts.windows.net/${store.owner}/`,
    aud: 'https://vault.azure.net',
  };
  if (isPerson(identity)) {
    return json({
      ...times,
      [objectid]: identity.id,
      appid: client.console ? PORTAL : CLI,
      appidacr: '0',
      'http://schemas.microsoft.com/claims/scope': 'user_impersonation',
      'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn': identity.mail,
      'http://schemas.microsoft.com/claims/authnmethodsreferences': 'pwd,mfa',
      unique_name: identity.mail,
      ipaddr: seat.issuedAt,
      uti: key,
    });
  }
  if (identity.kind === 'agent') return json({ ...times, [objectid]: identity.id, appid: GRAPH, appidacr: '2', uti: key });
  const managed = identity.kind === 'pod' || identity.kind === 'instance' || identity.kind === 'function';
  return json({
    ...times,
    [objectid]: identity.id,
    appid: identity.other,
    appidacr: managed ? '2' : '1',
    idtyp: 'app',
    ...(managed
      ? {
          xms_mirid: `/subscriptions/${store.number}/resourcegroups/${store.mount}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${identity.name}`,
        }
      : {}),
    uti: key,
  });
}

interface Call {
  readonly operation: string;
  readonly path: string;
  readonly method: string;
  readonly action: string;
}

function callOf(act: Act): Call | undefined {
  const { secret, extras, store } = act;
  const name = secret?.name ?? extras.name ?? 'x';
  const version = secret?.version ?? '';
  const secrets = (operation: string, path: string, action: string): Call => ({
    operation,
    path,
    action: `secrets/${action}`,
    method: action.startsWith('get') || action.startsWith('read') ? 'GET' : 'POST',
  });
  const keys = (operation: string, path: string, action: string): Call => ({
    operation,
    path: `keys/${store.key}${path}`,
    action: `keys/${action}`,
    method: 'POST',
  });
  switch (act.op as string) {
    case 'read':
      return secrets('SecretGet', `secrets/${name}${secret !== undefined && secret.byArn ? `/${version}` : '/'}`, 'getSecret');
    case 'readOld':
    case 'pending':
      return secrets('SecretGet', `secrets/${name}/${secret?.previous ?? ''}`, 'getSecret');
    case 'list':
      return secrets('SecretList', 'secrets', 'readMetadata');
    case 'describe':
    case 'policyRead':
      return act.seat.identity.kind === 'agent' || act.op === 'policyRead'
        ? { operation: 'VaultGet', path: '', method: 'GET', action: 'read' }
        : secrets('SecretListVersions', `secrets/${name}/versions`, 'readMetadata');
    case 'history':
      return secrets('SecretListVersions', `secrets/${name}/versions`, 'readMetadata');
    case 'create':
    case 'write':
      return { ...secrets('SecretSet', `secrets/${name}`, 'setSecret'), method: 'PUT' };
    case 'stage':
      return { ...secrets('SecretUpdate', `secrets/${name}/${version}`, 'update'), method: 'PATCH' };
    case 'delete':
      return { ...secrets('SecretDelete', `secrets/${name}`, 'delete'), method: 'DELETE' };
    case 'destroy':
      return { ...secrets('SecretPurge', `deletedsecrets/${name}`, 'purge'), method: 'DELETE' };
    case 'restore':
      return secrets('SecretRecover', `deletedsecrets/${name}/recover`, 'recover');
    case 'backup':
      return secrets('SecretBackup', `secrets/${name}/backup`, 'backup');
    case 'decrypt':
      return keys('KeyUnwrap', '/unwrapkey', 'unwrap');
    case 'encrypt':
      return keys('KeyWrap', '/wrapkey', 'wrap');
    case 'export':
      return keys('KeyBackup', '/backup', 'backup');
    case 'keyDelete':
      return keys('KeyDelete', '', 'delete');
    case 'policy':
    case 'public':
      return { operation: 'VaultPatch', path: '', method: 'PATCH', action: 'write' };
    default:
      return undefined;
  }
}

const RESULTS: Readonly<Record<string, readonly [status: number, signature: string, description: string]>> = {
  ok: [200, 'OK', ''],
  denied: [403, 'Forbidden', 'Caller is not authorized to perform action on resource.'],
  notfound: [404, 'Not Found', 'A secret with (name/id) was not found in this key vault.'],
  throttled: [429, 'Too Many Requests', 'Request was not processed because too many requests were received.'],
  expired: [401, 'Unauthorized', '[TokenExpired] Error validating token: IDX10223'],
  authfail: [401, 'Unauthorized', 'AKV10022: Invalid audience.'],
  challenge: [401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.'],
  error: [500, 'Internal Server Error', ''],
};

/** What the Activity Log tells. */
function activity(act: Act, id: string): string | undefined {
  const { seat, store, extras } = act;
  const vault = `/subscriptions/${store.number}/resourceGroups/${store.mount}/providers/Microsoft.KeyVault/vaults/${store.name}`;
  const grantee = extras.grantee ?? seat.identity;
  const write = (operation: string, resource: string, properties: object): string =>
    json({
      time: `${millis(act.time)}0000Z`,
      resourceId: resource.toUpperCase(),
      operationName: operation.toUpperCase(),
      category: 'Administrative',
      resultType: act.result === 'ok' ? 'Success' : 'Failure',
      resultSignature: act.result === 'ok' ? 'Succeeded.Created' : 'Failed.Forbidden',
      durationMs: '412',
      callerIpAddress: seat.address,
      correlationId: id,
      identity: {
        authorization: {
          scope: resource,
          action: operation,
          evidence: {
            role: 'Owner',
            principalId: seat.identity.id.replaceAll('-', ''),
            principalType: isPerson(seat.identity) ? 'User' : 'ServicePrincipal',
          },
        },
        claims: JSON.parse(claims(seat)) as unknown,
      },
      level: 'Information',
      properties,
    });
  if (act.op === 'auditOff' || act.op === 'sinkOff') {
    return write(
      'Microsoft.Insights/diagnosticSettings/delete',
      `${vault}/providers/microsoft.insights/diagnosticSettings/${extras.name ?? 'to-siem'}`,
      { statusCode: 'OK' },
    );
  }
  if (act.op === 'grant') {
    const request = json({
      Id: act.secret?.version ?? '00000000000000000000000000000000',
      Properties: {
        PrincipalId: grantee.id,
        RoleDefinitionId: `/subscriptions/${store.number}/providers/Microsoft.Authorization/roleDefinitions/00482a5a-887f-4fb3-b363-3b7fe8e74483`,
        Scope: vault,
      },
    });
    return write(
      'Microsoft.Authorization/roleAssignments/write',
      `${vault}/providers/Microsoft.Authorization/roleAssignments/${id}`,
      { requestbody: request, statusCode: 'Created' },
    );
  }
  return undefined;
}

export function azureWriter(random: Random): Writer {
  return (act, out) => {
    const { seat, store, result } = act;
    const id = random.uuid();
    const above = activity(act, id);
    if (above !== undefined) {
      out(above, id);
      return;
    }
    const call = callOf(act);
    if (call === undefined) return;
    const head = seat.head === '' ? (seat.head = claims(seat)) : seat.head;
    const [status, signature, description] = RESULTS[result] ?? [200, 'OK', ''];
    const known = result !== 'challenge' && result !== 'expired' && result !== 'authfail';
    const uri = `https://${store.name}.vault.azure.net/${call.path}`;
    const operation = result === 'challenge' ? 'Authentication' : call.operation;
    const more =
      act.op === 'public'
        ? ',"networkAcls":{"defaultAction":"Allow","bypass":"AzureServices"},"publicNetworkAccess":"Enabled"'
        : '';
    const secretId =
      act.secret === undefined || call.path === ''
        ? uri.replace(/\/$/, '')
        : `https://${store.name}.vault.azure.net/secrets/${act.secret.name}/${act.secret.version}`;
    out(
      `{"time":"${millis(act.time)}${random.whole(1000, 9999)}Z","category":"AuditEvent","operationName":"${operation}","resultType":"Success","correlationId":"${id}","callerIpAddress":"${seat.address}","identity":{"claim":${known ? head : '{}'}},` +
        `"properties":{"id":"${secretId}","clientInfo":${json(seat.client.agents.azure)},"requestUri":"${uri}?api-version=7.4","httpStatusCode":${status},"isRbacAuthorized":${result !== 'denied' && known},"appliedAssignmentId":"${seat.identity.id.slice(0, 8)}-3b1c-4a0e-9f27-${seat.identity.id.slice(24)}","isAddressAuthorized":true,"addressAuthorizationType":"${seat.endpoint === '' ? 'PublicIP' : 'PrivateLink'}","tlsVersion":"TLS1_3","requestMethod":"${call.method}"${more}},` +
        `"resourceId":"/SUBSCRIPTIONS/${store.number.toUpperCase()}/RESOURCEGROUPS/${store.mount.toUpperCase()}/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/${store.name.toUpperCase()}","operationVersion":"7.4","resultSignature":"${signature}","resultDescription":${json(result === 'denied' ? `${description}\r\nAction: 'Microsoft.KeyVault/vaults/${call.action}/action'\r\nAssignment: (not found)` : description)},"durationMs":"${random.whole(8, 60)}"}`,
      id,
    );
  };
}
