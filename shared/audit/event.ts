/** The canonical audit event: one record of somebody doing something to a secret store, whichever store wrote it. Pure types and constants. */

export type Source = 'aws' | 'gcp' | 'azure' | 'vault' | 'openbao';

/** What was done, in the words of all stores. */
export type Verb =
  | 'read' // a value was read: of a secret, a parameter, a key's export, dynamic credentials
  | 'list'
  | 'describe' // metadata, never a value
  | 'write' // a new version or value
  | 'create'
  | 'delete' // can be recovered
  | 'destroy' // cannot: purge, destroy, force-delete, key deletion, and what starts one
  | 'backup' // the value leaves in bulk or in another form: backup, snapshot, export, replication
  | 'restore'
  | 'policy' // who may do what changed: policies, grants, role assignments, roles, auth methods
  | 'login' // a principal authenticates: Vault logins, AssumeRole, federated and console sign-in
  | 'token' // a credential is made or changed for somebody: tokens, access keys, secret-ids, GenerateAccessToken
  | 'crypto' // encrypt, decrypt, sign, wrap
  | 'audit' // audit devices, trails, sinks, diagnostic settings
  | 'config' // engines, seals, rotation settings, stages, everything else that changes the store
  | 'whoami' // GetCallerIdentity, lookup-self, capabilities-self
  | 'other';

export type Outcome =
  | 'ok'
  | 'denied' // known, and not allowed
  | 'authfail' // not known: a failed login, an invalid or expired token
  | 'notfound'
  | 'throttled'
  | 'error'
  | 'challenge'; // the first hop of a client that then authenticates; says nothing

export type PrincipalKind = 'human' | 'workload' | 'service' | 'root' | 'unknown';
/** `service`: through a cloud's own service. `internal`: an address that the cloud does not tell. `none`: no address in the record. */
type NetKind = 'public' | 'private' | 'service' | 'internal' | 'none';

export interface Principal {
  /** Stable over sessions and tokens: a role's ARN, a user's ARN, an e-mail, an object id, an entity id. For humans behind one role: role and session name. */
  readonly id: string;
  readonly kind: PrincipalKind;
  /** For people to read. */
  readonly name: string;
  readonly session?: string | undefined;
  /** What was presented: access key id, token accessor or its HMAC, token uti, key name. Never a token. Told of at most 64 characters. */
  readonly credential?: string | undefined;
  /** Peers that are expected to do alike: account and role path, policy set, auth mount and role, namespace. */
  readonly group?: string | undefined;
  /** The account, project, tenant or namespace that it comes from, where that is known. */
  readonly home?: string | undefined;
}

export interface SecretRef {
  /** Canonical and stable over versions and spellings, e.g. `aws:sm:111122223333:eu-west-1:prod/db`, `gcp:p:db`, `azure:vault:secret:db`, `vault:ns/kv:prod/db`. */
  readonly key: string;
  /** As people know it. */
  readonly name: string;
  /** The version asked for or made, or a stage, where the record says. */
  readonly version?: string | undefined;
}

export interface Net {
  readonly kind: NetKind;
  readonly ip?: string | undefined;
  /** /24 of IPv4, /48 of IPv6. */
  readonly prefix?: string | undefined;
  /** /16 of IPv4, /32 of IPv6. */
  readonly wide?: string | undefined;
}

/** Bits of `flags`. */
export const FLAG = {
  /** The store's own trace of another event (a KMS Decrypt of a GetSecretValue): counts for nothing. */
  echo: 1 << 0,
  /** Typed into a console, a portal, a cloud shell. */
  console: 1 << 1,
  /** Several secrets in one call, each named in `secrets`. */
  batch: 1 << 2,
  /** By path, prefix or filter: how many it reached is not told; `weight` estimates. */
  byPath: 1 << 3,
  /** A batch or path that reaches everything: path `/` recursive, filters that only exclude. */
  catchAll: 1 << 4,
  /** An old version or the previous stage was asked for, or all versions of one. */
  history: 1 << 5,
  wrapped: 1 << 6,
  unwrap: 1 << 7,
  policyOverride: 1 << 8,
  /** The credential is a root token or the account's root user. */
  root: 1 << 9,
  /** A policy lets everybody in. */
  public: 1 << 10,
  /** A policy grants by wildcard on everything, or sudo. */
  broad: 1 << 11,
  /** Somebody of another account is let in, or acts. */
  external: 1 << 12,
  /** A key becomes exportable or deletable. */
  exportable: 1 << 13,
  /** Deletion without a way back. */
  force: 1 << 14,
  /** The record holds secrets or tokens in clear. */
  clear: 1 << 15,
  noMfa: 1 << 16,
  /** Written by the store about itself: RotationSucceeded and the like. */
  system: 1 << 17,
  /** Turns auditing off or blinds it. */
  auditOff: 1 << 18,
  /** Tokens without an expiry, periodic, or without a parent. */
  endless: 1 << 19,
  /** Makes root: generate-root, a token with policy root. */
  makesRoot: 1 << 20,
  /** The event's time is not believable. */
  skewed: 1 << 21,
  /** By automation that manages infrastructure (Terraform, CloudFormation, Pulumi). A hint: user agents can be forged. */
  automation: 1 << 22,
} as const;

export interface AuditEvent {
  readonly source: Source;
  /** For de-duplication: the same for every copy of one event, different across accounts. */
  readonly id: string;
  /** The vendor's own id, for people. */
  readonly ref: string;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly time: number;
  /** The vendor's operation, e.g. `GetSecretValue`, `SecretGet`, `read secret/data/db`. At most 120 characters. */
  readonly action: string;
  readonly verb: Verb;
  readonly outcome: Outcome;
  readonly principal: Principal;
  /** What it touches, as far as it is named. At most 100. */
  readonly secrets: readonly SecretRef[];
  /** Secrets that one call reaches: the number named, or an estimate for filters and paths. 1 for most. */
  readonly weight: number;
  readonly net: Net;
  /** The client's family, without versions: `aws-cli`, `boto3`, `terraform`, `browser`, `vault-cli`, `unknown`. */
  readonly client: string;
  /** Account, project, vault or cluster that holds the secret. */
  readonly account: string;
  readonly region?: string | undefined;
  /** Bits of FLAG. */
  readonly flags: number;
  /** Lifetime in seconds of the token that this event made or carried, where it says. */
  readonly ttl?: number | undefined;
  /** The address that the token's claims name, where it differs from the caller's. */
  readonly claimIp?: string | undefined;
  /** Who a policy change lets in, and to what (a role, policy or path name), where the record says. */
  readonly grantee?: string | undefined;
  /** Roles behind the session, when one role took on another. */
  readonly chain?: number | undefined;
}

/** Why a record gives no event; counted, never an error. */
export interface Skip {
  readonly skip:
    | 'irrelevant' // concerns no secret store
    | 'paired' // a request whose response tells all
    | 'control' // a probe of the delivery itself
    | 'malformed' // is not what it says
    | 'unknown'; // of this source, of a type that is not known
}

export type Parsed = AuditEvent | Skip;

export const isEvent = (parsed: Parsed): parsed is AuditEvent => !('skip' in parsed);
export const hasFlag = (event: AuditEvent, flag: number): boolean => (event.flags & flag) !== 0;
