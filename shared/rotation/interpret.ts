/** Runs the engine against real ports: awaits each call, bounds it in time, and gives its result or its error back to the engine. */
import { KeywheelError } from '../errors.ts';
import type { Engine, EnginePorts, Op } from './ops.ts';

export interface InterpretOptions {
  /** Milliseconds that one call may take. Less than half a lease, so that a call never outlives the lease it began under. */
  readonly timeout: number;
  /** Told of every call before it is made. */
  readonly onCall?: (op: Op) => void;
  /** Stops before the next call: the journal holds everything that was done, so a later call goes on from there. */
  readonly signal?: AbortSignal;
}

/** The engine was told to stop between two calls. */
export class Interrupted extends Error {}

export async function interpret<T>(engine: Engine<T>, ports: EnginePorts, options: InterpretOptions): Promise<T> {
  let step = engine.next();
  while (step.done !== true) {
    const op = step.value;
    // Releasing the lease is the one call that still makes sense after an interruption.
    if (options.signal?.aborted === true && op.method !== 'release' && op.port !== 'clock') {
      await endEarly(engine, ports, options);
      throw new Interrupted();
    }
    options.onCall?.(op);
    let result: unknown;
    try {
      result = await bounded(op, perform(ports, op), options.timeout);
    } catch (error) {
      step = engine.throw(error);
      continue;
    }
    step = engine.next(result);
  }
  return step.value;
}

/** Lets the engine run its `finally` (release of the lease) and nothing else. */
async function endEarly<T>(engine: Engine<T>, ports: EnginePorts, options: InterpretOptions): Promise<void> {
  let step: IteratorResult<Op, T | undefined> = engine.return(undefined as T);
  while (step.done !== true) {
    try {
      step = engine.next(await bounded(step.value, perform(ports, step.value), options.timeout));
    } catch (error) {
      step = engine.throw(error);
    }
  }
}

export function perform(ports: EnginePorts, op: Op): unknown {
  const port = ports[op.port] as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
  const method = port[op.method];
  if (method === undefined) throw new KeywheelError('ERR_INTERNAL', `no such call: ${op.port}.${op.method}`);
  return method.apply(port, [...op.args]);
}

async function bounded(op: Op, result: unknown, timeout: number): Promise<unknown> {
  if (!(result instanceof Promise)) return result;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new KeywheelError('ERR_TIMEOUT', `${op.port} did not answer ${op.method} within ${timeout / 1000} s`, {
          hint: 'whether it took effect is unknown; it is found out before anything else is done',
          retryable: true,
        }),
      );
    }, timeout);
  });
  try {
    return await Promise.race([result, late]);
  } finally {
    clearTimeout(timer);
  }
}
