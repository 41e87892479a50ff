/** What the tests of the Vault store share: a mount with a rotator's login, and stores over it. */
import type { VaultStoreConfig } from '../../shared/config/index.ts';
import { openGate, rehearsalGate } from '../../shared/deps.ts';
import type { Call, Clock } from '../../shared/deps.ts';
import type { SecretStore, SupportsPut } from '../../shared/stores/index.ts';
import { openVaultStore } from '../../shared/stores/vault.ts';
import { manualClock, realRandom } from '../contract/harness.ts';
import { appRole, newMount, PENDING, rotatorPolicy } from '../contract/vault.ts';
import type { OpenBaoClient } from '../peers/index.ts';

export type VaultStore = SecretStore & SupportsPut;

export interface Room {
  readonly mount: string;
  readonly calls: Call[];
  readonly config: VaultStoreConfig;
  readonly env: Record<string, string>;
  /** A store with the rotator's login, or with what is given instead. */
  open(over?: Partial<VaultStoreConfig>, env?: Record<string, string>, clock?: Clock): Promise<VaultStore>;
  rehearse(): Promise<VaultStore>;
  close(): Promise<void>;
}

/** The AppRole auth method must be there. */
export async function openRoom(client: OpenBaoClient, role: Readonly<Record<string, unknown>> = {}): Promise<Room> {
  const mount = await newMount(client);
  const { login, env } = await appRole(client, `rotator-${mount}`, rotatorPolicy(mount), role);
  const config: VaultStoreConfig = { kind: 'vault', address: client.address, mount, pendingPrefix: PENDING, login };
  const calls: Call[] = [];
  const observe = (call: Call) => void calls.push(call);
  const opened: VaultStore[] = [];
  const keep = (store: VaultStore): VaultStore => {
    opened.push(store);
    return store;
  };
  return {
    mount,
    calls,
    config,
    env,
    open: async (over = {}, with_ = env, clock = manualClock()) =>
      keep(await openVaultStore({ ...config, ...over }, { clock, random: realRandom, gate: openGate(observe), env: with_ })),
    rehearse: async () =>
      keep(await openVaultStore(config, { clock: manualClock(), random: realRandom, gate: rehearsalGate(observe), env })),
    close: async () => {
      for (const store of opened) await store.close?.();
    },
  };
}

/** Certificates of an authority of our own, made by the server's PKI engine. */
export async function certificates(client: OpenBaoClient): Promise<{ ca: string; certificate: string; key: string }> {
  await client.write('sys/mounts/pki', { type: 'pki' });
  const root = await client.write<{ certificate: string }>('pki/root/generate/internal', { common_name: 'test', ttl: '1h' });
  await client.write('pki/roles/server', { allow_any_name: true, allow_ip_sans: true, max_ttl: '30m' });
  const issued = await client.write<{ certificate: string; private_key: string }>('pki/issue/server', {
    common_name: 'vault.test',
    ip_sans: '127.0.0.1',
    ttl: '20m',
  });
  return { ca: root.certificate, certificate: issued.certificate, key: issued.private_key };
}
