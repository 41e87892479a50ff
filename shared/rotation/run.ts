/**
 * Rotates many secrets at once, each in a bulkhead of its own: one target that hangs delays nobody else. Waits that are short enough are
 * waited for here, by the driver; the engine itself never sleeps.
 */
import type { Clock, Random } from '../deps.ts';
import { advance, type AdvanceRequest } from './advance.ts';
import type { EngineContext } from './context.ts';
import { interpret, Interrupted } from './interpret.ts';
import type { Op } from './ops.ts';
import { enginePorts, factsOf, lagOf, type OpenPorts } from './ports.ts';
import type { RotationPolicy } from './policy.ts';
import type { AdvanceResult, Phase, RotationRecord, SecretJournal } from './record.ts';

export interface RotationEvent {
  readonly type: 'phase' | 'wait' | 'failed' | 'closed';
  readonly secret: string;
  readonly at: number;
  readonly rotationId?: string;
  readonly phase?: Phase;
  readonly message?: string;
  readonly resumeAt?: number;
}

export interface RunDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Resolves after `ms`, or at once when the signal is given. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface RunOptions {
  /** How long this call may wait for next steps, in milliseconds, before it returns with `resumeAt`. */
  readonly waitUpTo: number;
  readonly holder: string;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RotationEvent) => void;
  /** Told of the record whenever a version is staged, before the journal is. Not in rehearsals. */
  readonly onStaged?: (rotation: RotationRecord) => void;
}

/** Milliseconds between two looks at a lease that another worker holds. */
const BUSY_PAUSE = 250;

/** Rotates one secret as far as it can be rotated now. */
export async function runRotation(
  secret: string,
  policy: RotationPolicy,
  open: OpenPorts,
  request: AdvanceRequest,
  options: RunOptions,
  deps: RunDeps,
): Promise<AdvanceResult> {
  const ports = enginePorts(open, deps.clock, deps.random);
  const context: EngineContext = {
    secret,
    policy: { ...policy, readLag: lagOf(open) },
    facts: factsOf(open.target),
    holder: options.holder,
  };
  const deadline = deps.clock.now() + options.waitUpTo;
  const tell = teller(secret, deps.clock, options);
  let now = request;
  for (;;) {
    const result = await interpret(advance(context, now), ports, {
      timeout: policy.leaseTtl / 3,
      onCall: (op) => tell.call(op),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const resumeAt = result.status === 'busy' ? deps.clock.now() + BUSY_PAUSE : result.resumeAt;
    // A start that failed changed nothing and is told at once; a step of an open rotation that failed is worth another try.
    const patient =
      result.status === 'busy' || result.status === 'waiting' || (result.status === 'failed' && result.rotation !== undefined);
    if (!patient || resumeAt === undefined || resumeAt > deadline || aborted(options)) {
      tell.ended(result);
      return result;
    }
    tell.goingOn(result);
    await deps.sleep(Math.max(0, resumeAt - deps.clock.now()), options.signal);
    if (aborted(options)) throw new Interrupted();
    // What was begun in this call goes on; a second rotation is never begun by waiting.
    now = { ...now, start: now.start && (result.status === 'busy' || result.rotation === undefined), resume: false };
  }
}

const aborted = (options: RunOptions): boolean => options.signal?.aborted ?? false;

/** Turns journal writes and results into events: each phase is told once. */
function teller(secret: string, clock: Clock, { onEvent, onStaged }: Pick<RunOptions, 'onEvent' | 'onStaged'>) {
  let last = '';
  const tell = (type: RotationEvent['type'], rotation: RotationRecord | undefined, message?: string, resumeAt?: number): void => {
    onEvent?.({
      type,
      secret,
      at: clock.now(),
      ...(rotation === undefined ? {} : { rotationId: rotation.rotationId, phase: rotation.phase }),
      ...(message === undefined ? {} : { message }),
      ...(resumeAt === undefined ? {} : { resumeAt }),
    });
  };
  return {
    call(op: Op): void {
      if (op.port !== 'state' || op.method !== 'transact') return;
      const writes = op.args[0] as readonly { value: unknown }[];
      const rotation = (writes[0]?.value as SecretJournal | undefined)?.rotation;
      if (rotation === undefined || last === `${rotation.rotationId} ${rotation.phase}`) return;
      // A start that failed is noted beside the last rotation; only with its line of history does a rotation close now.
      if (rotation.phase === 'closed' && writes.length === 1) return;
      last = `${rotation.rotationId} ${rotation.phase}`;
      tell('phase', rotation);
      if (rotation.phase === 'staged') onStaged?.(rotation);
    },
    /** This call waits and looks again. */
    goingOn(result: AdvanceResult): void {
      if (result.status === 'failed') tell('failed', result.rotation, result.error?.message, result.resumeAt);
      else if (result.status === 'waiting') tell('wait', result.rotation, undefined, result.resumeAt);
    },
    /** The result goes to the caller, who tells it: a failure or a hold told here too would be told twice. */
    ended(result: AdvanceResult): void {
      if (result.status === 'closed') tell('closed', result.rotation, result.rotation?.abandon?.reason);
      else if (result.status === 'waiting') tell('wait', result.rotation, undefined, result.resumeAt);
    },
  };
}
