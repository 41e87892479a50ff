import { describe, expect, it } from 'vitest';
import { EDITS, KEY_EDITS, KEYS, SCENARIOS } from './cell.ts';
import { openFakeWorld } from './fake-world.ts';
import { runMatrix, told } from './matrix.ts';
import type { Strategy } from './world.ts';

const fake = { kind: 'fake', open: openFakeWorld };

describe('chaos matrix over fakes', () => {
  it.each([...SCENARIOS, ...EDITS, ...KEYS, ...KEY_EDITS])(
    '$name: every fault at every effect converges and keeps the invariants',
    async (scenario) => {
      const tally = await runMatrix(fake, scenario, { afterwards: true });
      console.log(told(tally));
      expect(tally.violations).toEqual([]);
    },
    60_000,
  );
});

describe('chaos matrix over fakes with a replica that lags', () => {
  const lagging = {
    kind: 'fake with replica',
    open: (strategy: Strategy) => openFakeWorld(strategy, { replicaLag: 3_000 }),
  };

  it.each([...SCENARIOS, ...KEYS])(
    '$name: every fault at every effect converges and keeps the invariants',
    async (scenario) => {
      const tally = await runMatrix(lagging, scenario);
      console.log(told(tally));
      expect(tally.violations).toEqual([]);
    },
    60_000,
  );
});

// A worker that slept before it minted, and then woke up when another one had given the rotation up, left a live key that nobody ended.
describe('chaos matrix over fake keys at a vendor that keeps no fences', () => {
  const without = { kind: 'fake without fences', open: (strategy: Strategy) => openFakeWorld(strategy, { fences: false }) };

  it.each([...KEYS, ...KEY_EDITS])(
    '$name: every fault at every effect converges and keeps the invariants',
    async (scenario) => {
      const tally = await runMatrix(without, scenario);
      console.log(told(tally));
      expect(tally.violations).toEqual([]);
    },
    60_000,
  );
});
