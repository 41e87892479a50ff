/** Reads answers: JSON Pointers (RFC 6901), and what a status means for a call with the admin token. */
import { KeywheelError, type ErrorCode } from '../../errors.ts';
import { networkFailure } from './network.ts';
import { AnswerTooLong, type HttpAnswer } from './request.ts';

/** The JSON of an answer; undefined when it is none. */
export function jsonOf(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    return undefined;
  }
}

/** Undefined when the pointer leads nowhere. */
export function pick(value: unknown, pointer: string): unknown {
  let here = value;
  for (const part of pointer.split('/').slice(1)) {
    if (here === null || typeof here !== 'object') return undefined;
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (!Object.hasOwn(here, key)) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}

/** Text, or a number as vendors use for ids. */
export function textAt(value: unknown, pointer: string): string | undefined {
  const found = pick(value, pointer);
  if (typeof found === 'number' && Number.isSafeInteger(found)) return String(found);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** The vendor's clock, to the second. */
export function dateOf(answer: HttpAnswer): number | undefined {
  const date = Date.parse(answer.headers.date ?? '');
  return Number.isNaN(date) ? undefined : date;
}

/** Material does not come back from here: neither the answer's text nor the request is in the error. */
export function statusError(what: string, { status, headers }: HttpAnswer): KeywheelError {
  const say = (code: ErrorCode, retryable: boolean, hint: string): KeywheelError =>
    new KeywheelError(code, `${what} failed, the vendor answered with status ${status}`, { retryable, hint });
  if (status === 401) return say('ERR_TARGET_REFUSED', false, 'the admin token was refused: check its source in keywheel.yaml');
  if (status === 403)
    return say(
      'ERR_TARGET_FORBIDDEN',
      false,
      'the admin token may not do this: give it the scopes that the vendor’s documentation names',
    );
  if (status === 429 || (status === 503 && headers['retry-after'] !== undefined)) {
    return say('ERR_TARGET_THROTTLED', true, 'the vendor asks for fewer requests; it is tried again');
  }
  if (status >= 300 && status < 400)
    return say('ERR_TARGET_FAILED', false, 'redirects are never followed: set baseUrl to the final address');
  if (status >= 500 || status === 408)
    return say('ERR_TARGET_UNREACHABLE', true, 'whether it took effect is unknown; it is found out before anything else is done');
  return say('ERR_TARGET_FAILED', false, 'compare path, method and body in keywheel.yaml with the vendor’s documentation');
}

export function exchangeError(what: string, error: unknown): KeywheelError {
  if (error instanceof KeywheelError) return error;
  if (error instanceof AnswerTooLong) {
    return new KeywheelError('ERR_TARGET_FAILED', `${what} failed, the answer is longer than 1 MiB`, {
      hint: 'ask for smaller pages with query and paging',
    });
  }
  const failure = networkFailure(error);
  if (failure?.outcome === 'tls') {
    return new KeywheelError('ERR_TARGET_TLS', `${what} failed, ${failure.detail}`, {
      hint: 'set ca to the authority that signed the server’s certificate',
    });
  }
  const detail = failure?.detail ?? 'the connection failed';
  return new KeywheelError('ERR_TARGET_UNREACHABLE', `${what} failed, ${detail}`, {
    retryable: true,
    hint: 'check baseUrl and the network; it is tried again',
  });
}
