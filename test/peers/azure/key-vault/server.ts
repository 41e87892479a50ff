/**
 * A strict server of Key Vault's secrets, for the real SDK: the bearer challenge, versions of the API, paging, soft delete, and every error
 * as the vendor documents it. HTTPS as Key Vault is, or loopback HTTP for tests within one process.
 */
import { randomUUID } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeCertificate } from './certificate.ts';
import { Faults } from './faults.ts';
import type { Fault, RequestSeen } from './faults.ts';
import { Identity, RESOURCE } from './identity.ts';
import { SecretsModel, VaultError } from './model.ts';
import type { Parameters, StoredVersion } from './model.ts';
import { perform, route } from './routes.ts';

export interface KeyVaultOptions {
  readonly tls?: boolean;
  /** More names that the certificate is good for. */
  readonly names?: readonly string[];
  /** Milliseconds since the epoch; Key Vault keeps whole seconds of it. */
  readonly now?: () => number;
}

export interface KeyVault {
  readonly url: string;
  readonly port: number;
  readonly identity: Identity;
  /** For clients in this process. */
  readonly credential: { getToken(): Promise<{ token: string; expiresOnTimestamp: number }> };
  /** For processes: trust, and the managed identity endpoint that the SDK's default chain finds. */
  readonly env: Readonly<Record<string, string>>;
  /** Every request that was let in, oldest first. */
  readonly requests: readonly RequestSeen[];
  readonly faults: { add(fault: Fault): void; clear(): void };
  /** Runs before each request is done, for edits that come in between. */
  onRequest: ((seen: RequestSeen) => void | Promise<void>) | undefined;
  /** As a person does in the portal: past all faults. */
  set(name: string, value: string, more?: Omit<Parameters, 'value'>): StoredVersion;
  setEnabled(name: string, version: string, enabled: boolean): void;
  remove(name: string): void;
  /** Oldest first, with values. */
  history(name: string): readonly StoredVersion[];
  stop(): Promise<void>;
}

const TENANT = '11111111-2222-3333-4444-555555555555';
/** https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses#authentication */
const CHALLENGE = `Bearer authorization="https://login.microsoftonline.com/${TENANT}", resource="${RESOURCE}"`;
/** Stable versions: https://learn.microsoft.com/rest/api/keyvault/ */
const VERSIONS = new Set(['7.0', '7.1', '7.2', '7.3', '7.4', '7.5', '7.6', '2025-07-01', '2026-04-01']);

export async function startKeyVault(options: KeyVaultOptions = {}): Promise<KeyVault> {
  const model = new SecretsModel(options.now ?? Date.now);
  const faults = new Faults();
  const identity = new Identity();
  const requests: RequestSeen[] = [];
  const certificate = options.tls === true ? makeCertificate(['localhost', ...(options.names ?? [])]) : undefined;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', `${certificate === undefined ? 'http' : 'https'}://${request.headers.host ?? ''}`);
    const body = await text(request);
    if (url.pathname === '/identity/token') return identity.answer(request, url, response);
    response.setHeader('x-ms-request-id', randomUUID());
    response.setHeader('x-ms-keyvault-service-version', '1.9.0.0');
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const known = token === undefined ? 'missing' : identity.check(token);
    if (known !== 'good') {
      response.setHeader('www-authenticate', known === 'expired' ? `${CHALLENGE}, error="invalid_token"` : CHALLENGE);
      const message =
        known === 'missing' ? 'AKV10000: Request is missing a Bearer or PoP token.' : 'AKV10001: The token is not valid.';
      return answer(response, 401, { error: { code: 'Unauthorized', message } });
    }
    const apiVersion = url.searchParams.get('api-version');
    if (apiVersion === null || !VERSIONS.has(apiVersion))
      throw new VaultError(400, 'BadParameter', 'api-version is missing or unknown.');
    const seen = route(request.method ?? '', url);
    requests.push(seen);
    await vault.onRequest?.(seen);
    const fault = faults.take(seen);
    if (fault !== undefined) refuse(fault, response);
    if (body !== '' && request.headers['content-type']?.startsWith('application/json') !== true) {
      throw new VaultError(415, 'UnsupportedMediaType', 'Bodies are application/json.');
    }
    const done = perform(model, seen, url, body === '' ? {} : (JSON.parse(body) as Parameters));
    if (fault === 'cut') return void request.socket.destroy();
    if (fault === 'lost') throw new VaultError(500, 'InternalServerError', 'An internal error has occurred.');
    answer(response, done === undefined ? 204 : 200, done);
  };

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response).catch((error: unknown) => {
      const known = error instanceof VaultError ? error : new VaultError(500, 'InternalServerError', String(error));
      const inner = known.inner === undefined ? {} : { innererror: { code: known.inner } };
      answer(response, known.status, { error: { code: known.code, message: known.message, ...inner } });
    });
  };
  const server = certificate === undefined ? createHttpServer(listener) : createHttpsServer(certificate, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const address = `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;

  const vault: KeyVault = {
    url: address,
    port,
    identity,
    credential: { getToken: () => Promise.resolve(identity.issue()) },
    env: {
      IDENTITY_ENDPOINT: `${address}/identity/token`,
      IDENTITY_HEADER: identity.header,
      ...(certificate === undefined ? {} : { NODE_EXTRA_CA_CERTS: certificate.file }),
    },
    requests,
    faults,
    onRequest: undefined,
    set: (name, value, more) => model.set(name, { ...more, value }).version,
    setEnabled: (name, version, enabled) => void model.update(name, version, { attributes: { enabled } }),
    remove: (name) => void model.delete(name),
    history: (name) => model.history(name),
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      certificate?.remove();
    },
  };
  return vault;
}

/** https://learn.microsoft.com/azure/key-vault/general/rest-error-codes */
function refuse(fault: Fault['kind'], response: ServerResponse): void {
  if (fault === 'lost' || fault === 'cut') return;
  if (fault === 'failed') throw new VaultError(500, 'InternalServerError', 'An internal error has occurred.');
  if (fault === 'throttled') {
    // https://learn.microsoft.com/azure/key-vault/general/overview-throttling
    response.setHeader('retry-after', '30');
    throw new VaultError(429, 'Throttled', 'Request was not processed because too many requests were received.');
  }
  const message =
    fault === 'ForbiddenByFirewall'
      ? 'Client address is not authorized and caller is not a trusted service.'
      : 'Caller is not authorized to perform action on resource.';
  throw new VaultError(403, 'Forbidden', message, fault);
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  if (body === undefined) return void response.writeHead(status).end();
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(body));
}

async function text(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
