/** The report's numbers, taken from the timeline: seconds from the start instead of instants, spans instead of changes. */
import type { Phase } from '../../../../shared/rotation/index.ts';
import type { Label } from '../../../../shared/stores/index.ts';
import { BUCKET_MS } from '../tally.ts';
import { shortVersion, type Timeline, type Turn } from '../timeline.ts';

const MOST_POINTS = 320;

interface Point {
  /** Seconds from the start. */
  readonly from: number;
  readonly to: number;
  /** Queries a second, per account, in the timeline's order of accounts. */
  readonly rates: readonly number[];
  /** Queries that failed, not a rate. */
  readonly failed: number;
}

export interface LabelSpan {
  readonly from: number;
  readonly to: number;
  readonly version: string;
  readonly account: string;
  /** Seconds from the start at which its password ended; undefined while it authenticates. */
  readonly deadFrom?: number;
}

export interface TurnModel {
  readonly number: number;
  readonly from: number;
  readonly to: number;
  readonly old: string;
  readonly next: string;
  readonly steps: readonly { readonly phase: Phase; readonly at: number; readonly took: number; readonly killed: boolean }[];
  readonly published?: number;
  readonly retired?: number;
  readonly kill?: { readonly at: number; readonly phase: Phase };
  readonly resumed?: number;
  readonly proof: string;
  readonly refused: boolean;
  readonly closed: boolean;
}

export interface ReportModel {
  readonly length: number;
  readonly accounts: readonly string[];
  readonly points: readonly Point[];
  readonly labels: Readonly<Record<Label, readonly LabelSpan[]>>;
  readonly turns: readonly TurnModel[];
}

export function buildModel(timeline: Timeline): ReportModel {
  const since = (at: number): number => (at - timeline.startedAt) / 1000;
  const turns = timeline.turns.map((turn) => turnModel(turn, timeline.endedAt, since));
  return {
    length: Math.max(1, since(timeline.endedAt)),
    accounts: timeline.accounts,
    points: points(timeline),
    labels: {
      current: spans(timeline, 'current', turns),
      previous: spans(timeline, 'previous', turns),
      pending: spans(timeline, 'pending', turns),
    },
    turns,
  };
}

/** Bins of at least a fifth of a second, wider in long runs. The last, partial bin is left out: its rate would be a guess. */
function points(timeline: Timeline): Point[] {
  const total = timeline.endedAt - timeline.startedAt;
  const width = Math.max(2, Math.ceil(total / BUCKET_MS / MOST_POINTS)) * BUCKET_MS;
  const first = Math.ceil(timeline.startedAt / BUCKET_MS) * BUCKET_MS;
  const bins = Array.from({ length: Math.max(1, Math.floor((timeline.endedAt - first) / width)) }, () => ({
    counts: timeline.accounts.map(() => 0),
    failed: 0,
  }));
  const binAt = (at: number): (typeof bins)[number] | undefined => bins[Math.floor((at - first) / width)];
  for (const { at, queries } of timeline.buckets.values()) {
    const bin = binAt(at);
    if (bin)
      timeline.accounts.forEach((account, index) => (bin.counts[index] = (bin.counts[index] ?? 0) + (queries[account] ?? 0)));
  }
  for (const { at } of timeline.failures) {
    const bin = binAt(at) ?? bins.at(-1);
    if (bin) bin.failed += 1;
  }
  const start = (first - timeline.startedAt) / 1000;
  return bins.map(({ counts, failed }, index) => ({
    from: start + (index * width) / 1000,
    to: start + ((index + 1) * width) / 1000,
    rates: counts.map((count) => Math.round((count * 1000) / width)),
    failed,
  }));
}

function spans(timeline: Timeline, label: Label, turns: readonly TurnModel[]): LabelSpan[] {
  const found: LabelSpan[] = [];
  const end = (timeline.endedAt - timeline.startedAt) / 1000;
  let open: { version: string; account: string; from: number } | undefined;
  const finish = (to: number): void => {
    if (!open) return;
    const version = shortVersion(open.version);
    const dead = turns.find((turn) => turn.old === open?.version)?.retired;
    found.push({ from: open.from, to, version, account: open.account, ...(dead !== undefined && { deadFrom: dead }) });
    open = undefined;
  };
  for (const change of timeline.labels) {
    const at = Math.max(0, (change.at - timeline.startedAt) / 1000);
    const mark = change[label];
    if (mark?.version === open?.version) continue;
    finish(at);
    if (mark) open = { ...mark, from: at };
  }
  finish(end);
  return found;
}

function turnModel(turn: Turn, end: number, since: (at: number) => number): TurnModel {
  const { record } = turn;
  let last = turn.startedAt;
  const steps = (record?.steps ?? []).flatMap(({ phase, at }) => {
    if (phase === 'held' || phase === 'resumed') return [];
    const killed = turn.kill !== undefined && turn.kill.at >= last && turn.kill.at < at;
    const step = { phase, at: since(at), took: Math.max(0, at - last), killed };
    last = at;
    return [step];
  });
  const at = (phase: Phase): number | undefined => steps.find((step) => step.phase === phase)?.at;
  const published = at('published');
  const retired = at('retired');
  const refused = turn.refusal?.outcome === 'refused';
  return {
    number: turn.number,
    from: since(turn.startedAt),
    to: since(turn.endedAt ?? end),
    old: turn.old.version,
    next: record?.to ?? '',
    steps,
    ...(published !== undefined && { published }),
    ...(retired !== undefined && { retired }),
    ...(turn.kill && { kill: { at: since(turn.kill.at), phase: turn.kill.phase } }),
    ...(turn.resumedAt !== undefined && { resumed: since(turn.resumedAt) }),
    proof: turn.refusal ? `${turn.refusal.code} ${turn.refusal.outcome} at ${turn.refusal.endpoint}` : 'not proved',
    refused,
    closed: turn.closed,
  };
}
