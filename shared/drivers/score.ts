/**
 * Deliveries of audit records, from any platform: records, events, incidents, alerts. A delivery is done when its events are in the state and its alerts
 * were taken or kept; everything before that may come again, and changes nothing when it does.
 */
import { isKeywheelError, KeywheelError, type ErrorCode } from '../errors.ts';
import type { AuditEvent, BatchResult } from '../audit/index.ts';
import { readDelivery } from './score-records.ts';
import { tellDeliveries } from './score-alerts.ts';
import { withScoring, type Scoring } from './score-open.ts';
import type { Host } from './host.ts';

export interface Delivery {
  /** What the platform knows it by: a message id, a sequence number. */
  readonly id: string;
  /** Bytes or text as they came, or what the platform has parsed already. */
  readonly payload: unknown;
}

/** A delivery that could not be scored. */
export interface Unscored {
  readonly id: string;
  readonly code: ErrorCode;
  readonly reason: string;
  readonly retryable: boolean;
  readonly payload: unknown;
}

/**
 * Scores what is readable in all deliveries as one batch, and gives back those that are not: those that cannot be read (they end in the platform's
 * dead-letter queue, when they have come often enough) and those whose object could not be fetched. Throws when the state fails: then all must come again.
 */
export async function scoreBatch(host: Host, deliveries: readonly Delivery[]): Promise<readonly Unscored[]> {
  const received = host.deps.clock.now();
  return withScoring(host, async (scoring) => {
    const events: AuditEvent[] = [];
    const unscored: Unscored[] = [];
    let malformed = 0;
    let records = 0;
    for (const { id, payload } of deliveries) {
      try {
        const read = await readDelivery(scoring, payload, received);
        for (const event of read.events) events.push(event);
        malformed += read.malformed;
        records += read.records;
        for (const { address, message } of read.problems)
          host.log.warn('audit records could not be read', { delivery: id, address, reason: message });
        if (read.unreadable !== undefined) throw unreadable(read.unreadable);
      } catch (error) {
        unscored.push(told(host, id, payload, error));
      }
    }
    const result = await scoring.pipeline.process(events);
    measure(host, { events, malformed, received, result });
    await tell(scoring, host, result);
    host.log.info('audit records scored', {
      records,
      events: events.length,
      duplicates: result.duplicates,
      malformed,
      incidents: result.incidents.length,
      alerts: result.toSend.length + result.notices.length,
      unscored: unscored.length,
    });
    return unscored;
  });
}

/** For platforms that take an invocation as a whole. */
export function throwUnscored(unscored: readonly Unscored[]): void {
  const first = unscored.find(({ retryable }) => retryable) ?? unscored[0];
  if (first === undefined) return;
  const { code, reason, retryable } = first;
  throw new KeywheelError(code, `${unscored.length} of the deliveries could not be scored: ${reason}`, { retryable });
}

/** What is due without any delivery: records that are asked for, alerts that a channel did not take, and the digest of a day. */
export async function scoreTick(host: Host): Promise<void> {
  const trails = host.config.audit?.trails ?? [];
  if (trails.length > 0) {
    const { pullTrails } = await import('./score-pull.ts');
    await pullTrails(host, trails, (scoring, records) => scoreRecords(scoring, host, records));
  }
  await withScoring(host, async (scoring) => {
    const { deliverKept } = await import('../alerts/index.ts');
    tellDeliveries(host, await deliverKept(scoring.channels, { deps: scoring.alerting, signal: host.signal }));
    await tell(scoring, host, await scoring.pipeline.process([]));
  });
}

/** Records that were asked for: each as its source writes it. */
async function scoreRecords(scoring: Scoring, host: Host, records: readonly Buffer[]): Promise<void> {
  const received = host.deps.clock.now();
  const parse = scoring.audit.createParser('auto', { received });
  const parsed = records.map((bytes) => parse(bytes, 0, bytes.length));
  const events = parsed.filter((each): each is AuditEvent => !('skip' in each));
  const malformed = parsed.filter((each) => 'skip' in each && each.skip === 'malformed').length;
  const result = await scoring.pipeline.process(events);
  measure(host, { events, malformed, received, result });
  await tell(scoring, host, result);
}

/** The outbox has what a channel did not take, so that the incidents count as told. */
async function tell(scoring: Scoring, host: Host, { toSend, notices }: BatchResult): Promise<void> {
  if (toSend.length + notices.length === 0) return;
  const { deliver } = await import('../alerts/index.ts');
  const alerts = [...toSend.map((incident) => scoring.audit.alertOf(incident, scoring.tenant)), ...notices];
  tellDeliveries(host, await deliver(scoring.channels, alerts, { deps: scoring.alerting, signal: host.signal }));
  await scoring.pipeline.sent(toSend, notices);
}

interface Measured {
  readonly events: readonly AuditEvent[];
  readonly malformed: number;
  readonly received: number;
  readonly result: BatchResult;
}

function measure(host: Host, { events, malformed, received, result }: Measured): void {
  const count = (name: 'EventsScored' | 'MalformedRecords' | 'IncidentsOpened', value: number, dimensions = {}): void => {
    if (value > 0) host.measure({ name, value, unit: 'Count', dimensions });
  };
  count('EventsScored', result.scored);
  count('MalformedRecords', malformed);
  const bands = new Map<string, number>();
  for (const { rev, band } of result.toSend) if (rev === 1) bands.set(band, (bands.get(band) ?? 0) + 1);
  for (const [band, value] of bands) count('IncidentsOpened', value, { band });
  // Of the newest: the oldest of a batch says how long the batch was gathered.
  let newest = Number.NEGATIVE_INFINITY;
  for (const { time } of events) if (time > newest && time <= received) newest = time;
  if (newest > 0) host.measure({ name: 'ScoreLag', value: received - newest, unit: 'Milliseconds', dimensions: {} });
}

const unreadable = (reason: string): KeywheelError =>
  new KeywheelError('ERR_EVENT_INVALID', `none of its records can be read: ${reason}`, {
    hint: 'look at it in the dead-letter queue; events/ has a sample of each envelope that is understood',
  });

function told(host: Host, id: string, payload: unknown, error: unknown): Unscored {
  if (!isKeywheelError(error)) throw error;
  const { code, message: reason, retryable } = error;
  const fields = { delivery: id, code, reason };
  if (retryable) host.log.warn('a delivery could not be scored and comes again', fields);
  else host.log.error('a delivery cannot be scored', fields);
  return { id, code, reason, retryable, payload };
}
