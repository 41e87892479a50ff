/** What Secret Manager answers, as Keywheel's errors. Only the status and the method are told: the vendor's text may quote a request. */
import { KeywheelError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

/** https://grpc.io/docs/guides/status-codes/ */
export const STATUS = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** The permission that each method needs: https://docs.cloud.google.com/secret-manager/docs/access-control */
const PERMISSIONS = {
  ListSecrets: 'secretmanager.secrets.list',
  GetSecret: 'secretmanager.secrets.get',
  CreateSecret: 'secretmanager.secrets.create',
  UpdateSecret: 'secretmanager.secrets.update',
  AddSecretVersion: 'secretmanager.versions.add',
  ListSecretVersions: 'secretmanager.versions.list',
  GetSecretVersion: 'secretmanager.versions.get',
  AccessSecretVersion: 'secretmanager.versions.access',
  DestroySecretVersion: 'secretmanager.versions.destroy',
} as const;

export type Method = keyof typeof PERMISSIONS;

/** The gRPC status of what the SDK threw; undefined when the call did not come so far, because there is no credential for it. */
export function statusOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  // The token is fetched inside the call, and that it could not be is told as a status of the call.
  if (detailsOf(error).startsWith('Getting metadata from plugin failed') || typeof code !== 'number') {
    return UNREACHED.test(`${String(code)} ${detailsOf(error)} ${String(error)}`) ? STATUS.UNAVAILABLE : undefined;
  }
  return code;
}

const UNREACHED = /ECONN|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ENETUNREACH|EHOSTUNREACH|socket hang up|network timeout/;

function detailsOf(error: unknown): string {
  const details = (error as { details?: unknown } | null)?.details;
  return typeof details === 'string' ? details : '';
}

/** What is said, without names: those of secrets may hold any of the words that are looked for, and those of keys say that it is about a key. */
function wordsOf(error: unknown): string {
  return detailsOf(error).replace(/projects\/[^\s\]"',]+/g, (name) => (name.includes('/cryptoKeys/') ? 'KMS' : ''));
}

/**
 * A write whose etag is not the stored one: FAILED_PRECONDITION, as is much else, so its text decides
 * (https://docs.cloud.google.com/secret-manager/docs/etags). AIP-154 asks for ABORTED instead, which newer services answer.
 */
export function isRace(error: unknown): boolean {
  const status = statusOf(error);
  return status === STATUS.ABORTED || (status === STATUS.FAILED_PRECONDITION && /etag/i.test(wordsOf(error)));
}

/** A refusal for the state of things whose words say neither of which thing nor what state: no documentation promises them. The thing itself tells. */
export function isUntold(error: unknown): boolean {
  return statusOf(error) === STATUS.FAILED_PRECONDITION && !isRace(error) && !isOfKey(error) && stateIn(error) === undefined;
}

/** A key version of Cloud KMS has states of the same names, and the same status tells that it cannot be used. */
function isOfKey(error: unknown): boolean {
  return statusOf(error) === STATUS.FAILED_PRECONDITION && /\b(KMS|CMEK)\b/i.test(wordsOf(error));
}

/** The state that keeps a version from being read, by the error that says so. */
export function stateIn(error: unknown): 'DISABLED' | 'DESTROYED' | undefined {
  if (statusOf(error) !== STATUS.FAILED_PRECONDITION || isOfKey(error)) return undefined;
  const state = /\b(DISABLED|DESTROYED)\b/i.exec(wordsOf(error))?.[1]?.toUpperCase();
  return state === 'DESTROYED' || state === 'DISABLED' ? state : undefined;
}

export function storeError(error: unknown, method: Method, subject: string): KeywheelError {
  if (error instanceof KeywheelError) return error;
  const status = statusOf(error);
  const name = Object.entries(STATUS).find(([, code]) => code === status)?.[0] ?? 'no status';
  const [code, why, hint, retryable = false] = isOfKey(error) ? KEY : meaning(status, method);
  const options = { hint, retryable, subject };
  return new KeywheelError(code, `${method} of ${subject} in Google Secret Manager failed, because ${why} (${name})`, options);
}

const KEY: ReturnType<typeof meaning> = [
  'ERR_STORE_KEY',
  'its Cloud KMS key cannot be used',
  'check that the key version exists, is enabled, and that the service agent of Secret Manager may use it',
];

function meaning(status: number | undefined, method: Method): [code: ErrorCode, why: string, hint: string, retryable?: boolean] {
  switch (status) {
    case undefined:
    case STATUS.UNAUTHENTICATED:
      return [
        'ERR_STORE_LOGIN',
        'no credential was found, or it was refused',
        'run with a service account of its own (workload identity), or `gcloud auth application-default login` on a desk',
      ];
    case STATUS.PERMISSION_DENIED:
      return [
        'ERR_STORE_FORBIDDEN',
        'it is not allowed',
        `grant ${PERMISSIONS[method]} on the secret, and see that the Secret Manager API is enabled in the project`,
      ];
    case STATUS.NOT_FOUND:
      return [
        'ERR_SECRET_NOT_FOUND',
        'there is no such secret or version',
        'look at project and location of the store in keywheel.yaml',
      ];
    case STATUS.RESOURCE_EXHAUSTED:
      return ['ERR_STORE_THROTTLED', 'a quota is used up', 'wait, or raise the quota of the Secret Manager API', true];
    case STATUS.INVALID_ARGUMENT:
    case STATUS.ALREADY_EXISTS:
    case STATUS.FAILED_PRECONDITION:
    case STATUS.OUT_OF_RANGE:
    case STATUS.UNIMPLEMENTED:
      return [
        'ERR_STORE_FAILED',
        'it was refused',
        'look at the secret: its key (CMEK), its aliases (50), its annotations (16 KiB)',
      ];
    default:
      // Also INTERNAL and DEADLINE_EXCEEDED: whether it took effect is not known, and asking again tells.
      return ['ERR_STORE_UNAVAILABLE', 'it did not answer', 'it is tried again', true];
  }
}
