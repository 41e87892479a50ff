/** `sys/`: what its paths do. https://developer.hashicorp.com/vault/api-docs/system, https://openbao.org/api-docs/system/ */
import { FLAG } from '../../event.ts';
import type { Place } from './place.ts';
import type { Act } from './route.ts';
import { isChange, verbOf, type Verbs } from './verbs.ts';

/** The first that stands at the path's beginning counts. Looking at it, changing it, deleting it. */
const PATHS: readonly (readonly [path: string, ...verbs: Verbs])[] = [
  ['audit', 'describe', 'audit', 'audit'],
  ['audit-hash', 'describe', 'describe', 'describe'],
  ['config/auditing', 'describe', 'audit', 'audit'],
  ['policies', 'describe', 'policy', 'policy'],
  ['policy', 'describe', 'policy', 'policy'],
  ['auth', 'describe', 'policy', 'policy'],
  ['mfa', 'describe', 'policy', 'policy'],
  // An engine that is disabled takes its secrets with it.
  ['mounts', 'describe', 'config', 'destroy'],
  ['namespaces', 'describe', 'config', 'destroy'],
  ['generate-root', 'describe', 'token', 'config'],
  ['generate-recovery-token', 'describe', 'token', 'config'],
  ['raw', 'read', 'write', 'destroy'],
  ['storage/raft/snapshot-auto', 'describe', 'config', 'config'],
  ['storage/raft/snapshot', 'backup', 'restore', 'config'],
  ['storage/raft/snapshot-force', 'backup', 'restore', 'config'],
  ['leases/lookup', 'describe', 'describe', 'describe'],
  ['leases/renew', 'other', 'other', 'other'],
  ['renew', 'other', 'other', 'other'],
  ['leases/revoke-prefix', 'describe', 'destroy', 'destroy'],
  ['leases/revoke-force', 'describe', 'destroy', 'destroy'],
  ['revoke-prefix', 'describe', 'destroy', 'destroy'],
  ['revoke-force', 'describe', 'destroy', 'destroy'],
  ['wrapping/unwrap', 'read', 'read', 'read'],
  ['wrapping/lookup', 'describe', 'describe', 'describe'],
  ['wrapping', 'other', 'other', 'other'],
  ['capabilities-self', 'whoami', 'whoami', 'whoami'],
  ['capabilities', 'describe', 'describe', 'describe'],
  ['capabilities-accessor', 'describe', 'describe', 'describe'],
];

/** What clients, load balancers and monitors ask all day. */
const NOISE: ReadonlySet<string> = new Set(
  [
    'internal health seal-status leader metrics ha-status host-info version-history license in-flight-req pprof',
    'monitor init tools experiments key-status',
  ]
    .join(' ')
    .split(' '),
);

const NOISY: Verbs = ['other', 'other', 'other'];
const ORDINARY: Verbs = ['describe', 'config', 'config'];

export function systemAct(place: Place): Act {
  const { rest, operation } = place;
  const verbs = verbsOf(rest);
  const verb = isPlainTable(rest) && operation === 'read' ? 'list' : verbOf(operation, verbs);
  const isChanging = isChange(operation);
  if (rest.startsWith('audit/') && operation === 'delete') return { verb, flags: FLAG.auditOff };
  if (rest.startsWith('wrapping/unwrap')) return { verb, flags: FLAG.unwrap, detail: 'login' };
  if (rest.startsWith('wrapping/')) return { verb, detail: 'login' };
  if (rest.startsWith('generate-r') && isChanging) return { verb, flags: FLAG.makesRoot };
  if (rest.startsWith('raw/')) return { verb, names: rest, misses: operation === 'read' };
  if (rest.startsWith('policies/') || rest.startsWith('policy/')) {
    const grantee = rest.slice(rest.lastIndexOf('/') + 1);
    return { verb, grantee: verb === 'policy' ? grantee : undefined, detail: isChanging ? 'policy' : undefined };
  }
  if (rest.endsWith('secondary-token') && isChanging) return { verb: 'backup' };
  // The engine that goes, whole.
  if (verb === 'destroy' && rest.startsWith('mounts/')) {
    return { verb, flags: FLAG.force, names: '', mount: rest.slice('mounts/'.length) };
  }
  const wipes = verb === 'destroy' || (rest === 'storage/raft/snapshot-force' && isChanging);
  return { verb, flags: wipes ? FLAG.force : 0 };
}

/** A read of the whole table lists it. */
const isPlainTable = (rest: string): boolean =>
  rest === 'mounts' || rest === 'auth' || rest === 'policy' || rest === 'policies/acl' || rest === 'namespaces';

function verbsOf(rest: string): Verbs {
  for (const [path, ...verbs] of PATHS) {
    if (rest.startsWith(path) && (rest.length === path.length || rest[path.length] === '/')) return verbs;
  }
  const slash = rest.indexOf('/');
  return NOISE.has(slash === -1 ? rest : rest.slice(0, slash)) ? NOISY : ORDINARY;
}
