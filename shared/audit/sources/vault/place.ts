/** Where in a Vault an operation happens: mount, kind of engine and the path within it. Pure. */

export interface Place {
  readonly operation: string;
  /** With its trailing slash; `''` is the root namespace. */
  readonly namespace: string;
  /** With its trailing slash. */
  readonly mount: string;
  /** `kv`, `transit`, `userpass`, `system`, …; what a path alone tells, where the record does not say. */
  readonly type: string;
  readonly isAuth: boolean;
  /** Below the mount, without a trailing slash. */
  readonly rest: string;
}

const BUILT_IN: Readonly<Record<string, string>> = { sys: 'system', identity: 'identity', cubbyhole: 'cubbyhole' };
const KV2_SEGMENTS = ['data', 'metadata', 'delete', 'undelete', 'destroy', 'subkeys', 'detailed-metadata'];
/** Engines whose usual mount has their own name. */
const ENGINES: ReadonlySet<string> = new Set(
  [
    'transit pki ssh database aws azure gcp gcpkms consul nomad rabbitmq kubernetes ldap ad totp terraform',
    'mongodbatlas transform kmip keymgmt openldap alicloud',
  ]
    .join(' ')
    .split(' '),
);

/** The place of `path`; `type` and `mount` are the record's `mount_type` and `mount_point`, which versions before 1.10 and unmounted paths lack. */
export function placeOf(
  operation: string,
  namespace: string,
  path: string,
  type: string | undefined,
  mount: string | undefined,
): Place {
  const known = mount !== undefined && mount !== '' && path.startsWith(mount) ? mount : mountOf(path);
  const isAuth = known.startsWith('auth/');
  const rest = path.slice(known.length);
  return {
    operation,
    namespace,
    mount: known,
    type: type === undefined || type === '' ? typeOf(known, isAuth) : plainType(type),
    isAuth,
    rest: rest.endsWith('/') ? rest.slice(0, -1) : rest,
  };
}

/** In namespaces other than root, the built-in mounts are `ns_system`, `ns_token` and so on. */
const plainType = (type: string): string => (type.startsWith('ns_') ? type.slice(3) : type);

function mountOf(path: string): string {
  const segments = path.split('/', 32);
  const [first = ''] = segments;
  if (first === 'auth') {
    const login = path.indexOf('/login');
    if (login > 'auth/'.length) return path.slice(0, login + 1);
    return `auth/${segments[1] ?? ''}/`;
  }
  if (Object.hasOwn(BUILT_IN, first) || ENGINES.has(first)) return `${first}/`;
  const at = segments.findIndex((segment, index) => index > 0 && KV2_SEGMENTS.includes(segment));
  return at === -1 ? `${first}/` : `${segments.slice(0, at).join('/')}/`;
}

function typeOf(mount: string, isAuth: boolean): string {
  const name = mount.slice(isAuth ? 'auth/'.length : 0, -1);
  if (isAuth) return name;
  return BUILT_IN[name] ?? (ENGINES.has(name) ? name : 'kv');
}
