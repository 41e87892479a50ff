/** A family's place in a profile, and how its slice is written. */

/** JSON-representable, and compact: arrays of numbers and short strings. */
export type Packed = unknown;

export interface Slot<S> {
  /** Its index in `Profile.slices`, for ever: it is written into state. Unique over all slots of all kinds. */
  readonly index: number;
  readonly name: string;
  fresh(): S;
  pack(slice: S): Packed;
  /** Undefined when it is not what `pack` writes: the slice then starts afresh. */
  unpack(packed: Packed): S | undefined;
}
