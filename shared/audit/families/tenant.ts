/** What the tenant as a whole is known for. */
import type { Slot } from '../profiles/slot.ts';
import { SLOT } from '../profiles/slots.ts';
import { freshKnown, packKnown, unpackKnown, type Known } from '../sketches/known.ts';
import { freshRate, packRate, unpackRate, type Rate } from '../sketches/rate.ts';

export interface TenantReads {
  readonly networks: Known;
  /** Reads in five minutes. */
  reads: Rate;
  /** Principals that read very many secrets, by hash: how many. At most 256. */
  readonly wide: Map<number, number>;
}

export const TENANT: Slot<TenantReads> = {
  index: SLOT.tenantReads,
  name: 'tenant reads',
  fresh: () => ({ networks: freshKnown(), reads: freshRate(), wide: new Map() }),
  pack: ({ networks, reads, wide }) => [packKnown(networks), packRate(reads), [...wide].sort(([a], [b]) => a - b).flat()],
  unpack(packed) {
    if (!Array.isArray(packed) || packed.length !== 3) return undefined;
    const networks = unpackKnown(packed[0]);
    const reads = unpackRate(packed[1]);
    const flat: unknown = packed[2];
    if (networks === undefined || reads === undefined || !Array.isArray(flat) || !flat.every(Number.isFinite)) return undefined;
    const wide = new Map<number, number>();
    for (let at = 0; at < flat.length; at += 2) wide.set(flat[at] as number, flat[at + 1] as number);
    return { networks, reads, wide };
  },
};
