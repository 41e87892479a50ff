/** What the adapters to AWS have in common: how a client is set up, and what a failed call means. Loads no SDK. */

export interface AwsPlace {
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
}

/**
 * Settings for any client of the SDK. Credentials are the SDK's default chain; region and endpoint too, unless the configuration names them
 * (the SDK itself reads AWS_REGION, AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>). Three attempts of at most 5 s each keep a call under 20 s.
 */
export function awsSettings({ region, endpoint }: AwsPlace) {
  return {
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    maxAttempts: 3,
    retryMode: 'standard',
    requestHandler: { connectionTimeout: 2000, requestTimeout: 5000, throwOnRequestTimeout: true },
  } as const;
}

type AwsFailureKind = 'login' | 'forbidden' | 'throttled' | 'unavailable' | 'region' | 'other';

export interface AwsFailure {
  readonly kind: AwsFailureKind;
  /** The service's or the SDK's name of the error, such as `AccessDeniedException`. Fit to print. */
  readonly name: string;
  /** The name, the HTTP status and the request id: what a person gives to AWS's support. Fit to print. */
  readonly text: string;
}

// https://docs.aws.amazon.com/general/latest/gr/api-error-codes.html and the SDK's own names for a chain that finds nothing.
const LOGIN = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'RequestExpired',
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidAccessKeyId',
  'InvalidSignatureException',
  'SignatureDoesNotMatch',
  'IncompleteSignature',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'InvalidToken',
  'AuthFailure',
  // Of AssumeRoleWithWebIdentity: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
  'InvalidIdentityToken',
  'InvalidIdentityTokenException',
  'IDPRejectedClaim',
  'IDPRejectedClaimException',
]);
const FORBIDDEN = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'NotAuthorized',
  'UnauthorizedOperation',
  'OptInRequired',
  'KMSAccessDeniedException',
]);
const THROTTLED = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'ProvisionedThroughputExceededException',
  'SlowDown',
  'PriorRequestNotComplete',
]);

/** Judges by the error's name and status only: its text may repeat what was sent. */
export function awsFailure(error: unknown): AwsFailure {
  const {
    name: named,
    code,
    $fault,
    $metadata,
  } = (typeof error === 'object' && error !== null ? error : {}) as {
    readonly name?: unknown;
    readonly code?: unknown;
    readonly $fault?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  };
  const status = $metadata?.httpStatusCode;
  // Node's network errors are plain Errors with a code.
  const name = printable($fault === undefined && typeof code === 'string' ? code : named) ?? 'an unknown error';
  const more = [status === undefined ? undefined : `status ${status}`, printable($metadata?.requestId, 'request ')];
  const told = more.filter((part) => part !== undefined).join(', ');
  return { kind: kindOf(error, name, status, $fault), name, text: told === '' ? name : `${name} (${told})` };
}

function kindOf(error: unknown, name: string, status: number | undefined, fault: unknown): AwsFailureKind {
  if (LOGIN.has(name)) return 'login';
  if (FORBIDDEN.has(name)) return 'forbidden';
  if (THROTTLED.has(name) || status === 429) return 'throttled';
  // The SDK throws a plain Error when nothing tells the region.
  if (fault === undefined && error instanceof Error && error.message === 'Region is missing') return 'region';
  if (fault === 'client' && status !== undefined && status < 500)
    return status === 401 ? 'login' : status === 403 ? 'forbidden' : 'other';
  // No answer, an answer that cannot be read, or a server's error: it may have happened or not.
  return 'unavailable';
}

function printable(text: unknown, prefix = ''): string | undefined {
  return typeof text === 'string' && /^[\w.#:-]{1,128}$/.test(text) ? `${prefix}${text}` : undefined;
}
