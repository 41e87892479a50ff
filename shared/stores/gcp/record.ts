/**
 * What Keywheel remembers in Secret Manager: one annotation, `keywheel`, on the secret and one on its companion. Versions have no metadata of
 * their own, so the secret's record says which version came from which rotation; the companion's says what is pending. Each is changed together
 * with the etag of its secret. The format is in docs/storage-schema.md.
 */
import { KeywheelError } from '../../errors.ts';
import type { Secret } from './api.ts';

export const ANNOTATION = 'keywheel';
const VERSION = 1;
/** Annotations are limited to 16 KiB in all (resources.proto); the rest is for their owner's. */
const LARGEST = 8 * 1024;

/** A version of the main secret that a rotation published. */
export interface Published {
  readonly rotation: string;
  readonly number: number;
  /** When it was staged: a version keeps its time when it is published. */
  readonly createdAt: number;
}

export interface MainRecord {
  /** How often `current` was moved by publishing. Moving it there and back gives another revision, and takes the label `pending`. */
  readonly publishes: number;
  readonly puts: number;
  /** Oldest first. */
  readonly published: readonly Published[];
}

/** A version of the companion. */
export interface Staged {
  readonly rotation: string;
  readonly number: number;
  readonly createdAt: number;
  /** The newest version of the main secret at the time: one that publishing adds is newer. */
  readonly after: number;
}

export interface StagingRecord {
  /** Which rotation is pending, until the main secret's `publishes` is another. */
  readonly pending?: { readonly rotation: string; readonly publishes: number };
  readonly staged: readonly Staged[];
  /** Rotations whose version was discarded, oldest first. */
  readonly discarded: readonly string[];
  /** The highest version of the companion that was ever recorded: what is older and not staged is a leftover. */
  readonly high: number;
}

/** ERR_STORE_CORRUPT, ERR_STATE_NEWER. */
export function mainRecordOf(secret: Secret): MainRecord {
  const record = parse(secret) as MainRecord | undefined;
  if (record === undefined) return { publishes: 0, puts: 0, published: [] };
  if (Number.isSafeInteger(record.publishes) && Number.isSafeInteger(record.puts) && Array.isArray(record.published))
    return record;
  throw corrupt(secret);
}

/**
 * The companion's record. ERR_STORE_CONFLICT when the secret of that name is not ours: it has versions, and no record. (An empty one may have
 * been made beforehand, by whoever grants access.)
 */
export function stagingRecordOf(companion: Secret | undefined): StagingRecord {
  const record = companion === undefined ? undefined : (parse(companion) as StagingRecord | undefined);
  if (companion === undefined || record === undefined) return { staged: [], discarded: [], high: 0 };
  if (Array.isArray(record.staged) && Array.isArray(record.discarded) && Number.isSafeInteger(record.high)) return record;
  throw corrupt(companion);
}

/** The annotations with the record in them; the oldest of what is finished is forgotten when there is no room. */
export function annotated(secret: Secret, record: MainRecord | StagingRecord): Record<string, string> {
  const format = (kept: object): string => JSON.stringify({ ...kept, schemaVersion: VERSION, writes: writesOf(secret) + 1 });
  let kept = record;
  let text = format(kept);
  while (Buffer.byteLength(text) > LARGEST) {
    if ('published' in kept && kept.published.length > 2) kept = { ...kept, published: kept.published.slice(1) };
    else if ('discarded' in kept && kept.discarded.length > 0) kept = { ...kept, discarded: kept.discarded.slice(1) };
    else break;
    text = format(kept);
  }
  return { ...secret.annotations, [ANNOTATION]: text };
}

/** Every version of this secret that an alias or its record names. ERR_STORE_CORRUPT, ERR_STATE_NEWER. */
export function namedIn(secret: Secret): Set<number> {
  const { published = [], staged = [] } = (parse(secret) ?? {}) as Partial<MainRecord & StagingRecord>;
  return new Set([...Object.values(secret.aliases), ...[...published, ...staged].map((each) => each.number)]);
}

/** How often the record was written: of two readings, the one with fewer is the older. 0 when there is no record, or none that can be read. */
export function writesOf(secret: Secret): number {
  try {
    const { writes } = JSON.parse(secret.annotations[ANNOTATION] ?? '{}') as { readonly writes?: unknown };
    return typeof writes === 'number' ? writes : 0;
  } catch {
    return 0;
  }
}

function parse(secret: Secret): object | undefined {
  const text = secret.annotations[ANNOTATION];
  if (text === undefined) return undefined;
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw corrupt(secret);
  }
  if (typeof record !== 'object' || record === null || !('schemaVersion' in record)) throw corrupt(secret);
  const { schemaVersion, ...rest } = record;
  if (schemaVersion === VERSION) return rest;
  throw new KeywheelError(
    'ERR_STATE_NEWER',
    `annotation ${ANNOTATION} of secret ${secret.id} was written by another version of Keywheel`,
    {
      hint: 'use the newest version that any of your functions uses',
      subject: secret.id,
    },
  );
}

function corrupt(secret: Secret): KeywheelError {
  return new KeywheelError(
    'ERR_STORE_CORRUPT',
    `annotation ${ANNOTATION} of secret ${secret.id} cannot be read, because it was edited`,
    {
      hint: 'put its former text back, or remove it: Keywheel then takes the secret over as a new one',
      subject: secret.id,
    },
  );
}
