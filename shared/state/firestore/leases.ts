/** Leases of a Firestore state: one document for each key, changed only on condition that it is as it was read. */
import { KeywheelError } from '../../errors.ts';
import type { Random } from '../../deps.ts';
import type { Lease } from '../port.ts';
import type { Documents, Found } from './documents.ts';
import { contended } from './errors.ts';
import { idOf } from './ids.ts';
import { leaseFields, leaseOf, live } from './records.ts';
import type { LeaseDocument } from './records.ts';
import { backOff } from './writes.ts';

const MOST_ATTEMPTS = 8;

export interface LeaseContext {
  readonly documents: Documents;
  readonly random: Random;
  /** Milliseconds since the epoch. */
  now(): number;
}

interface Ask {
  readonly key: string;
  readonly holder: string;
  readonly ttl: number;
  /** Tells a holder that is gone, so that what a killed process held need not run out first. */
  readonly isDead?: ((holder: string) => boolean) | undefined;
}

/** The same holder may ask again, and then its earlier lease is lost: after a restart it does not know what it had begun. */
export async function acquire(context: LeaseContext, { key, holder, ttl, isDead }: Ask): Promise<Lease | undefined> {
  return change(context, key, (is) => {
    const now = context.now();
    const held = live(is, now)?.holder ?? null;
    if (held !== null && held !== holder && isDead?.(held) !== true) return { result: undefined };
    const lease: Lease = { key, holder, fence: (is?.fence ?? 0) + 1, expiresAt: now + Math.ceil(ttl) };
    return { result: lease, next: lease };
  });
}

/** A lease that ran out is renewed as long as nobody else was given one: then nobody else has acted either. */
export async function renew(context: LeaseContext, lease: Lease, ttl: number): Promise<Lease> {
  return change(context, lease.key, (is) => {
    if (is?.fence !== lease.fence || is.holder !== lease.holder) throw lost(lease, is);
    const renewed: Lease = { ...lease, expiresAt: context.now() + Math.ceil(ttl) };
    return { result: renewed, next: renewed };
  });
}

export async function release(context: LeaseContext, lease: Lease): Promise<void> {
  await change(context, lease.key, (is) => {
    if (is?.fence !== lease.fence || is.holder !== lease.holder) return { result: undefined };
    return { result: undefined, next: { key: lease.key, fence: lease.fence, holder: null, expiresAt: null } };
  });
}

interface Step<T> {
  readonly result: T;
  /** Nothing is written without one. */
  readonly next?: LeaseDocument;
}

/** Decides on what is there, again when somebody else was quicker. */
async function change<T>(
  { documents, random }: LeaseContext,
  key: string,
  decide: (is: LeaseDocument | undefined) => Step<T>,
): Promise<T> {
  const id = idOf('lease', key);
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const at: Found | undefined = (await documents.read([id], key)).get(id);
    const { result, next } = decide(at === undefined ? undefined : leaseOf(at));
    if (next === undefined) return result;
    const outcome = await documents.commit([{ id, at, fields: leaseFields(next) }], key);
    if (outcome === 'done') return result;
    if (outcome === 'contended') await backOff(attempt, random);
  }
  throw contended(key);
}

function lost(lease: Lease, is: LeaseDocument | undefined): KeywheelError {
  const why = is !== undefined && is.fence > lease.fence ? 'a later one was given out' : 'it was released';
  return new KeywheelError('ERR_LEASE_LOST', `lease ${lease.key} (fence ${lease.fence}) cannot be renewed, because ${why}`, {
    hint: 'stop at once; whoever holds the later lease goes on',
    subject: lease.key,
  });
}
