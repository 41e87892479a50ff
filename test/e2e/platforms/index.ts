/**
 * The stages of four platforms: real host processes, real or emulated stores, and the platform's own way to ask. `keywheel demo --platform` loads
 * this file from a checkout, and the end-to-end plays the same scene on it.
 */
import { SECRET, systemRandom } from '../../../functions/cli/demo/files.ts';
import type { PlatformName, Stage, StageJob } from '../../../functions/cli/demo/platform.ts';
import { lastRotation } from '../../../functions/cli/demo/watch.ts';
import { loadConfig } from '../../../shared/config/index.ts';
import { openGate, systemClock } from '../../../shared/deps.ts';
import { KeywheelError } from '../../../shared/errors.ts';
import { openState } from '../../../shared/state/index.ts';
import { openStore, supportsPut } from '../../../shared/stores/index.ts';
import { aws } from './aws.ts';
import { azure } from './azure.ts';
import type { Definition } from './cloud.ts';
import { driverOf } from './drive.ts';
import { replaceEnvironment, trust } from './environment.ts';
import { gcp } from './gcp.ts';
import { vault } from './vault.ts';

export const definitions: Readonly<Record<PlatformName, Definition>> = { aws, gcp, azure, vault };

/** A look is a request to an emulator, which has other work. */
const LOOK_EVERY = 25;

/** @throws ERR_MISSING_PEER when something that it needs cannot be had on this machine. */
export async function openPlatform(name: PlatformName, job: StageJob): Promise<Stage> {
  const closing: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    // Every step is taken, whatever the others do.
    for (let step = closing.pop(); step; step = closing.pop())
      await Promise.resolve()
        .then(step)
        .catch(() => undefined);
  };
  try {
    const cloud = await definitions[name].open(job, SECRET);
    closing.push(() => cloud.stop());
    closing.push(replaceEnvironment(cloud.env));
    if (cloud.authority !== undefined) closing.push(trust(cloud.authority));
    const { configFile } = await job.write(cloud.sections);
    const config = await loadConfig(configFile);
    const main = config.stores['main'];
    if (main === undefined) throw new KeywheelError('ERR_INTERNAL', 'the configuration has no store main');
    const deps = { clock: systemClock, random: systemRandom, gate: openGate() };
    const state = await openState(config.state, deps);
    closing.push(() => state.close());
    const store = await openStore(main, { ...deps, state: () => Promise.resolve(state) });
    closing.push(() => store.close?.());
    if (!supportsPut(store)) throw new KeywheelError('ERR_INTERNAL', `the ${store.kind} store cannot take a first value`);
    await store.put(SECRET, job.first, null);

    const rotator = cloud.rotator(configFile);
    const { title, consumers } = cloud;
    const about = { platform: { name, title }, configFile, consumers, state, store, lookEvery: LOOK_EVERY, close };
    if ('run' in rotator) return { ...about, start: (args) => rotator.run(args), output: () => rotator.output() };
    closing.push(() => rotator.stop());
    const start = driverOf(rotator, () => lastRotation({ state, secret: SECRET }));
    return { ...about, start, output: () => rotator.output() };
  } catch (error) {
    await close();
    throw error;
  }
}
