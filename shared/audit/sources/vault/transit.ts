/** Transit: a key is the secret, and it has one name whatever is done with it. https://developer.hashicorp.com/vault/api-docs/secret/transit */
import { FLAG } from '../../event.ts';
import type { Place } from './place.ts';
import type { Act } from './route.ts';
import { isChange, verbOf } from './verbs.ts';

const CRYPTO: ReadonlySet<string> = new Set(['encrypt', 'decrypt', 'rewrap', 'sign', 'verify', 'hmac', 'datakey']);

export function transitAct({ rest, operation }: Place): Act {
  const [first = '', second = '', third = ''] = rest.split('/', 4);
  const changes = isChange(operation);
  if (CRYPTO.has(first)) {
    // `datakey/plaintext/KEY`; `sign/KEY/ALGORITHM`.
    return { verb: changes || operation === 'read' ? 'crypto' : 'other', names: first === 'datakey' ? third : second };
  }
  switch (first) {
    case 'keys':
      return keyAct(second, third, operation);
    case 'export':
    case 'byok-export':
      // `export/TYPE/KEY[/VERSION]`, `byok-export/DESTINATION/KEY`.
      return { verb: 'backup', names: third };
    case 'backup':
      return { verb: 'backup', names: second };
    case 'restore':
      return { verb: 'restore', names: second };
    default:
      return { verb: first === 'random' || first === 'hash' ? 'other' : verbOf(operation, ['describe', 'config', 'config']) };
  }
}

function keyAct(key: string, part: string, operation: string): Act {
  if (operation === 'list') return { verb: 'list', names: '' };
  if (operation === 'delete') return { verb: 'destroy', names: key, flags: FLAG.force };
  if (!isChange(operation)) return { verb: verbOf(operation, ['describe', 'config', 'destroy']), names: key };
  switch (part) {
    case '':
      return { verb: 'create', names: key, detail: 'key' };
    case 'config':
      return { verb: 'config', names: key, detail: 'key' };
    case 'rotate':
    case 'import_version':
      return { verb: 'write', names: key };
    case 'import':
      return { verb: 'create', names: key, detail: 'key' };
    case 'trim':
      // Versions below a minimum are gone.
      return { verb: 'destroy', names: key };
    case 'soft-delete':
      return { verb: 'delete', names: key };
    case 'soft-delete-restore':
      return { verb: 'restore', names: key };
    default:
      return { verb: 'config', names: key };
  }
}
