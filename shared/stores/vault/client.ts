/**
 * The HTTP API of Vault and OpenBao: JSON over TLS, `X-Vault-Token`, `X-Vault-Namespace`. No SDK: the vendors have none for Node.
 * https://developer.hashicorp.com/vault/api-docs
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Environment } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import { connectionFailure } from './errors.ts';

export interface VaultRequest {
  readonly method: 'GET' | 'POST';
  /** Below `/v1/`, its segments encoded already; it may end with a query. */
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly token?: string;
  readonly signal?: AbortSignal | undefined;
}

export interface VaultAnswer {
  readonly status: number;
  /** The parsed body; empty when there is none or when it is no JSON object. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The server's own words. They may quote the request: for telling answers apart, never for printing. */
  readonly errors: readonly string[];
  /** What was asked for does not exist, by Vault's own word: a proxy's 404 says nothing about a secret. */
  readonly absent: boolean;
  /** By the server's clock, whole seconds rounded up; milliseconds since the epoch. Undefined when it does not say. */
  readonly at: number | undefined;
}

export interface VaultClient {
  readonly address: string;
  /** Resolves with whatever was answered; ERR_STORE_UNAVAILABLE when nothing was. */
  send(request: VaultRequest): Promise<VaultAnswer>;
  close(): void;
}

export interface VaultClientOptions {
  readonly address: string;
  readonly namespace?: string | undefined;
  /** A PEM file. */
  readonly ca?: string | undefined;
  /**
   * What `namespace` and `ca` do not say, VAULT_NAMESPACE and VAULT_CACERT do, as for the vendor's own tools:
   * https://developer.hashicorp.com/vault/docs/commands#configure-environment-variables
   */
  readonly env?: Environment | undefined;
  /** For jitter. */
  readonly uniform: () => number;
  /** Milliseconds for one attempt, and for all of them with their pauses. */
  readonly timeout?: number;
  readonly budget?: number;
}

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 150;
const LONGEST_PAUSE_MS = 2000;
const LARGEST_ANSWER = 16 * 1024 * 1024;

export function openVaultClient(options: VaultClientOptions): VaultClient {
  const { timeout = 5000, budget = 15_000, uniform, env = {} } = options;
  const namespace = options.namespace ?? (env['VAULT_NAMESPACE'] || undefined);
  const ca = options.ca ?? (env['VAULT_CACERT'] || undefined);
  const base = new URL(`${options.address.replace(/\/+$/, '')}/v1/`);
  const secure = base.protocol === 'https:';
  const agent = secure
    ? new https.Agent({
        keepAlive: true,
        minVersion: 'TLSv1.2',
        rejectUnauthorized: true, // also where NODE_TLS_REJECT_UNAUTHORIZED=0 is set
        ...(ca === undefined ? {} : { ca: readAuthorities(ca) }),
      })
    : new http.Agent({ keepAlive: true });

  const open: Open = (url, settings) => (secure ? https.request : http.request)(url.href, { agent, ...settings });

  /** One exchange. A redirect within the same origin is followed once; the token never goes to another host. */
  async function exchange(request: VaultRequest, url: URL, mayFollow: boolean): Promise<Exchange> {
    const sent = await transmit(open, url, request, namespace, timeout);
    if (sent.location === undefined) return sent;
    const next = URL.canParse(sent.location, url.href) ? new URL(sent.location, url.href) : undefined;
    if (mayFollow && next?.origin === base.origin) return exchange(request, next, false);
    throw new KeywheelError(
      'ERR_STORE_UNAVAILABLE',
      `vault at ${base.host} cannot be used, it redirects to another address and the token is not sent there`,
      { hint: 'let `address` name the active node or a load balancer in front of it', subject: options.address },
    );
  }

  async function send(request: VaultRequest): Promise<VaultAnswer> {
    const url = new URL(request.path, base);
    const deadline = performance.now() + budget;
    for (let attempt = 1; ; attempt++) {
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt) * (0.5 + uniform() / 2);
      const last = attempt === ATTEMPTS || performance.now() + pause + timeout > deadline;
      let wait = pause;
      try {
        const { answer, retryAfter } = await exchange(request, url, true);
        if (last || !worthRepeating(request, answer)) return answer;
        wait = Math.max(pause, Math.min(LONGEST_PAUSE_MS, retryAfter * 1000));
      } catch (error) {
        if (error instanceof KeywheelError) throw error;
        const failure = connectionFailure(base.host, options.address, error, request.signal?.aborted === true);
        // A write may have arrived although its answer did not: whoever asked for it looks before writing again.
        if (last || !failure.retryable || request.method !== 'GET' || request.signal?.aborted === true) throw failure;
      }
      await delay(wait, undefined, request.signal === undefined ? {} : { signal: request.signal }).catch(() => undefined);
    }
  }

  return { address: options.address, send, close: () => agent.destroy() };
}

