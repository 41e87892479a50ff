/** The vendor's client: loaded on first use, with the default credential chain, a deadline on each call, and no retries of its own. */
import type { SecretManagerServiceClient } from '@google-cloud/secret-manager';
import type { GcpStoreConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import { STATUS, statusOf } from './errors.ts';

/** A step of a rotation makes several calls; none of them may take long. */
const DEADLINE = 5_000;
const ATTEMPTS = 3;
/** Reads may be asked again, and so may what a quota turned away. A write that was not answered may have taken effect. */
const AGAIN: Readonly<Record<'read' | 'write', readonly (number | undefined)[]>> = {
  read: [STATUS.UNAVAILABLE, STATUS.DEADLINE_EXCEEDED, STATUS.INTERNAL, STATUS.RESOURCE_EXHAUSTED],
  write: [STATUS.RESOURCE_EXHAUSTED],
};

interface CallOptions {
  readonly timeout: number;
  readonly retry: null;
  readonly signal?: AbortSignal;
}

export interface Client {
  /** Makes one call, and again where that is safe. Throws what the SDK threw. */
  call<T>(
    kind: 'read' | 'write',
    perform: (sdk: SecretManagerServiceClient, options: CallOptions) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T>;
  close(): Promise<void>;
}

/** `uniform` is for jitter. ERR_CONFIG_INVALID when the endpoint is cleartext and not this machine. */
export function openClient(config: GcpStoreConfig, uniform: () => number): Client {
  const url = config.endpoint === undefined ? undefined : new URL(config.endpoint);
  if (url?.protocol === 'http:' && !isThisMachine(url)) {
    throw new KeywheelError('ERR_CONFIG_INVALID', `endpoint ${url.origin} is http and would show secrets to who listens`, {
      hint: 'use https; http is for this machine only',
      subject: 'endpoint',
    });
  }
  let opened: Promise<SecretManagerServiceClient> | undefined;
  return {
    async call(kind, perform, signal) {
      const options = { timeout: DEADLINE, retry: null, ...(signal === undefined ? {} : { signal }) };
      for (let attempt = 1; ; attempt += 1) {
        signal?.throwIfAborted();
        try {
          opened ??= load(config, url).catch((error: unknown) => {
            opened = undefined; // the SDK would never look for a credential again
            throw error;
          });
          return await within(
            DEADLINE + 1_000,
            opened.then((sdk) => perform(sdk, options)),
          );
        } catch (error) {
          if (attempt >= ATTEMPTS || !AGAIN[kind].includes(statusOf(error))) throw error;
          await pause(50 * 4 ** attempt * (0.5 + uniform() / 2));
        }
      }
    },
    async close() {
      const closing = opened;
      opened = undefined;
      await closing?.then((sdk) => sdk.close()).catch(() => undefined); // one that never opened has nothing to close
    },
  };
}

async function load(config: GcpStoreConfig, url: URL | undefined): Promise<SecretManagerServiceClient> {
  const { SecretManagerServiceClient: Sdk } = await import('@google-cloud/secret-manager');
  const sdk = new Sdk(await optionsFor(config, url));
  await sdk.initialize();
  return sdk;
}

async function optionsFor({ location }: GcpStoreConfig, url: URL | undefined): Promise<SdkOptions> {
  // Regional secrets are reached in their region only: https://docs.cloud.google.com/secret-manager/docs/reference/rest
  if (url === undefined) return location === undefined ? {} : { apiEndpoint: `secretmanager.${location}.rep.googleapis.com` };
  const at = {
    apiEndpoint: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (url.protocol === 'http:' ? 80 : 443)),
  };
  if (url.protocol === 'https:') return at;
  const { grpc } = await import('google-gax');
  // Cleartext, and so no credential of ours is sent, nor looked for; and no proxy between this machine and itself.
  const options = { sslCreds: grpc.credentials.createInsecure(), clientOptions: { universe_domain: 'googleapis.com' } };
  return { ...at, ...options, 'grpc.enable_http_proxy': 0 };
}

type SdkOptions = NonNullable<ConstructorParameters<typeof SecretManagerServiceClient>[0]>;

function isThisMachine(url: URL): boolean {
  return url.hostname === 'localhost' || url.hostname === '[::1]' || /^127(\.\d+){3}$/.test(url.hostname);
}

/** The SDK's deadline starts only when it has a credential, and the search for one has none. */
async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const late = Object.assign(new Error('no answer in time'), { code: STATUS.DEADLINE_EXCEEDED });
  const timer = setTimeout(() => timeout.reject(late), milliseconds);
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

export const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
