/** What a worker process counts, and the messages between it and the demo. */
import type { ClientStore } from '../../../shared/client/index.ts';
import type { ConsumerEvents, ConsumerPlan, QueryFailure } from './consumer.ts';

/** Counts are kept per tenth of a second. */
export const BUCKET_MS = 100;

export interface WorkerJob {
  readonly store: ClientStore;
  readonly secret: string;
  readonly port: number;
  readonly plan: ConsumerPlan;
}

export interface WorkerReport {
  /** `bucket` is the start of a tenth of a second, in milliseconds since the epoch. */
  readonly counts: readonly { readonly bucket: number; readonly account: string; readonly queries: number }[];
  readonly failures: readonly QueryFailure[];
  /** Milliseconds. */
  readonly slowest: number;
}

export interface Tally extends ConsumerEvents {
  /** What was counted since the last call. */
  take(): WorkerReport;
}

export function openTally(): Tally {
  let counts = new Map<string, { bucket: number; account: string; queries: number }>();
  let failures: QueryFailure[] = [];
  let slowest = 0;
  return {
    queried(account, at, took) {
      const bucket = Math.floor(at / BUCKET_MS) * BUCKET_MS;
      const key = `${bucket} ${account}`;
      const entry = counts.get(key) ?? { bucket, account, queries: 0 };
      entry.queries += 1;
      counts.set(key, entry);
      slowest = Math.max(slowest, took);
    },
    failed(failure) {
      failures.push(failure);
    },
    take() {
      const report = { counts: [...counts.values()], failures, slowest };
      counts = new Map();
      failures = [];
      slowest = 0;
      return report;
    },
  };
}
