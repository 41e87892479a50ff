/** Whether a request came from Slack. Pure. https://docs.slack.dev/authentication/verifying-requests-from-slack */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** Seconds. An older request may be one that somebody recorded. */
const WINDOW = 300;

export interface SignedRequest {
  /** X-Slack-Request-Timestamp: seconds since the epoch. */
  readonly timestamp: string | undefined;
  /** X-Slack-Signature: `v0=` and 64 hexadecimal digits. */
  readonly signature: string | undefined;
  /** The body as it was received, to the byte. */
  readonly body: string | Uint8Array;
}

/** `now` in milliseconds. Takes as long whatever the signature is. */
export function isFromSlack({ timestamp, signature, body }: SignedRequest, signingSecret: string, now: number): boolean {
  if (signingSecret === '' || timestamp === undefined || !/^\d{1,12}$/.test(timestamp)) return false;
  if (Math.abs(now / 1000 - Number(timestamp)) > WINDOW) return false;
  const expected = createHmac('sha256', signingSecret).update(`v0:${timestamp}:`).update(body).digest();
  const given = /^v0=([0-9a-f]{64})$/.exec(signature ?? '')?.[1];
  const same = timingSafeEqual(expected, given === undefined ? Buffer.alloc(expected.length) : Buffer.from(given, 'hex'));
  return same && given !== undefined;
}
