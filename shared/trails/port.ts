/** Audit records that are asked for, where nothing delivers them. */

export interface Page {
  /** One JSON record each, as its source writes it; the oldest first. */
  readonly records: readonly Buffer[];
  /** Milliseconds since the epoch: everything before it has been read, as far as the source had it. */
  readonly until: number;
}

export interface PullOptions {
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Trail {
  /** Unique, the same in every run, and fit to print. */
  readonly name: string;
  /** Milliseconds by which records may come later than what they tell of: so much is read again each time. */
  readonly late: number;
  /** Milliseconds for which the source keeps what it has. */
  readonly kept: number;
  /** Pages in the order of time, up to now. ERR_TRAIL codes. */
  pages(options: PullOptions): AsyncIterable<Page>;
  close(): void;
}
