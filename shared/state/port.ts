/** The State port: journal, leases and other durable records, with compare-and-set. Contract: `test/contract/state.ts`. */

export type StateRevision = string;

export interface Stored<T = unknown> {
  readonly key: string;
  readonly value: T;
  readonly revision: StateRevision;
}

export interface Write {
  readonly key: string;
  /** JSON-representable; `undefined` deletes the record. */
  readonly value: unknown;
  /** The revision that was read; `null` demands that the key is absent. */
  readonly expected: StateRevision | null;
  /** Milliseconds from now after which the record may be dropped; for ever when absent. */
  readonly ttl?: number;
}

/** The exclusive right to act, with a number that only ever grows for one key. */
export interface Lease {
  readonly key: string;
  readonly holder: string;
  readonly fence: number;
  /** Milliseconds since the epoch, by the clock of the worker that acquired it. */
  readonly expiresAt: number;
}

export interface State {
  readonly kind: string;
  /** A random id made when this state was first opened; it names the installation on targets. */
  installation(): Promise<string>;
  /** The same id if it was made already; writes nothing. Absent where opening makes it. */
  installationIfAny?(): Promise<string | undefined>;
  get<T>(key: string): Promise<Stored<T> | undefined>;
  /** Present records only, in no promised order. */
  getMany<T>(keys: readonly string[]): Promise<Stored<T>[]>;
  /** In key order. */
  list<T>(prefix: string): AsyncIterable<Stored<T>>;
  /** ERR_STATE_CONFLICT when the record is not at `expected`. Returns the new revision. */
  put(write: Write): Promise<StateRevision>;
  /** All or nothing. ERR_STATE_CONFLICT names the first key that was not as expected. At most 25 writes. */
  transact(writes: readonly Write[]): Promise<StateRevision[]>;
  /**
   * Undefined while another holder's lease is unexpired. The fence is greater than every earlier one for this key, also after release.
   * `isDead` may name a holder that is known to be gone (a process of this machine that ended): its lease is then taken
   * over at once. A wrong answer is harmless, because every effect carries the fence.
   */
  acquire(key: string, holder: string, ttl: number, isDead?: (holder: string) => boolean): Promise<Lease | undefined>;
  /** ERR_LEASE_LOST when a later fence was given out or the lease was released. */
  renew(lease: Lease, ttl: number): Promise<Lease>;
  /** A no-op when the lease is no longer ours. */
  release(lease: Lease): Promise<void>;
  close(): Promise<void>;
}
