/** Leases of a SQLite state. A lease's row outlives the lease, because its fence must only ever grow. */
import { KeywheelError } from '../../errors.ts';
import type { Tx } from '../../sqlite.ts';
import type { Lease } from '../port.ts';
import { findLease, live, saveLease } from './rows.ts';
import type { RowContext } from './rows.ts';

interface Ask {
  readonly key: string;
  readonly holder: string;
  readonly now: number;
  readonly expiresAt: number;
  /** Tells a holder that is gone, so that what a killed process held need not run out first. */
  readonly isDead?: ((holder: string) => boolean) | undefined;
}

/** The same holder may ask again, and then its earlier lease is lost: after a restart it does not know what it had begun. */
export function acquire(context: RowContext, tx: Tx, { key, holder, now, expiresAt, isDead }: Ask): Lease | undefined {
  const row = findLease(context, tx, key);
  const held = row !== undefined && row.holder !== null && live(row, now) !== undefined;
  if (held && row.holder !== holder && isDead?.(row.holder) !== true) return undefined;
  const lease: Lease = { key, holder, fence: (row?.fence ?? 0) + 1, expiresAt };
  saveLease(tx, lease);
  return lease;
}

/** A lease that ran out is renewed as long as nobody else was given one: then nobody else has acted either. */
export function renew(context: RowContext, tx: Tx, lease: Lease, expiresAt: number): Lease {
  const row = findLease(context, tx, lease.key);
  if (row?.fence !== lease.fence || row.holder !== lease.holder) {
    const why = row !== undefined && row.fence > lease.fence ? 'a later one was given out' : 'it was released';
    throw new KeywheelError('ERR_LEASE_LOST', `lease ${lease.key} (fence ${lease.fence}) cannot be renewed, because ${why}`, {
      hint: 'stop at once; whoever holds the later lease goes on',
      subject: lease.key,
    });
  }
  const renewed: Lease = { ...lease, expiresAt };
  saveLease(tx, renewed);
  return renewed;
}

export function release(context: RowContext, tx: Tx, lease: Lease): void {
  const row = findLease(context, tx, lease.key);
  if (row?.fence !== lease.fence || row.holder !== lease.holder) return;
  saveLease(tx, { key: lease.key, fence: lease.fence, holder: null, expiresAt: null });
}
