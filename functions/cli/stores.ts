import { nearest, type Environment, type LoadedConfig } from '../../shared/config/index.ts';
import { rehearsalGate, type Gate } from '../../shared/deps.ts';
import { KeywheelError } from '../../shared/errors.ts';
import { openState, type State } from '../../shared/state/index.ts';
import type { SecretStore } from '../../shared/stores/index.ts';
import { openNamedStore, systemDeps } from '../../shared/engine/index.ts';

/** For commands that only look: nothing they open makes a file or changes one. */
export const readingGate: Gate = rehearsalGate(() => undefined);

/**
 * The store that holds `name`: that of the secret in keywheel.yaml, else the one that --store names, else the only one.
 * Secrets that are not rotated, such as an admin credential, are in a store without being in `secrets`.
 */
function storeNameOf(config: LoadedConfig, name: string, flag: string | undefined): string {
  const stores = Object.keys(config.stores);
  const configured = Object.hasOwn(config.secrets, name) ? config.secrets[name]?.store : undefined;
  if (flag !== undefined) {
    if (!stores.includes(flag)) {
      const near = nearest(flag, stores);
      throw new KeywheelError(
        'ERR_USAGE',
        `no store ${JSON.stringify(flag)}${near === undefined ? '' : `, did you mean ${JSON.stringify(near)}`}`,
        {
          hint: `stores has: ${stores.join(', ')}`,
        },
      );
    }
    if (configured !== undefined && configured !== flag) {
      throw new KeywheelError('ERR_USAGE', `${name} is in store ${configured}, not in ${flag}`, { hint: 'leave --store out' });
    }
    return flag;
  }
  const only = stores.length === 1 ? stores[0] : undefined;
  const found = configured ?? only;
  if (found !== undefined) return found;
  throw new KeywheelError('ERR_USAGE', `${name} is not in secrets, and there are ${stores.length} stores`, {
    hint: `say which one with --store: ${stores.join(', ')}`,
  });
}

/** Opens the store that holds `name`, gives it to `work`, and lets go of all that was opened: connections, logins, a lease's state. */
export async function withStore<T>(
  { config, env, gate }: { readonly config: LoadedConfig; readonly env: Environment; readonly gate: Gate },
  name: string,
  flag: string | undefined,
  work: (store: SecretStore) => Promise<T>,
): Promise<T> {
  let state: Promise<State> | undefined;
  const leases = (): Promise<State> => (state ??= openState(config.state, systemDeps));
  const store = await openNamedStore(config, storeNameOf(config, name, flag), systemDeps, gate, { env, state: leases });
  try {
    return await work(store);
  } finally {
    await store.close?.();
    if (state !== undefined) await (await state).close();
  }
}

/** For a name that the store does not know. */
export function notFound(config: LoadedConfig, name: string, what = 'it has no such secret'): KeywheelError {
  const near = Object.hasOwn(config.secrets, name) ? undefined : nearest(name, Object.keys(config.secrets));
  return new KeywheelError('ERR_SECRET_NOT_FOUND', `${name} cannot be read from the store, ${what}`, {
    hint:
      near === undefined
        ? `write its first value with: keywheel put ${name} --new < value.json`
        : `did you mean ${JSON.stringify(near)}`,
    subject: name,
  });
}
