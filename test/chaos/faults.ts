/** The faults of the matrix. Each is asked once, just before one effect of the primary worker. */
import type { Op } from '../../shared/rotation/index.ts';
import { KeywheelError } from '../../shared/errors.ts';
import type { Cell, Fault } from './cell.ts';
import { nameOf, Run, type Ending } from './drive.ts';

const TEN_MINUTES = 600_000;

export interface NamedFault {
  readonly name: string;
  readonly fault: Fault;
  /** The primary's clock is wrong by this much from the start. */
  readonly skew?: number;
  /** Where it makes a difference; everywhere when absent. */
  readonly only?: (effect: string) => boolean;
}

const lost = (op: Op): Error => new KeywheelError('ERR_TIMEOUT', `${nameOf(op)} did not answer`, { retryable: true });

function throttle(op: Op): Error {
  const codes = { state: 'ERR_STATE_UNAVAILABLE', store: 'ERR_STORE_UNAVAILABLE', target: 'ERR_TARGET_THROTTLED' } as const;
  const code = codes[op.port as keyof typeof codes];
  return new KeywheelError(code, `${nameOf(op)} was throttled`, { retryable: true });
}

/** The primary stops before the effect until its lease has run out; `others` act; then it wakes and does what it had begun. */
const stale =
  (others: (cell: Cell) => Promise<unknown>): Fault =>
  async (cell) => {
    await cell.world.elapse(cell.world.policy.leaseTtl + 1_000, false);
    await others(cell);
    return undefined;
  };

const interleaved: Fault = async (cell) => {
  let other: Run | undefined;
  let left = 60;
  cell.alongside = async (ended) => {
    do {
      other ??= await cell.start(cell.another());
      const ending: Ending | undefined = await other.step();
      if (ending === undefined) continue;
      cell.told(ending);
      other = undefined;
      left -= 1;
      if (ended || left === 0) break;
    } while (ended);
    if (ended || left === 0) cell.alongside = undefined;
  };
  return undefined;
};

export const FAULTS: readonly NamedFault[] = [
  { name: 'crash before', fault: async () => ({ crash: 'before' }) },
  { name: 'crash after', fault: async () => ({ crash: 'after' }) },
  { name: 'lost response', fault: async (_cell, op) => ({ after: lost(op) }) },
  { name: 'lost response, foreign error', fault: async () => ({ after: new Error('socket hang up') }) },
  {
    name: 'delivered again',
    fault: async (cell) => {
      const second = await cell.start(cell.another());
      cell.again = async () => {
        for (let ending = await second.step(); ; ending = await second.step()) if (ending !== undefined) return void cell.told(ending);
      };
      return undefined;
    },
  },
  { name: 'delivered meanwhile', fault: async (cell) => void (await cell.deliver(cell.another())) },
  {
    name: 'delivered meanwhile under the same name',
    fault: async (cell) => void (await cell.deliver({ ...cell.worker })),
  },
  { name: 'delivered twice, interleaved', fault: interleaved },
  { name: 'stale, others at the next wait', fault: stale((cell) => cell.deliver(cell.another())) },
  {
    name: 'stale, others at the end',
    fault: stale(async (cell) => {
      const other = cell.another();
      await cell.converge(() => other);
    }),
  },
  {
    name: 'throttle',
    fault: async (cell, op) => {
      cell.throttle(op, 2, throttle(op));
      return { instead: throttle(op) };
    },
  },
  {
    name: 'another clock ahead',
    fault: async (cell) => {
      const worker = cell.another(TEN_MINUTES);
      await cell.deliver(worker);
      cell.worker = worker;
      return undefined;
    },
  },
  {
    name: 'another clock behind',
    fault: async (cell) => {
      cell.worker = cell.another(-TEN_MINUTES);
      return { crash: 'before' };
    },
  },
  { name: 'own clock behind', skew: -TEN_MINUTES, fault: async (cell) => void (await cell.deliver(cell.another())) },
  { name: 'own clock ahead', skew: TEN_MINUTES, fault: async (cell) => void (await cell.deliver(cell.another())) },
  {
    name: 'read lag',
    fault: async (cell) => {
      await cell.freeze();
      return undefined;
    },
  },
  {
    name: 'read lag and crash after',
    fault: async (cell) => {
      await cell.freeze();
      return { crash: 'after' };
    },
  },
];
