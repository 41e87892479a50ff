/**
 * Azure: Key Vault's and Managed HSM's diagnostic logs (category AuditEvent), and of the Activity Log what changes vaults, who may read them, and
 * whether anybody records it. https://learn.microsoft.com/azure/key-vault/general/logging
 */
import { FLAG, type Parsed } from '../event.ts';
import type { ParseContext, SourceParser } from '../source.ts';
import type { View } from '../view.ts';
import { parseActivity } from './azure/activity.ts';
import { addressesOf, idOf } from './azure/call.ts';
import { mayConcern } from './azure/concern.ts';
import { actorOf } from './azure/identity.ts';
import { operationOf } from './azure/operations.ts';
import { outcomeOf } from './azure/outcome.ts';
import { AZURE, AZURE_PLAN } from './azure/plan.ts';
import { objectNamed, vaultOf } from './azure/names.ts';
import { capped, clientOf, isAutomation, objectOf, own, skewOf, SKIP, textOf, timeOf } from './common.ts';

export const azureSource: SourceParser = { source: 'azure', plan: AZURE_PLAN, mayConcern, parse };

function parse(view: View, context: ParseContext): Parsed {
  const name = operationName(view);
  if (name === undefined) return SKIP.malformed;
  if (name.includes('/')) return parseActivity(view, name.toLowerCase(), context);
  const time = timeOf(view.text(AZURE.time));
  if (time === undefined) return SKIP.malformed;
  const operation = operationOf(name);
  const resource = view.text(AZURE.resourceId);
  if (operation === undefined) return isVault(resource) ? SKIP.unknown : SKIP.irrelevant;

  const vault = vaultOf(resource, view.text(AZURE.requestUri) ?? view.text(AZURE.id));
  const actor = actorOf(view);
  const outcome = operation.system ? 'ok' : outcomeOf(view, actor.known);
  const named = operation.names ? objectNamed(view.text(AZURE.id), view.text(AZURE.requestUri), vault) : undefined;
  const { net, claimIp } = addressesOf(view.text(AZURE.callerIpAddress), actor.claimIp);
  const client = actor.client ?? clientOf(view.text(AZURE.clientInfo));
  let flags = operation.flags | actor.flags | skewOf(time, context);
  if (isAutomation(client)) flags |= FLAG.automation;
  if (isExportable(view, name)) flags |= FLAG.exportable;
  const { id, ref } = idOf(view, time, name, vault);
  return {
    source: 'azure',
    id,
    ref,
    time,
    action: capped(name, 120),
    verb: operation.verb,
    outcome,
    principal: actor.principal,
    secrets: named === undefined ? [] : [named],
    weight: 1,
    net,
    client,
    account: vault,
    region: undefined,
    flags,
    ttl: actor.ttl,
    claimIp,
    grantee: granteeOf(view),
    chain: undefined,
  };
}

/** Who was put into an access policy, as the id of a principal is written. */
function granteeOf(view: View): string | undefined {
  const added = textOf(view.text(AZURE.addedObject)) ?? textOf(view.text(AZURE.addedObjectLower));
  return added === undefined ? undefined : capped(added.toLowerCase(), 256);
}

/** A text in diagnostic logs; `{value, localizedValue}` as the Activity Log's REST API gives it. */
function operationName(view: View): string | undefined {
  const text = view.text(AZURE.operationName) ?? textOf(own(objectOf(view.json(AZURE.operationName)), 'value'));
  return text === undefined || text === '' || text.length > 512 ? undefined : text;
}

const isVault = (resource: string | undefined): boolean =>
  resource?.slice(0, 1024).toLowerCase().includes('/microsoft.keyvault/') === true;

const isExportable = (view: View, name: string): boolean =>
  name.startsWith('Key') && (view.flag(AZURE.exportable) === true || view.flag(AZURE.exportableUpper) === true);
