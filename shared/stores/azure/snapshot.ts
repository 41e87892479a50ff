/**
 * One secret as its two Key Vault secrets show it, read as the port sees it: versions, labels, revision. Pure.
 *
 * Key Vault lists versions in no order and times them in whole seconds, so the newest is the one that Key Vault itself gives when it is
 * asked for none by name. The order of the others is by time; within a second by what our tags say (`base` was there before). Of two
 * hand edits in one second, neither of them the newest, either may be taken for the later.
 */
import type { Revision, SecretState, VersionRef } from '../port.ts';
import { pendingOf, writtenOf } from './tags.ts';
import type { PendingState, Written } from './tags.ts';
import type { VaultValue, VaultVersion } from './vault.ts';

export interface Snapshot {
  /** Every version of the main secret. */
  readonly main: readonly VaultVersion[];
  /** The newest; undefined when it is disabled, which Key Vault shows to nobody. */
  readonly newest: VaultValue | undefined;
  readonly companion: readonly VaultVersion[];
}

export interface MainVersion {
  readonly stored: VaultVersion;
  readonly ref: VersionRef;
  readonly written?: Written;
}

export interface PendingVersion {
  readonly stored: VaultVersion;
  readonly ref: VersionRef;
  readonly state: PendingState;
}

export interface View {
  /** Newest first, the first one being `current`. Empty when the newest is disabled. */
  readonly main: readonly MainVersion[];
  /** Of each rotation the one that was staged first. */
  readonly staged: readonly PendingVersion[];
  readonly revision: Revision;
  readonly labels: SecretState['labels'];
}

/** The id of the version that a rotation stages: known before it is staged, so that a rehearsal can print it. */
export const versionIdOf = (rotationId: string): string => `v-${rotationId}`;

export function viewOf({ main, newest, companion }: Snapshot): View {
  const current = main.find((one) => one.kv === newest?.kv);
  const ordered = current === undefined ? [] : inOrder(main, current);
  const published = new Set(ordered.map(({ ref }) => ref.id));
  const staged = firstOfEach(companion).map((one) => (published.has(one.ref.id) ? { ...one, state: 'published' as const } : one));
  const [now] = ordered;
  const previous = previousOf(ordered);
  const pending = staged.find(({ state }) => state === 'pending');
  return {
    main: ordered,
    staged,
    revision: newest?.kv ?? '',
    labels: {
      ...(now === undefined ? {} : { current: now.ref }),
      ...(previous === undefined ? {} : { previous: previous.ref }),
      ...(pending === undefined ? {} : { pending: pending.ref }),
    },
  };
}

/** What the current version's tag names, else the next older one that can be read. */
function previousOf(ordered: readonly MainVersion[]): MainVersion | undefined {
  const [now, ...older] = ordered;
  const candidates = older.filter(({ stored, ref }) => stored.enabled && ref.id !== now?.ref.id);
  const named = now?.written?.previous;
  return candidates.find(({ ref }) => ref.id === named) ?? candidates[0];
}

/**
 * The hand edit that a write of ours went over: made after `base` was looked at and before ours was set, so that no reader sees it.
 * Undefined when ours is not the newest, or nothing came between. `known` are the versions that were there when the writer looked; without
 * it, as after a crash, our tags must tell, and of several edits in the second of `base` they cannot tell which one it was.
 */
export function buriedEdit({ main }: View, known?: ReadonlySet<string>): MainVersion | undefined {
  const [now, ...older] = main;
  if (now?.written === undefined) return undefined;
  const { base: id, beside } = now.written;
  const base = older.find(({ stored }) => stored.kv === id)?.stored;
  if (id !== undefined && base === undefined) return undefined;
  const since = base?.created ?? 0;
  // A set that was repeated, its response lost, carries the same version as ours and buries nothing.
  const later = older.filter(
    ({ stored, ref }) => stored.kv !== id && stored.created >= since && ref.id !== now.ref.id && known?.has(stored.kv) !== true,
  );
  if (later.length <= (known === undefined ? beside : 0)) return undefined;
  // What is in another second than `base` is surely later than it.
  const edits = later.filter(({ stored, written }) => stored.enabled && written?.ref === undefined);
  return edits.find(({ stored }) => stored.created > since) ?? edits[0];
}

/** How many versions besides `base` are of its second: see `Written.beside`. */
export function besideOf(main: readonly VaultVersion[], base: VaultVersion): number {
  return main.filter((one) => one.kv !== base.kv && one.created === base.created).length;
}

function inOrder(main: readonly VaultVersion[], newest: VaultVersion): MainVersion[] {
  const byTime = main.toSorted((a, b) => b.created - a.created || (a.kv < b.kv ? 1 : -1));
  const seen = new Set<string>();
  const known = new Map<string, MainVersion>();
  // From the oldest on, because a copy of our tags is younger than what it was copied from; the newest last, whatever its second.
  for (const stored of [...byTime.filter((one) => one !== newest).toReversed(), newest]) {
    const written = writtenOf(stored);
    const genuine = written !== undefined && !seen.has(written.nonce) ? written : undefined;
    if (genuine !== undefined) seen.add(genuine.nonce);
    const ref = genuine?.ref ?? { id: stored.kv, createdAt: stored.created };
    known.set(stored.kv, { stored, ref, ...(genuine === undefined ? {} : { written: genuine }) });
  }
  const rest = byTime.filter((one) => one !== newest).map((one) => known.get(one.kv) as MainVersion);
  return [known.get(newest.kv) as MainVersion, ...basesLast(rest)];
}

/** Within one second, what a version was written upon comes after it. */
function basesLast(sorted: readonly MainVersion[]): MainVersion[] {
  const result: MainVersion[] = [];
  const left = [...sorted];
  while (left.length > 0) {
    const second = left[0]?.stored.created;
    const peers = left.filter(({ stored }) => stored.created === second);
    const bases = new Set(peers.map(({ written }) => written?.base));
    const index = left.findIndex((one) => peers.includes(one) && !bases.has(one.stored.kv));
    result.push(...left.splice(Math.max(index, 0), 1));
  }
  return result;
}

function firstOfEach(companion: readonly VaultVersion[]): PendingVersion[] {
  const first = new Map<string, PendingVersion>();
  for (const stored of companion.toSorted((a, b) => a.created - b.created || (a.kv < b.kv ? -1 : 1))) {
    const found = pendingOf(stored);
    if (found === undefined) continue;
    const { rotationId } = found;
    // One that somebody disabled cannot be read any more, and neither published.
    const state = stored.enabled || found.state === 'published' ? found.state : 'discarded';
    if (first.has(rotationId)) continue;
    first.set(rotationId, { stored, state, ref: { id: versionIdOf(rotationId), createdAt: stored.created, rotationId } });
  }
  return [...first.values()];
}
