/** The faults that befall functions between their calls, and the matrix: every effect × every fault. */
import { KeywheelError } from '../../shared/errors.ts';
import type { Cloud } from './cloud-stores.ts';
import type { Grounds } from './cloud-targets.ts';
import { openWorld } from './cloud-world.ts';
import { Scene, type DriverFault, type DriverMutant, type ScenePlan } from './drivers-scene.ts';
import { TICK, type Delivery, type Driver } from './drivers.ts';
import { sampled, type Sample } from './matrix.ts';

export interface NamedDriverFault {
  readonly name: string;
  readonly fault: DriverFault;
  readonly shuffled?: true;
}

const lost = (name: string): Error => new KeywheelError('ERR_TIMEOUT', `${name} was not answered`, { retryable: true });

const THROTTLED = { store: 'ERR_STORE_THROTTLED', state: 'ERR_STATE_THROTTLED', target: 'ERR_TARGET_THROTTLED' } as const;

/** To its end, while the primary stands. */
async function others(scene: Scene, delivery: Delivery = TICK): Promise<undefined> {
  await scene.attempt(delivery);
}

/** Turn by turn with the primary. */
async function beside(scene: Scene, ...deliveries: readonly Delivery[]): Promise<undefined> {
  for (const delivery of deliveries) scene.alongside(delivery);
}

/** The primary stands still until every lease has run out, and goes on after others have acted. */
const stale =
  (act: (scene: Scene) => Promise<unknown>): DriverFault =>
  async (scene) => {
    await scene.pastLeases();
    await act(scene);
    return undefined;
  };

export const DRIVER_FAULTS: readonly NamedDriverFault[] = [
  { name: 'crash before', fault: async () => ({ crash: 'before' }) },
  { name: 'crash after', fault: async () => ({ crash: 'after' }) },
  { name: 'lost response', fault: async (_scene, name) => ({ after: lost(name) }) },
  {
    name: 'throttled',
    fault: async (_scene, name, port) => ({
      instead: new KeywheelError(THROTTLED[port], `${name} was throttled`, { retryable: true }),
    }),
  },
  { name: 'delivered again meanwhile', fault: (scene) => others(scene, scene.present) },
  { name: 'delivered twice at once', fault: (scene) => beside(scene, scene.present) },
  { name: 'tick meanwhile', fault: (scene) => others(scene, TICK) },
  { name: 'tick at once', fault: (scene) => beside(scene, TICK) },
  {
    name: 'everything at once',
    fault: (scene) => beside(scene, ...scene.asked.deliveries, TICK),
  },
  { name: 'last delivery comes early', fault: (scene) => others(scene, scene.asked.deliveries.at(-1)) },
  { name: 'first delivery comes late', fault: (scene) => others(scene, scene.asked.deliveries[0]) },
  { name: 'stale, delivered again', fault: stale((scene) => scene.attempt(scene.present)) },
  { name: 'stale, ticks to the end', fault: stale((scene) => scene.converge()) },
  {
    name: 'edit by hand',
    fault: async (scene) => {
      await scene.edit();
      return undefined;
    },
  },
  {
    name: 'edit by hand and crash after',
    fault: async (scene) => {
      await scene.edit();
      return { crash: 'after' };
    },
  },
  { name: 'out of order, crash after', shuffled: true, fault: async () => ({ crash: 'after' }) },
  { name: 'out of order, lost response', shuffled: true, fault: async (_scene, name) => ({ after: lost(name) }) },
];

const NOTHING: DriverFault = async () => undefined;

export async function runScene(
  cloud: Cloud,
  grounds: Grounds,
  plan: ScenePlan,
): Promise<{ readonly effects: readonly string[]; readonly violations: readonly string[] }> {
  const world = await openWorld(await cloud.place(), await grounds.open(), grounds);
  try {
    const scene = new Scene(world, plan);
    const violations = await scene.run();
    return { effects: scene.effects, violations: [...violations] };
  } finally {
    await world.close();
  }
}

export interface DriverTally {
  readonly cells: number;
  /** `fault @ effect (seed)`: what was violated. */
  readonly violations: readonly string[];
}

export interface DriverOptions {
  readonly lanes: number;
  readonly seed: number;
  readonly sample?: Sample | undefined;
  readonly faults?: readonly NamedDriverFault[];
  readonly mutant?: DriverMutant;
  /** Only effects of these names. */
  readonly at?: RegExp | undefined;
}

export async function runDrivers(cloud: Cloud, grounds: Grounds, driver: Driver, options: DriverOptions): Promise<DriverTally> {
  const { lanes, seed, sample, faults = DRIVER_FAULTS } = options;
  const extra = options.mutant === undefined ? {} : { mutant: options.mutant };
  const clean = await runScene(cloud, grounds, { driver, at: -1, fault: NOTHING, seed, ...extra });
  const violations = clean.violations.map((each) => `without a fault: ${each}`);
  const all = faults.flatMap((named) => clean.effects.map((effect, at) => ({ named, effect, at })));
  const wanted = all.filter(({ effect }) => options.at?.test(effect) ?? true);
  const queue = sampled(wanted, sample);
  const cells = queue.length + 1;
  const lane = async (): Promise<void> => {
    for (let cell = queue.shift(); cell !== undefined; cell = queue.shift()) {
      const { named, at, effect } = cell;
      const plan = { driver, at, fault: named.fault, seed: seed + at, shuffled: named.shuffled ?? false, ...extra };
      const where = `${named.name} @ ${at} ${effect.slice(0, 60)} (seed ${plan.seed})`;
      try {
        violations.push(...(await runScene(cloud, grounds, plan)).violations.map((each) => `${where}: ${each}`));
      } catch (error) {
        violations.push(`${where}: the cell could not be run: ${String((error as Error).stack)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { cells, violations };
}
