import type { ErrorCode } from '../errors.ts';

/** Every exit code, by name. They are part of the interface: scripts and schedulers decide by them. */
export const EXIT = {
  done: 0,
  /** The work failed, or there are findings. */
  failed: 1,
  /** The command line or the configuration cannot be used as written. */
  usage: 2,
  /** A key, a mode or a credential does not permit it. */
  permission: 3,
  /** A store, the state or a target does not answer. */
  unreachable: 4,
  /** Something was done and something was not; the same command, or --resume, goes on safely. */
  partial: 5,
  /** 128 + SIGINT, as shells report it. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_ERROR: Readonly<Record<ErrorCode, ExitCode>> = {
  ERR_CONFIG_INVALID: EXIT.usage,
  ERR_CONFIG_UNKNOWN_KEY: EXIT.usage,
  ERR_USAGE: EXIT.usage,
  ERR_SECRET_NOT_FOUND: EXIT.failed,
  ERR_SECRET_INVALID: EXIT.failed,
  ERR_STORE_CONFLICT: EXIT.failed,
  ERR_STORE_CORRUPT: EXIT.failed,
  ERR_STORE_FULL: EXIT.failed,
  ERR_STORE_KEY: EXIT.permission,
  ERR_STORE_UNAVAILABLE: EXIT.unreachable,
  ERR_STORE_LOGIN: EXIT.permission,
  ERR_STORE_FORBIDDEN: EXIT.permission,
  ERR_STORE_THROTTLED: EXIT.unreachable,
  ERR_STORE_FAILED: EXIT.failed,
  ERR_STATE_CONFLICT: EXIT.failed,
  ERR_STATE_CORRUPT: EXIT.failed,
  ERR_STATE_FULL: EXIT.failed,
  ERR_STATE_NEWER: EXIT.failed,
  ERR_STATE_UNAVAILABLE: EXIT.unreachable,
  ERR_STATE_LOGIN: EXIT.permission,
  ERR_STATE_FORBIDDEN: EXIT.permission,
  ERR_STATE_THROTTLED: EXIT.unreachable,
  ERR_STATE_FAILED: EXIT.failed,
  ERR_FENCE_STALE: EXIT.partial,
  ERR_TARGET_OWNED: EXIT.failed,
  ERR_TARGET_REFUSED: EXIT.permission,
  ERR_TARGET_UNREACHABLE: EXIT.unreachable,
  ERR_TARGET_TLS: EXIT.unreachable,
  ERR_TARGET_FORBIDDEN: EXIT.permission,
  ERR_TARGET_THROTTLED: EXIT.unreachable,
  ERR_TARGET_MISMATCH: EXIT.failed,
  ERR_TARGET_FAILED: EXIT.failed,
  ERR_LEASE_LOST: EXIT.partial,
  ERR_TIMEOUT: EXIT.unreachable,
  ERR_ROTATION_HELD: EXIT.failed,
  ERR_ROTATION_DISABLED: EXIT.failed,
  ERR_ROTATION_CONFLICT: EXIT.failed,
  ERR_ALERT_LOGIN: EXIT.permission,
  ERR_ALERT_FORBIDDEN: EXIT.permission,
  ERR_ALERT_THROTTLED: EXIT.unreachable,
  ERR_ALERT_UNAVAILABLE: EXIT.unreachable,
  ERR_ALERT_FAILED: EXIT.failed,
  ERR_TRAIL_LOGIN: EXIT.permission,
  ERR_TRAIL_FORBIDDEN: EXIT.permission,
  ERR_TRAIL_NOT_FOUND: EXIT.failed,
  ERR_TRAIL_THROTTLED: EXIT.unreachable,
  ERR_TRAIL_UNAVAILABLE: EXIT.unreachable,
  ERR_TRAIL_FAILED: EXIT.failed,
  ERR_EVENT_INVALID: EXIT.usage,
  ERR_REQUEST_UNAUTHENTICATED: EXIT.permission,
  ERR_REQUEST_FORBIDDEN: EXIT.permission,
  ERR_MISSING_PEER: EXIT.usage,
  ERR_INTERNAL: EXIT.failed,
};

/** The exit code for an error's code; 1 for a code that is not ours, such as that of a hold. */
export function exitCodeOf(code: string): ExitCode {
  return Object.hasOwn(BY_ERROR, code) ? BY_ERROR[code as ErrorCode] : EXIT.failed;
}
