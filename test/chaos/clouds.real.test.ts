/**
 * The engine's matrix over the four clouds' stores and states, with a pair of accounts, a vendor's keys and an IAM user's keys. A sample that a seed
 * chooses; all cells with KEYWHEEL_CHAOS=full.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEYS, SCENARIOS } from './cell.ts';
import { cloudMatrix } from './cloud-world.ts';
import { CLOUDS, GROUNDS, startRoom, type Room } from './cloud-room.ts';
import { runMatrix, told } from './matrix.ts';

const LANES = 6;
const full = process.env['KEYWHEEL_CHAOS'] === 'full';
const seed = Number(process.env['KEYWHEEL_CHAOS_SEED'] ?? '1');
/** Cells of the plain scenario and of the one with a hand edit, beside one run of each without a fault. */
const SAMPLES = [5, 1];

describe.each(CLOUDS)('chaos matrix over %s', (cloud) => {
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
        const sample = full ? undefined : { seed: seed + index, cells: SAMPLES[index] ?? 0 };
        const tally = await runMatrix(matrix, scenario, { lanes: LANES, sample });
        const seconds = Math.round((performance.now() - from) / 100) / 10;
        console.log(`${told(tally)} in ${seconds} s${sample === undefined ? '' : `, seed ${sample.seed}`}`);
        violations.push(...tally.violations);
      }
      expect(violations).toEqual([]);
    },
    full ? 7_200_000 : 300_000,
  );
});
