/** The logins that this process made to verify material. Vendors count them as uses of the key; as evidence they are none. */
import type { Clock } from '../../deps.ts';

const MINUTE = 60_000;
const KEPT = 50;

export interface OwnProbes {
  during<T>(key: string, probe: () => Promise<T>): Promise<T>;
  /** Was `at` (the provider's clock, often told to the minute) such a login? */
  include(key: string, at: number): boolean;
}

export function openOwnProbes(clock: Clock): OwnProbes {
  const probes = new Map<string, { from: number; to: number }[]>();
  return {
    async during(key, probe) {
      const own = { from: clock.now(), to: Number.POSITIVE_INFINITY };
      probes.set(key, [...(probes.get(key) ?? []).slice(1 - KEPT), own]);
      try {
        return await probe();
      } finally {
        own.to = clock.now();
      }
    },
    include: (key, at) => (probes.get(key) ?? []).some(({ from, to }) => at >= Math.floor(from / MINUTE) * MINUTE && at <= to),
  };
}
