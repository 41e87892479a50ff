/** The faults of the matrix. Each is asked once, just before one effect of the primary worker. */
import type { Op } from '../../shared/rotation/index.ts';
import { KeywheelError } from '../../shared/errors.ts';
import type { Cell, Fault } from './cell.ts';
import { nameOf, runToEnd, type Run } from './drive.ts';

export interface NamedFault {
  readonly name: string;
  readonly fault: Fault;
  /** The primary's clock is wrong from the start, by as much as the world allows: ahead, or behind. */
  readonly skew?: 1 | -1;
  /** A variant of another fault: left out where a cell costs the time of a real server. */
  readonly variant?: true;
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

/** A second delivery takes a call for each of the primary's, and is delivered anew whenever it was told that the lease is held. */
const interleaved: Fault = async (cell) => {
  let other: Run | undefined;
  let deliveries = 60;
  const step = async (): Promise<boolean> => {
    other ??= await cell.start(cell.another());
    const ending = await other.step();
    if (ending === undefined) return false;
    cell.told(ending);
    other = undefined;
    deliveries -= 1;
    return true;
  };
  cell.alongside = async (ended) => {
    let finished = await step();
    if (ended) while (!finished) finished = await step();
    if (ended || deliveries === 0) cell.alongside = undefined;
  };
  return undefined;
};

/** The primary sleeps, a person edits, and the primary wakes when another worker has decided what to do but has not raised the fence yet. */
const asleepWhileEdited: Fault = async (cell) => {
  await cell.world.elapse(cell.world.policy.leaseTtl + 1_000, false);
  await cell.editByHand();
  const other = await cell.start(cell.another());
  while (other.upcoming !== undefined && other.upcoming !== 'target.fence') await other.step();
  cell.alongside = async () => {
    cell.alongside = undefined;
    cell.told(await runToEnd(other));
  };
  return undefined;
};

export const FAULTS: readonly NamedFault[] = [
  { name: 'crash before', fault: async () => ({ crash: 'before' }) },
  { name: 'crash after', fault: async () => ({ crash: 'after' }) },
  { name: 'lost response', fault: async (_cell, op) => ({ after: lost(op) }) },
  { name: 'lost response, foreign error', variant: true, fault: async () => ({ after: new Error('socket hang up') }) },
  {
    name: 'delivered again',
    fault: async (cell) => {
      const second = await cell.start(cell.another());
      cell.again = async () => {
        for (let ending = await second.step(); ; ending = await second.step())
          if (ending !== undefined) return void cell.told(ending);
      };
      return undefined;
    },
  },
  { name: 'delivered meanwhile', variant: true, fault: async (cell) => void (await cell.deliver(cell.another())) },
  {
    name: 'delivered meanwhile under the same name',
    variant: true,
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
  { name: 'asleep while edited', variant: true, fault: asleepWhileEdited },
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
      const worker = cell.another(cell.world.mostSkew);
      await cell.deliver(worker);
      cell.worker = worker;
      return undefined;
    },
  },
  {
    name: 'another clock behind',
    variant: true,
    fault: async (cell) => {
      cell.worker = cell.another(-cell.world.mostSkew);
      return { crash: 'before' };
    },
  },
  { name: 'own clock behind', skew: -1, fault: async (cell) => void (await cell.deliver(cell.another())) },
  { name: 'own clock ahead', variant: true, skew: 1, fault: async (cell) => void (await cell.deliver(cell.another())) },
  {
    name: 'read lag',
    fault: async (cell) => {
      await cell.freeze();
      return undefined;
    },
  },
  {
    name: 'read lag and crash after',
    variant: true,
    fault: async (cell) => {
      await cell.freeze();
      return { crash: 'after' };
    },
  },
];
