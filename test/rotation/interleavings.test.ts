/** Two workers, any interleaving of their calls, any faults, an operator who edits by hand: it always converges, and every instant is safe. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeywheelError } from '../../shared/errors.ts';
import { Cell } from '../chaos/cell.ts';
import type { Fate, Run, Worker } from '../chaos/drive.ts';
import { openFakeWorld } from '../chaos/fake-world.ts';
import type { Strategy } from '../chaos/world.ts';

const lost = new KeywheelError('ERR_TIMEOUT', 'no answer', { retryable: true });
const throttled = new KeywheelError('ERR_STORE_UNAVAILABLE', 'throttled', { retryable: true });
const FATES: readonly (Fate | undefined)[] = [
  ...Array.from({ length: 12 }, () => undefined),
  { crash: 'before' },
  { crash: 'after' },
  { after: lost },
  { instead: throttled },
  { instead: lost },
];

type Command =
  | { readonly do: 'step'; readonly worker: 0 | 1; readonly times: number; readonly fate: number; readonly anew: boolean }
  | { readonly do: 'pass'; readonly milliseconds: number }
  | { readonly do: 'edit' };

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('step' as const),
      worker: fc.constantFrom(0 as const, 1 as const),
      times: fc.integer({ min: 1, max: 25 }),
      fate: fc.nat(FATES.length - 1),
      anew: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      milliseconds: fc.constantFrom(1, 3_000, 31_000, 61_000, 600_000, 1_300_000),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'edit' as const }) },
);

interface Hand {
  worker: Worker;
  run: Run | undefined;
}

async function play(strategy: Strategy, commands: readonly Command[], skew: number): Promise<readonly string[]> {
  const world = await openFakeWorld(strategy);
  const cell = new Cell(world, { scenario: { name: 'random', strategy }, at: -1, fault: async () => undefined });
  const hands: [Hand, Hand] = [
    { worker: cell.another(), run: undefined },
    { worker: cell.another(skew), run: undefined },
  ];
  let fate: Fate | undefined;
  const hooks = {
    before: async () => {
      const given = fate;
      fate = undefined;
      return given;
    },
    after: cell.watcher.after.bind(cell.watcher),
  };
  await cell.watcher.check();
  for (const each of commands) {
    if (each.do === 'pass') await world.elapse(each.milliseconds, true);
    else if (each.do === 'edit') {
      const { current } = await world.look();
      await world.edit({ ...current.value, note: 'by hand' });
      cell.watcher.edited = true;
      await cell.watcher.check();
    } else {
      const hand = hands[each.worker];
      fate = FATES[each.fate];
      for (let times = 0; times < each.times; times += 1) {
        hand.run ??= await cell.start(hand.worker, hooks, each.anew);
        const ending = await hand.run.step();
        if (ending === undefined) continue;
        hand.run = undefined;
        if (cell.told(ending) === 'crashed') hand.worker = cell.another(hand.worker.skew);
        break;
      }
      fate = undefined;
    }
  }
  // Whoever is still under way finishes; then the rest is done without faults.
  for (const hand of hands)
    for (let steps = 0; hand.run !== undefined && steps < 500; steps += 1)
      if ((await hand.run.step()) !== undefined) hand.run = undefined;
  await cell.converge(() => cell.worker);
  await cell.watcher.converged();
  return cell.watcher.violations;
}

describe('two workers, interleaved at every call', () => {
  it.each(['dual-account', 'in-place'] as const)(
    '%s keeps every invariant and converges',
    async (strategy) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(command, { minLength: 5, maxLength: 60, size: 'max' }),
          fc.constantFrom(0, 0, 600_000, -600_000),
          async (commands, skew) => {
            expect(await play(strategy, commands, skew)).toEqual([]);
          },
        ),
        { numRuns: 400 },
      );
    },
    60_000,
  );
});
