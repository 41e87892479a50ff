/**
 * Every host's way of delivering over its cloud's store and state: crashes, lost answers, duplicates, reordered steps, timers in between. A sample that a
 * seed chooses; all cells with KEYWHEEL_CHAOS=full.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLOUDS, GROUNDS, startRoom, type Room } from './cloud-room.ts';
import { DRIVERS } from './drivers.ts';
import { runDrivers } from './drivers-matrix.ts';

const LANES = 6;
const full = process.env['KEYWHEEL_CHAOS'] === 'full';
const seed = Number(process.env['KEYWHEEL_CHAOS_SEED'] ?? '1');
const CELLS = 5;

describe.each(CLOUDS)('the drivers over %s', (cloud) => {
  let room: Room;
  beforeAll(async () => {
    room = await startRoom(cloud, LANES);
  });
  afterAll(async () => {
    await room.close();
  });

  it.each(DRIVERS.filter((driver) => driver.cloud === cloud).flatMap((driver) => GROUNDS.map((ground) => ({ driver, name: driver.name, ground }))))(
    '$name × $ground: every fault at every effect converges and keeps the invariants',
    async ({ driver, ground }) => {
      const from = performance.now();
      const sample = full ? undefined : { seed, cells: CELLS };
      const tally = await runDrivers(room.cloud, room.grounds[ground], driver, { lanes: LANES, seed, sample });
      const seconds = Math.round((performance.now() - from) / 100) / 10;
      console.log(
        `chaos ${driver.name} × ${ground} × ${room.cloud.kind}: ${tally.cells} cells, ${tally.violations.length} violations in ${seconds} s, seed ${seed}`,
      );
      expect(tally.violations).toEqual([]);
    },
    full ? 7_200_000 : 300_000,
  );
});
