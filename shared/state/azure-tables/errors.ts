/** What Table Storage and its login answer, as our errors. Only codes, statuses and request ids are taken over: texts may quote requests. */
import { KeywheelError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

interface Answer {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly details?: { readonly odataError?: { readonly code?: unknown } };
  readonly response?: { readonly headers?: { get?(name: string): string | undefined } };
}

/** The HTTP status, in a transaction that of the refused part; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as Answer | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** `TableNotFound`, `UpdateConditionNotSatisfied`, …: https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes */
export function codeOf(error: unknown): string | undefined {
  const { code, details, response } = (error ?? {}) as Answer;
  const told = details?.odataError?.code ?? response?.headers?.get?.('x-ms-error-code') ?? code;
  return typeof told === 'string' ? told : undefined;
}

/** A condition that did not hold, as against anything that went wrong. */
export function isMismatch(error: unknown): boolean {
  const status = statusOf(error);
  return status === 412 || status === 409 || (status === 404 && codeOf(error) !== 'TableNotFound');
}

const LOGIN = new Set([
  'CredentialUnavailableError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'AggregateAuthenticationError',
]);
const TOO_LARGE = new Set(['EntityTooLarge', 'PropertyValueTooLarge', 'RequestBodyTooLarge', 'ContentLengthExceeded']);

interface Told {
  readonly code: ErrorCode;
  readonly why: string;
  readonly hint: string;
  readonly retryable?: boolean;
}

/** `doing` is what failed, for example `state record k could not be written`; it never holds values. */
export function stateError(error: unknown, doing: string, subject: string, table: string): KeywheelError {
  if (error instanceof KeywheelError) return error;
  const { code, why, hint, retryable = false } = classify(error, table);
  const named = codeOf(error);
  const request = (error as Answer).response?.headers?.get?.('x-ms-request-id');
  const more = [
    named !== undefined && /^[A-Za-z]+$/.test(named) ? named : undefined,
    request === undefined ? undefined : `request ${request}`,
  ].filter((part) => part !== undefined);
  return new KeywheelError(code, `${doing}, ${why}${more.length === 0 ? '' : ` (${more.join(', ')})`}`, {
    hint,
    retryable,
    subject,
  });
}

function classify(error: unknown, table: string): Told {
  const status = statusOf(error);
  const { name, code } = (error ?? {}) as Answer;
  const unavailable = (why: string): Told => ({
    code: 'ERR_STATE_UNAVAILABLE',
    why,
    hint: 'it is tried again; look at the storage account’s and the network’s health if it stays so',
    retryable: true,
  });
  if (typeof name === 'string' && LOGIN.has(name)) {
    if (status !== undefined && (status >= 500 || status === 429)) return unavailable(`the login service answered ${status}`);
    return {
      code: 'ERR_STATE_LOGIN',
      why: 'no Azure identity could log in',
      hint: 'give this host a managed identity or workload identity, or run `az login`',
    };
  }
  if (name === 'AbortError' || name === 'TimeoutError') return unavailable('Table Storage did not answer in time');
  if (status === undefined) {
    return unavailable(`Table Storage cannot be reached${typeof code === 'string' && /^[A-Z_]+$/.test(code) ? `: ${code}` : ''}`);
  }
  return byStatus(status, codeOf(error), table, unavailable);
}

function byStatus(status: number, code: string | undefined, table: string, unavailable: (why: string) => Told): Told {
  if (status === 401 || code === 'AuthenticationFailed') {
    return {
      code: 'ERR_STATE_LOGIN',
      why: 'Table Storage refused the login',
      hint: 'log in again, or check the identity’s tenant and the clock',
    };
  }
  if (status === 403) {
    const network = code === 'AuthorizationFailure';
    return {
      code: 'ERR_STATE_FORBIDDEN',
      why: network ? 'the storage account’s network rules do not allow it' : 'Table Storage does not allow it to this identity',
      hint: network
        ? 'call from an allowed network, or add this one to the storage account'
        : 'grant the role `Storage Table Data Contributor` on the table; a new grant takes some minutes',
    };
  }
  if (code === 'TableNotFound' || code === 'TableBeingDeleted') {
    return {
      code: 'ERR_STATE_FAILED',
      why: `there is no table ${table}`,
      hint: `make it: az storage table create --name ${table} --auth-mode login --account-name NAME`,
    };
  }
  // "The server is busy" is how storage throttles: https://learn.microsoft.com/azure/storage/tables/storage-performance-checklist
  if (status === 429 || code === 'ServerBusy') {
    return { code: 'ERR_STATE_THROTTLED', why: 'Table Storage throttles', hint: 'it is tried again later', retryable: true };
  }
  if (status === 413 || (code !== undefined && TOO_LARGE.has(code))) return full('Table Storage takes no record so large');
  if (status >= 500 || status === 408) return unavailable(`Table Storage answered ${status}`);
  return { code: 'ERR_STATE_FAILED', why: `Table Storage answered ${status}`, hint: 'see the storage account’s diagnostic log' };
}

function full(why: string): Told {
  return { code: 'ERR_STATE_FULL', why, hint: 'a record holds 500,000 characters of JSON, a transaction 4 MiB' };
}

export function fullError(key: string, why: string): KeywheelError {
  const { code, hint } = full(why);
  return new KeywheelError(code, `state record ${key} was not written, ${why}`, { hint, subject: key });
}
