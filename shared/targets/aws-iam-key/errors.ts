/** What an error of the AWS SDK means. Its text stays out of ours, but for its code and request id: it may quote a request. */
import { KeywheelError, type ErrorCode } from '../../errors.ts';
import { networkFailure } from '../http/network.ts';
import type { ProbeOutcome } from '../port.ts';

interface SdkError {
  readonly name?: string;
  readonly message?: string;
  readonly $fault?: 'client' | 'server';
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
}

type Kind = Exclude<ProbeOutcome, 'accepted'> | 'credentials' | 'clock' | 'missing' | 'limit' | 'busy' | 'failed';

// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and the errors of each IAM action. The query protocol's codes come
// with and without `Exception`.
const KINDS: Readonly<Record<string, Kind>> = {
  CredentialsProviderError: 'credentials',
  TokenProviderError: 'credentials',
  InvalidClientTokenId: 'refused',
  SignatureDoesNotMatch: 'refused',
  UnrecognizedClient: 'refused',
  AuthFailure: 'refused',
  InvalidAccessKeyId: 'refused',
  ExpiredToken: 'refused',
  AccessDenied: 'forbidden',
  NotAuthorized: 'forbidden',
  OptInRequired: 'forbidden',
  Throttling: 'throttled',
  TooManyRequests: 'throttled',
  RequestLimitExceeded: 'throttled',
  SlowDown: 'throttled',
  RequestExpired: 'clock',
  NoSuchEntity: 'missing',
  LimitExceeded: 'limit',
  EntityTemporarilyUnmodifiable: 'busy',
  ConcurrentModification: 'busy',
};

export interface AwsFailure {
  readonly kind: Kind;
  /** One line for people: the service's code and request id, no text of the service. */
  readonly detail: string;
  /** True only when the service said no, or was never asked: then nothing was changed. */
  readonly notDone: boolean;
}

export function awsFailure(error: unknown): AwsFailure {
  const { name = 'Error', message = '', $fault, $metadata = {} } = (error ?? {}) as SdkError;
  const status = $metadata.httpStatusCode;
  const network = status === undefined ? networkFailure(error) : undefined;
  if (network !== undefined) return { kind: network.outcome, detail: network.detail, notDone: network.notSent };
  const code = name.replace(/Exception$/, '');
  const named = KINDS[code] ?? (status === 429 ? 'throttled' : undefined);
  const kind = clockIsWrong(code, message) ? 'clock' : (named ?? ($fault === 'client' ? 'failed' : 'unreachable'));
  const request = $metadata.requestId === undefined ? '' : `, request ${clean($metadata.requestId)}`;
  const detail = `${clean(name)}${status === undefined ? '' : ` (${status}${request})`}`;
  // Only an answer of the 400s is a no. After a 500 or no answer at all the change may have been made.
  return { kind, detail, notDone: kind === 'credentials' || (status !== undefined && status >= 400 && status < 500) };
}

/**
 * A wrong clock is answered with the code of a wrong secret; only the text tells them apart.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
 */
const clockIsWrong = (code: string, message: string): boolean =>
  code === 'SignatureDoesNotMatch' && /^Signature (expired|not yet current)/i.test(message);

const clean = (text: string): string => text.replace(/[^\w.:-]/g, '').slice(0, 80);

const OURS: Readonly<Record<Kind, { code: ErrorCode; retryable: boolean; hint: string }>> = {
  credentials: {
    code: 'ERR_TARGET_REFUSED',
    retryable: false,
    hint: 'no AWS credentials were found: set a profile, a role, or the variables that the AWS SDKs read',
  },
  refused: { code: 'ERR_TARGET_REFUSED', retryable: false, hint: 'the AWS credentials that Keywheel runs with were refused' },
  forbidden: {
    code: 'ERR_TARGET_FORBIDDEN',
    retryable: false,
    hint: 'docs/guides/api-keys.md lists the IAM actions that Keywheel needs',
  },
  throttled: { code: 'ERR_TARGET_THROTTLED', retryable: true, hint: 'AWS asks for fewer requests; it is tried again' },
  clock: {
    code: 'ERR_TARGET_FAILED',
    retryable: true,
    hint: 'the clock of this machine is wrong by more than five minutes; set it',
  },
  missing: {
    code: 'ERR_TARGET_MISMATCH',
    retryable: false,
    hint: 'check userName, and the account that Keywheel’s credentials belong to',
  },
  limit: { code: 'ERR_TARGET_FAILED', retryable: false, hint: 'remove a key or tag of this user that nobody needs' },
  busy: { code: 'ERR_TARGET_FAILED', retryable: true, hint: 'IAM is changing this user just now; it is tried again' },
  unreachable: {
    code: 'ERR_TARGET_UNREACHABLE',
    retryable: true,
    hint: 'check the network between here and AWS; it is tried again',
  },
  tls: {
    code: 'ERR_TARGET_TLS',
    retryable: false,
    hint: 'check endpoint and the certificate authorities that Node trusts (NODE_EXTRA_CA_CERTS)',
  },
  failed: { code: 'ERR_TARGET_FAILED', retryable: false, hint: 'look the code up in the IAM API reference' },
};

/** `what` failed: for calls with Keywheel's own credentials. */
export function awsError(what: string, error: unknown): KeywheelError {
  if (error instanceof KeywheelError) return error;
  const { kind, detail } = awsFailure(error);
  const { code, retryable, hint } = OURS[kind];
  return new KeywheelError(code, `${what} failed, ${detail}`, { retryable, hint });
}

const PROBED: Readonly<Record<Kind, Exclude<ProbeOutcome, 'accepted'>>> = {
  refused: 'refused',
  forbidden: 'forbidden',
  throttled: 'throttled',
  tls: 'tls',
  unreachable: 'unreachable',
  credentials: 'unreachable',
  clock: 'unreachable',
  missing: 'unreachable',
  limit: 'throttled',
  busy: 'unreachable',
  failed: 'unreachable',
};

/** What a failed GetCallerIdentity says of the key that signed it. Only a refusal of that very key is `refused`. */
export function probeOutcome(error: unknown): { outcome: Exclude<ProbeOutcome, 'accepted'>; detail: string } {
  const { kind, detail } = awsFailure(error);
  if (kind === 'clock') return { outcome: 'unreachable', detail: `the clock of this machine is wrong: ${detail}` };
  // A long-term key never expires by itself: a token was mixed in from somewhere.
  if (detail.startsWith('ExpiredToken')) return { outcome: 'unreachable', detail };
  return { outcome: PROBED[kind], detail };
}
