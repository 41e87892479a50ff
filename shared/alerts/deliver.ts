/**
 * Alerts to channels: each channel by itself, each revision once. What a channel did not take stays in the outbox (`audit/outbox/INCIDENT`), so that a
 * batch of events is done when its alerts are either told or kept.
 */
import type { Alert } from '../audit/index.ts';
import { isKeywheelError, KeywheelError } from '../errors.ts';
import type { State } from '../state/index.ts';
import type { AlertDeps, Channel } from './port.ts';

const DAY = 86_400_000;
const OUTBOX = 'audit/outbox/';
/** Milliseconds; longer than every channel's tries together. */
const LEASE = 60_000;

/** By the channel's name, the last revision that it took. */
type Sent = Readonly<Record<string, number>>;

interface Missed {
  readonly incident: string;
  readonly channel: string;
  readonly error: KeywheelError;
}

export interface Deliveries {
  /** Deliveries that were made: one alert to three channels are three. */
  readonly delivered: number;
  readonly missed: readonly Missed[];
}

export interface DeliverOptions {
  readonly deps: AlertDeps;
  /** Given when the host's time is nearly up: what is not sent by then is kept. */
  readonly signal?: AbortSignal | undefined;
}

const BANDS = ['none', 'low', 'medium', 'high', 'critical'];
const wants = (channel: Channel, alert: Alert): boolean => BANDS.indexOf(alert.band) >= BANDS.indexOf(channel.from);

/** After it, every alert was taken by all channels that want it, or is in the outbox. Throws only when the State fails. */
export async function deliver(
  channels: readonly Channel[],
  alerts: readonly Alert[],
  { deps, signal }: DeliverOptions,
): Promise<Deliveries> {
  let delivered = 0;
  const missed: Missed[] = [];
  for (const alert of alerts) {
    const wanted = channels.filter((channel) => wants(channel, alert));
    if (wanted.length === 0) continue;
    const result = signal?.aborted === true ? lateFor(wanted, alert) : await deliverOne(wanted, alert, deps);
    delivered += result.delivered;
    missed.push(...result.missed);
    if (result.missed.length > 0) await keep(deps.state, alert);
  }
  return { delivered, missed };
}

/** Sends again what is in the outbox. */
export async function deliverKept(channels: readonly Channel[], options: DeliverOptions): Promise<Deliveries> {
  const { state } = options.deps;
  let delivered = 0;
  const missed: Missed[] = [];
  for await (const { key, value, revision } of state.list<Alert>(OUTBOX)) {
    if (options.signal?.aborted === true) break;
    const result = await deliverOne(
      channels.filter((channel) => wants(channel, value)),
      value,
      options.deps,
    );
    delivered += result.delivered;
    missed.push(...result.missed);
    if (result.missed.length === 0) await unlessChanged(state.put({ key, value: undefined, expected: revision }));
  }
  return { delivered, missed };
}

async function deliverOne(wanted: readonly Channel[], alert: Alert, deps: AlertDeps): Promise<Deliveries> {
  const { state } = deps;
  const holder = Buffer.from(deps.random.bytes(8)).toString('hex');
  // Two workers that tell of one incident would both begin a thread.
  const lease = await state.acquire(`audit/sending/${alert.id}`, holder, LEASE);
  if (lease === undefined) return lateFor(wanted, alert, 'another worker is sending it');
  try {
    const key = `audit/sent/${alert.id}`;
    const stored = await state.get<Sent>(key);
    const sent: Record<string, number> = { ...stored?.value };
    const open = wanted.filter(({ name }) => (sent[name] ?? 0) < alert.rev);
    const missed: Missed[] = [];
    await Promise.all(
      open.map(async (channel) => {
        try {
          await channel.send(alert);
          sent[channel.name] = alert.rev;
        } catch (error) {
          missed.push({ incident: alert.id, channel: channel.name, error: told(error, channel.name) });
        }
      }),
    );
    if (open.length > missed.length) {
      await unlessChanged(state.put({ key, value: sent, expected: stored?.revision ?? null, ttl: 30 * DAY }));
    }
    return { delivered: open.length - missed.length, missed };
  } finally {
    await state.release(lease);
  }
}

function lateFor(wanted: readonly Channel[], { id }: Alert, why = 'the function’s time was up'): Deliveries {
  const missed = wanted.map(({ name }): Missed => {
    const error = new KeywheelError('ERR_ALERT_UNAVAILABLE', `${name} was not told, ${why}`, {
      hint: 'it is sent again by the next tick',
      retryable: true,
      subject: name,
    });
    return { incident: id, channel: name, error };
  });
  return { delivered: 0, missed };
}

/** The newest revision; an older one has nothing to say that it does not. */
async function keep(state: State, alert: Alert): Promise<void> {
  const key = `${OUTBOX}${alert.id}`;
  const stored = await state.get<Alert>(key);
  if (stored !== undefined && stored.value.rev >= alert.rev) return;
  await state.put({ key, value: alert, expected: stored?.revision ?? null, ttl: 7 * DAY });
}

/** Somebody else has written it since: what they wrote is newer. */
async function unlessChanged(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isKeywheelError(error, 'ERR_STATE_CONFLICT')) throw error;
  }
}

/** An error that is not ours may hold what was sent. */
function told(error: unknown, channel: string): KeywheelError {
  if (isKeywheelError(error)) return error;
  const what = error instanceof Error && /^\w{1,64}$/.test(error.name) ? error.name : 'error';
  return new KeywheelError('ERR_ALERT_FAILED', `${channel} did not take an alert, an unexpected ${what}`, { subject: channel });
}
