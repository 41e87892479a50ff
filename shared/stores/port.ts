/** The SecretStore port: where consumers read secrets. Every adapter passes `test/contract/store.ts`. */

export type Label = 'current' | 'pending' | 'previous';

/** A secret's fields, such as `username` and `password`. Flat, JSON-representable, at most 64 KiB encoded. */
export type SecretValue = Readonly<Record<string, string | number | boolean | null>>;

/**
 * Names the state of `current`. It changes whenever `current` moves or is edited by hand, and does not
 * change when a version is staged or discarded. Opaque: only the store that gave it can read it.
 */
export type Revision = string;

export interface VersionRef {
  readonly id: string;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly createdAt: number;
  /** The rotation that staged it; absent on versions that people or other tools wrote. */
  readonly rotationId?: string;
}

export interface SecretState {
  readonly name: string;
  readonly revision: Revision;
  readonly labels: { readonly [L in Label]?: VersionRef };
}

export interface SecretVersion extends VersionRef {
  readonly value: SecretValue;
}

export interface SecretSummary {
  readonly name: string;
  readonly labels: { readonly [L in Label]?: VersionRef };
}

export interface SecretStore {
  readonly kind: string;
  /** Milliseconds by which reads may lag writes, for the slowest reader; 0 when absent. Grace is longer by this. */
  readonly readLag?: number;
  /** Undefined when no such secret exists. */
  describe(name: string): Promise<SecretState | undefined>;
  /** The version that a label, or an id that was recorded earlier, names. Undefined when there is none. */
  read(name: string, at: Label | { readonly version: string }): Promise<SecretVersion | undefined>;
  /**
   * Writes a version that is labelled `pending` and that readers of `current` cannot see. The same `rotationId` always gives the
   * same version, also after it was published; the first value wins. ERR_STORE_CONFLICT when another rotation's version is
   * pending, or when this rotation's version was discarded.
   */
  stage(name: string, value: SecretValue, rotationId: string): Promise<VersionRef>;
  /**
   * Compare-and-set: `version` becomes `current` and the old current becomes `previous`, in one atomic step, if
   * `current` is still at `expected`; otherwise ERR_STORE_CONFLICT and nothing changes. Publishing the
   * version that is current already is a no-op whatever `expected` says. `pending` is removed.
   */
  publish(name: string, version: string, expected: Revision): Promise<SecretState>;
  /** Removes a pending version. A no-op when it is gone; ERR_STORE_CONFLICT when `current` or `previous` names it. */
  discard(name: string, version: string): Promise<void>;
  list(filter?: { readonly prefix?: string }): AsyncIterable<SecretSummary>;
  /** Lets go of what was opened: connections, and a login that was made for this run. */
  close?(): void | Promise<void>;
}

/** Stores in which Keywheel itself may create a secret or take a hand edit (`keywheel put`). */
export interface SupportsPut {
  /** Writes `value` as `current`, the old current becoming `previous`. `expected: null` demands that the secret is new. */
  put(name: string, value: SecretValue, expected?: Revision | null): Promise<SecretState>;
}

/** Stores whose own service starts rotations and names them: Secrets Manager, which calls a function in four steps. */
export interface SupportsServiceRotation {
  /** What the service says of the rotation that it named `token`. Undefined when there is no such secret. */
  serviceRotation(name: string, token: string): Promise<ServiceRotation | undefined>;
}

export interface ServiceRotation {
  readonly enabled: boolean;
  /** The stages of the version that `token` names; undefined when the service knows no such version. */
  readonly stages: readonly string[] | undefined;
}

export function supportsServiceRotation(store: SecretStore): store is SecretStore & SupportsServiceRotation {
  return typeof (store as Partial<SupportsServiceRotation>).serviceRotation === 'function';
}

export function supportsPut(store: SecretStore): store is SecretStore & SupportsPut {
  return typeof (store as Partial<SupportsPut>).put === 'function';
}
