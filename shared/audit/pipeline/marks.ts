/**
 * Which events an entity has applied: so that one that is delivered again changes nothing, and one that was half written is finished. Kept in the
 * entity's own profile, so that it is written with what the event changed.
 *
 * An event's mark is 24 bits of its id's hash, looked for only among those of its own minute (duplicates have the same time): of 100 other events
 * in that minute, one looks like it with a chance of 1 in 170,000. Days behind and busy entities lose their oldest minutes; of those
 * the answer is `unknown`.
 */
import type { EntityKind } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import { hash48 } from '../sketches/hash.ts';

const MINUTE = 60_000;
/** In minutes. */
const HORIZON = 24 * 60;
/** How many are kept beyond the newest batch; 4 bytes each when written. */
const CAPACITY: Readonly<Record<EntityKind, number>> = { principal: 2048, secret: 1024, network: 1024, tenant: 8192 };
/** With the newest batch. A minute with more than this is forgotten whole. */
const MOST = 16_384;

export type Seen = 'yes' | 'no' | 'unknown';

export interface Marks {
  /** Minutes before this may have been forgotten. */
  floor: number;
  /** The newest minute. */
  newest: number;
  count: number;
  /** Marks by minute since the epoch. */
  readonly minutes: Map<number, Set<number>>;
}

export const MARKS: Slot<Marks> = {
  index: SLOT.marks,
  name: 'marks',
  fresh: () => ({ floor: 0, newest: 0, count: 0, minutes: new Map() }),
  pack({ floor, minutes }) {
    let before = 0;
    const packed: (number | string)[] = [floor];
    for (const minute of [...minutes.keys()].toSorted((a, b) => a - b)) {
      packed.push(minute - before, packMarks([...(minutes.get(minute) ?? [])].toSorted((a, b) => a - b)));
      before = minute;
    }
    return packed;
  },
  unpack(packed) {
    if (!Array.isArray(packed) || packed.length % 2 === 0 || !Number.isInteger(packed[0])) return undefined;
    const marks: Marks = { floor: packed[0] as number, newest: 0, count: 0, minutes: new Map() };
    for (let at = 1; at < packed.length; at += 2) {
      const [step, text] = packed.slice(at, at + 2) as unknown[];
      if (!Number.isInteger(step) || typeof text !== 'string' || text.length % 4 !== 0) return undefined;
      marks.newest += step as number;
      const found = new Set(unpackMarks(text));
      marks.minutes.set(marks.newest, found);
      marks.count += found.size;
    }
    return marks;
  },
};

/** The mark of an event's id: 24 bits. */
export const markOf = (id: string): number => hash48(id) % 0x100_0000;

export function seen(marks: Marks | undefined, time: number, mark: number): Seen {
  if (marks === undefined) return 'no';
  const minute = Math.floor(time / MINUTE);
  if (marks.minutes.get(minute)?.has(mark) === true) return 'yes';
  return minute < marks.floor ? 'unknown' : 'no';
}

export function remember(marks: Marks, time: number, mark: number): void {
  const minute = Math.floor(time / MINUTE);
  // One that is forgotten at once would be counted again at its next delivery; what is older than the floor is told by other entities' marks.
  if (minute < marks.floor) return;
  let found = marks.minutes.get(minute);
  if (found === undefined) {
    found = new Set();
    marks.minutes.set(minute, found);
  }
  if (found.has(mark)) return;
  found.add(mark);
  marks.count += 1;
  if (minute > marks.newest) marks.newest = minute;
}

/** Forgets what is too old or too much. `since`: minutes that the newest batch touched begin here (milliseconds); they are kept longest. */
export function thin(marks: Marks, kind: EntityKind, since: number): void {
  const touched = Math.floor(since / MINUTE);
  const oldest = marks.newest - HORIZON;
  if (marks.count <= CAPACITY[kind] && marks.floor >= oldest) return;
  for (const minute of [...marks.minutes.keys()].toSorted((a, b) => a - b)) {
    const tooOld = minute < oldest;
    const tooMany = marks.count > (minute < touched ? CAPACITY[kind] : MOST);
    if (!tooOld && !tooMany) break;
    marks.count -= marks.minutes.get(minute)?.size ?? 0;
    marks.minutes.delete(minute);
    marks.floor = minute + 1;
  }
  marks.floor = Math.max(marks.floor, oldest);
}

/** Three bytes each, in base64. */
function packMarks(marks: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(marks.length * 3);
  for (const [index, mark] of marks.entries()) bytes.writeUIntBE(mark, index * 3, 3);
  return bytes.toString('base64');
}

function unpackMarks(text: string): number[] {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: bytes.length / 3 }, (_, index) => bytes.readUIntBE(index * 3, 3));
}
