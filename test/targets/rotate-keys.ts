/** Whole rotations by the real engine over the local store and SQLite state, with short waits. */
import path from 'node:path';
import { openGate, rehearsalGate, systemClock } from '../../shared/deps.ts';
import type { Call, Gate } from '../../shared/deps.ts';
import { KeywheelError } from '../../shared/errors.ts';
import { DEFAULT_POLICY, expectingGate, journalKey, runRotation } from '../../shared/rotation/index.ts';
import type { AdvanceRequest, AdvanceResult, RehearsalLine, RotationPolicy, SecretJournal } from '../../shared/rotation/index.ts';
import { rehearse } from '../../shared/rotation/rehearse.ts';
import { openSqliteState } from '../../shared/state/sqlite.ts';
import { createLocalStoreKey } from '../../shared/stores/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { openLocalStore } from '../../shared/stores/local.ts';
import type { Target } from '../../shared/targets/index.ts';
import { realRandom, scratch } from '../contract/harness.ts';

const NAME = 'app/key';

export interface Rotations {
  /** The target's calls of all real runs, oldest first. */
  readonly calls: Call[];
  /** Called after each call of the target was made; what it throws is an answer that never arrived. */
  onMade(hook: ((call: Call) => void | Promise<void>) | undefined): void;
  rotate(
    request?: Partial<AdvanceRequest>,
    expected?: readonly RehearsalLine[],
    waitUpTo?: number,
  ): Promise<AdvanceResult & { missing: readonly string[] }>;
  rehearse(): Promise<{ lines: readonly RehearsalLine[]; result: AdvanceResult }>;
  current(): Promise<SecretValue>;
  put(value: SecretValue): Promise<void>;
  journal(): Promise<SecretJournal | undefined>;
  installation(): Promise<string>;
  close(): Promise<void>;
}

export const lost = (): never => {
  throw new KeywheelError('ERR_TIMEOUT', 'the answer was lost', { retryable: true });
};

export async function openRotations(
  open: (gate: Gate) => Promise<Target>,
  first: SecretValue,
  change: Partial<RotationPolicy> = {},
): Promise<Rotations> {
  const folder = scratch();
  const at = (file: string): string => path.join(folder.path, file);
  createLocalStoreKey(at('key'));
  const openStore = (gate: Gate) =>
    openLocalStore({ kind: 'local', path: at('store.db'), keyFile: at('key') }, { clock: systemClock, random: realRandom, gate });
  const person = openStore(openGate());
  await person.put(NAME, first);
  const state = openSqliteState({ kind: 'sqlite', path: at('state.db') }, { clock: systemClock, random: realRandom });
  const policy: RotationPolicy = {
    ...DEFAULT_POLICY,
    strategy: 'overlap',
    grace: 300,
    maxCacheAge: 300,
    quiet: 100,
    samples: 2,
    backoff: { first: 20, cap: 200 },
    ...change,
  };
  const calls: Call[] = [];
  let hook: ((call: Call) => void | Promise<void>) | undefined;
  const made = openGate((call) => calls.push(call));
  const gate: Gate = {
    rehearsing: false,
    async run(call, perform, rehearsed) {
      const result = await made.run(call, perform, rehearsed);
      await hook?.(call);
      return result;
    },
  };
  return {
    calls,
    onMade: (next) => void (hook = next),
    async rotate(request = {}, expected, waitUpTo = 20_000) {
      const expecting = expected === undefined ? undefined : expectingGate(gate, expected, NAME, await state.installation());
      const target = await open(expecting ?? gate);
      // Effects of the store are in what was expected, too.
      const store = openStore(expecting === undefined ? openGate() : expecting);
      try {
        const result = await runRotation(
          NAME,
          policy,
          { store, target, state },
          { start: true, reason: 'test', resume: false, ...request },
          { waitUpTo, holder: 'test/1/a' },
          {
            clock: systemClock,
            random: realRandom,
            sleep: (ms) => new Promise((resolve) => void setTimeout(resolve, ms)),
          },
        );
        return { ...result, missing: expecting?.missing() ?? [] };
      } finally {
        await target.close();
        store.close();
      }
    },
    async rehearse() {
      const lines: RehearsalLine[] = [];
      const told = rehearsalGate(({ kind, text }) => void lines.push({ kind, text }));
      const dry = { store: openStore(told), target: await open(told) };
      const live = { store: openStore(openGate()), target: await open(openGate()), state };
      try {
        return await rehearse(NAME, policy, { rehearsing: dry, live, collected: lines }, true, systemClock, realRandom);
      } finally {
        for (const each of [dry, live]) {
          await each.target.close();
          each.store.close();
        }
      }
    },
    current: async () => (await person.read(NAME, 'current'))?.value ?? {},
    put: async (value) => void (await person.put(NAME, value)),
    journal: async () => (await state.get<SecretJournal>(journalKey(NAME)))?.value,
    installation: () => state.installation(),
    async close() {
      person.close();
      await state.close();
      folder.remove();
    },
  };
}
