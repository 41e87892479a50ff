/** What is kept of incidents in a profile: the open one, those that were not yet told, and on the tenant the ledger of alerts. */
import { CATALOG, type DetectorId } from '../../detectors/index.ts';
import type { Context, Reason } from '../combine.ts';
import type { PrincipalKind } from '../event.ts';
import type { EntityKind } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import type { Band } from '../settings.ts';
import type { Alert, EventMark, Incident } from './port.ts';

/** An incident as it grows. */
export interface Open {
  readonly id: string;
  /** The open one takes in what comes within `quiet` of this: its newest event of weight. */
  hot: number;
  first: EventMark;
  last: EventMark;
  alert: EventMark | null;
  principal: Incident['principal'];
  readonly names: string[];
  /** The least hashes of the secrets' keys: exact up to their number, an estimate beyond. */
  readonly least: number[];
  events: number;
  denied: number;
  /** The best of each detector. */
  reasons: Reason[];
  /** The best of each detector of events that no suppression takes; undefined while none took any. */
  heard: Reason[] | undefined;
  context: Context;
  readonly source: string;
  readonly account: string;
  network: string | undefined;
  readonly samples: string[];
  score: number;
  rev: number;
  sent: number;
  /** What people know, or would know, of the newest revision: its score, its families, and how many secrets. */
  told: { score: number; families: string; secrets: number };
  held: Incident['held'];
  /** Acknowledged up to this band, by whom. */
  ack: { readonly band: Band; readonly by: string; readonly at: number } | undefined;
}

/** How many alerts there were, and what was held back. One for each tenant. */
export interface Ledger {
  /** The UTC day that is counted, in days since the epoch. */
  day: number;
  /** Incidents of the medium band that were alerted on this day. */
  budget: string[];
  /** Alerts of the last ten minutes: time, score, incident. */
  recent: [number, number, string][];
  /** Until when it storms. */
  storm: number;
  /** Incidents of this day that were held, each once: id, why, score, title. The worst are kept, `heldCount` counts all. */
  held: [string, string, number, string][];
  heldCount: number;
  /** To be sent: storms and digests. */
  notices: Alert[];
}

export interface IncidentSlice {
  open: Open | undefined;
  /** Ended before they were told. At most 3. */
  unsent: Open[];
  ledger: Ledger | undefined;
}

export const INCIDENT: Slot<IncidentSlice> = {
  index: SLOT.incident,
  name: 'incident',
  fresh: () => ({ open: undefined, unsent: [], ledger: undefined }),
  pack: ({ open, unsent, ledger }) => [
    open === undefined ? 0 : packOpen(open),
    unsent.map(packOpen),
    ledger === undefined ? 0 : packLedger(ledger),
  ],
  unpack(packed) {
    try {
      const [open, unsent, ledger] = packed as [0 | PackedOpen, PackedOpen[], 0 | PackedLedger];
      return {
        open: open === 0 ? undefined : unpackOpen(open),
        unsent: unsent.map(unpackOpen),
        ledger: ledger === 0 ? undefined : unpackLedger(ledger),
      };
    } catch {
      // Not what `pack` writes.
      return undefined;
    }
  },
};

export const freshLedger = (day: number): Ledger => ({
  day,
  budget: [],
  recent: [],
  storm: 0,
  held: [],
  heldCount: 0,
  notices: [],
});

type PackedReason = [DetectorId, number, number, string, string, EntityKind, string];
type PackedMark = [string, number];

const packReason = ({ detector, bits, floor = 0, observed, expected, entity, about = '' }: Reason): PackedReason => [
  detector,
  bits,
  floor,
  observed,
  expected,
  entity,
  about,
];

function unpackReasons(packed: readonly PackedReason[]): Reason[] {
  // A detector that is no longer in the catalog has no family.
  return packed.flatMap(([detector, bits, floor, observed, expected, entity, about]) =>
    Object.hasOwn(CATALOG, detector)
      ? {
          detector,
          bits,
          observed,
          expected,
          entity,
          family: CATALOG[detector].family,
          ...(floor === 0 ? {} : { floor }),
          ...(about === '' ? {} : { about }),
        }
      : [],
  );
}

const packMark = ({ id, time }: EventMark): PackedMark => [id, time];
const unpackMark = ([id, time]: PackedMark): EventMark => ({ id, time });

type PackedOpen = ReturnType<typeof packOpen>;

function packOpen(open: Open) {
  const { principal, context, told, ack } = open;
  return [
    open.id,
    open.hot,
    packMark(open.first),
    packMark(open.last),
    open.alert === null ? 0 : packMark(open.alert),
    [principal.id, principal.name, principal.kind] as [string, string, PrincipalKind],
    open.names,
    open.least,
    [open.events, open.denied, open.score, open.rev, open.sent] as [number, number, number, number, number],
    open.reasons.map(packReason),
    open.heard === undefined ? 0 : open.heard.map(packReason),
    [context.tier, context.kind, context.deniedOnly] as [Context['tier'], Context['kind'], boolean],
    [open.source, open.account, open.network ?? ''] as [string, string, string],
    open.samples,
    [told.score, told.families, told.secrets] as [number, string, number],
    open.held ?? '',
    ack === undefined ? 0 : ([ack.band, ack.by, ack.at] as [Band, string, number]),
  ] as const;
}

function unpackOpen(packed: PackedOpen): Open {
  const [id, hot, first, last, alert, who, names, least, counts, reasons, heard, context, where, samples, told, held, ack] =
    packed;
  const [events, denied, score, rev, sent] = counts;
  return {
    id,
    hot,
    first: unpackMark(first),
    last: unpackMark(last),
    alert: alert === 0 ? null : unpackMark(alert),
    principal: { id: who[0], name: who[1], kind: who[2] },
    names: [...names],
    least: [...least],
    events,
    denied,
    score,
    rev,
    sent,
    reasons: unpackReasons(reasons),
    heard: heard === 0 ? undefined : unpackReasons(heard),
    context: { tier: context[0], kind: context[1], deniedOnly: context[2] },
    source: where[0],
    account: where[1],
    network: where[2] === '' ? undefined : where[2],
    samples: [...samples],
    told: { score: told[0], families: told[1], secrets: told[2] },
    held: held === '' ? undefined : held,
    ack: ack === 0 ? undefined : { band: ack[0], by: ack[1], at: ack[2] },
  };
}

type PackedLedger = ReturnType<typeof packLedger>;

const packLedger = ({ day, budget, recent, storm, held, heldCount, notices }: Ledger) =>
  [day, budget, recent, storm, held, heldCount, notices] as const;

function unpackLedger([day, budget, recent, storm, held, heldCount, notices]: PackedLedger): Ledger {
  return { day, budget: [...budget], recent: [...recent], storm, held: [...held], heldCount, notices: [...notices] };
}
