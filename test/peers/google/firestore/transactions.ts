/**
 * Transactions, pessimistic (the default of native mode, standard edition) or optimistic:
 * https://cloud.google.com/firestore/docs/transaction-data-contention
 * - pessimistic: what a transaction has read nobody else may change until it ends; others wait, and of two that wait for each other
 *   the one that began later is aborted;
 * - optimistic: nobody waits; a commit is aborted when something that it read has changed.
 */
import { randomBytes } from 'node:crypto';
import type { Documents } from './documents.ts';
import { fromWire, RpcError } from './wire.ts';
import type { TransactionOptions } from './wire.ts';

// https://cloud.google.com/firestore/quotas#writes_and_transactions
const LONGEST = 270_000;
const LONGEST_IDLE = 60_000;
const OLDEST_READ = 3_600_000_000n; // one hour, in microseconds

export type Concurrency = 'pessimistic' | 'optimistic';

export interface Transaction {
  readonly id: Buffer;
  /** Who began first goes first; a retry keeps the place of the one it retries. */
  readonly order: number;
  readonly startedAt: number;
  /** Of a read-only transaction, which sees the documents as of then and locks nothing. */
  readonly snapshot: bigint | undefined;
  /** What it has read, with the version that it saw; `COLLECTION/*` stands for a query. */
  readonly reads: Map<string, bigint>;
  usedAt: number;
  /** What it wants to write, while it waits for others. */
  waitsFor: readonly string[];
  aborted: boolean;
}

export class Transactions {
  readonly #documents: Documents;
  readonly #concurrency: Concurrency;
  readonly #open = new Map<string, Transaction>();
  readonly #orders = new Map<string, number>();
  #nextOrder = 1;
  #changed = Promise.withResolvers<void>();

  constructor(documents: Documents, concurrency: Concurrency) {
    this.#documents = documents;
    this.#concurrency = concurrency;
  }

  begin({ mode, readOnly, readWrite }: TransactionOptions): Transaction {
    const id = randomBytes(16);
    const key = id.toString('hex');
    const order = this.#orders.get(readWrite?.retryTransaction.toString('hex') ?? '') ?? this.#nextOrder++;
    this.#orders.set(key, order);
    const startedAt = this.#documents.now();
    const readOnlyAt = readOnly?.readTime === undefined ? this.#documents.tick() : this.readTime(fromWire(readOnly.readTime));
    const snapshot = mode === 'readOnly' ? readOnlyAt : undefined;
    const made: Transaction = {
      id,
      order,
      startedAt,
      snapshot,
      reads: new Map(),
      usedAt: startedAt,
      waitsFor: [],
      aborted: false,
    };
    this.#open.set(key, made);
    return made;
  }

  /** Expired, finished and unknown ids are INVALID_ARGUMENT, in words that the SDK looks for before it starts anew. */
  use(id: Buffer): Transaction {
    const found = this.#open.get(id.toString('hex'));
    if (found === undefined || this.#isOver(found)) {
      throw new RpcError('INVALID_ARGUMENT', 'The referenced transaction has expired or is no longer valid.');
    }
    if (found.aborted) throw contention();
    found.usedAt = this.#documents.now();
    return found;
  }

  end(transaction: Transaction): void {
    this.#open.delete(transaction.id.toString('hex'));
    this.wake();
  }

  /** Notes a read of a document, or of `COLLECTION/*`. */
  note(transaction: Transaction, name: string): void {
    if (transaction.snapshot === undefined && !transaction.reads.has(name)) transaction.reads.set(name, this.#version(name));
  }

  /** Read times are up to one hour old: google/firestore/v1/firestore.proto; the code and words are those the service gives. */
  readTime(at: bigint): bigint {
    const now = this.#documents.tick();
    if (at > now) throw new RpcError('INVALID_ARGUMENT', 'The requested read time is in the future.');
    if (now - at > OLDEST_READ) throw new RpcError('FAILED_PRECONDITION', 'The requested snapshot version is too old.');
    return at;
  }

  /** Does `act` as soon as these documents may be written, in the same turn as it finds so. */
  async admit<T>(names: readonly string[], self: Transaction | undefined, cancelled: AbortSignal, act: () => T): Promise<T> {
    if (self?.snapshot !== undefined && names.length > 0) {
      throw new RpcError('INVALID_ARGUMENT', 'Cannot modify entities in a read-only transaction.');
    }
    if (this.#concurrency === 'optimistic') {
      for (const [name, version] of self?.reads ?? []) if (this.#version(name) !== version) throw contention();
      return act();
    }
    for (;;) {
      if (self?.aborted === true) throw contention();
      if (cancelled.aborted) throw new RpcError('CANCELLED', 'The call was cancelled.');
      const blockers = this.#blockers(names, self);
      if (blockers.length === 0) return act();
      if (self !== undefined && this.#yields(self, blockers)) throw contention();
      await this.#change(blockers, cancelled);
    }
  }

  wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** True when it must give way; the younger ones of those that wait for it are made to. */
  #yields(self: Transaction, blockers: readonly Transaction[]): boolean {
    const deadlocked = blockers.filter((one) => one.waitsFor.some((name) => covers(self, name)));
    if (deadlocked.some((one) => one.order < self.order)) return true;
    for (const one of deadlocked) one.aborted = true;
    if (deadlocked.length > 0) this.wake();
    return false;
  }

  #blockers(names: readonly string[], self: Transaction | undefined): Transaction[] {
    if (self !== undefined) self.waitsFor = names;
    return [...this.#open.values()].filter(
      (one) => one !== self && !one.aborted && !this.#isOver(one) && names.some((name) => covers(one, name)),
    );
  }

  /** Until a transaction ends, one of the blockers runs out, or nobody waits for the answer any more. */
  async #change(blockers: readonly Transaction[], cancelled: AbortSignal): Promise<void> {
    const soonest = Math.min(...blockers.map((one) => this.#endOf(one)));
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.max(1, soonest - this.#documents.now()));
    const stop = () => resolve();
    cancelled.addEventListener('abort', stop);
    await Promise.race([this.#changed.promise, promise]);
    clearTimeout(timer);
    cancelled.removeEventListener('abort', stop);
  }

  #endOf({ startedAt, usedAt }: Transaction): number {
    return Math.min(startedAt + LONGEST, usedAt + LONGEST_IDLE);
  }

  #isOver(transaction: Transaction): boolean {
    return this.#documents.now() >= this.#endOf(transaction);
  }

  #version(name: string): bigint {
    return name.endsWith('/*') ? this.#documents.collectionVersion(name.slice(0, -2)) : this.#documents.version(name);
  }
}

function covers({ reads }: Transaction, name: string): boolean {
  return reads.has(name) || reads.has(`${name.slice(0, name.lastIndexOf('/'))}/*`);
}

function contention(): RpcError {
  return new RpcError('ABORTED', 'Too much contention on these documents. Please try again.');
}
