/** How the contract suite and the tests beside it open the Vault store over a real OpenBao: a mount of its own for each test. */
import { setTimeout as delay } from 'node:timers/promises';
import type { VaultStoreConfig } from '../../shared/config/index.ts';
import { openGate, rehearsalGate } from '../../shared/deps.ts';
import type { Call, Gate } from '../../shared/deps.ts';
import type { SecretStore, SecretValue } from '../../shared/stores/index.ts';
import { openVaultStore } from '../../shared/stores/vault.ts';
import type { OpenBaoClient } from '../peers/index.ts';
import { manualClock, realRandom } from './harness.ts';
import type { StoreHarness } from './store.ts';

export const PENDING = 'keywheel-pending/';

/** What the role that rotates needs for the secrets under `folder` of a mount (`''`: all of it). shared/stores/vault.ts prints it. */
export const rotatorPolicy = (mount: string, folder = ''): string => `
  path "${mount}/data/${folder}*"                 { capabilities = ["create", "read", "update"] }
  path "${mount}/metadata/${folder}*"             { capabilities = ["read", "list"] }
  path "${mount}/data/${PENDING}${folder}*"       { capabilities = ["create", "read", "update"] }
  path "${mount}/metadata/${PENDING}${folder}*"   { capabilities = ["create", "update"] }
  path "${mount}/config"                          { capabilities = ["read"] }`;

let mounts = 0;

/** A new KV v2 mount that is ready. */
export async function newMount(client: OpenBaoClient): Promise<string> {
  const mount = `kv${++mounts}`;
  await client.write(`sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } });
  // It upgrades itself for a moment, and refuses everything while it does.
  for (let tries = 0; ; tries++) {
    const ready = await client.read(`${mount}/config`).then(
      () => true,
      (error: unknown) => {
        if (tries > 400) throw error;
        return false;
      },
    );
    if (ready) return mount;
    await delay(10);
  }
}

/** An AppRole with this policy, and the login for it. The auth method must be there. */
export async function appRole(
  client: OpenBaoClient,
  name: string,
  policy: string,
  role: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly login: VaultStoreConfig['login']; readonly env: Record<string, string> }> {
  await client.write(`sys/policies/acl/${name}`, { policy });
  await client.write(`auth/approle/role/${name}`, { token_policies: name, token_ttl: '5m', ...role });
  const { role_id } = await client.read<{ role_id: string }>(`auth/approle/role/${name}/role-id`);
  const { secret_id } = await client.write<{ secret_id: string }>(`auth/approle/role/${name}/secret-id`);
  return {
    login: { method: 'approle', mount: 'approle', roleIdEnv: 'ROLE_ID', secretIdEnv: 'SECRET_ID' },
    env: { ROLE_ID: role_id, SECRET_ID: secret_id },
  };
}

/** KV keeps a map and gives its fields back sorted by name; the contract compares texts, so the order of what was seeded is put back. */
function ordered(store: SecretStore, seeded: ReadonlyMap<string, readonly string[]>): SecretStore {
  return {
    ...store,
    async read(name, at) {
      const version = await store.read(name, at);
      const order = seeded.get(name) ?? [];
      if (version === undefined || Object.keys(version.value).toSorted().join('\n') !== order.toSorted().join('\n'))
        return version;
      return { ...version, value: Object.fromEntries(order.map((field) => [field, version.value[field]])) as SecretValue };
    },
  };
}

/** Each adapter logs in by an AppRole whose policy is the documented one and nothing more. Seeds are written past the adapter. */
export function vaultStoreHarness(bao: () => OpenBaoClient): StoreHarness {
  return {
    async open() {
      const client = bao();
      const mount = await newMount(client);
      const { login, env } = await appRole(client, `rotator-${mount}`, rotatorPolicy(mount));
      const config: VaultStoreConfig = { kind: 'vault', address: client.address, mount, pendingPrefix: PENDING, login };
      const clock = manualClock();
      const calls: Call[] = [];
      const observe = (call: Call) => void calls.push(call);
      const opened: SecretStore[] = [];
      const seeded = new Map<string, readonly string[]>();
      const open = async (gate: Gate = openGate(observe)) => {
        const store = await openVaultStore(config, { clock, random: realRandom, gate, env });
        opened.push(store);
        return ordered(store, seeded);
      };
      return {
        store: await open(),
        calls,
        clock,
        seed: async (name, value) => {
          seeded.set(name, Object.keys(value));
          await client.write(`${mount}/data/${name.split('/').map(encodeURIComponent).join('/')}`, { data: value });
        },
        second: () => open(),
        rehearsal: () => open(rehearsalGate(observe)),
        close: async () => {
          for (const one of opened) await one.close?.();
          await client.request('DELETE', `sys/mounts/${mount}`);
        },
      };
    },
  };
}
