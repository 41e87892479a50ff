/** The SDK's client for one vault, and the credential that it logs in with. Loaded at first use. */
import type { TokenCredential } from '@azure/identity';
import type { SecretClient } from '@azure/keyvault-secrets';
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
  return new SecretClient(url.href, credential, {
    serviceVersion: API_VERSION,
    // A retried set makes a second version, and a Retry-After may be longer than a function lives: retrying is done where it is safe.
    retryOptions: { maxRetries: 0 },
    allowInsecureConnection: url.protocol === 'http:',
    // An address of this machine is under no vault's domain. Everywhere else a token goes only where its resource says:
    // https://devblogs.microsoft.com/azure-sdk/guidance-for-applications-using-the-key-vault-libraries/
    disableChallengeResourceVerification: local,
  });
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
