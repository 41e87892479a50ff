/** The port of where profiles are kept between events. */
import type { EntityKind, Profile } from '../profiles/profile.ts';
import type { Expected } from '../../expected/index.ts';

export interface Acknowledged {
  /** Who, for people. */
  readonly by: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface Entity {
  readonly kind: EntityKind;
  readonly key: string;
}

interface Saved {
  readonly writes: number;
  /** Changed by somebody else since they were read. They are forgotten: `reload` reads them again. */
  readonly conflicts: readonly Profile[];
}

export interface ProfileStore {
  /**
   * True where profiles outlive the process and somebody else may change them: each then carries the marks of the events that it has applied.
   * False where events and profiles are of one process.
   */
  readonly durable: boolean;
  /** Begins a batch: makes `get` know these. Undefined where that needs no waiting. ERR_STATE codes. */
  load(entities: () => Iterable<Entity>): Promise<void> | undefined;
  /** Reads these again, beside what was loaded. */
  reload(entities: readonly Entity[]): Promise<void> | undefined;
  /** The live profile, made where there is none. Valid until the next `load` or `save`, or for the next hundred calls. */
  get(kind: EntityKind, key: string): Profile;
  /** The profile if there is one; makes none. */
  find(kind: EntityKind, key: string): Promise<Profile | undefined>;
  /** A copy that may be changed and thrown away. */
  copy(profile: Profile): Profile;
  /** Writes what changed since the last call. ERR_STATE codes except conflicts. Undefined where that needs no waiting. */
  save(): Promise<Saved> | undefined;
  /** Which of these incidents somebody has taken. Absent: nobody can. */
  acknowledged?(ids: readonly string[]): Promise<ReadonlyMap<string, Acknowledged>>;
  /** Changes that rotations announced in the same state. */
  readonly expected?: Expected;
  /** Forgets what was read and not saved. */
  drop(): void;
  /** How many entities there are in memory, and the characters of those that are packed. */
  size(): { readonly live: number; readonly packed: number; readonly characters: number };
}
