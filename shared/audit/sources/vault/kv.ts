/**
 * KV, both versions, and cubbyhole. A record does not say which version its mount has; the second has `data/`, `metadata/` and so on in front, which
 * are taken off, so that a secret has one name whatever is done to it. https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2
 */
import { FLAG } from '../../event.ts';
import type { Place } from './place.ts';
import type { Act } from './route.ts';
import { isChange, verbOf } from './verbs.ts';

export function kvAct(place: Place): Act {
  const { rest, operation, type } = place;
  const slash = rest.indexOf('/');
  const first = slash === -1 ? rest : rest.slice(0, slash);
  const names = slash === -1 ? '' : rest.slice(slash + 1);
  const changes = isChange(operation);
  if (type === 'cubbyhole') return plain(place);
  switch (first) {
    case 'data':
      if (operation === 'read') return { verb: 'read', names, misses: true, detail: 'version' };
      if (operation === 'list') return { verb: 'list', names: folder(names) };
      if (operation === 'delete') return { verb: 'delete', names };
      return { verb: operation === 'create' ? 'create' : verbOf(operation, ['read', 'write', 'delete']), names };
    case 'metadata':
    case 'detailed-metadata':
      if (operation === 'list' || operation === 'scan') return { verb: 'list', names: folder(names), misses: true };
      // All versions and their metadata.
      if (operation === 'delete') return { verb: 'destroy', names, flags: FLAG.force };
      return { verb: verbOf(operation, ['describe', 'config', 'destroy']), names, misses: operation === 'read' };
    case 'subkeys':
      return { verb: 'describe', names, misses: true };
    case 'delete':
      return changes ? { verb: 'delete', names, detail: 'versions' } : plain(place);
    case 'undelete':
      return changes ? { verb: 'restore', names, detail: 'versions' } : plain(place);
    case 'destroy':
      return changes ? { verb: 'destroy', names, detail: 'versions' } : plain(place);
    case 'config':
      return slash === -1 ? { verb: verbOf(operation, ['describe', 'config', 'config']) } : plain(place);
    default:
      return plain(place);
  }
}

const folder = (names: string): string => (names === '' ? '' : `${names}/`);

/** Version 1 keeps one value, and what is deleted is gone. */
function plain({ rest, operation }: Place): Act {
  if (operation === 'list' || operation === 'scan') return { verb: 'list', names: folder(rest), misses: true };
  if (operation === 'create') return { verb: 'create', names: rest };
  return { verb: verbOf(operation, ['read', 'write', 'destroy']), names: rest, misses: operation === 'read' };
}
