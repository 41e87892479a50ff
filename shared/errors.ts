/**
 * Every error that Keywheel raises. `code` is stable and meant for programs; `message` and `hint` are
 * meant for people. Neither ever holds secret material.
 */
export type ErrorCode =
  | 'ERR_CONFIG_INVALID' // keywheel.yaml or an argument cannot be used as written
  | 'ERR_CONFIG_UNKNOWN_KEY'
  | 'ERR_USAGE' // the command line itself
  | 'ERR_SECRET_NOT_FOUND'
  | 'ERR_SECRET_INVALID' // the value in the store lacks what the target needs
  | 'ERR_STORE_CONFLICT' // compare-and-set lost: somebody else changed the secret
  | 'ERR_STORE_CORRUPT'
  | 'ERR_STORE_FULL'
  | 'ERR_STORE_KEY' // the key that decrypts the store is missing, exposed or wrong
  | 'ERR_STORE_UNAVAILABLE'
  | 'ERR_STORE_LOGIN' // the store does not know us: no credential, an expired or a refused one
  | 'ERR_STORE_FORBIDDEN' // it knows us, and we may not do this
  | 'ERR_STORE_THROTTLED'
  | 'ERR_STORE_FAILED' // it answered with an error that none of the others tells
  | 'ERR_STATE_CONFLICT' // compare-and-set lost on a journal or lease record
  | 'ERR_STATE_CORRUPT'
  | 'ERR_STATE_FULL'
  | 'ERR_STATE_NEWER' // written by a newer version of Keywheel
  | 'ERR_STATE_UNAVAILABLE'
  | 'ERR_STATE_LOGIN'
  | 'ERR_STATE_FORBIDDEN'
  | 'ERR_STATE_THROTTLED'
  | 'ERR_STATE_FAILED'
  | 'ERR_FENCE_STALE' // a later lease holder has already acted on this target
  | 'ERR_TARGET_OWNED' // another installation or secret rotates this account
  | 'ERR_TARGET_REFUSED' // the admin credential was refused
  | 'ERR_TARGET_UNREACHABLE'
  | 'ERR_TARGET_TLS'
  | 'ERR_TARGET_FORBIDDEN'
  | 'ERR_TARGET_THROTTLED'
  | 'ERR_TARGET_MISMATCH' // the target is not in the state the journal recorded
  | 'ERR_TARGET_FAILED'
  | 'ERR_LEASE_LOST'
  | 'ERR_TIMEOUT'
  | 'ERR_ROTATION_HELD'
  | 'ERR_ROTATION_DISABLED'
  | 'ERR_ROTATION_CONFLICT' // another rotation of the same secret is open
  | 'ERR_ALERT_LOGIN' // a channel does not know us: no credential, an expired or a refused one
  | 'ERR_ALERT_FORBIDDEN' // it knows us, and we may not send there
  | 'ERR_ALERT_THROTTLED'
  | 'ERR_ALERT_UNAVAILABLE' // it does not answer; the alert may have arrived or not
  | 'ERR_ALERT_FAILED' // it answered with an error that none of the others tells
  | 'ERR_TRAIL_LOGIN' // where audit records are read does not know us
  | 'ERR_TRAIL_FORBIDDEN'
  | 'ERR_TRAIL_NOT_FOUND' // no such object, log or workspace
  | 'ERR_TRAIL_THROTTLED'
  | 'ERR_TRAIL_UNAVAILABLE'
  | 'ERR_TRAIL_FAILED'
  | 'ERR_EVENT_INVALID' // a trigger delivered something that is not what it says, or is not for us
  | 'ERR_REQUEST_UNAUTHENTICATED' // an HTTP trigger was called by nobody it knows
  | 'ERR_REQUEST_FORBIDDEN' // it knows the caller, who may not ask this
  | 'ERR_MISSING_PEER' // an optional package or program that this command needs is not installed
  | 'ERR_INTERNAL';

export interface ErrorOptions {
  /** What to do about it, in one line. */
  readonly hint?: string;
  /** True when the same call may succeed later without anybody changing anything. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
  /** The secret, file or field that it is about. */
  readonly subject?: string;
}

export class KeywheelError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly retryable: boolean;
  readonly subject: string | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KeywheelError';
    this.code = code;
    this.hint = options.hint;
    this.retryable = options.retryable ?? false;
    this.subject = options.subject;
  }
}

export function isKeywheelError(error: unknown, code?: ErrorCode): error is KeywheelError {
  return error instanceof KeywheelError && (code === undefined || error.code === code);
}
