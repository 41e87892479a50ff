/** One HTTP exchange with a pinned server: no redirects, no proxy, a bounded answer, TLS that is always checked. */
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Connection {
  /** PEM text of the authorities to trust instead of the system's. */
  readonly ca?: string;
  /** Milliseconds until the whole answer must have come. */
  readonly timeout: number;
}

const MOST_BYTES = 1024 * 1024;

/** The answer was longer than any list of keys should be. */
export class AnswerTooLong extends Error {}

/** Rejects with Node's own error; `networkFailure` tells what it means. */
export function exchange(request: HttpRequest, { ca, timeout }: Connection): Promise<HttpAnswer> {
  const { method, url, headers, body } = request;
  const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const outgoing = open(url, {
      method,
      // A connection of its own, so that a probe is answered by whoever would answer a consumer now.
      agent: false,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        'user-agent': 'keywheel',
        ...headers,
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
      },
      // Said aloud: NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment would turn the default off.
      rejectUnauthorized: true,
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
    });
    const late = setTimeout(() => outgoing.destroy(new DOMException('no answer in time', 'TimeoutError')), timeout);
    const fail = (error: Error): void => {
      clearTimeout(late);
      reject(error);
    };
    outgoing.on('error', fail);
    outgoing.on('response', (incoming) => {
      read(incoming).then((text) => {
        clearTimeout(late);
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
      }, fail);
    });
    outgoing.end(body);
  });
}

async function read(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MOST_BYTES) {
      incoming.destroy();
      throw new AnswerTooLong();
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
