/** Tells a failed connection's causes apart by Node's own error codes. Nothing that the other side said is in what comes out. */
const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERROR_IN_CERT|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|EPROTO$)/;
const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name cannot be looked up now',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  ETIMEDOUT: 'no answer in time',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the server’s certificate is for another name',
  CERT_HAS_EXPIRED: 'the server’s certificate has expired',
  SELF_SIGNED_CERT_IN_CHAIN: 'the server’s certificate is signed by an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the server’s certificate is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the server’s certificate is signed by an authority that is not trusted',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the server’s certificate is signed by itself',
};
/** Nothing was sent: the connection never came about. */
const NOT_SENT = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);
const TIMED_OUT = new Set(['TimeoutError', 'AbortError', 'RequestTimeout', 'RequestTimeoutException']);

export interface NetworkFailure {
  readonly outcome: 'unreachable' | 'tls';
  readonly detail: string;
  /** True when the request cannot have reached anybody. */
  readonly notSent: boolean;
}

/** Undefined for an error that is not about the connection. */
export function networkFailure(error: unknown): NetworkFailure | undefined {
  const { name, code, errno } = error as { name?: unknown; code?: unknown; errno?: unknown };
  if (typeof code === 'string' && TLS_CODE.test(code)) {
    return { outcome: 'tls', detail: `${WORDS[code] ?? 'TLS was not established'} (${code})`, notSent: true };
  }
  if (typeof name === 'string' && TIMED_OUT.has(name))
    return { outcome: 'unreachable', detail: 'no answer in time', notSent: false };
  if (typeof code === 'string' && (code in WORDS || typeof errno === 'number')) {
    return { outcome: 'unreachable', detail: `${WORDS[code] ?? 'the connection failed'} (${code})`, notSent: NOT_SENT.has(code) };
  }
  // Several addresses of one host that all failed: what the first one says stands for all.
  const inner = (error as { errors?: unknown[] }).errors?.[0] ?? (error as { cause?: unknown }).cause;
  return inner === undefined || inner === error ? undefined : networkFailure(inner);
}
