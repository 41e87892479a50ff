/** What a failed delivery means, in one way for all channels. Nothing of a vendor's text is told: it may repeat what was sent. */
import { KeywheelError, type ErrorCode } from '../errors.ts';

export interface Failure {
  readonly kind: 'login' | 'forbidden' | 'throttled' | 'unavailable' | 'failed';
  /** Names, statuses and request ids only. */
  readonly why: string;
  /** Milliseconds that the other side asks to wait. */
  readonly retryAfter?: number | undefined;
  readonly hint?: string | undefined;
}

const CODES: Readonly<Record<Failure['kind'], ErrorCode>> = {
  login: 'ERR_ALERT_LOGIN',
  forbidden: 'ERR_ALERT_FORBIDDEN',
  throttled: 'ERR_ALERT_THROTTLED',
  unavailable: 'ERR_ALERT_UNAVAILABLE',
  failed: 'ERR_ALERT_FAILED',
};
const HINTS: Readonly<Record<Failure['kind'], string>> = {
  login: 'look at the credential of this channel, and at the identity that the function runs as',
  forbidden: 'grant the function, or the app, the right to send there',
  throttled: 'it is sent again by the next tick',
  unavailable: 'it is sent again by the next tick; look whether the address can be reached from where this runs',
  failed: 'look at the settings of this channel in keywheel.yaml',
};

export const mayPass = ({ kind }: Failure): boolean => kind === 'throttled' || kind === 'unavailable';

export function alertError(channel: string, failure: Failure): KeywheelError {
  return new KeywheelError(CODES[failure.kind], `${channel} did not take an alert, ${failure.why}`, {
    hint: failure.hint ?? HINTS[failure.kind],
    retryable: mayPass(failure),
    subject: channel,
  });
}

/** What an HTTP status means where nothing else tells. */
export function failureOfStatus(status: number, retryAfter?: number): Failure {
  const why = `it answered with status ${status}`;
  if (status === 401) return { kind: 'login', why };
  if (status === 403) return { kind: 'forbidden', why };
  if (status === 429) return { kind: 'throttled', why, retryAfter };
  if (status === 408 || status >= 500) return { kind: 'unavailable', why, retryAfter };
  return { kind: 'failed', why };
}

/** Seconds, or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
export function retryAfterOf(header: string | null | undefined, now: number): number | undefined {
  if (header === null || header === undefined || header === '') return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isFinite(at) ? Math.max(0, at - now) : undefined;
}
