/** The Target port: a system that accepts material. Every adapter passes `test/contract/target.ts`. */
import type { SecretValue } from '../stores/index.ts';

/** An account of a pair, or one of the places a principal has for material. Pinned in configuration. */
export type Slot = string;

/** Names one credential for ever: the slot, and the rotation that made it (or `adopted` for one found in place). */
export interface CredentialId {
  readonly slot: Slot;
  /** The rotation id, a provider's key id, or `adopted`. */
  readonly key: string;
}

/** Six outcomes that are never confused. Only `refused` means that the material does not authenticate. */
export type ProbeOutcome = 'accepted' | 'refused' | 'unreachable' | 'tls' | 'forbidden' | 'throttled';

export interface Probe {
  readonly outcome: ProbeOutcome;
  readonly endpoint: string;
  /** For people; never holds material. Carries the server's own error code where there is one. */
  readonly detail: string;
}

export interface Finding {
  /** Stable, kebab-case, for example `grants-differ`. */
  readonly code: string;
  /** An error stops the rotation before it changes anything more; a warning is shown. */
  readonly level: 'error' | 'warning';
  readonly message: string;
  readonly hint?: string;
}

/** What the target says of one slot's use at one moment, by the target's own clock. */
export interface Evidence {
  readonly source: string;
  readonly slot: Slot;
  /** Milliseconds since the epoch by the target's clock: grace is measured on this clock, never on a worker's. */
  readonly at: number;
  /** Sessions that authenticated as this slot and are still open. */
  readonly sessions: number;
  /** The latest login or statement that the target knows of; undefined when it shows none. */
  readonly lastUsedAt?: number;
  /** The latest login among open sessions. A login after caches have run out means a consumer still holds the old material. */
  readonly lastLoginAt?: number;
}

/** Carried by every effect. A target refuses an effect whose fence is lower than one it has seen. */
export interface Stamp {
  readonly installation: string;
  readonly secret: string;
  readonly rotationId: string;
  readonly fence: number;
}

export interface Capability {
  /** How many credentials one rotation's principal set can hold at once. */
  readonly slots: number;
  /** Who makes the material. */
  readonly origin: 'client' | 'provider';
  readonly retire: 'delete' | 'disable-then-delete' | 'overwrite';
  /** Milliseconds until a change is seen everywhere; verification keeps trying until `max`. */
  readonly propagation: { readonly typical: number; readonly max: number };
  readonly usage: boolean;
  /** Milliseconds between two readings that its clock tells apart (the Date header of HTTP: a second); 1 when absent. Grace is longer by it. */
  readonly clockStep?: number;
}

export interface Target {
  readonly kind: string;
  /** For people, for example `postgres db.example.com:5432/app`. No material. */
  readonly description: string;
  readonly capability: Capability;
  /** The endpoints consumers connect to, by name; material is verified at each. Never empty. */
  readonly endpoints: readonly string[];
  /** The pinned slots, in configuration order. */
  readonly slots: readonly Slot[];

  /** Which pinned slot a secret's value names. ERR_SECRET_INVALID, with the field's name, when it names none. Pure. */
  slotOf(value: SecretValue): Slot;
  /** The value to stage for `slot`: `current` with its material replaced. Client origin only. Pure but for `random`. */
  compose(slot: Slot, current: SecretValue, random: (length: number) => Uint8Array): SecretValue;

  /** Reads only. Everything that would make this rotation unsafe or impossible, before it starts. */
  preflight(from: Slot, to: Slot, stamp: Stamp): Promise<Finding[]>;
  /** Idempotent: the same value and stamp may be applied any number of times. ERR_FENCE_STALE, ERR_TARGET_OWNED. */
  apply(slot: Slot, value: SecretValue, stamp: Stamp): Promise<void>;
  /** One fresh login with exactly this material at one endpoint. Never throws for what the six outcomes say. */
  probe(value: SecretValue, endpoint: string): Promise<Probe>;
  /** What `to` may do compared with `from`, in both directions. Empty when equal. */
  compare(from: Slot, to: Slot): Promise<Finding[]>;
  /**
   * Raises the fence of every pinned slot and changes nothing else: after it, no effect of an earlier lease succeeds. Called before a
   * decision to destroy is made, so that a worker that was paused cannot carry out a decision made before. ERR_FENCE_STALE, ERR_TARGET_OWNED.
   */
  fence(stamp: Stamp): Promise<void>;
  /**
   * Ends a credential that the journal recorded, and the sessions that it left. Refuses (ERR_TARGET_MISMATCH) when the slot
   * records another credential than `id`. Idempotent. ERR_FENCE_STALE, ERR_TARGET_OWNED. `seen` is what a probe of its material said
   * just before: `refused` means that the material is dead already, so the slot may hold somebody else's; then no credential is
   * changed, and only what an earlier retire of this very id began is finished (its sessions are ended).
   */
  retire(id: CredentialId, stamp: Stamp, seen: 'accepted' | 'refused'): Promise<void>;
  close(): Promise<void>;
}

/** Targets that can tell whether a slot is still used. */
export interface SupportsUsageEvidence {
  /** Of the slot; of `id` alone where the target tells credentials of one slot apart (two keys of one principal). */
  lastUsed(slot: Slot, id?: CredentialId): Promise<Evidence>;
}

/** Targets that can say something of a secret's other fields, which other tools follow and Keywheel does not. */
export interface SupportsReview {
  /** Pure. Warnings only: nothing that a secret says changes what is done. No finding repeats a value. */
  review(value: SecretValue): Finding[];
}

/** Targets whose provider makes the material (origin `provider`). */
export interface SupportsMinting {
  /** Makes a credential that carries `marker` (the rotation id) so that a lost response can be attributed later. */
  mint(slot: Slot, marker: string, current: SecretValue, stamp: Stamp): Promise<{ id: CredentialId; value: SecretValue }>;
  /** Credentials that carry `marker`, whether or not their material was ever received. */
  find(marker: string): Promise<CredentialId[]>;
  /**
   * The provider's id of the credential that a value holds, also of one that a person wrote; undefined when it names none. Pure, never throws.
   * Without this method the id is the value's `keyId`.
   */
  keyOf?(value: SecretValue): string | undefined;
}

export function supportsUsage(target: Target): target is Target & SupportsUsageEvidence {
  return typeof (target as Partial<SupportsUsageEvidence>).lastUsed === 'function';
}

export function supportsMinting(target: Target): target is Target & SupportsMinting {
  return typeof (target as Partial<SupportsMinting>).mint === 'function';
}

export function supportsReview(target: Target): target is Target & SupportsReview {
  return typeof (target as Partial<SupportsReview>).review === 'function';
}
