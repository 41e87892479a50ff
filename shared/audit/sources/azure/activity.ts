/**
 * The Activity Log: vaults, role assignments, diagnostic settings. One operation is told when it starts and when it ends; the end counts.
 * https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
 */
import { FLAG, type Outcome, type Parsed, type SecretRef, type Verb } from '../../event.ts';
import type { ParseContext } from '../../source.ts';
import type { View } from '../../view.ts';
import { capped, clientOf, objectOf, own, skewOf, SKIP, textOf, timeOf } from '../common.ts';
import { addressesOf, bodyOf, idOf } from './call.ts';
import { actorOfClaims, secondsIn, type Actor } from './identity.ts';
import { objectNamed, vaultOf } from './names.ts';
import { outcomeOfStatus, statusNamed } from './outcome.ts';
import { AZURE } from './plan.ts';
import { grantOf } from './roles.ts';

interface Act {
  readonly verb: Verb;
  readonly flags: number;
  readonly grantee?: string | undefined;
  readonly secret?: SecretRef | undefined;
}

/** `operation` in lower case. */
export function parseActivity(view: View, operation: string, context: ParseContext): Parsed {
  const resource = (view.text(AZURE.resourceId) ?? '').slice(0, 2048).toLowerCase();
  const act = actOf(view, operation, resource);
  if (act === undefined) return SKIP.irrelevant;
  const time = timeOf(view.text(AZURE.time)) ?? timeOf(view.text(AZURE.eventTimestamp));
  if (time === undefined) return SKIP.malformed;
  const outcome = outcomeOf(view);
  if (outcome === undefined) return SKIP.paired;
  const actor = callerOf(view);
  const { net, claimIp } = addressesOf(view.text(AZURE.callerIpAddress) ?? view.text(AZURE.clientIpAddress), actor.claimIp);
  const isVault = resource.includes('/microsoft.keyvault/');
  return {
    source: 'azure',
    ...idOf(view, time, operation, capped(resource, 256)),
    time,
    action: capped(operation, 120),
    verb: act.verb,
    outcome,
    principal: actor.principal,
    secrets: act.secret === undefined ? [] : [act.secret],
    weight: 1,
    net,
    client: actor.client ?? clientOf(undefined),
    account: isVault ? vaultOf(resource, undefined) : capped(resource.split('/', 3)[2] || 'unknown', 128),
    region: undefined,
    flags: act.flags | actor.flags | skewOf(time, context),
    ttl: actor.ttl,
    claimIp,
    grantee: act.grantee,
    chain: undefined,
  };
}

function actOf(view: View, operation: string, resource: string): Act | undefined {
  const slash = operation.indexOf('/');
  switch (operation.slice(0, slash)) {
    case 'microsoft.keyvault':
      return vaultAct(operation, resource);
    case 'microsoft.authorization':
      return grantOf(operation, resource, view.text(AZURE.requestbody), view.text(AZURE.scope) ?? view.text(AZURE.scopeTop));
    case 'microsoft.insights':
      return recordingAct(view, operation, resource);
    case 'microsoft.eventhub':
      // The hub that records travel through, as far as its name says so.
      return operation.endsWith('/delete') && carries(resource) ? { verb: 'audit', flags: FLAG.auditOff } : undefined;
    case 'microsoft.managedidentity':
      return operation.endsWith('/federatedidentitycredentials/write') ? { verb: 'policy', flags: 0 } : undefined;
    default:
      return undefined;
  }
}

const VAULT_ACTS: ReadonlyMap<string, Act> = new Map<string, Act>([
  ['microsoft.keyvault/vaults/write', { verb: 'policy', flags: 0 }],
  ['microsoft.keyvault/vaults/accesspolicies/write', { verb: 'policy', flags: 0 }],
  ['microsoft.keyvault/vaults/delete', { verb: 'delete', flags: 0 }],
  ['microsoft.keyvault/locations/deletedvaults/purge/action', { verb: 'destroy', flags: FLAG.force }],
  ['microsoft.keyvault/managedhsms/write', { verb: 'policy', flags: 0 }],
  ['microsoft.keyvault/managedhsms/delete', { verb: 'delete', flags: 0 }],
  ['microsoft.keyvault/locations/deletedmanagedhsms/purge/action', { verb: 'destroy', flags: FLAG.force }],
]);

