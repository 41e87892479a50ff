/** Who asks. A token is checked against what keywheel.yaml pins: issuer, audience, keys and subjects; nothing in a request can change any of them. */
import type { createRemoteJWKSet, errors as joseErrors } from 'jose';
import { KeywheelError } from '../errors.ts';
import type { ManualConfig } from '../config/index.ts';
import type { Host } from './host.ts';

export interface Caller {
  /** For the log and the journal: an ARN, a subject or an address. */
  readonly subject: string;
}

type KeySet = ReturnType<typeof createRemoteJWKSet>;

/** One per address and instance: the issuer's keys are cached as `jose` sees fit, and read again when a token names an unknown one. */
const keySets = new Map<string, KeySet>();

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const TIMEOUT = 5000;

/** ERR_REQUEST_UNAUTHENTICATED without a valid token, ERR_REQUEST_FORBIDDEN for a subject that is not pinned, ERR_TARGET_UNREACHABLE when the issuer's keys cannot be read. */
export async function authenticate(
  request: { readonly authorization: string | undefined; readonly caller?: Caller | undefined },
  { config, deps }: Pick<Host, 'config' | 'deps'>,
): Promise<Caller> {
  if (request.caller !== undefined) return request.caller;
  const token = /^Bearer ([\w.~+/=-]+)$/i.exec(request.authorization ?? '')?.[1];
  if (token === undefined) throw unauthenticated('the request carries no bearer token');
  const { manual } = config;
  if (manual === undefined) throw unauthenticated('keywheel.yaml has no section manual, so no token is known');
  const subjects = await subjectsOf(token, manual, deps.clock.now());
  const subject = subjects.find((each) => manual.subjects.includes(each));
  if (subject !== undefined) return { subject };
  throw new KeywheelError('ERR_REQUEST_FORBIDDEN', 'the token is valid, but its subject may not ask for rotations', {
    hint: 'add the subject to manual.subjects in keywheel.yaml and deploy again',
  });
}

async function subjectsOf(token: string, manual: ManualConfig, now: number): Promise<string[]> {
  const jose = await import('jose');
  let keys = keySets.get(manual.jwksUri);
  if (keys === undefined) {
    keys = jose.createRemoteJWKSet(new URL(manual.jwksUri), { timeoutDuration: TIMEOUT, cooldownDuration: 30_000 });
    keySets.set(manual.jwksUri, keys);
  }
  try {
    const { payload } = await jose.jwtVerify(token, keys, {
      issuer: manual.issuer,
      audience: manual.audience,
      algorithms: ALGORITHMS,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: 30,
      currentDate: new Date(now),
    });
    // An address that the issuer did not verify could be anybody's.
    const email = payload['email_verified'] === true && typeof payload['email'] === 'string' ? [payload['email']] : [];
    return [payload.sub ?? '', ...email].filter((each) => each !== '');
  } catch (error) {
    if (error instanceof jose.errors.JWKSTimeout || !(error instanceof jose.errors.JOSEError)) {
      throw new KeywheelError(
        'ERR_TARGET_UNREACHABLE',
        'the keys of the token issuer cannot be read, so nobody can be authenticated',
        {
          hint: `look whether ${manual.jwksUri} answers from where this function runs`,
          retryable: true,
        },
      );
    }
    throw unauthenticated(`the token is not valid: ${reasonOf(error, jose.errors)}`);
  }
}

/** Never the token nor a claim of it. */
function reasonOf(error: Error, errors: typeof joseErrors): string {
  if (error instanceof errors.JWTExpired) return 'it has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `its claim ${error.claim} is not what is pinned`;
  if (error instanceof errors.JWSSignatureVerificationFailed || error instanceof errors.JWKSNoMatchingKey)
    return 'it is not signed by the pinned issuer';
  return 'it cannot be read as a signed token';
}

function unauthenticated(message: string): KeywheelError {
  return new KeywheelError('ERR_REQUEST_UNAUTHENTICATED', message, {
    hint: 'call with a token of the pinned issuer and audience: Authorization: Bearer TOKEN',
  });
}
