/**
 * The consumer's side: AccessSecretVersion of the alias `current`, for which roles/secretmanager.secretAccessor on the one secret is enough.
 * It never falls back to `latest`: that is a version before it is published, and after a roll-back the wrong one.
 */
import type { GcpStoreConfig } from '../../config/index.ts';
import { KeywheelError } from '../../errors.ts';
import type { ReaderDeps, SecretReader } from '../reader.ts';
import { payloadOf } from './api.ts';
import { openClient, type Client } from './client.ts';
import { stateIn, STATUS, statusOf, storeError } from './errors.ts';
import { openNames } from './names.ts';
import { decodePayload } from './payload.ts';

/** The version that it tells is the version's number: the rotation that published it is not for consumers to read. */
export async function openGcpReader(config: GcpStoreConfig, _deps: ReaderDeps): Promise<SecretReader> {
  const names = openNames(config.pendingSuffix);
  const client = openClient(config, Math.random);
  const parent = `projects/${config.project}${config.location === undefined ? '' : `/locations/${config.location}`}`;
  return {
    kind: 'gcp',
    async current(name, signal) {
      const id = names.idOf(name);
      const secret = `${parent}/secrets/${id}`;
      try {
        const [response] = await client.call(
          'read',
          (sdk, options) => sdk.accessSecretVersion({ name: `${secret}/versions/current` }, options),
          signal,
        );
        const version = response.name?.split('/').at(-1) ?? '';
        return { version, value: decodePayload(name, version, payloadOf(response, id)) };
      } catch (error) {
        signal?.throwIfAborted();
        const status = statusOf(error);
        if (status === STATUS.NOT_FOUND) {
          if (!(await hasVersion(client, secret, id, signal))) return undefined;
          throw new KeywheelError('ERR_SECRET_INVALID', `secret ${name} has no version alias current, which consumers read`, {
            hint: `gcloud secrets update ${id} --update-version-aliases=current=N, or let Keywheel rotate it once`,
            subject: name,
          });
        }
        const state = stateIn(error);
        if (state === undefined) throw storeError(error, 'AccessSecretVersion', id);
        throw new KeywheelError('ERR_SECRET_INVALID', `the current version of secret ${name} is ${state.toLowerCase()}`, {
          hint: `enable it, or let the alias current of ${id} name another version`,
          subject: name,
        });
      }
    },
    close: () => client.close(),
  };
}

/** NOT_FOUND does not say whether the secret or the alias is missing. `latest` says so, with the same permission; its value is not used. */
async function hasVersion(client: Client, secret: string, id: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    await client.call('read', (sdk, options) => sdk.accessSecretVersion({ name: `${secret}/versions/latest` }, options), signal);
    return true;
  } catch (error) {
    if (statusOf(error) === STATUS.FAILED_PRECONDITION) return true;
    if (statusOf(error) === STATUS.NOT_FOUND) return false;
    throw storeError(error, 'AccessSecretVersion', id);
  }
}
