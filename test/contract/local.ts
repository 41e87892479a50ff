/** How the contract suites open the adapters that need nothing but a file. */
import path from 'node:path';
import { openGate, rehearsalGate } from '../../shared/deps.ts';
import type { Call } from '../../shared/deps.ts';
import { createLocalStoreKey } from '../../shared/stores/index.ts';
import { openLocalStore } from '../../shared/stores/local.ts';
import type { LocalStore } from '../../shared/stores/local.ts';
import { openSqliteState } from '../../shared/state/sqlite.ts';
import { manualClock, realRandom, scratch } from './harness.ts';
import type { StateHarness } from './state.ts';
import type { StoreHarness } from './store.ts';

export const localStoreHarness: StoreHarness = {
  async open() {
    const directory = scratch();
    const config = {
      kind: 'local' as const,
      path: path.join(directory.path, 'store.db'),
      keyFile: path.join(directory.path, 'key'),
    };
    createLocalStoreKey(config.keyFile);
    const clock = manualClock();
    const calls: Call[] = [];
    const observe = (call: Call) => void calls.push(call);
    const opened: LocalStore[] = [];
    const open = (gate = openGate(observe)) => {
      const store = openLocalStore(config, { clock, random: realRandom, gate });
      opened.push(store);
      return store;
    };
    const store = open();
    const person = open(openGate());
    return {
      store,
      calls,
      clock,
      seed: async (name, value) => void (await person.put(name, value)),
      second: async () => open(),
      rehearsal: async () => open(rehearsalGate(observe)),
      close: async () => {
        for (const one of opened) one.close();
        directory.remove();
      },
    };
  },
};

export const sqliteStateHarness: StateHarness = {
  async open() {
    const directory = scratch();
    const clock = manualClock();
    const open = () =>
      openSqliteState({ kind: 'sqlite', path: path.join(directory.path, 'state.db') }, { clock, random: realRandom });
    const state = open();
    const opened = [state];
    return {
      state,
      clock,
      second: async () => {
        const other = open();
        opened.push(other);
        return other;
      },
      close: async () => {
        for (const one of opened) await one.close();
        directory.remove();
      },
    };
  },
};
