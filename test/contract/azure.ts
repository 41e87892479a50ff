/** How the contract suite opens Key Vault stores: the real SDK over the strict server in test/peers/azure. */
import { openGate, rehearsalGate } from '../../shared/deps.ts';
import type { Call } from '../../shared/deps.ts';
import { openAzureStore } from '../../shared/stores/azure.ts';
import { vaultName } from '../../shared/stores/azure/names.ts';
import { startKeyVault } from '../peers/azure/key-vault/server.ts';
import type { KeyVault } from '../peers/azure/key-vault/server.ts';
import { fakeStateHarness } from './fakes.ts';
import { manualClock, realRandom } from './harness.ts';
import type { StoreFixture, StoreHarness } from './store.ts';

export interface AzureFixture extends StoreFixture {
  readonly vault: KeyVault;
}

/** `apart`: every version in a second of its own, so that hand edits have an order; else all within one, as in a storm. */
export async function openAzureFixture(apart = true): Promise<AzureFixture> {
  const clock = manualClock();
  let ticks = 0;
  const vault = await startKeyVault({ now: () => clock.now() + (apart ? (ticks += 1000) : 0) });
  const states = await fakeStateHarness.open();
  const calls: Call[] = [];
  const observe = (call: Call) => void calls.push(call);
  const config = { kind: 'azure' as const, vaultUrl: vault.url, pendingSuffix: '--pending' };
  const open = (gate = openGate(observe)) =>
    openAzureStore(config, { clock, random: realRandom, gate, state: () => states.second() }, { credential: vault.credential });
  return {
    vault,
    store: await open(),
    calls,
    clock,
    largest: 25_600,
    seed: async (name, value) => void vault.set(vaultName(name), JSON.stringify(value)),
    second: () => open(),
    rehearsal: () => open(rehearsalGate(observe)),
    close: async () => {
      await states.close();
      await vault.stop();
    },
  };
}

export const azureStoreHarness: StoreHarness = { open: () => openAzureFixture() };
