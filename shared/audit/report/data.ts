/** What a report shows, gathered event by event in bounded memory. */
import { FLAG, hasFlag, type AuditEvent } from '../event.ts';
import type { Incident } from '../incidents/port.ts';
import type { Scored } from '../scored.ts';
import { createTop, UNUSUAL } from './top.ts';

/** What the terminal counts: the last line of its JSON. */
export interface ReportSummary {
  readonly events: number;
  readonly parsed: number;
  readonly ignored: number;
  readonly duplicates: number;
  readonly malformed: number;
  readonly incidents: number;
  readonly alerts: number;
}

interface Bucket {
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly events: number;
  readonly unusual: number;
}

export interface TopRow {
  readonly name: string;
  readonly kind: string;
  readonly events: number;
  readonly unusual: number;
  readonly worst: number;
}

export interface ReportData {
  readonly summary: ReportSummary;
  /** By score, the highest first. */
  readonly incidents: readonly Incident[];
  /** Of believable events, in milliseconds; undefined: there was none. */
  readonly span: { readonly from: number; readonly to: number } | undefined;
  /** Milliseconds of one bucket. */
  readonly step: number;
  /** Without gaps, at most 240. */
  readonly timeline: readonly Bucket[];
  /** Events by hour of the week, Monday 00:00 first: 168. */
  readonly hours: readonly number[];
  readonly unusualHours: readonly number[];
  readonly timeZone: string;
  readonly principals: readonly TopRow[];
  readonly secrets: readonly TopRow[];
  readonly sources: readonly { readonly name: string; readonly events: number }[];
}

export interface ReportGatherer {
  seen(scored: Scored): void;
  done(incidents: readonly Incident[], summary: ReportSummary): ReportData;
}

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const BUCKETS = 240;
const TOP = 12;
const SOURCES = 32;

export function createReportData({ timeZone = 'UTC' }: { readonly timeZone?: string } = {}): ReportGatherer {
  const timeline = createTimeline();
  const hourOf = hourOfWeek(timeZone);
  const hours = Array.from({ length: 168 }, () => 0);
  const unusualHours = Array.from({ length: 168 }, () => 0);
  const principals = createTop();
  const secrets = createTop();
  const sources = new Map<string, number>();
  return {
    seen({ event, verdict: { score } }) {
      if (hasFlag(event, FLAG.echo)) return;
      const unusual = score >= UNUSUAL;
      if (!hasFlag(event, FLAG.skewed)) {
        timeline.add(event.time, unusual);
        const hour = hourOf(event.time);
        hours[hour] = (hours[hour] ?? 0) + 1;
        if (unusual) unusualHours[hour] = (unusualHours[hour] ?? 0) + 1;
      }
      principals.add(event.principal.id, event.principal.name, event.principal.kind, score);
      for (const { key, name } of event.secrets) secrets.add(key, name, event.source, score);
      countSource(sources, event);
    },
    done(incidents, summary) {
      return {
        ...timeline.read(),
        summary,
        incidents: [...incidents].sort(
          (a, b) => b.score - a.score || a.firstEvent.time - b.firstEvent.time || (a.id < b.id ? -1 : 1),
        ),
        hours,
        unusualHours,
        timeZone,
        principals: principals.best(TOP),
        secrets: secrets.best(TOP),
        sources: [...sources].map(([name, events]) => ({ name, events })).sort((a, b) => b.events - a.events),
      };
    },
  };
}

function countSource(sources: Map<string, number>, { source, account }: AuditEvent): void {
  const name = `${source} ${account.slice(0, 100)}`;
  const known = sources.has(name) || sources.size < SOURCES ? name : 'others';
  sources.set(known, (sources.get(known) ?? 0) + 1);
}

/** Buckets of a minute, which double whenever they would be too many. */
function createTimeline() {
  let step = MINUTE;
  let buckets = new Map<number, { events: number; unusual: number }>();
  let first = Infinity;
  let last = -Infinity;
  const fit = (): void => {
    while (Math.floor(last / step) - Math.floor(first / step) >= BUCKETS) {
      step *= 2;
      const wider: typeof buckets = new Map();
      for (const [index, { events, unusual }] of buckets) {
        const into = wider.get(index >> 1) ?? { events: 0, unusual: 0 };
        into.events += events;
        into.unusual += unusual;
        wider.set(index >> 1, into);
      }
      buckets = wider;
    }
  };
  return {
    add(time: number, unusual: boolean): void {
      if (time < first) first = time;
      if (time > last) last = time;
      fit();
      const index = Math.floor(time / step);
      const bucket = buckets.get(index);
      if (bucket === undefined) buckets.set(index, { events: 1, unusual: unusual ? 1 : 0 });
      else {
        bucket.events += 1;
        if (unusual) bucket.unusual += 1;
      }
    },
    read(): Pick<ReportData, 'span' | 'step' | 'timeline'> {
      if (first > last) return { span: undefined, step, timeline: [] };
      const from = Math.floor(first / step);
      const timeline = Array.from({ length: Math.floor(last / step) - from + 1 }, (_, at) => ({
        from: (from + at) * step,
        ...(buckets.get(from + at) ?? { events: 0, unusual: 0 }),
      }));
      return { span: { from: first, to: last }, step, timeline };
    },
  };
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/** Zones change by quarters of an hour: what is known of one is kept for its neighbours in time. */
function hourOfWeek(timeZone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: '2-digit', hourCycle: 'h23' });
  let quarter = -1;
  let hour = 0;
  return (time) => {
    const now = Math.floor(time / QUARTER);
    if (now !== quarter) {
      quarter = now;
      const parts = format.formatToParts(new Date(time));
      const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? '';
      hour = Math.max(0, DAYS.indexOf(part('weekday'))) * 24 + Number(part('hour'));
    }
    return hour;
  };
}
