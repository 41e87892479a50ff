/** What a consumer holds in its hands. Durations are milliseconds. */
import type { KeywheelError } from '../errors.ts';
import type { SecretValue } from '../stores/index.ts';

/** What `current` named when it was last read. `value` is not enumerable: printing or serialising the whole shows no material. */
export interface Secret {
  readonly value: SecretValue;
  readonly version: string;
  /** How long ago the read that gave it was begun. */
  readonly age: number;
  /** True: older than `maxAge`, given because the store cannot be read now. */
  readonly stale: boolean;
}

/** What operations want to know. None holds material. */
export type ClientEvent =
  /** `current` moved; `from` is absent at the first read. */
  | { readonly type: 'changed'; readonly name: string; readonly version: string; readonly from?: string }
  /** A read failed, or found nothing; it is tried again after `retryIn`. */
  | { readonly type: 'failed'; readonly name: string; readonly error: KeywheelError; readonly retryIn: number }
  /** The first time in an outage that a value older than `maxAge` is given. */
  | { readonly type: 'stale'; readonly name: string; readonly version: string; readonly age: number }
  /** A read succeeded after `failed`. */
  | { readonly type: 'recovered'; readonly name: string }
  /** A login with this version was refused. */
  | { readonly type: 'refused'; readonly name: string; readonly version: string }
  /** The store named a version again that it had moved away from. It is believed when a second reading agrees. */
  | { readonly type: 'doubted'; readonly name: string; readonly version: string };

export interface GetOptions {
  /** Ends the waiting of this call; a read that others wait for goes on. */
  readonly signal?: AbortSignal;
}

export interface SecretClient {
  /**
   * The value to use now: from the cache, or read when there is none that is young enough. ERR_SECRET_NOT_FOUND and the reader's errors
   * (`SecretReader.current`) only when no value within `maxAge + maxStale` is held; ERR_USAGE after `close`.
   */
  get(name: string, options?: GetOptions): Promise<Secret>;
  /** Reads at once, and gives what the store says; rejects when it cannot be read. */
  refresh(name: string, options?: GetOptions): Promise<Secret>;
  /**
   * Tells that a login with `version` was refused. Reads at once, though not more often than its growing, jittered pause allows. Gives the
   * credential that the store names by now; undefined when it is still the refused one. Never rejects for a store that cannot be read.
   */
  refused(name: string, version: string): Promise<Secret | undefined>;
  /** Tells that a login with `version` succeeded. */
  accepted(name: string, version: string): void;
  /**
   * To be called before each login. Throws ERR_TARGET_REFUSED while the refusals of this version are waited out, so that a wrong password
   * does not lock the account. After a refusal it lets one login pass for each pause.
   */
  admit(name: string, version: string): void;
  /** Reads the secret and keeps it fresh also when nobody asks, and tells every new version. Returns the end of the watch. */
  watch(name: string, changed: (secret: Secret) => void): () => void;
  /** Forgets everything, ends what waits, and lets go of the store. */
  close(): Promise<void>;
}

export interface ClientOptions {
  /** No value older than this is used while the store answers. Never more than `consumers.maxCacheAge` in keywheel.yaml. Default 5 minutes. */
  readonly maxAge?: number;
  /** How much older a value may be while the store cannot be read. Default 24 hours. */
  readonly maxStale?: number;
  /** How long the answer "there is no such secret" is believed. Default 5 seconds. */
  readonly missingAge?: number;
  /** The longest that `get` waits for a slow store when it holds a stale value. Default 2 seconds. */
  readonly patience?: number;
  /** The longest that one read may take. Default 20 seconds. */
  readonly readTimeout?: number;
  /** What it throws is ignored. */
  readonly onEvent?: (event: ClientEvent) => void;
  /** Where a store's credential is looked up, if by name of a variable. Default: the process's own environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** For tests and simulations. */
  readonly deps?: Partial<ClientDeps>;
}

export interface ClientDeps {
  /** Milliseconds that never go back; only differences count. */
  now(): number;
  /** Uniform in [0, 1): for jitter. */
  uniform(): number;
  /** Calls `run` once after `ms`; the result cancels. Must not keep the process alive. */
  after(ms: number, run: () => void): () => void;
}
