/** Tells the failures of a connection apart: five different things that must never be taken for one another. */
import { KeywheelError, type ErrorCode } from '../../errors.ts';
import type { ProbeOutcome } from '../port.ts';

export interface Failure {
  readonly outcome: Exclude<ProbeOutcome, 'accepted'> | 'timeout' | 'failed';
  /** One line for people; no material. Carries the SQLSTATE or the system's error code where there is one. */
  readonly detail: string;
  readonly sqlState?: string;
}

/** Raised by our own checks on a connection, where the driver would have gone on. */
export class ConnectionRefusal extends Error {
  readonly outcome: 'forbidden' | 'unreachable';
  constructor(outcome: 'forbidden' | 'unreachable', message: string) {
    super(message);
    this.outcome = outcome;
  }
}

const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERROR_IN_CERT|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|EPROTO$)/;
// Node's own sentences advise on Node's flags, which no user of ours can give.
const CERTIFICATE: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: 'the server’s certificate is for another name',
  CERT_HAS_EXPIRED: 'the server’s certificate has expired',
  CERT_NOT_YET_VALID: 'the server’s certificate is not valid yet',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the server’s certificate is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'the server’s certificate is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the server’s certificate is signed by an authority that is not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'the server’s certificate is signed by an authority that is not trusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the server’s certificate is signed by itself',
};
const NO_TLS = 'the server does not offer TLS';
const NETWORK: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ENOENT: 'there is no such socket',
};

/** What a driver's error means. The server's own words are cut to one line and cleaned; they never held a password, we send none. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ConnectionRefusal) return { outcome: error.outcome, detail: error.message };
  const { code, message, severity } = error as { code?: unknown; message?: unknown; severity?: unknown };
  const text = clean(typeof message === 'string' ? message : 'unknown failure');
  if (typeof code === 'string' && typeof severity === 'string' && /^[0-9A-Z]{5}$/.test(code)) return bySqlState(code, text);
  if (typeof code === 'string' && TLS_CODE.test(code))
    return { outcome: 'tls', detail: `${CERTIFICATE[code] ?? text} (${code})` };
  if (/SSL connection/.test(text)) return { outcome: 'tls', detail: NO_TLS };
  if (typeof code === 'string')
    return { outcome: 'unreachable', detail: `${NETWORK[code] ?? 'the connection failed'} (${code})` };
  if (text.startsWith('SASL')) return { outcome: 'forbidden', detail: `the server did not complete SCRAM-SHA-256 (${text})` };
  if (/timeout expired/.test(text)) return { outcome: 'unreachable', detail: 'no answer within connectTimeout' };
  if (/Query read timeout/.test(text)) return { outcome: 'timeout', detail: 'no answer within statementTimeout' };
  if (/terminated|not queryable|closed/.test(text)) return { outcome: 'unreachable', detail: 'the connection was lost' };
  return { outcome: 'failed', detail: text };
}

function bySqlState(code: string, text: string): Failure {
  const detail = `${text} (${code})`;
  const as = (outcome: Failure['outcome']): Failure => ({ outcome, detail, sqlState: code });
  if (code === '28P01') return as('refused');
  // 28000: pg_hba.conf has no line for this login, the role is NOLOGIN, or a certificate is asked for. The password was not looked at.
  // 42501 and 3D000: no CONNECT privilege, no such database. 55000: the database takes no connections.
  if (code.startsWith('28') || code === '42501' || code === '3D000' || code === '55000') return as('forbidden');
  // 53300 too many connections and its class; 57P03: starting up or shutting down, try again.
  if (code.startsWith('53') || code === '57P03') return as('throttled');
  if (code === '57014' || code === '55P03') return as('timeout');
  if (code.startsWith('57P') || code.startsWith('08')) return as('unreachable');
  return as('failed');
}

/** One line, no control characters, verifiers masked. */
function clean(text: string): string {
  const line = text
    .replace(/SCRAM-SHA-256\$[^\s']+/g, '<verifier>')
    // oxlint-disable-next-line no-control-regex -- a server's text must not steer a terminal
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .trim();
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

const ADMIN: Readonly<Record<Failure['outcome'], { code: ErrorCode; retryable: boolean; hint: string }>> = {
  refused: { code: 'ERR_TARGET_REFUSED', retryable: false, hint: 'check the admin password and its source in keywheel.yaml' },
  unreachable: {
    code: 'ERR_TARGET_UNREACHABLE',
    retryable: true,
    hint: 'check host, port and the network between here and there',
  },
  tls: {
    code: 'ERR_TARGET_TLS',
    retryable: false,
    hint: 'set tls.ca to the authority that signed the server’s certificate; TLS is never left out',
  },
  forbidden: {
    code: 'ERR_TARGET_FORBIDDEN',
    retryable: false,
    hint: 'docs/guides/postgres.md lists the grants that the admin role needs',
  },
  throttled: {
    code: 'ERR_TARGET_THROTTLED',
    retryable: true,
    hint: 'the server takes no more connections now; it is tried again',
  },
  timeout: { code: 'ERR_TIMEOUT', retryable: true, hint: 'see what blocks in pg_stat_activity, or raise statementTimeout' },
  failed: { code: 'ERR_TARGET_FAILED', retryable: false, hint: 'read the server’s log for this moment' },
};

/** The hint of a kind of failure is for the most common cause; these have one of their own. */
function hintOf(failure: Failure, hint: string): string {
  if (failure.sqlState === '25006') return 'host is a standby; point it at the primary';
  if (failure.detail === NO_TLS) return 'turn TLS on at the server (ssl = on in postgresql.conf); TLS is never left out';
  if (failure.detail.includes('ERR_TLS_CERT_ALTNAME_INVALID')) {
    return 'set host, or tls.serverName, to a name that the certificate carries; the name is always checked';
  }
  return hint;
}

// Serialization, deadlock; a standby that is being promoted answers 25006 until it is done.
const PASSING = new Set(['40001', '40P01', '25006']);

/** The error for a failed admin call: `what` failed. Never carries the driver's error along: it may quote a statement. */
export function adminError(what: string, error: unknown): KeywheelError {
  if (error instanceof KeywheelError) return error;
  const failure = failureOf(error);
  const { code, retryable, hint } = ADMIN[failure.outcome];
  return new KeywheelError(code, `${what} failed, ${failure.detail}`, {
    // Two databases of one server share roles but not advisory locks: `tuple concurrently updated` (XX000) is what is left of that.
    retryable: retryable || PASSING.has(failure.sqlState ?? '') || failure.detail.startsWith('tuple concurrently updated'),
    hint: hintOf(failure, hint),
  });
}
