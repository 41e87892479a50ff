/** What Firestore's errors mean here. Only the status name is kept of them: their texts may quote the request. */
import { KeywheelError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html, in the order of their numbers
const STATUS_NAMES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

export type StatusName = (typeof STATUS_NAMES)[number];

export interface Undertaking {
  /** What is being done, as in `read state record k`. */
  readonly doing: string;
  /** An effect: when there is no clear answer, nobody knows whether it happened. */
  readonly effect: boolean;
  readonly subject: string | undefined;
}

interface Meaning {
  readonly code: ErrorCode;
  readonly why: string;
  readonly hint: string;
  readonly retryable?: true;
}

const MEANINGS: Partial<Record<StatusName, Meaning>> = {
  UNAUTHENTICATED: {
    code: 'ERR_STATE_LOGIN',
    why: 'Firestore does not accept our credential',
    hint: 'give this workload an identity that Application Default Credentials find, or sign in again',
  },
  PERMISSION_DENIED: {
    code: 'ERR_STATE_FORBIDDEN',
    why: 'our identity may not do this in Firestore',
    hint: 'grant it roles/datastore.user on the project, or on this database by a condition',
  },
  RESOURCE_EXHAUSTED: {
    code: 'ERR_STATE_THROTTLED',
    why: 'a quota or the rate limit of Firestore is used up',
    hint: 'try again later; see the quotas of the Firestore API in this project',
    retryable: true,
  },
  ABORTED: {
    code: 'ERR_STATE_UNAVAILABLE',
    why: 'others are changing the same records',
    hint: 'try again',
    retryable: true,
  },
  NOT_FOUND: {
    code: 'ERR_STATE_FAILED',
    why: 'Firestore knows no such project or database',
    hint: 'check project and database in keywheel.yaml, and that the database exists in native mode',
  },
};

const UNANSWERED = new Set<StatusName>(['CANCELLED', 'UNKNOWN', 'DEADLINE_EXCEEDED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS']);

/** Undefined for what is not an answer of the service: a socket that failed, a timer of ours. */
export function statusOf(error: unknown): StatusName | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? STATUS_NAMES[code] : undefined;
}

export function translated(error: unknown, { doing, effect, subject }: Undertaking): KeywheelError {
  if (error instanceof KeywheelError) return error;
  const status = statusOf(error) ?? (lacksCredential(error) ? 'UNAUTHENTICATED' : undefined);
  const about = subject === undefined ? {} : { subject };
  const meaning = status === undefined ? undefined : MEANINGS[status];
  if (meaning !== undefined) {
    const { code, why, hint, retryable = false } = meaning;
    return new KeywheelError(code, `could not ${doing}, because ${why} (${status})`, { hint, retryable, ...about });
  }
  if (status === undefined || UNANSWERED.has(status)) return unavailable(doing, effect, about, status);
  return new KeywheelError('ERR_STATE_FAILED', `could not ${doing}, because Firestore answered ${status}`, {
    hint: 'check that the database is in native mode and that this collection belongs to Keywheel alone',
    ...about,
  });
}

export function contended(subject: string | undefined): KeywheelError {
  const message = `could not change state${subject === undefined ? '' : ` at ${subject}`}, because others kept changing the same records`;
  return new KeywheelError('ERR_STATE_UNAVAILABLE', message, {
    hint: 'try again; nothing was written',
    retryable: true,
    ...(subject === undefined ? {} : { subject }),
  });
}

function unavailable(doing: string, effect: boolean, about: object, status: StatusName | undefined): KeywheelError {
  const answer = `Firestore did not answer${status === undefined ? ' in time' : ` (${status})`}`;
  const message = effect
    ? `tried to ${doing}, and it is not known whether that happened, because ${answer}`
    : `could not ${doing}, because ${answer}`;
  const hint = effect
    ? 'read it again before anything else is done'
    : 'check the network and the status of Firestore, then try again';
  return new KeywheelError('ERR_STATE_UNAVAILABLE', message, { hint, retryable: true, ...about });
}

/** The auth library throws plain errors; its words are read, never repeated. */
function lacksCredential(error: unknown): boolean {
  return (
    error instanceof Error &&
    /credential|invalid_grant|invalid_client|access token|client_email|does not exist, or it is not a file/i.test(error.message)
  );
}
