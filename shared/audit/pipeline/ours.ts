/** Which events are an announced rotation's own. Pure. */
import type { Expected } from '../../expected/index.ts';
import type { AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf, type Profile } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import { hash48 } from '../sketches/hash.ts';

/** Principals that are ours for a secret: hash of the id, and until when. */
export const OURS: Slot<Map<number, number>> = {
  index: SLOT.ours,
  name: 'ours',
  fresh: () => new Map(),
  pack: (ours) => [...ours].toSorted(([a], [b]) => a - b).flat(),
  unpack(packed) {
    if (!Array.isArray(packed) || packed.length % 2 !== 0 || !packed.every((each) => Number.isFinite(each))) return undefined;
    const numbers = packed as number[];
    const ours = new Map<number, number>();
    for (let at = 0; at < numbers.length; at += 2) ours.set(numbers[at] ?? 0, numbers[at + 1] ?? 0);
    return ours;
  },
};
const MOST_OURS = 8;

/** Whether an announced rotation did this; remembers who it is when an announced version is written. */
export function isOurs(event: AuditEvent, secrets: readonly Profile[], expected: Expected | undefined): boolean {
  if (secrets.length === 0) return false;
  let ours = 0;
  for (const [index, { name, version }] of event.secrets.entries()) {
    const profile = secrets[index];
    if (profile === undefined) continue;
    const writes = (event.verb === 'write' || event.verb === 'create') && event.outcome === 'ok';
    const until = writes && version !== undefined ? expected?.until(name, version, event.time) : undefined;
    if (until !== undefined) {
      remember(sliceOf(profile, OURS), hash48(event.principal.id), until);
      ours += 1;
    } else {
      const known = sliceIfAny(profile, OURS);
      if (known !== undefined && (known.get(hash48(event.principal.id)) ?? 0) >= event.time) ours += 1;
    }
  }
  // A call that reaches one more secret than was announced is somebody's.
  return ours === event.secrets.length;
}

function remember(ours: Map<number, number>, who: number, until: number): void {
  ours.set(who, Math.max(ours.get(who) ?? 0, until));
  if (ours.size <= MOST_OURS) return;
  const [soonest] = [...ours].toSorted(([a, x], [b, y]) => x - y || a - b)[0] ?? [who];
  ours.delete(soonest);
}
