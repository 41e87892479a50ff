/** What Key Vault and its login answer, as our errors. Only codes, statuses and request ids are taken over: texts may quote requests. */
import { KeywheelError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';

interface Answer {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly statusCode?: unknown;
  readonly message?: unknown;
  readonly details?: { readonly error?: { readonly innerError?: { readonly code?: unknown } } };
  readonly response?: { readonly headers?: { get?(name: string): string | undefined } };
}

/** The HTTP status; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as Answer | undefined)?.statusCode;
  return typeof status === 'number' ? status : undefined;
}

/** `SecretDisabled`, `ForbiddenByRbac`, `ObjectIsDeletedButRecoverable`, …: what Key Vault says under its general code. */
export function innerCodeOf(error: unknown): string | undefined {
  const code = (error as Answer | undefined)?.details?.error?.innerError?.code;
  return typeof code === 'string' ? code : undefined;
}

const LOGIN = new Set([
  'CredentialUnavailableError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'AggregateAuthenticationError',
]);

interface Told {
  readonly code: ErrorCode;
  readonly why: string;
  readonly hint: string;
  readonly retryable?: boolean;
}

const LATER = 'it is tried again; look at the vault’s and the network’s health if it stays so';

/** `doing` is what failed, for example `secret app/db could not be read`; it never holds material. */
export function storeError(error: unknown, doing: string, subject: string): KeywheelError {
  if (error instanceof KeywheelError) return error;
  const { code, why, hint, retryable = false } = classify(error);
  const inner = innerCodeOf(error);
  const request = (error as Answer).response?.headers?.get?.('x-ms-request-id');
  const more = [inner, request === undefined ? undefined : `request ${request}`].filter((part) => part !== undefined);
  const message = `${doing}, ${why}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
  return new KeywheelError(code, message, { hint, retryable, subject });
}

function classify(error: unknown): Told {
  const { name, code, message } = (error ?? {}) as Answer;
  const status = statusOf(error);
  const unavailable = (why: string): Told => ({ code: 'ERR_STORE_UNAVAILABLE', why, hint: LATER, retryable: true });
  if (typeof name === 'string' && LOGIN.has(name)) {
    if (status !== undefined && (status >= 500 || status === 429)) return unavailable(`the login service answered ${status}`);
    return {
      code: 'ERR_STORE_LOGIN',
      why: 'no Azure identity could log in',
      hint: 'give this host a managed identity or workload identity, or run `az login`',
    };
  }
  if (name === 'AbortError' || name === 'TimeoutError') return unavailable('Key Vault did not answer in time');
  if (status === undefined) {
    if (typeof message === 'string' && message.startsWith('The challenge ')) {
      return {
        code: 'ERR_STORE_LOGIN',
        why: 'the address asks for a login to another service than Key Vault',
        hint: 'check vaultUrl: no credential was sent to it',
      };
    }
    const named = typeof code === 'string' && /^[A-Z_]+$/.test(code) ? `: ${code}` : '';
    const told = unavailable(`Key Vault cannot be reached${named}`);
    if (!/CERT|TLS|SSL/.test(named)) return told;
    return { ...told, hint: 'its certificate is not trusted here: check the address, or what inspects TLS on the way' };
  }
  return byStatus(status, innerCodeOf(error), unavailable);
}

/** https://learn.microsoft.com/azure/key-vault/general/rest-error-codes */
function byStatus(status: number, inner: string | undefined, unavailable: (why: string) => Told): Told {
  if (status === 401) {
    return {
      code: 'ERR_STORE_LOGIN',
      why: 'Key Vault refused the login: it expired or is for another tenant',
      hint: 'log in again, or check the identity’s tenant',
    };
  }
  if (status === 403) {
    const firewall = inner === 'ForbiddenByFirewall' || inner === 'ForbiddenByConnection';
    return {
      code: 'ERR_STORE_FORBIDDEN',
      why: firewall ? 'the vault’s firewall does not let this address in' : 'Key Vault does not allow it to this identity',
      hint: firewall
        ? 'call from an allowed network, or add this one to the vault’s firewall'
        : 'grant it getSecret, setSecret, update and readMetadata (role Key Vault Secrets Officer); a new grant takes some minutes',
    };
  }
  if (status === 409 && inner === 'ObjectIsDeletedButRecoverable') {
    return {
      code: 'ERR_STORE_FAILED',
      why: 'a deleted secret still holds its name in Key Vault',
      hint: 'recover it with `az keyvault secret recover`, or purge it',
    };
  }
  if (status === 429) {
    return { code: 'ERR_STORE_THROTTLED', why: 'Key Vault throttles', hint: 'it is tried again later', retryable: true };
  }
  // 409 otherwise: deletion, recovery or another write of the same secret is under way.
  if (status >= 500 || status === 408 || status === 409) return unavailable(`Key Vault answered ${status}`);
  return {
    code: 'ERR_STORE_FAILED',
    why: `Key Vault answered ${status}`,
    hint: 'see what the vault’s diagnostic log says of it',
  };
}
