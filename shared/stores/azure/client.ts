/** The SDK's client for one vault, and the credential that it logs in with. Loaded at first use. */
import type { TokenCredential } from '@azure/identity';
import type { SecretClient, SecretClientOptions } from '@azure/keyvault-secrets';
import { KeywheelError } from '../../errors.ts';

export interface AzureStoreOptions {
  /** Instead of the default chain (environment, workload identity, managed identity, developer tools). */
  readonly credential?: TokenCredential;
}

/** Known to every vault and emulator; nothing later is needed. */
const API_VERSION = '7.4';
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/i;

/** ERR_CONFIG_INVALID unless it is https, or http to this machine. */
export function checkAddress(vaultUrl: string): URL {
  const url = URL.canParse(vaultUrl) ? new URL(vaultUrl) : undefined;
  if (url !== undefined && (url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname)))) return url;
  throw new KeywheelError('ERR_CONFIG_INVALID', `vaultUrl ${vaultUrl} cannot be used, it is no https address`, {
    hint: 'write one such as https://NAME.vault.azure.net; http is for this machine only',
  });
}

export async function openSecretClient(url: URL, options: AzureStoreOptions): Promise<SecretClient> {
  const local = LOOPBACK.test(url.hostname);
  const [{ SecretClient }, credential] = await Promise.all([
    import('@azure/keyvault-secrets'),
    options.credential ?? defaultCredential(),
  ]);
  const http = url.protocol === 'http:';
  return new SecretClient(http ? url.href.replace(CLEARTEXT, 'https:') : url.href, credential, {
    serviceVersion: API_VERSION,
    // A retried set makes a second version, and a Retry-After may be longer than a function lives: retrying is done where it is safe.
    retryOptions: { maxRetries: 0 },
    ...(http ? { additionalPolicies: overHttp() } : {}),
    // An address of this machine is under no vault's domain. Everywhere else a token goes only where its resource says:
    // https://devblogs.microsoft.com/azure-sdk/guidance-for-applications-using-the-key-vault-libraries/
    disableChallengeResourceVerification: local,
  });
}

type Policies = NonNullable<SecretClientOptions['additionalPolicies']>;

const CLEARTEXT = /^http:/i;

/**
 * Since version 2.1.1 of its common part the SDK logs in to https addresses only. An emulator on this machine may speak http all the same: the
 * SDK is told https, also of an address that the emulator gives for the next page, and what goes to the wire is http.
 */
export function overHttp(): Policies {
  return [
    {
      position: 'perCall',
      policy: {
        name: 'keywheelToldHttps',
        sendRequest(request, next) {
          request.url = request.url.replace(CLEARTEXT, 'https:');
          return next(request);
        },
      },
    },
    {
      position: 'perRetry',
      policy: {
        name: 'keywheelSentHttp',
        async sendRequest(request, next) {
          const told = request.url;
          request.url = told.replace(/^https:/i, 'http:');
          request.allowInsecureConnection = true;
          try {
            return await next(request);
          } finally {
            request.url = told; // the answer to a challenge goes to where the challenge came from
          }
        },
      },
    },
  ];
}

async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  try {
    return new DefaultAzureCredential();
  } catch {
    throw new KeywheelError('ERR_STORE_LOGIN', 'no Azure identity can be used, the environment asks for an unknown kind of it', {
      hint: 'unset AZURE_TOKEN_CREDENTIALS, or set it to prod',
    });
  }
}
