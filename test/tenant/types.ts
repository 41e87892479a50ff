/** A synthetic tenant, as one neutral stream of acts that four writers turn into the records of their store. */
import type { Random } from './random.ts';

export type StoreKind = 'aws' | 'gcp' | 'azure' | 'vault' | 'openbao';
export type SourceName = 'aws' | 'gcp' | 'azure' | 'vault';

/** Where secrets are: an AWS account, a Google Cloud project, an Azure key vault, a Vault or OpenBao cluster. */
export interface Store {
  readonly kind: StoreKind;
  /** Its file: both Vault and OpenBao write `vault`. */
  readonly source: SourceName;
  /** Account, project id, vault name, cluster name. */
  readonly name: string;
  /** Google Cloud: project number. Azure: subscription. Vault: version. */
  readonly number: string;
  /** Azure: the directory. AWS: the organization. Vault: the accessor of the mount. */
  readonly owner: string;
  readonly regions: readonly string[];
  /** A customer's key for envelope encryption, where secrets have one. */
  readonly key: string;
  /** The folder in which its secrets are: mount, resource group. */
  readonly mount: string;
  /** Milliseconds by which its clock is wrong. */
  readonly skew: number;
  /** Secrets reads leave a second record of the key service. */
  readonly echoes: boolean;
  readonly secrets: Secret[];
}

export interface Secret {
  readonly store: Store;
  /** `param`: an SSM parameter. */
  readonly type: 'secret' | 'param';
  readonly name: string;
  /** The suffix of an ARN. */
  readonly suffix: string;
  readonly region: string;
  version: string;
  previous: string;
  serial: number;
  readonly born: number;
  /** Callers mostly say its ARN. */
  readonly byArn: boolean;
}

export type IdentityKind = 'sso' | 'user' | 'instance' | 'function' | 'pod' | 'ci' | 'app' | 'agent' | 'foreign' | 'root';

/** Somebody as one store knows them. */
export interface Identity {
  readonly store: Store;
  readonly kind: IdentityKind;
  /** User name, role, service account, application, entity. */
  readonly name: string;
  /** A person's e-mail. */
  readonly mail: string;
  /** AROA.., AIDA.., object id, entity id, unique id. */
  readonly id: string;
  /** A second id: application id, alias accessor. */
  readonly other: string;
  /** Account, project or directory that it comes from, if not the store's. */
  readonly home: string;
  /** Policies, groups. */
  readonly policies: readonly string[];
}

export interface Client {
  /** As AWS, Google, Azure or Vault see it. */
  readonly agents: Readonly<Record<SourceName, string>>;
  readonly console: boolean;
}

/** An identity at a place with a client and a credential. Never changes, so that acts that wait to be written keep theirs. */
export interface Seat {
  readonly identity: Identity;
  readonly address: string;
  /** In a private network: the endpoint by which it reaches the store. */
  readonly endpoint: string;
  readonly client: Client;
  /** Session name: instance, function, pod, person. */
  readonly session: string;
  /** Access key id, token accessor, uti. */
  readonly key: string;
  readonly born: number;
  /** Milliseconds that a credential lives; 0: for ever. */
  readonly life: number;
  /** The address at which the token was issued. */
  readonly issuedAt: string;
  /** By writers: the beginning of its records. */
  head: string;
}

/** Where somebody sits now: a device, an instance. */
export interface Chair {
  now: Seat;
}

export type Op =
  | 'read'
  | 'readOld'
  | 'readMany'
  | 'readAll'
  | 'readPath'
  | 'history'
  | 'list'
  | 'describe'
  | 'policyRead'
  | 'create'
  | 'write'
  | 'stage'
  | 'pending'
  | 'delete'
  | 'destroy'
  | 'restore'
  | 'backup'
  | 'snapshot'
  | 'replicate'
  | 'policy'
  | 'public'
  | 'grant'
  | 'login'
  | 'consoleLogin'
  | 'assume'
  | 'token'
  | 'newKey'
  | 'secretId'
  | 'rootToken'
  | 'whoami'
  | 'renew'
  | 'enumerate'
  | 'decrypt'
  | 'encrypt'
  | 'export'
  | 'keyConfig'
  | 'keyDelete'
  | 'auditOff'
  | 'sinkOff'
  | 'rotated'
  | 'rotationOff'
  | 'unwrap'
  | 'raw';

export type Result = 'ok' | 'denied' | 'notfound' | 'throttled' | 'authfail' | 'expired' | 'challenge' | 'error';

export interface Extras {
  /** Several secrets in one call. */
  readonly secrets?: readonly Secret[];
  /** A name that there is not: of a secret, a user. */
  readonly name?: string;
  /** Seconds. */
  readonly ttl?: number;
  /** What an `enumerate`, `login`, `policy` and the like concretely is. */
  readonly detail?: string;
  /** Who is let in, or made. */
  readonly grantee?: Identity;
  /** Region or account elsewhere. */
  readonly elsewhere?: string;
  readonly policies?: readonly string[];
  readonly endless?: boolean;
}

export interface Act {
  /** Milliseconds since the epoch. */
  time: number;
  readonly seat: Seat;
  readonly store: Store;
  readonly op: Op;
  readonly secret: Secret | undefined;
  readonly result: Result;
  readonly extras: Extras;
  /** Which persona did it: for the truth, never written. */
  persona: string;
  /** Which attack, if one. */
  attack: string | undefined;
}

export type Emit = (act: Act) => void;

/** Something that acts. Called once for every hour of the tenant, in order; may emit acts of this hour and of the days after it. */
export interface Behaviour {
  hour(start: number, emit: Emit): void;
}

export interface Person {
  readonly name: string;
  readonly mail: string;
  readonly zone: string;
  /** One for each store that the person works with. */
  readonly chairs: Chair[];
  readonly secrets: Secret[];
  readonly born: number;
}

/** Addresses that something comes from. */
export interface Network {
  /** A new address in it. */
  address(random: Random): string;
  /** An endpoint's id, where it is private. */
  readonly endpoint: string;
}

export const HOUR = 3_600_000;
export const DAY = 86_400_000;
export const MINUTE = 60_000;
