/**
 * The matrix over the four clouds' stores and states, with a pair of accounts, a vendor's keys and an IAM user's keys: of the engine call by call, and of
 * the functions as their hosts call them. A sample that a seed chooses: larger with
 * KEYWHEEL_CHAOS=<cells>, everything with KEYWHEEL_CHAOS=full; another one with KEYWHEEL_CHAOS_SEED.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeywheelError } from '../../shared/errors.ts';
import { peersRequired } from '../peers/index.ts';
import { KEYS, SCENARIOS } from './cell.ts';
import { cloudMatrix } from './cloud-world.ts';
import { CLOUDS, GROUNDS, missingPeer, startRoom, type Room } from './cloud-room.ts';
import { DRIVERS } from './drivers.ts';
import { DRIVER_FAULTS, runDrivers } from './drivers-matrix.ts';
import { DRIVER_MUTANTS } from './drivers-mutants.ts';
import { cleanRun, runMatrix, told } from './matrix.ts';
import { publishWithoutCompareAndSet } from './mutants.ts';

const LANES = 6;
const { KEYWHEEL_CHAOS: asked } = process.env;
const full = asked === 'full';
/** Cells of each scenario. */
const most = asked === undefined || full ? undefined : Number(asked);
const seed = Number(process.env['KEYWHEEL_CHAOS_SEED'] ?? '1');
/** Cells of the plain scenario and of the one with a hand edit, beside one run of each without a fault. */
const SAMPLES = [1, 1];
const DRIVER_CELLS = 1;

const missing = new Map(await Promise.all(CLOUDS.map(async (cloud) => [cloud, await missingPeer(cloud)] as const)));
const there = CLOUDS.filter((cloud) => missing.get(cloud) === undefined);

describe.each(there)('chaos matrix over %s', (cloud) => {
  let room: Room;
  beforeAll(async () => {
    room = await startRoom(cloud, LANES);
  });
  afterAll(async () => {
    await room.close();
  });

  it.each(GROUNDS)(
    '%s: every fault at every effect converges and keeps the invariants',
    async (ground) => {
      const matrix = cloudMatrix(room.cloud, room.grounds[ground]);
      const [plain, , edited] = ground === 'dual-account PostgreSQL' ? SCENARIOS : [KEYS[0], undefined, KEYS[1]];
      const violations: string[] = [];
      for (const [index, scenario] of [plain, edited].entries()) {
        if (scenario === undefined) continue;
        const from = performance.now();
        const sample = full ? undefined : { seed: seed + index, cells: most ?? SAMPLES[index] ?? 0 };
        const tally = await runMatrix(matrix, scenario, { lanes: LANES, sample });
        const seconds = Math.round((performance.now() - from) / 100) / 10;
        console.log(`${told(tally)} in ${seconds} s${sample === undefined ? '' : `, seed ${sample.seed}`}`);
        if (tally.violations.length > 0) console.log(tally.violations.join('\n'));
        violations.push(...tally.violations);
      }
      expect(violations).toEqual([]);
    },
    asked === undefined ? 300_000 : 7_200_000,
  );

  const drivers = DRIVERS.filter((driver) => driver.cloud === cloud);
  it.each(drivers.flatMap((driver) => GROUNDS.map((ground) => ({ driver, name: driver.name, ground }))))(
    '$name × $ground: every fault at every effect of the function converges and keeps the invariants',
    async ({ driver, ground }) => {
      const from = performance.now();
      const sample = full ? undefined : { seed, cells: most ?? DRIVER_CELLS };
      const { cells, violations } = await runDrivers(room.cloud, room.grounds[ground], driver, { lanes: LANES, seed, sample });
      const seconds = Math.round((performance.now() - from) / 100) / 10;
      const what = `${driver.name} × ${ground} × ${room.cloud.kind}`;
      console.log(`chaos ${what}: ${cells} cells, ${violations.length} violations in ${seconds} s, seed ${seed}`);
      if (violations.length > 0) console.log(violations.join('\n'));
      expect(violations).toEqual([]);
    },
    asked === undefined ? 300_000 : 7_200_000,
  );

  const mutants = DRIVER_MUTANTS.filter((each) => each.cloud === cloud);
  it.runIf(mutants.length > 0).each(mutants)('finds a deliberate bug of a driver: $bug', async ({ mutant, fault, at, found }) => {
    const [driver] = drivers;
    if (driver === undefined) throw new Error('no driver here');
    const faults = DRIVER_FAULTS.filter((each) => each.name === fault);
    const options = { lanes: LANES, seed, faults, at, mutant, sample: { seed, cells: LANES } };
    const { violations } = await runDrivers(room.cloud, room.grounds['overlap HTTP'], driver, options);
    expect(violations.filter((each) => found.test(each))).not.toEqual([]);
  });

  it('finds a deliberate bug of the engine: publish without compare-and-set', async () => {
    const [, edited] = KEYS;
    if (edited === undefined) throw new Error('no such scenario');
    const matrix = cloudMatrix(room.cloud, room.grounds['overlap HTTP']);
    const { violations } = await cleanRun(matrix, edited, publishWithoutCompareAndSet);
    expect(violations.filter((each) => /overwritten/.test(each))).not.toEqual([]);
  });
});

describe.each(CLOUDS.filter((cloud) => !there.includes(cloud)))('chaos matrix over %s', (cloud) => {
  const why = missing.get(cloud) ?? '';
  it.skipIf(!peersRequired())(why, () => {
    throw new KeywheelError('ERR_MISSING_PEER', why, { hint: 'see test/peers/README.md' });
  });
});
