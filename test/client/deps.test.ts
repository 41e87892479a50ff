import fc from 'fast-check';
import { expect, it } from 'vitest';
import { elapsedClock, systemDeps } from '../../shared/client/deps.ts';

it('the clock never goes back, and never counts less than either clock says has passed', () => {
  const jump = fc.record({ wall: fc.integer({ min: -10_000, max: 10_000 }), monotonic: fc.nat(1000) });
  fc.assert(
    fc.property(fc.array(jump), (jumps) => {
      let [wall, monotonic] = [5_000_000, 100];
      const now = elapsedClock(
        () => wall,
        () => monotonic,
      );
      for (const step of jumps) {
        const before = now();
        wall += step.wall;
        monotonic += step.monotonic;
        expect(now() - before).toBe(Math.max(step.wall, step.monotonic, 0));
      }
    }),
  );
});

it('a timer longer than setTimeout takes waits long, and can be cancelled', async () => {
  const deps = systemDeps();
  let run = 0;
  const cancel = deps.after(2 ** 40, () => (run += 1));
  await new Promise<void>((resolve) => deps.after(5, resolve) && setTimeout(() => undefined, 20));

  cancel();

  expect(run).toBe(0);
  expect(deps.uniform()).toBeLessThan(1);
});
