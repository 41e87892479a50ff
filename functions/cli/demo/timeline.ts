/** What happened while the demo ran: the one record that the live view, the summary and the report are made from. No material in it. */
import type { Phase, RotationRecord } from '../../../shared/rotation/index.ts';
import type { QueryFailure } from './consumer.ts';
import type { WorkerReport } from './tally.ts';

interface Bucket {
  readonly at: number;
  readonly queries: Record<string, number>;
}

export interface LabelMark {
  readonly version: string;
  readonly account: string;
}

/** The labels as they were from `at` on. */
export interface LabelChange {
  readonly at: number;
  readonly current?: LabelMark;
  readonly previous?: LabelMark;
  readonly pending?: LabelMark;
}

/** One rotation, from starting its process to proving what it retired. */
export interface Turn {
  readonly number: number;
  readonly startedAt: number;
  endedAt?: number;
  /** The version that `current` named before, and its account. */
  readonly old: LabelMark;
  /** The journal's record, as it was last read. */
  record?: RotationRecord;
  kill?: { readonly at: number; readonly phase: Phase };
  resumedAt?: number;
  closed: boolean;
  /** The demo's own raw login with the retired value, independent of the engine's proof. */
  refusal?: { readonly outcome: 'refused' | 'accepted' | 'unclear'; readonly code: string; readonly endpoint: string };
}

interface Note {
  readonly at: number;
  readonly text: string;
  readonly tone: 'plain' | 'good' | 'bad';
}

export interface Timeline {
  readonly accounts: readonly string[];
  readonly serverVersion: string;
  /** What the rotations run on, if not on this machine alone: its name, and what there is of it. */
  readonly platform?: { readonly name: string; readonly title: string };
  readonly workers: number;
  /** The load's first moment, once there is one. */
  startedAt: number;
  endedAt: number;
  readonly buckets: Map<number, Bucket>;
  readonly failures: QueryFailure[];
  readonly labels: LabelChange[];
  readonly turns: Turn[];
  readonly notes: Note[];
  slowest: number;
  /** How many passwords were found in the logs of the server and of the hosts; undefined until they were searched. */
  leaks?: number;
}

export interface Summary {
  readonly schemaVersion: 1;
  readonly seconds: number;
  readonly queries: number;
  readonly failed: number;
  readonly rotations: number;
  readonly resumes: number;
  readonly refused: number;
}

export function startTimeline(
  about: Pick<Timeline, 'accounts' | 'serverVersion' | 'platform' | 'workers' | 'startedAt'>,
): Timeline {
  return { ...about, endedAt: about.startedAt, buckets: new Map(), failures: [], labels: [], turns: [], notes: [], slowest: 0 };
}

export function addReport(timeline: Timeline, report: WorkerReport): void {
  const first = report.counts.at(0);
  if (timeline.buckets.size === 0 && first) timeline.startedAt = first.bucket;
  for (const { bucket, account, queries } of report.counts) {
    const entry = timeline.buckets.get(bucket) ?? { at: bucket, queries: {} };
    entry.queries[account] = (entry.queries[account] ?? 0) + queries;
    timeline.buckets.set(bucket, entry);
  }
  timeline.failures.push(...report.failures);
  timeline.slowest = Math.max(timeline.slowest, report.slowest);
}

export function countQueries(timeline: Timeline): number {
  let total = 0;
  for (const { queries } of timeline.buckets.values()) for (const n of Object.values(queries)) total += n;
  return total;
}

/** Queries of `account` between two instants, in milliseconds since the epoch. */
export function queriesBetween(timeline: Timeline, account: string, from: number, to: number): number {
  let total = 0;
  for (const { at, queries } of timeline.buckets.values()) if (at >= from && at < to) total += queries[account] ?? 0;
  return total;
}

export function summarize(timeline: Timeline): Summary {
  return {
    schemaVersion: 1,
    seconds: Math.round((timeline.endedAt - timeline.startedAt) / 100) / 10,
    queries: countQueries(timeline),
    failed: timeline.failures.length,
    rotations: timeline.turns.filter((turn) => turn.closed).length,
    resumes: timeline.turns.filter((turn) => turn.closed && turn.kill && turn.resumedAt !== undefined).length,
    refused: timeline.turns.filter((turn) => turn.closed && turn.refusal?.outcome === 'refused').length,
  };
}

export const LEAST_ROTATIONS = 4;

/** What did not go as promised, in words; empty when all is well. */
export function complaints(timeline: Timeline): string[] {
  const { queries, failed, rotations, resumes, refused } = summarize(timeline);
  const found: string[] = [];
  if (queries === 0) found.push('no query ran');
  if (failed > 0) found.push(`${failed} ${failed === 1 ? 'query' : 'queries'} failed (${failureKinds(timeline)})`);
  if (rotations < LEAST_ROTATIONS) found.push(`only ${rotations} of ${LEAST_ROTATIONS} rotations closed`);
  if (resumes === 0) found.push('no rotation was resumed after a SIGKILL');
  if (refused < rotations)
    found.push(`${rotations - refused} retired ${rotations - refused === 1 ? 'password was' : 'passwords were'} not refused`);
  if ((timeline.leaks ?? 0) > 0) found.push('a password was found in a log');
  return found;
}

/** The most frequent failures, by code, step and account. */
function failureKinds(timeline: Timeline): string {
  const kinds = new Map<string, number>();
  for (const { code, during, account } of timeline.failures) {
    const kind = `${code} on ${during}${account === '' ? '' : ` as ${account}`}`;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const most = [...kinds].sort(([, a], [, b]) => b - a).slice(0, 3);
  return most.map(([kind, times]) => (times === 1 ? kind : `${times} × ${kind}`)).join(', ');
}

/** Version ids are long and begin with what they have in common (a kind, a time); their last characters tell them apart. */
export function shortVersion(version: string): string {
  return version.slice(-6);
}
