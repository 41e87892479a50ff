/**
 * Key Vault's SetSecret has no If-Match, so our own writers take turns by a lease of the State port. People take none: what they do
 * meanwhile is found afterwards (`buriedEdit`).
 */
import { hostname } from 'node:os';
import type { Clock, Random } from '../../deps.ts';
import { KeywheelError } from '../../errors.ts';
import type { Lease, State } from '../../state/index.ts';

/** Longer than all calls of one operation may take together. */
const TTL_MS = 90_000;
const WAIT_MS = 15_000;

export interface Leases {
  /** Waits some seconds for its turn. ERR_STORE_UNAVAILABLE when another worker keeps the lease; ERR_INTERNAL without a state. */
  under<T>(secret: string, name: string, work: (confirm: () => Promise<void>) => Promise<T>): Promise<T>;
  /** Does not wait: undefined when another worker has the lease, or there is no state. */
  ifFree<T>(secret: string, work: (confirm: () => Promise<void>) => Promise<T>): Promise<T | undefined>;
}

export function openLeases(
  host: string,
  deps: { readonly clock: Clock; readonly random: Random; readonly state?: () => Promise<State> },
): Leases {
  const keyOf = (secret: string): string => `keyvault/${host}/${secret.toLowerCase()}`;

  const hold = async <T>(state: State, lease: Lease, work: (confirm: () => Promise<void>) => Promise<T>): Promise<T> => {
    let held = lease;
    try {
      return await work(async () => {
        held = await state.renew(held, TTL_MS);
      });
    } finally {
      // One that is not released runs out; that must not hide what the work came to.
      await state.release(held).catch(() => undefined);
    }
  };
  const acquire = (state: State, secret: string): Promise<Lease | undefined> => {
    // A holder of its own for each operation: two of one process must not take each other's turn.
    const holder = `${hostname()}/${process.pid}/${Buffer.from(deps.random.bytes(6)).toString('hex')}`;
    return state.acquire(keyOf(secret), holder, TTL_MS, isGone);
  };

  return {
    async under(secret, name, work) {
      if (deps.state === undefined) {
        throw new KeywheelError('ERR_INTERNAL', `secret ${name} cannot be changed, the store was opened without a state`, {
          hint: 'Key Vault has no compare-and-set: open the store with the state that keeps its lease',
          subject: name,
        });
      }
      const state = await deps.state();
      for (let waited = 0; ;) {
        const lease = await acquire(state, secret);
        if (lease !== undefined) return hold(state, lease, work);
        if (waited >= WAIT_MS) {
          throw new KeywheelError('ERR_STORE_UNAVAILABLE', `secret ${name} was not changed, another worker is changing it`, {
            hint: `its lease ends by itself after ${TTL_MS / 1000} seconds`,
            retryable: true,
            subject: name,
          });
        }
        const pause = 40 + 60 * deps.random.uniform();
        waited += pause;
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
    },
    async ifFree(secret, work) {
      const state = await deps.state?.();
      const lease = state === undefined ? undefined : await acquire(state, secret);
      return state === undefined || lease === undefined ? undefined : hold(state, lease, work);
    },
  };
}

/** True only for a process of this machine that has ended: what a killed one held need not run out first. */
function isGone(holder: string): boolean {
  const [host, pid] = holder.split('/');
  if (host !== hostname() || pid === undefined || Number(pid) === process.pid) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
