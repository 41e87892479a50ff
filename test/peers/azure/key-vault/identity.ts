/**
 * Tokens, and the endpoint at which App Service and Azure Functions give them to managed identities, so that processes under test log in
 * with the SDK's own default chain: https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export const RESOURCE = 'https://vault.azure.net';

export class Identity {
  /** What the endpoint asks for in X-IDENTITY-HEADER. */
  readonly header: string = randomUUID();
  /** How many tokens were asked for. */
  issued = 0;
  readonly #tokens = new Map<string, number>();

  issue(lifetime = 3_600_000): { token: string; expiresOnTimestamp: number } {
    this.issued += 1;
    const token = `test-token-${randomUUID()}`;
    const expiresOnTimestamp = Date.now() + lifetime;
    this.#tokens.set(token, expiresOnTimestamp);
    return { token, expiresOnTimestamp };
  }

  /** Ends every token that was given out, while whoever has one still believes in it. */
  expireAll(): void {
    for (const token of this.#tokens.keys()) this.#tokens.set(token, 0);
  }

  check(token: string): 'good' | 'expired' | 'unknown' {
    const until = this.#tokens.get(token);
    return until === undefined ? 'unknown' : until > Date.now() ? 'good' : 'expired';
  }

  answer(request: IncomingMessage, url: URL, response: ServerResponse): void {
    const asked = url.searchParams.get('resource');
    const good = request.headers['x-identity-header'] === this.header && url.searchParams.get('api-version') === '2019-08-01';
    if (!good || asked?.replace(/\/$/, '') !== RESOURCE) {
      response
        .writeHead(400, { 'content-type': 'application/json' })
        .end(JSON.stringify({ statusCode: 400, message: 'refused' }));
      return;
    }
    const { token, expiresOnTimestamp } = this.issue();
    const body = {
      access_token: token,
      expires_on: String(Math.floor(expiresOnTimestamp / 1000)),
      resource: asked,
      token_type: 'Bearer',
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
}