/**
 * 429 (rate limit quota) and 412 (a node that has not caught up) are refused before anything happens, and so is a write to a mount
 * that is still upgrading itself to version 2. After any other 5xx only a read is repeated; 501 and 503 say sealed or uninitialised.
 * https://developer.hashicorp.com/vault/api-docs#http-status-codes
 */
function worthRepeating(request: VaultRequest, answer: VaultAnswer): boolean {
  if (answer.status === 429 || answer.status === 412 || isUpgrading(answer)) return true;
  return request.method === 'GET' && [500, 502, 504].includes(answer.status);
}

/** https://developer.hashicorp.com/vault/docs/secrets/kv/kv-v2/upgrade */
export const isUpgrading = (answer: VaultAnswer): boolean =>
  answer.status === 400 && answer.errors.some((text) => text.startsWith('Upgrading from non-versioned'));

interface Exchange {
  readonly answer: VaultAnswer;
  readonly retryAfter: number;
  readonly location?: string;
}

type Open = (url: URL, settings: http.RequestOptions) => http.ClientRequest;

function transmit(
  open: Open,
  url: URL,
  request: VaultRequest,
  namespace: string | undefined,
  timeout: number,
): Promise<Exchange> {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const headers: http.OutgoingHttpHeaders = {
    'x-vault-request': 'true', // agents and proxies demand it against forged requests
    ...(request.token === undefined ? {} : { 'x-vault-token': request.token }),
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const signal = request.signal === undefined ? {} : { signal: request.signal };
    const sent = open(url, { method: request.method, headers, ...signal });
    const timer = setTimeout(() => sent.destroy(new Error('timeout', { cause: 'timeout' })), timeout);
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      reject(error instanceof Error ? error : new Error('failed'));
    };
    sent.on('error', fail).on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > LARGEST_ANSWER) sent.destroy(new Error('too large', { cause: 'too large' }));
        else chunks.push(chunk);
      });
      response.on('error', fail).on('end', () => {
        clearTimeout(timer);
        resolve(read(response, Buffer.concat(chunks).toString('utf8')));
      });
    });
    sent.end(body);
  });
}

function read(response: http.IncomingMessage, text: string): Exchange {
  const status = response.statusCode ?? 0;
  const body = objectOf(text);
  const listed = Array.isArray(body['errors']) ? body['errors'] : status < 400 || 'data' in body ? [] : [text.slice(0, 200)];
  const date = Date.parse(response.headers.date ?? '');
  const answer: VaultAnswer = {
    status,
    body,
    errors: listed.filter((error): error is string => typeof error === 'string'),
    absent: status === 404 && listed.length === 0,
    at: Number.isNaN(date) ? undefined : date + 999,
  };
  const location = status >= 300 && status < 400 ? (response.headers.location ?? '') : undefined;
  const retryAfter = Number(response.headers['retry-after'] ?? 0);
  return {
    answer,
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : 0,
    ...(location === undefined ? {} : { location }),
  };
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function readAuthorities(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new KeywheelError('ERR_CONFIG_INVALID', `the certificate authorities in ${file} cannot be read (${code})`, {
      hint: '`ca` of the store, or VAULT_CACERT where it has none, names a PEM file',
      subject: file,
    });
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new KeywheelError(
    'ERR_CONFIG_INVALID',
    `the certificate authorities in ${file} cannot be used, it holds no PEM certificate`,
    {
      hint: '`ca` of the store, or VAULT_CACERT where it has none, names a PEM file',
      subject: file,
    },
  );
}
