/** What went wrong, in our words: the server's own may quote a request, and a request may hold material. */
import { KeywheelError } from '../../errors.ts';
import type { VaultAnswer } from './client.ts';

/** What was being done, to begin a message with, and the secret (or address) that it is about. */
export interface About {
  /** For example `reading app/db`. */
  readonly doing: string;
  readonly subject: string;
}

const CERTIFICATE = /CERT|SIGNATURE|ISSUER|ALTNAME|CRL/;
const PROTOCOL = /^EPROTO$|^ERR_SSL|^ERR_TLS/;
const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'its name does not resolve at the moment',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it did not answer in time',
};

/** For a request that got no answer. */
export function connectionFailure(host: string, address: string, error: unknown, aborted: boolean): KeywheelError {
  const { code = '', cause } = error as NodeJS.ErrnoException;
  const fail = (why: string, retryable: boolean, hint: string): KeywheelError =>
    new KeywheelError('ERR_STORE_UNAVAILABLE', `vault at ${host} cannot be used, ${why}`, { retryable, hint, subject: address });
  if (aborted) return fail('the caller gave the request up', true, 'ask again');
  if (CERTIFICATE.test(code)) {
    const why = `its certificate is not trusted (${code})`;
    return fail(why, false, 'let `ca` name the PEM file of the authority that signed it; the check is never turned off');
  }
  if (PROTOCOL.test(code)) {
    return fail(`no TLS connection comes about (${code})`, false, 'see that `address` has the right port, and TLS 1.2 or later');
  }
  const why =
    cause === 'timeout' ? 'it did not answer in time' : cause === 'too large' ? 'its answer is too large' : NETWORK[code];
  return fail(
    why ?? `the connection failed${code === '' ? '' : ` (${code})`}`,
    true,
    'see that it runs and can be reached from here',
  );
}

/** What Go's server says to cleartext on its TLS port. */
export const isCleartextToTls = (answer: VaultAnswer): boolean =>
  answer.status === 400 && answer.errors.some((text) => text.includes('HTTP request to an HTTPS server'));

/**
 * For an answer that nobody expected. 403 is told apart by the session, which knows whether the token is good.
 * https://developer.hashicorp.com/vault/api-docs#http-status-codes
 */
export function failureOf(answer: VaultAnswer, about: About): KeywheelError {
  const { status, errors } = answer;
  const says = (text: string): boolean => errors.some((error) => error.toLowerCase().includes(text));
  const fail = (code: 'UNAVAILABLE' | 'THROTTLED' | 'FAILED', why: string, hint: string): KeywheelError =>
    new KeywheelError(`ERR_STORE_${code}`, `${about.doing} failed, ${why}`, {
      hint,
      retryable: code !== 'FAILED',
      subject: about.subject,
    });
  if (status === 429)
    return fail('THROTTLED', 'vault throttles it (status 429)', 'it is tried again; a rate limit quota may be too low');
  if (status === 412)
    return fail('UNAVAILABLE', 'this node has not caught up with the active one (status 412)', 'it is tried again');
  if (status === 472)
    return fail('UNAVAILABLE', 'this is a disaster recovery secondary (status 472)', 'name the primary in `address`');
  if (status === 473) return fail('UNAVAILABLE', 'this is a standby (status 473)', 'name the active node in `address`');
  if (says('sealed')) return fail('UNAVAILABLE', 'vault is sealed', 'unseal it with `vault operator unseal`');
  if (status === 501 || says('not initialized')) {
    return fail('UNAVAILABLE', 'vault is not initialized', 'initialize it with `vault operator init`');
  }
  if (status === 503)
    return fail('UNAVAILABLE', 'vault is sealed or on standby (status 503)', 'unseal it, or name the active node in `address`');
  if (status >= 500) return fail('UNAVAILABLE', `vault has an internal error (status ${status})`, 'its own log says more');
  if (says('upgrading from non-versioned'))
    return fail('UNAVAILABLE', 'the mount is upgrading to version 2', 'it is tried again');
  if (status === 404 && says('no handler for route'))
    return fail('FAILED', 'nothing is mounted there', 'see `mount` and `namespace`');
  if (status === 404 && says('namespace')) return fail('FAILED', 'there is no such namespace', 'see `namespace`');
  if (isCleartextToTls(answer)) return fail('FAILED', 'vault speaks TLS on this port', 'write https in `address`');
  if (says('mounted at') || status === 405) {
    return fail(
      'FAILED',
      `the mount does not know this request (status ${status})`,
      '`mount` must name a KV engine of version 2',
    );
  }
  return fail('FAILED', `vault refused it (status ${status})`, 'its audit log has the request');
}

export function forbidden(about: About, path: string): KeywheelError {
  return new KeywheelError('ERR_STORE_FORBIDDEN', `${about.doing} failed, no policy of this login allows ${path} (status 403)`, {
    hint: 'grant it in the policy of the role that this login has',
    subject: about.subject,
  });
}
