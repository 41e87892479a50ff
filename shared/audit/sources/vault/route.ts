/** What an operation on a path means. One answer for each operation and path, remembered, since clients repeat themselves. */
import { FLAG, type SecretRef, type Verb } from '../../event.ts';
import { createMemory } from '../common-memory.ts';
import { capped, NAME_MAX } from '../common.ts';
import { authAct } from './auth.ts';
import { engineAct } from './engines.ts';
import type { Place } from './place.ts';
import { placeOf } from './place.ts';
import { systemAct } from './system.ts';
import { withoutTokens } from './tokens.ts';

/** What a record's `request.data` is to be asked about. */
type Detail = 'login' | 'token' | 'key' | 'policy' | 'version' | 'versions';

/** What the tables of a mount's kind say. */
export interface Act {
  readonly verb: Verb;
  readonly flags?: number;
  /** Below the mount, of what holds a secret; a trailing slash for a folder. */
  readonly names?: string | undefined;
  /** The mount that is meant, where it is not the operation's own. */
  readonly mount?: string | undefined;
  readonly grantee?: string | undefined;
  readonly detail?: Detail | undefined;
  /** An answer without data says that nothing is there. */
  readonly misses?: boolean;
  /** The user whom a login names in its path. */
  readonly user?: string | undefined;
}

export interface Route extends Act {
  readonly place: Place;
  /** Operation and path, without tokens that old calls put into it. */
  readonly action: string;
  readonly flags: number;
  readonly secrets: readonly SecretRef[];
}

const NONE: readonly SecretRef[] = [];
const ACTION_MAX = 120;
const routes = createMemory<string, Route>(8_192);

export function routeOf(
  operation: string,
  namespace: string,
  path: string,
  type: string | undefined,
  mount: string | undefined,
): Route {
  const key = `${operation}\n${namespace}\n${type ?? ''}\n${mount ?? ''}\n${path}`;
  const known = routes.get(key);
  if (known !== undefined) return known;
  const route = look(operation, capped(namespace, NAME_MAX), path, type, mount);
  // A path of thousands of characters is nobody's habit.
  return key.length > 2 * NAME_MAX ? route : routes.keep(key, route);
}

function look(operation: string, namespace: string, given: string, type: string | undefined, mount: string | undefined): Route {
  const path = withoutTokens(capped(given, NAME_MAX));
  const place = placeOf(operation, namespace, path.text, type, mount);
  const act = actOf(place);
  const action = `${operation} ${path.text}`;
  return {
    ...act,
    place,
    action: action.length > ACTION_MAX ? action.slice(0, ACTION_MAX).toWellFormed() : action,
    flags: (act.flags ?? 0) | (path.clear ? FLAG.clear : 0),
    secrets: act.names === undefined ? NONE : [secretOf(place.namespace, act.mount ?? place.mount, act.names)],
  };
}

function actOf(place: Place): Act {
  // `rollback` and `revoke` are the server's own, on a mount's leases and logs.
  if (place.operation === 'rollback' || place.operation === 'revoke' || place.operation === 'renew') {
    return { verb: 'other', flags: FLAG.system };
  }
  if (place.operation === 'help') return { verb: 'other' };
  if (place.type === 'system') return systemAct(place);
  return place.isAuth ? authAct(place) : engineAct(place);
}

/** `vault:NAMESPACE/MOUNT:PATH`, for Vault and OpenBao alike: not every record of OpenBao says that it is one. */
function secretOf(namespace: string, mount: string, path: string): SecretRef {
  const where = mount.endsWith('/') ? mount.slice(0, -1) : mount;
  return { key: `vault:${namespace}${where}:${path}`, name: `${where}/${path}` };
}
