/**
 * A scorer for tests of the pipeline: it says what the event's action tells it to, and its slices tell in which order, and how often, each entity has
 * learned what.
 */
import { combine, rated, type Reason } from '../../shared/audit/combine.ts';
import type { AuditEvent } from '../../shared/audit/event.ts';
import type { Scorer } from '../../shared/audit/pipeline/index.ts';
import { sliceOf, type EntityKind } from '../../shared/audit/profiles/profile.ts';
import type { Slot } from '../../shared/audit/profiles/slot.ts';
import { hash48 } from '../../shared/audit/sketches/hash.ts';
import { CATALOG, type DetectorId } from '../../shared/detectors/index.ts';
import { event, type EventOver } from './scenes.ts';

interface Learned {
  /** Of the order of all that was learned. */
  chain: number;
  quarantined: number;
  /** How often each event was learned; the property that all hangs on. */
  readonly times: Map<string, number>;
}

export const LEARNED: Slot<Learned> = {
  index: 900,
  name: 'learned',
  fresh: () => ({ chain: 0, quarantined: 0, times: new Map() }),
  pack: ({ chain, quarantined, times }) => [chain, quarantined, [...times].toSorted(([a], [b]) => (a < b ? -1 : 1))],
  unpack(packed) {
    const [chain, quarantined, times] = packed as [number, number, [string, number][]];
    return { chain, quarantined, times: new Map(times) };
  },
};

const SAID = /^say ((?:\w+=[\d.]+(?:@\w+)?(?:!\d+)? ?)+)$/;

/** `say N4=10 A3=9@network!60`: ten bits of N4 of the principal, nine of A3 of the network with a floor of 60. */
function reasonsOf({ action }: AuditEvent): Reason[] {
  const said = SAID.exec(action)?.[1]?.trim().split(' ') ?? [];
  return said.map((one) => {
    const [, detector = '', bits = '', entity = 'principal', floor] = /^(\w+)=([\d.]+)(?:@(\w+))?(?:!(\d+))?$/.exec(one) ?? [];
    const id = detector as DetectorId;
    const finding = { detector: id, bits: Number(bits), observed: bits, expected: '0', entity: entity as EntityKind };
    const floored = floor === undefined ? finding : { ...finding, floor: Number(floor) };
    return rated(floored, { id, spec: CATALOG[id], enabled: true, cap: 40, floor: 0, params: {} });
  });
}

export function fakeScorer(): Scorer & { readonly scored: string[] } {
  const scored: string[] = [];
  return {
    scored,
    slots: [LEARNED],
    score({ event: one, kind, tier }) {
      scored.push(one.id);
      const reasons = reasonsOf(one);
      const context = { tier, kind, deniedOnly: one.outcome !== 'ok' };
      const verdict = reasons.length === 0 ? { score: 0, bits: 0, floor: 0 } : combine(reasons, context);
      return { event: one, reasons, verdict, context };
    },
    learn({ event: one, principal, secrets, network, tenant, own, late }, quarantined) {
      for (const profile of new Set([principal, ...secrets, tenant, ...(network === undefined ? [] : [network])])) {
        const learned = sliceOf(profile, LEARNED);
        learned.chain = hash48(`${learned.chain} ${one.id} ${own} ${late}`);
        learned.times.set(one.id, (learned.times.get(one.id) ?? 0) + 1);
        if (quarantined) learned.quarantined += 1;
      }
    },
  };
}

/** An event on which the scorer above says these. */
export const say = (said: string, over: EventOver = {}): AuditEvent => event({ ...over, action: `say ${said}` });
