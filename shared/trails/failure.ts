/** What a failed read of audit records means, in one way for all places. */
import { awsFailure } from '../aws.ts';
import { KeywheelError, type ErrorCode } from '../errors.ts';

const CODES = {
  login: 'ERR_TRAIL_LOGIN',
  forbidden: 'ERR_TRAIL_FORBIDDEN',
  missing: 'ERR_TRAIL_NOT_FOUND',
  throttled: 'ERR_TRAIL_THROTTLED',
  unavailable: 'ERR_TRAIL_UNAVAILABLE',
  failed: 'ERR_TRAIL_FAILED',
} as const satisfies Readonly<Record<string, ErrorCode>>;
export type TrailFailure = keyof typeof CODES;

const HINTS: Readonly<Record<TrailFailure, string>> = {
  login: 'look at the identity that this runs as',
  forbidden: 'grant that identity the right to read it',
  missing: 'look whether it is there, and in this account and region',
  throttled: 'it is asked again later',
  unavailable: 'it is asked again later; look whether the service can be reached from where this runs',
  failed: 'the service’s name of the error says more',
};

/** @param why names, statuses and request ids only */
export function trailError(kind: TrailFailure, what: string, why: string, hint?: string): KeywheelError {
  return new KeywheelError(CODES[kind], `${what} could not be read, ${why}`, {
    hint: hint ?? HINTS[kind],
    retryable: kind === 'throttled' || kind === 'unavailable',
    subject: what,
  });
}

const MISSING = new Set(['NoSuchKey', 'NoSuchBucket', 'NotFound']);

export function awsTrailError(error: unknown, what: string, action: string): KeywheelError {
  const { kind, name, text } = awsFailure(error);
  if (MISSING.has(name)) return trailError('missing', what, `AWS answered ${text}`);
  const told = kind === 'region' || kind === 'other' ? 'failed' : kind;
  return trailError(told, what, `AWS answered ${text}`, told === 'forbidden' ? `allow ${action} on it` : undefined);
}
