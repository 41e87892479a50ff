import os from 'node:os';
import type { Clock, Random } from '../deps.ts';
import type { SecretStore } from '../stores/index.ts';
import type { State } from '../state/index.ts';
import { supportsMinting, supportsUsage, type Target } from '../targets/index.ts';
import type { EnginePorts, TargetFacts } from './ops.ts';

/** What a rotation needs opened. Whoever opens them closes them. */
export interface OpenPorts {
  readonly store: SecretStore;
  readonly target: Target;
  readonly state: State;
}

export function factsOf(target: Target): TargetFacts {
  const keyOf = supportsMinting(target) ? target.keyOf?.bind(target) : undefined;
  return {
    description: target.description,
    capability: target.capability,
    endpoints: target.endpoints,
    slots: target.slots,
    slotOf: (value) => target.slotOf(value),
    usage: supportsUsage(target),
    ...(keyOf === undefined ? {} : { keyOf }),
  };
}

/** By how much grace is longer than configured: readers of the store may lag, and the target's clock may be coarse. */
export function lagOf({ store, target }: Pick<OpenPorts, 'store' | 'target'>): number {
  return (store.readLag ?? 0) + (target.capability.clockStep ?? 0);
}

/** Joins opened adapters to the shape that the engine calls. */
export function enginePorts(open: OpenPorts, clock: Clock, random: Random): EnginePorts {
  const { store, target, state } = open;
  const missing = (what: string) => (): never => {
    throw new TypeError(`${target.kind} cannot ${what}; the engine should not have asked`);
  };
  return {
    store,
    target: {
      preflight: (from, to, stamp) => target.preflight(from, to, stamp),
      apply: (slot, value, stamp) => target.apply(slot, value, stamp),
      probe: (value, endpoint) => target.probe(value, endpoint),
      compare: (from, to) => target.compare(from, to),
      fence: (stamp) => target.fence(stamp),
      retire: (id, stamp, seen) => target.retire(id, stamp, seen),
      compose: (slot, current) => target.compose(slot, current, (length) => random.bytes(length)),
      lastUsed: supportsUsage(target) ? (slot, id) => target.lastUsed(slot, id) : missing('tell use'),
      mint: supportsMinting(target)
        ? (slot, marker, current, stamp) => target.mint(slot, marker, current, stamp)
        : missing('mint'),
      find: supportsMinting(target) ? (marker) => target.find(marker) : missing('find minted credentials'),
    },
    state: {
      installation: () => state.installation(),
      get: (key) => state.get(key),
      transact: (writes) => state.transact(writes),
      acquire: (key, holder, ttl) => state.acquire(key, holder, ttl, holderIsDead),
      renew: (lease, ttl) => state.renew(lease, ttl),
      release: (lease) => state.release(lease),
    },
    clock,
    random: { rotationId: () => rotationId(clock.now(), random), uniform: () => random.uniform() },
  };
}

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** `r-` and 20 characters: 10 of time, so that ids sort, and 10 of chance. Fits every store's version names. */
export function rotationId(now: number, random: Random): string {
  let time = '';
  for (let rest = now, index = 0; index < 10; index += 1) {
    time = `${ALPHABET[rest % 32] ?? ''}${time}`;
    rest = Math.floor(rest / 32);
  }
  const chance = Array.from(random.bytes(10), (byte) => ALPHABET[byte % 32] ?? '').join('');
  return `r-${time}${chance}`;
}

/** Names this process, so that another one on the same machine can tell that it is gone. */
export function holderName(random: Random): string {
  return `${os.hostname()}/${process.pid}/${Buffer.from(random.bytes(6)).toString('hex')}`;
}

/** True only for a holder that was a process of this machine and has ended. */
export function holderIsDead(holder: string): boolean {
  const [host, pid] = holder.split('/');
  if (host !== os.hostname() || pid === undefined || Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
