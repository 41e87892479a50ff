/**
 * The engine's calls as data. `advance` is a generator that yields each call and is given its result, so that one engine runs
 * in production, in a rehearsal, and in a simulation that stops, repeats or delays any call.
 */
import type { SecretStore, SecretValue } from '../stores/index.ts';
import type { State } from '../state/index.ts';
import type { SupportsMinting, SupportsUsageEvidence, Target } from '../targets/index.ts';
import type { Clock } from '../deps.ts';

/** What the engine may call. Everything else that it knows is in its arguments. */
export interface EnginePorts {
  readonly store: Pick<SecretStore, 'describe' | 'read' | 'stage' | 'publish' | 'discard'>;
  readonly target: Pick<Target, 'preflight' | 'apply' | 'probe' | 'compare' | 'fence' | 'retire'> &
    SupportsUsageEvidence &
    SupportsMinting & {
      /** The value to stage, with fresh material. */
      compose(
        slot: string,
        current: Parameters<Target['compose']>[1],
      ): ReturnType<Target['compose']> | Promise<ReturnType<Target['compose']>>;
    };
  readonly state: Pick<State, 'installation' | 'get' | 'transact' | 'acquire' | 'renew' | 'release'>;
  readonly clock: Clock;
  readonly random: {
    /** A new rotation id: unique, sortable by time, safe in every store's version names. */
    rotationId(): string;
    uniform(): number;
  };
}

export type PortName = keyof EnginePorts;

// oxlint-disable-next-line typescript/no-explicit-any -- the shape of "any function" in a mapped type
type AnyFunction = (...args: any[]) => unknown;

export interface Op {
  readonly port: PortName;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** A part of the engine: yields calls, is given their results, returns T. */
export type Engine<T> = Generator<Op, T, unknown>;

/** `const state = yield* call('store', 'describe', name)`, typed as the port's method is. */
export function* call<P extends PortName, M extends keyof EnginePorts[P] & string>(
  port: P,
  method: M,
  ...args: EnginePorts[P][M] extends AnyFunction ? Parameters<EnginePorts[P][M]> : never
): Engine<EnginePorts[P][M] extends AnyFunction ? Awaited<ReturnType<EnginePorts[P][M]>> : never> {
  const result = yield { port, method, args };
  return result as EnginePorts[P][M] extends AnyFunction ? Awaited<ReturnType<EnginePorts[P][M]>> : never;
}

/** The pure part of a target, which the engine may ask without a call. */
export type TargetFacts = Pick<Target, 'description' | 'capability' | 'endpoints' | 'slots' | 'slotOf'> & {
  readonly usage: boolean;
  /** Where the target knows better than `keyId` which credential a value holds. */
  readonly keyOf?: (value: SecretValue) => string | undefined;
};
