/** Leases in a partition of their own. A lease's row outlives the lease, because its fence must only ever grow. */
import type { Random } from '../../deps.ts';
import { KeywheelError } from '../../errors.ts';
import type { Lease } from '../port.ts';
import { isMismatch, stateError } from './errors.ts';
import { rowKey } from './keys.ts';
import { trying } from './records.ts';
import type { Entity } from './rows.ts';
import type { Table } from './table.ts';

const LEASES = 'lease';
const TRIES = 8;

export interface LeaseContext {
  readonly table: Table;
  readonly random: Random;
  now(): number;
}

interface Ask {
  readonly key: string;
  readonly holder: string;
  readonly ttl: number;
  /** Tells a holder that is gone, so that what a killed process held need not run out first. */
  readonly isDead?: ((holder: string) => boolean) | undefined;
}

interface LeaseRow {
  readonly fence: number;
  /** Empty once it was released. */
  readonly holder: string;
  readonly expiresAt: number;
  readonly etag: string;
}

/** The same holder may ask again, and then its earlier lease is lost: after a restart it does not know what it had begun. */
export async function acquire(context: LeaseContext, { key, holder, ttl, isDead }: Ask): Promise<Lease | undefined> {
  const dead = new Map<string, boolean>();
  const gone = (who: string): boolean => {
    const known = dead.get(who) ?? isDead?.(who) === true;
    dead.set(who, known);
    return known;
  };
  return changing(context, key, async (row) => {
    const held = row !== undefined && row.holder !== '' && row.expiresAt > context.now();
    if (held && row.holder !== holder && !gone(row.holder)) return { result: undefined };
    const lease: Lease = { key, holder, fence: (row?.fence ?? 0) + 1, expiresAt: context.now() + Math.ceil(ttl) };
    return { result: lease, write: lease };
  });
}

/** A lease that ran out is renewed as long as nobody else was given one: then nobody else has acted either. */
export async function renew(context: LeaseContext, lease: Lease, ttl: number): Promise<Lease> {
  return changing(context, lease.key, async (row) => {
    if (row?.fence !== lease.fence || row.holder !== lease.holder) {
      const why = row !== undefined && row.fence > lease.fence ? 'a later one was given out' : 'it was released';
      throw new KeywheelError('ERR_LEASE_LOST', `lease ${lease.key} (fence ${lease.fence}) cannot be renewed, because ${why}`, {
        hint: 'stop at once; whoever holds the later lease goes on',
        subject: lease.key,
      });
    }
    const renewed: Lease = { ...lease, expiresAt: context.now() + Math.ceil(ttl) };
    return { result: renewed, write: renewed };
  });
}

export async function release(context: LeaseContext, lease: Lease): Promise<void> {
  await changing(context, lease.key, async (row) => {
    if (row?.fence !== lease.fence || row.holder !== lease.holder) return { result: undefined };
    return { result: undefined, write: { ...lease, holder: '', expiresAt: 0 } };
  });
}

/** Read, decide, write at what was read; again when somebody else was first. A write whose answer is lost is decided anew by its caller. */
async function changing<T>(
  { table, random }: LeaseContext,
  key: string,
  decide: (row: LeaseRow | undefined) => Promise<{ readonly result: T; readonly write?: Lease }>,
): Promise<T> {
  const row = rowKey(key);
  for (let attempt = 1; ; attempt += 1) {
    const found = await trying(random, `lease ${key} could not be read`, key, table, () => table.get(LEASES, row));
    const { result, write } = await decide(found === undefined ? undefined : leaseRow(found));
    if (write === undefined) return result;
    try {
      await table.write(entityOf(row, write), found === undefined ? undefined : String(found['etag']));
      return result;
    } catch (error) {
      if (!isMismatch(error)) throw stateError(error, `lease ${key} could not be written`, key, table.name);
      if (attempt === TRIES) {
        throw new KeywheelError('ERR_STATE_UNAVAILABLE', `lease ${key} could not be written, it is being changed all the time`, {
          hint: 'it is tried again',
          retryable: true,
          subject: key,
        });
      }
    }
  }
}

function entityOf(row: string, { fence, holder, expiresAt }: Lease): Entity {
  return { partitionKey: LEASES, rowKey: row, fence: String(fence), holder, expires: String(expiresAt) };
}

function leaseRow(found: Readonly<Record<string, unknown>>): LeaseRow {
  return {
    fence: Number(found['fence']),
    holder: String(found['holder']),
    expiresAt: Number(found['expires']),
    etag: String(found['etag']),
  };
}
