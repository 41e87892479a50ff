/** How a profile is written: JSON-representable, the same bytes for the same profile. The format is in docs/storage-schema.md. Pure. */
import { KeywheelError } from '../../errors.ts';
import { freshProfile, type EntityKind, type Profile } from '../profiles/profile.ts';
import type { Packed, Slot } from '../profiles/slot.ts';

export type Slots = readonly Slot<unknown>[];

/** Version, kind, key, first, last, n, days; then index and slice of each slot, by index. */
export type PackedProfile = readonly [1, EntityKind, string, number, number, number, number, ...Packed[]];

const VERSION = 1;
const HEAD = 7;

/** Slots by their index. Two of the same index are a programming error. */
export function byIndex(slots: Slots): readonly (Slot<unknown> | undefined)[] {
  const table: (Slot<unknown> | undefined)[] = [];
  for (const slot of slots) {
    const other = table[slot.index];
    if (other !== undefined && other !== slot) throw new TypeError(`slots ${other.name} and ${slot.name} have one index`);
    table[slot.index] = slot;
  }
  return table;
}

/** `slots` as `byIndex` gives them. Slices of slots that are not among them are written as they were read. */
export function packProfile(profile: Profile, slots: readonly (Slot<unknown> | undefined)[]): PackedProfile {
  const { kind, key, first, last, n, days, slices } = profile;
  const packed: [1, EntityKind, string, number, number, number, number, ...Packed[]] = [VERSION, kind, key, first, last, n, days];
  for (let index = 0; index < slices.length; index += 1) {
    const slice = slices[index];
    if (slice === undefined) continue;
    const slot = slots[index];
    packed.push(index, slot === undefined ? slice : slot.pack(slice));
  }
  return packed;
}

/**
 * The profile that was packed; undefined when it is none, and its entity then starts afresh. A slice that its slot cannot read is left out.
 * ERR_STATE_NEWER when a later version of Keywheel wrote it: writing over it would lose what that one knows.
 */
export function unpackProfile(packed: unknown, slots: readonly (Slot<unknown> | undefined)[]): Profile | undefined {
  if (!Array.isArray(packed) || typeof packed[0] !== 'number') return undefined;
  if (packed[0] > VERSION) {
    throw new KeywheelError('ERR_STATE_NEWER', `a profile could not be read, its format ${packed[0]} is newer than ${VERSION}`, {
      hint: 'upgrade keywheel',
    });
  }
  const [, kind, key, first, last, n, days, ...slices] = packed as [number, EntityKind, string, ...unknown[]];
  if (packed.length < HEAD || typeof key !== 'string' || slices.length % 2 !== 0) return undefined;
  if (![first, last, n, days].every((each) => Number.isFinite(each))) return undefined;
  const profile = freshProfile(kind, key);
  Object.assign(profile, { first, last, n, days });
  for (let at = 0; at < slices.length; at += 2) {
    const index = slices[at];
    if (!isIndex(index)) return undefined;
    const slot = slots[index];
    const slice = slot === undefined ? slices[at + 1] : slot.unpack(slices[at + 1]);
    if (slice !== undefined) profile.slices[index] = slice;
  }
  return profile;
}

const isIndex = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < 1000;
