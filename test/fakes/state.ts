/** Durable state in memory, synchronous. Follows the State port; expiry is judged by the clock it is given at each call. */
import { KeywheelError } from '../../shared/errors.ts';
import type { Lease, Stored, Write } from '../../shared/state/index.ts';

interface LeaseRecord {
  readonly fence: number;
  readonly holder: string | undefined;
  readonly expiresAt: number;
}

interface StateSnapshot {
  readonly records: FakeState['records'];
  readonly leases: FakeState['leases'];
  readonly revisions: number;
}

export class FakeState {
  readonly kind = 'fake';
  writes = 0;
  readonly records = new Map<string, { value: unknown; revision: number; expiresAt: number }>();
  readonly leases = new Map<string, LeaseRecord>();
  private readonly now: () => number;
  private revisions = 0;

  constructor(now: () => number) {
    this.now = now;
  }

  installation(): string {
    return 'fake-installation';
  }

  get<T>(key: string): Stored<T> | undefined {
    const record = this.live(key);
    return record === undefined ? undefined : { key, value: record.value as T, revision: String(record.revision) };
  }

  getMany<T>(keys: readonly string[]): Stored<T>[] {
    return [...new Set(keys)].map((key) => this.get<T>(key)).filter((each) => each !== undefined);
  }

  *list<T>(prefix: string): Iterable<Stored<T>> {
    for (const key of [...this.records.keys()].sort(byBytes)) {
      const stored = key.startsWith(prefix) ? this.get<T>(key) : undefined;
      if (stored !== undefined) yield stored;
    }
  }

  put(write: Write): string {
    return this.transact([write])[0] ?? '';
  }

  transact(writes: readonly Write[]): string[] {
    if (writes.length > 25)
      throw new KeywheelError('ERR_INTERNAL', `${writes.length} writes at once, and at most 25 are allowed`);
    for (const { value } of writes)
      if (!isJson(value)) throw new KeywheelError('ERR_INTERNAL', 'a value that JSON has no words for');
    for (const write of writes) {
      const revision = this.get(write.key)?.revision ?? null;
      if (revision !== write.expected)
        throw new KeywheelError('ERR_STATE_CONFLICT', `${write.key} was changed meanwhile`, { subject: write.key });
    }
    this.writes += 1;
    return writes.map((write) => {
      this.revisions += 1;
      const expiresAt = write.ttl === undefined ? Number.POSITIVE_INFINITY : this.now() + write.ttl;
      if (write.value === undefined) this.records.delete(write.key);
      else this.records.set(write.key, { value: write.value, revision: this.revisions, expiresAt });
      return String(this.revisions);
    });
  }

  /** `now` lets a worker with a clock of its own judge expiry by it, as a shared table is judged by its clients. */
  acquire(key: string, holder: string, ttl: number, isDead?: (holder: string) => boolean, now = this.now()): Lease | undefined {
    const held = this.leases.get(key);
    const free =
      held === undefined ||
      held.holder === undefined ||
      held.holder === holder ||
      held.expiresAt <= now ||
      isDead?.(held.holder) === true;
    if (!free) return undefined;
    const lease = { fence: (held?.fence ?? 0) + 1, holder, expiresAt: now + ttl };
    this.leases.set(key, lease);
    this.writes += 1;
    return { key, ...lease };
  }

  renew(lease: Lease, ttl: number, now = this.now()): Lease {
    const held = this.leases.get(lease.key);
    if (held?.fence !== lease.fence || held.holder !== lease.holder) {
      throw new KeywheelError('ERR_LEASE_LOST', `the lease ${lease.key} was taken over`, { subject: lease.key });
    }
    this.leases.set(lease.key, { ...held, expiresAt: now + ttl });
    this.writes += 1;
    return { ...lease, expiresAt: now + ttl };
  }

  release(lease: Lease): void {
    const held = this.leases.get(lease.key);
    if (held?.fence !== lease.fence) return;
    this.leases.set(lease.key, { fence: held.fence, holder: undefined, expiresAt: 0 });
  }

  close(): void {}

  /** Everything that it holds, for `restore`. */
  snapshot(): StateSnapshot {
    return { records: new Map(this.records), leases: new Map(this.leases), revisions: this.revisions };
  }

  restore(snapshot: StateSnapshot): void {
    this.records.clear();
    for (const [key, record] of snapshot.records) this.records.set(key, record);
    this.leases.clear();
    for (const [key, lease] of snapshot.leases) this.leases.set(key, lease);
    this.revisions = snapshot.revisions;
  }

  private live(key: string): { value: unknown; revision: number } | undefined {
    const record = this.records.get(key);
    return record === undefined || record.expiresAt <= this.now() ? undefined : record;
  }
}

/** As UTF-8 sorts, which differs from JavaScript's order beyond the basic plane. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Records are plain data; looked into only where that is cheap enough for a simulation of years. */
function isJson(value: unknown): boolean {
  if (typeof value === 'bigint' || typeof value === 'function') return false;
  return !(Array.isArray(value) && value.includes(value));
}
