/** Role assignments and definitions. https://learn.microsoft.com/azure/role-based-access-control/built-in-roles */
import { FLAG, type Verb } from '../../event.ts';
import { capped, listOf, objectOf, own, textOf } from '../common.ts';
import { bodyOf } from './call.ts';

/** They give whatever they like to whom they like. */
const MAKERS: ReadonlySet<string> = new Set([
  '8e3af657-a8ff-443c-a75c-2fe8c4bcb635', // Owner
  '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9', // User Access Administrator
  'f58310d9-a9f6-439a-9e8d-f62e7b41a168', // Role Based Access Control Administrator
  '8b54135c-b56d-4d72-a534-26097cfdc8d8', // Key Vault Data Access Administrator
]);

/** They reach what is in vaults. */
const READERS: ReadonlySet<string> = new Set([
  '00482a5a-887f-4fb3-b363-3b7fe8e74483', // Key Vault Administrator
  'b86a8fe4-44ce-4948-aee5-eccb2c155cd7', // Key Vault Secrets Officer
  '4633458b-17de-408a-b874-0445c86b69e6', // Key Vault Secrets User
  '14b46e9e-c2b7-41b4-b07b-48a6ebf60603', // Key Vault Crypto Officer
  'a4417e6f-fecd-4de8-b567-7b0420556985', // Key Vault Certificates Officer
]);

interface Grant {
  readonly verb: Verb;
  readonly flags: number;
  readonly grantee?: string | undefined;
}

/** Undefined where it reaches no vault: a role on one resource of another kind. `operation` and `resource` in lower case. */
export function grantOf(
  operation: string,
  resource: string,
  requestbody: string | undefined,
  scope: string | undefined,
): Grant | undefined {
  const body = bodyOf(requestbody);
  const properties = objectOf(pick(body, 'properties')) ?? body;
  const reach = (textOf(pick(properties, 'scope')) ?? scope ?? resource).slice(0, 2048).toLowerCase();
  switch (operation) {
    case 'microsoft.authorization/elevateaccess/action':
      return { verb: 'policy', flags: FLAG.broad };
    case 'microsoft.authorization/roleassignments/write':
      return elsewhere(reach) ? undefined : assignment(properties, reach);
    case 'microsoft.authorization/roleassignments/delete':
      return elsewhere(reach) ? undefined : { verb: 'policy', flags: 0 };
    case 'microsoft.authorization/roledefinitions/write':
      return { verb: 'policy', flags: grantsAll(properties) ? FLAG.broad : 0 };
    default:
      return undefined;
  }
}

/** Azure writes the names of a request's fields in either case. */
const pick = (from: ReturnType<typeof objectOf>, name: string): unknown =>
  own(from, name) ?? own(from, `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`);

/** The scope itself, without the assignment that is written there. */
const scopeOf = (reach: string): string => reach.split('/providers/microsoft.authorization/', 1)[0] ?? '';

function elsewhere(reach: string): boolean {
  const scope = scopeOf(reach);
  const resourceOf = scope.indexOf('/providers/');
  if (resourceOf === -1) return false;
  return !scope.startsWith('/providers/microsoft.keyvault/', resourceOf) && !scope.startsWith('/providers/microsoft.management/');
}

function assignment(properties: ReturnType<typeof objectOf>, reach: string): Grant {
  const role = (textOf(pick(properties, 'roleDefinitionId')) ?? '').toLowerCase();
  const id = role.slice(role.lastIndexOf('/') + 1);
  const scope = scopeOf(reach);
  // A subscription, a management group or all: every vault there is.
  const wide = !scope.includes('/resourcegroups/');
  const grantee = textOf(pick(properties, 'principalId'));
  return {
    verb: 'policy',
    flags: wide && (MAKERS.has(id) || READERS.has(id)) ? FLAG.broad : 0,
    grantee: grantee === undefined ? undefined : capped(grantee.toLowerCase(), 256),
  };
}

function grantsAll(properties: ReturnType<typeof objectOf>): boolean {
  return listOf(pick(properties, 'permissions'), 16).some((permission) => {
    const actions = [
      ...listOf(pick(objectOf(permission), 'actions'), 200),
      ...listOf(pick(objectOf(permission), 'dataActions'), 200),
    ].map((action) => (textOf(action) ?? '').toLowerCase());
    return actions.some(
      (action) => action === '*' || action === 'microsoft.keyvault/*' || action.startsWith('microsoft.keyvault/vaults/*'),
    );
  });
}
