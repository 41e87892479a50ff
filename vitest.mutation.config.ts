import { defineConfig } from 'vitest/config';

// What mutation testing runs: the tests that guard the machine and the schedule, and no other, so that each mutant costs little.
export default defineConfig({
  test: { include: ['test/rotation/machine*.test.ts', 'test/rotation/schedule*.test.ts'], isolate: false },
});
