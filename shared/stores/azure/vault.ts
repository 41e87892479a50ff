/** The five calls of Key Vault that the store makes, each bounded in time and with our errors. */
import type { SecretClient, SecretProperties } from '@azure/keyvault-secrets';
import type { Random } from '../../deps.ts';
import { KeywheelError } from '../../errors.ts';
import { innerCodeOf, statusOf, storeError } from './errors.ts';

/** One version of one secret, as Key Vault tells it. */
export interface VaultVersion {
  /** 32 hexadecimal digits. */
  readonly kv: string;
  /** Milliseconds, of whole seconds: Key Vault's times have no more. */
  readonly created: number;
  readonly enabled: boolean;
  readonly tags: Readonly<Record<string, string>>;
  readonly expiresOn?: Date;
  readonly notBefore?: Date;
  readonly contentType?: string;
}

export interface VaultValue extends VaultVersion {
  readonly text: string;
}

export interface SetOptions {
  readonly tags: Readonly<Record<string, string>>;
  readonly expiresOn?: Date;
  readonly notBefore?: Date;
  readonly contentType: string;
}

export interface Vault {
  /** Names of secrets that the vault's owner manages, in no order; those of certificates are left out. */
  secrets(): AsyncIterable<string>;
  /** Every version, in no order; none when there is no such secret. */
  versions(secret: string): Promise<VaultVersion[]>;
  /** The newest version or the one that is named; undefined when there is none, `disabled` when Key Vault will not show it. */
  get(secret: string, kv?: string, signal?: AbortSignal): Promise<VaultValue | 'disabled' | undefined>;
  /** A new version, which is the newest at once. Never made twice: an unknown outcome is reported. */
  set(secret: string, text: string, options: SetOptions): Promise<VaultVersion>;
  /** Replaces attributes and the whole map of tags of one version. */
  amend(
    secret: string,
    kv: string,
    change: { readonly enabled: boolean; readonly tags: Readonly<Record<string, string>> },
  ): Promise<void>;
}

/** For one call with its second try; a long list of versions is one call. */
const CALL_MS = 16_000;
const TRIES = 2;
/** With less time left, a second try would only say the same later. */
const LEAST_MS = 2000;

export function vaultOver(client: () => Promise<SecretClient>, random: Random): Vault {
  const call = async <T>(
    doing: string,
    secret: string,
    tries: number,
    work: (to: SecretClient, signal: AbortSignal) => Promise<T>,
    stop?: AbortSignal,
  ): Promise<T> => {
    const until = Date.now() + CALL_MS;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await within(until - Date.now(), stop, async (signal) => work(await client(), signal));
      } catch (error) {
        const told = storeError(error, doing, secret);
        const again = attempt < tries && told.code === 'ERR_STORE_UNAVAILABLE' && stop?.aborted !== true;
        if (!again || until - Date.now() < LEAST_MS) throw told;
        await new Promise((resolve) => setTimeout(resolve, 100 + 400 * random.uniform()));
      }
    }
  };
  return {
    async *secrets() {
      const pages = (await client()).listPropertiesOfSecrets()[Symbol.asyncIterator]();
      for (;;) {
        const next = await call('the vault could not be listed', 'list', 1, () => pages.next());
        if (next.done === true) return;
        if (next.value.managed !== true) yield next.value.name;
      }
    },
    versions: (secret) =>
      call(`versions of ${secret} could not be listed`, secret, TRIES, async (to, abortSignal) => {
        const found: VaultVersion[] = [];
        try {
          for await (const one of to.listPropertiesOfSecretVersions(secret, { abortSignal })) found.push(versionOf(one));
        } catch (error) {
          if (statusOf(error) !== 404) throw error;
          return [];
        }
        return found;
      }),
    get: (secret, kv, stop) =>
      call(
        `secret ${secret} could not be read`,
        secret,
        TRIES,
        async (to, abortSignal) => {
          try {
            const { properties, value } = await to.getSecret(
              secret,
              kv === undefined ? { abortSignal } : { version: kv, abortSignal },
            );
            if (properties.enabled === false) return 'disabled';
            return { ...versionOf(properties), text: value ?? '' };
          } catch (error) {
            // "Operation get is not allowed on a disabled secret": 403, as a missing permission is.
            if (statusOf(error) === 403 && innerCodeOf(error) === 'SecretDisabled') return 'disabled';
            if (statusOf(error) === 404) return undefined;
            // A version id that Key Vault could not have given.
            if (kv !== undefined && statusOf(error) === 400) return undefined;
            throw error;
          }
        },
        stop,
      ),
    set: (secret, text, options) =>
      call(`secret ${secret} could not be set`, secret, 1, async (to, abortSignal) => {
        const { properties } = await to.setSecret(secret, text, {
          ...options,
          tags: { ...options.tags },
          enabled: true,
          abortSignal,
        });
        return versionOf(properties);
      }),
    amend: (secret, kv, { enabled, tags }) =>
      // Repeating it changes nothing more.
      call(`version ${kv} of ${secret} could not be changed`, secret, TRIES, async (to, abortSignal) => {
        await to.updateSecretProperties(secret, kv, { enabled, tags: { ...tags }, abortSignal });
      }),
  };
}

function versionOf(properties: SecretProperties): VaultVersion {
  const { version, createdOn, enabled, tags, expiresOn, notBefore, contentType } = properties;
  if (version === undefined) throw new KeywheelError('ERR_STORE_FAILED', 'Key Vault named a secret without its version');
  return {
    kv: version,
    created: createdOn?.getTime() ?? 0,
    enabled: enabled !== false,
    tags: tags ?? {},
    ...(expiresOn instanceof Date ? { expiresOn } : {}),
    ...(notBefore instanceof Date ? { notBefore } : {}),
    ...(typeof contentType === 'string' ? { contentType } : {}),
  };
}

/** The SDK does not pass the signal on to every request (a second page, a login), so time is kept here too. */
async function within<T>(ms: number, stop: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = stop === undefined ? AbortSignal.timeout(ms) : AbortSignal.any([stop, AbortSignal.timeout(ms)]);
  let end = (): void => {};
  const late = new Promise<never>((_, reject) => {
    end = () => reject(Object.assign(new Error('no answer in time'), { name: 'TimeoutError' }));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
  try {
    return await Promise.race([work(signal), late]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
