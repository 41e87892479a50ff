/** Who used a secret last, by version and by credential: what a revocation, an orphan and an unused grant are told by. */
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import { sliceOf, type Profile } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';

const VERSIONS = 8;
const CREDENTIALS = 16;
const LONGEST = 128;

interface Use {
  /** Milliseconds since the epoch. */
  time: number;
  /** The principal's id. */
  by: string;
}

export interface Usage {
  /** Since when uses are recorded: the first that was seen. */
  since: number;
  /** By the version or stage that was asked for; the empty name: the current one. */
  readonly versions: Map<string, Use>;
  /** By what the principal presented. */
  readonly credentials: Map<string, Use>;
}

type PackedUses = [string, number, string][];

export const USAGE: Slot<Usage> = {
  index: SLOT.usage,
  name: 'usage',
  fresh: () => ({ since: 0, versions: new Map(), credentials: new Map() }),
  pack: ({ since, versions, credentials }) => [since, packUses(versions), packUses(credentials)],
  unpack(packed) {
    if (!Array.isArray(packed) || packed.length !== 3) return undefined;
    const [since, versions, credentials] = packed as [number, unknown, unknown];
    const [some, others] = [unpackUses(versions), unpackUses(credentials)];
    if (!Number.isFinite(since) || some === undefined || others === undefined) return undefined;
    return { since, versions: some, credentials: others };
  },
};

/**
 * Records a successful read on the secret's profile. Not what the store tells of itself, and not our own: a rotation that reads what it
 * wrote is nobody's use.
 */
export function noteUse(secret: Profile, event: AuditEvent, version: string | undefined, own: boolean): void {
  if (event.verb !== 'read' || event.outcome !== 'ok' || own || (event.flags & (FLAG.echo | FLAG.system)) !== 0) return;
  if (hasFlag(event, FLAG.skewed)) return;
  const usage = sliceOf(secret, USAGE);
  const { time, principal } = event;
  if (usage.since === 0 || time < usage.since) usage.since = time;
  noteOne(usage.versions, (version ?? '').slice(0, LONGEST), time, principal.id, VERSIONS);
  if (principal.credential !== undefined)
    noteOne(usage.credentials, principal.credential.slice(0, LONGEST), time, principal.id, CREDENTIALS);
}

function noteOne(uses: Map<string, Use>, key: string, time: number, by: string, most: number): void {
  const known = uses.get(key);
  if (known !== undefined) {
    if (time < known.time || (time === known.time && by >= known.by)) return;
    known.time = time;
    known.by = by;
    return;
  }
  uses.set(key, { time, by });
  if (uses.size <= most) return;
  let oldest: [string, Use] = [key, { time, by }];
  for (const each of uses) if (older(each, oldest)) oldest = each;
  uses.delete(oldest[0]);
}

const older = ([key, { time }]: [string, Use], [other, use]: [string, Use]): boolean =>
  time < use.time || (time === use.time && key < other);

const packUses = (uses: Map<string, Use>): PackedUses =>
  [...uses].map(([key, { time, by }]): [string, number, string] => [key, time, by]).toSorted((a, b) => (a[0] < b[0] ? -1 : 1));

function unpackUses(packed: unknown): Map<string, Use> | undefined {
  if (!Array.isArray(packed)) return undefined;
  const uses = new Map<string, Use>();
  for (const one of packed as PackedUses) {
    if (!Array.isArray(one) || typeof one[0] !== 'string' || !Number.isFinite(one[1]) || typeof one[2] !== 'string')
      return undefined;
    uses.set(one[0], { time: one[1], by: one[2] });
  }
  return uses;
}
