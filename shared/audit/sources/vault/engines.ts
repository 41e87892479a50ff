/** Secrets engines: which of their paths give secrets. https://developer.hashicorp.com/vault/api-docs/secret */
import { FLAG } from '../../event.ts';
import { kvAct } from './kv.ts';
import type { Place } from './place.ts';
import type { Act } from './route.ts';
import { transitAct } from './transit.ts';
import { isChange, verbOf, type Verbs } from './verbs.ts';

export function engineAct(place: Place): Act {
  switch (place.type) {
    case 'kv':
    case 'generic':
    case 'cubbyhole':
      return kvAct(place);
    case 'transit':
      return transitAct(place);
    case 'pki':
      return pkiAct(place);
    case 'ssh':
      return sshAct(place);
    case 'identity':
      return identityAct(place);
    default:
      return dynamicAct(place);
  }
}

const list = ({ rest }: Place): Act => ({ verb: 'list', names: rest === '' ? '' : `${rest}/` });
const SETTINGS: Verbs = ['describe', 'config', 'config'];

function pkiAct(place: Place): Act {
  const { rest, operation } = place;
  if (operation === 'list') return list(place);
  const changes = isChange(operation);
  const at = rest.startsWith('issuer/') ? (rest.split('/', 4)[2] ?? '') : rest;
  // The answer to `issue` holds the private key.
  if (changes && at.startsWith('issue')) return rest.startsWith('issuers/') ? generated(rest) : { verb: 'read', names: rest };
  if (changes && (at.startsWith('sign') || rest.startsWith('root/sign'))) return { verb: 'crypto', names: rest };
  if (changes && rest.includes('generate/')) return generated(rest);
  if (changes && (rest === 'config/ca' || rest.startsWith('keys/import'))) return { verb: 'write', names: rest };
  if (changes && rest.startsWith('revoke')) return { verb: 'delete', names: rest };
  const isKey = rest === 'root' || rest.startsWith('key/') || rest.startsWith('issuer/');
  if (operation === 'delete' && isKey) return { verb: 'destroy', names: rest, flags: FLAG.force };
  return { verb: verbOf(operation, SETTINGS), names: rest };
}

/** `exported` answers with the private key of an authority. */
const generated = (rest: string): Act => ({
  verb: 'create',
  names: rest,
  flags: rest.endsWith('/exported') ? FLAG.exportable : 0,
});

function sshAct(place: Place): Act {
  const { rest, operation } = place;
  if (operation === 'list') return list(place);
  if (isChange(operation)) {
    if (rest.startsWith('sign/')) return { verb: 'crypto', names: rest };
    if (rest.startsWith('issue/') || rest.startsWith('creds/')) return { verb: 'read', names: rest };
    if (rest === 'config/ca') return { verb: 'create', names: rest };
    if (rest === 'verify' || rest === 'lookup') return { verb: 'describe' };
  }
  if (rest === 'config/ca' && operation === 'delete') return { verb: 'destroy', names: rest, flags: FLAG.force };
  return { verb: verbOf(operation, SETTINGS), names: rest };
}

function identityAct({ rest, operation }: Place): Act {
  if (rest.startsWith('oidc/token/') && operation === 'read') return { verb: 'token' };
  if (rest.startsWith('lookup/')) return { verb: 'describe' };
  return { verb: verbOf(operation, ['describe', 'policy', 'policy']) };
}

/** Paths of databases, clouds and the like that answer with credentials, by the first segment. */
const CREDENTIALS: ReadonlySet<string> = new Set('creds static-creds cred static-cred sts token key code export'.split(' '));
/** Of Google Cloud's engine: `roleset/NAME/token`, `static-account/NAME/key`. */
const ACCOUNTS: ReadonlySet<string> = new Set(['roleset', 'static-account', 'impersonated-account']);

function dynamicAct(place: Place): Act {
  const { rest, operation } = place;
  if (operation === 'list') return list(place);
  const [first = '', , third = ''] = rest.split('/', 4);
  const asks = operation === 'read' || isChange(operation);
  const gives =
    CREDENTIALS.has(first) || (ACCOUNTS.has(first) && (third === 'token' || third === 'key')) || rest.endsWith('/check-out');
  if (asks && gives) return { verb: 'read', names: rest, misses: operation === 'read' };
  if (first === 'rotate-role' && asks) return { verb: 'write', names: rest };
  return { verb: verbOf(operation, SETTINGS), names: rest };
}
