/** A token issuer on this machine: its keys on loopback, and tokens as tests want them. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import type { ManualConfig } from '../../shared/config/index.ts';

export interface Issuer {
  /** The section `manual` of keywheel.yaml. */
  readonly manual: ManualConfig;
  /** Signed with the issuer's key, valid for a minute from `now`; `claims` replace its own. */
  token(claims?: JWTPayload, now?: number): Promise<string>;
  /** The same claims, signed with a key that the issuer does not publish. */
  foreign(): Promise<string>;
  /** How often its keys were read. */
  readonly reads: () => number;
  close(): void;
}

export const SUBJECT = 'operator-1';

export async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const other = await generateKeyPair('ES256');
  const key = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'ES256', use: 'sig' };
  let reads = 0;
  const server = createServer((_request, response) => {
    reads += 1;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: [key] }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;
  const sign = (claims: JWTPayload, now: number, signing: typeof privateKey): Promise<string> => {
    const seconds = Math.floor(now / 1000);
    return new SignJWT({ iss: issuer, aud: 'keywheel', sub: SUBJECT, iat: seconds, exp: seconds + 60, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(signing);
  };
  return {
    manual: { issuer, audience: 'keywheel', jwksUri: `${issuer}/keys`, subjects: [SUBJECT, 'person@example.com'] },
    token: (claims = {}, now = Date.now()) => sign(claims, now, privateKey),
    foreign: () => sign({}, Date.now(), other.privateKey),
    reads: () => reads,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