function vaultAct(operation: string, resource: string): Act | undefined {
  const act = VAULT_ACTS.get(operation);
  if (act !== undefined) return act;
  if (operation !== 'microsoft.keyvault/vaults/secrets/write' && operation !== 'microsoft.keyvault/vaults/keys/write')
    return undefined;
  // Resource Manager may set a secret too: its path ends as a vault's own addresses do.
  const at = resource.lastIndexOf(operation.includes('/secrets/') ? '/secrets/' : '/keys/');
  return {
    verb: 'write',
    flags: 0,
    secret: at === -1 ? undefined : objectNamed(resource.slice(at), undefined, vaultOf(resource, undefined)),
  };
}

function recordingAct(view: View, operation: string, resource: string): Act | undefined {
  const settings = operation.startsWith('microsoft.insights/diagnosticsettings/');
  const profiles = operation.startsWith('microsoft.insights/logprofiles/');
  if (!settings && !profiles) return undefined;
  // A vault's own, or the subscription's, which sends the Activity Log itself.
  const head = resource.indexOf('/providers/');
  const whole = head === -1 || resource.startsWith('/providers/microsoft.insights/', head);
  if (!resource.includes('/microsoft.keyvault/') && !whole) return undefined;
  if (operation.endsWith('/delete')) return { verb: 'audit', flags: FLAG.auditOff };
  return operation.endsWith('/write') ? { verb: 'audit', flags: recordsNothing(view) ? FLAG.auditOff : 0 } : undefined;
}

/** A setting that is written with every log switched off. */
function recordsNothing(view: View): boolean {
  const logs = own(objectOf(own(bodyOf(view.text(AZURE.requestbody)), 'properties')), 'logs');
  return Array.isArray(logs) && !logs.slice(0, 64).some((log) => own(objectOf(log), 'enabled') === true);
}

const carries = (resource: string): boolean =>
  ['audit', 'keywheel', 'insights-logs', 'activity'].some((part) => resource.includes(part));

/** Undefined while an operation is under way. */
function outcomeOf(view: View): Outcome | undefined {
  const nested = (field: number): string | undefined => view.text(field) ?? textOf(own(objectOf(view.json(field)), 'value'));
  const result = (view.text(AZURE.resultType) ?? nested(AZURE.status) ?? '').toLowerCase();
  if (result.startsWith('start') || result.startsWith('accept') || result.startsWith('in progress')) return undefined;
  if (result.startsWith('succe')) return 'ok';
  // `Failed.Forbidden`; the code stands behind the dot.
  const signature = view.text(AZURE.resultSignature)?.slice(0, 128).split('.').at(-1);
  const status = statusNamed(view.text(AZURE.statusCode)) ?? statusNamed(signature) ?? statusNamed(nested(AZURE.subStatus));
  return status === undefined || status < 300 ? (result === '' ? 'ok' : 'error') : outcomeOfStatus(status);
}

const MICROSOFT = 'http://schemas.microsoft.com/identity/claims/';
const XMLSOAP = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/';

function callerOf(view: View): Actor {
  const claims = objectOf(view.json(AZURE.identityClaims)) ?? objectOf(view.json(AZURE.claims));
  const claim = (...names: readonly string[]): string | undefined => {
    for (const name of names) {
      const text = textOf(own(claims, name));
      if (text !== undefined) return capped(text, 1024);
    }
    return undefined;
  };
  const seconds = (name: string): number | undefined => {
    const value = own(claims, name);
    return typeof value === 'number' ? value : secondsIn(claim(name));
  };
  const named = [claim(`${XMLSOAP}name`), claim('unique_name'), view.text(AZURE.caller)].find(
    (text) => text?.includes('@') === true,
  );
  return actorOfClaims({
    oid: claim('oid', `${MICROSOFT}objectidentifier`),
    upn: claim('upn', `${XMLSOAP}upn`) ?? named,
    appid: claim('appid', 'azp'),
    idtyp: claim('idtyp'),
    mirid: claim('xms_mirid'),
    uti: claim('uti'),
    tid: claim('tid', `${MICROSOFT}tenantid`) ?? textOf(view.text(AZURE.tenantId)),
    iss: claim('iss'),
    ipaddr: claim('ipaddr'),
    iat: seconds('iat'),
    exp: seconds('exp'),
  });
}
