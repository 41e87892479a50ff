/** This machine alone: the local store, a state file, and the production command line as the one who drives. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openGate, systemClock } from '../../../shared/deps.ts';
import { KeywheelError } from '../../../shared/errors.ts';
import { openState } from '../../../shared/state/index.ts';
import { openStore, supportsPut } from '../../../shared/stores/index.ts';
import { keywheel } from './cli.ts';
import { SECRET, systemRandom } from './files.ts';
import type { Stage, StageJob } from './platform.ts';

export async function openLocalStage(job: StageJob): Promise<Stage> {
  const { configFile } = await job.write({
    state: { kind: 'sqlite', path: 'state.db' },
    store: { kind: 'local', path: 'store.json', keyFile: 'store.key' },
  });
  const file = (name: string): string => path.join(path.dirname(configFile), name);
  await writeFile(file('store.key'), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const deps = { clock: systemClock, random: systemRandom, gate: openGate() };
  const config = { kind: 'local', path: file('store.json'), keyFile: file('store.key') } as const;
  const store = await openStore(config, deps);
  if (!supportsPut(store)) throw new KeywheelError('ERR_INTERNAL', 'the local store cannot take a first value');
  await store.put(SECRET, job.first, null);
  const state = await openState({ kind: 'sqlite', path: file('state.db') }, deps);
  return {
    configFile,
    consumers: { store: config, env: {} },
    state,
    store,
    lookEvery: 4,
    start: (args) => keywheel(args, job.watch),
    output: () => Promise.resolve([]),
    async close() {
      await state.close();
    },
  };
}
