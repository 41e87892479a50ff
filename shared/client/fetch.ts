/** A fetch that sends a secret as a header, and sends again once with the refreshed one when it was refused. */
import { KeywheelError } from '../errors.ts';
import type { SecretValue } from '../stores/index.ts';
import { textOf, veil } from './secret.ts';
import type { SecretClient } from './types.ts';

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface SecretFetchOptions {
  /** The only origin that the secret is sent to, for example `https://api.example.com`. */
  readonly origin: string;
  /** Default `authorization`. */
  readonly header?: string;
  /** The header's content. Default: `Bearer ` and the secret's field `token`. */
  readonly content?: (value: SecretValue) => string;
  /** Default: the global fetch. */
  readonly fetch?: Fetch;
}

/**
 * The result is called as fetch is. At 401 the secret is refreshed, and if it changed and the body can be sent again (a stream cannot), the
 * request is repeated once; otherwise the 401 is the answer. A request to another origin is refused with ERR_USAGE, and a redirect is an error
 * unless you ask for `redirect: 'manual'`: fetch would send any header but `authorization` on to the other origin.
 */
export function secretFetch(client: SecretClient, name: string, options: SecretFetchOptions): Fetch {
  const { header = 'authorization', content = (value) => `Bearer ${textOf(name, value, 'token')}` } = options;
  const { origin } = new URL(options.origin);
  const perform = options.fetch ?? ((...given) => fetch(...given));

  const send: Fetch = async (input, init = {}) => {
    const request = input instanceof Request ? input : undefined;
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== origin) throw elsewhere(name, url.origin, origin);
    const redirect = (init.redirect ?? request?.redirect) === 'manual' ? 'manual' : 'error';

    const once = (value: SecretValue): Promise<Response> => {
      const headers = new Headers(init.headers ?? request?.headers);
      headers.set(header, plain(name, content(value)));
      return perform(input, { ...init, headers, redirect });
    };

    const secret = await client.get(name, init.signal ? { signal: init.signal } : {});
    const response = await once(secret.value);
    if (response.ok) client.accepted(name, secret.version);
    if (response.status !== 401) return response;
    const next = await client.refused(name, secret.version);
    if (next === undefined || !replayable(init.body ?? request?.body)) return response;
    await response.body?.cancel();
    return once(next.value);
  };
  veil(send, () => ({ secret: name, origin, header }));
  return send;
}

/** What fetch reads anew each time it is given it. */
function replayable(body: unknown): boolean {
  return (
    body === undefined ||
    body === null ||
    typeof body === 'string' ||
    body instanceof ArrayBuffer ||
    ArrayBuffer.isView(body) ||
    body instanceof Blob ||
    body instanceof FormData ||
    body instanceof URLSearchParams
  );
}

/** Checked here, because Headers quotes what it does not take in its error. */
function plain(name: string, content: string): string {
  if (/^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(content)) return content;
  throw new KeywheelError('ERR_SECRET_INVALID', `secret ${name} cannot be sent as a header, because of a character in it`, {
    hint: 'a header holds one line of Latin-1 text',
    subject: name,
  });
}

function elsewhere(name: string, asked: string, origin: string): KeywheelError {
  return new KeywheelError('ERR_USAGE', `secret ${name} was not sent to ${asked}, because it is for ${origin} only`, {
    hint: 'use another fetch for other servers',
    subject: name,
  });
}
