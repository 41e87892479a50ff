/** What decision code may not reach for by itself: time, chance, and a place to say what happened. */

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
}

export interface Random {
  /** Cryptographically strong bytes in production; seeded in simulations. */
  bytes(length: number): Uint8Array;
  /** Uniform in [0, 1): for jitter only, never for material. */
  uniform(): number;
}

/**
 * One call that an adapter makes or, in a rehearsal, would make. `text` is exact except that verifiers, passwords
 * and tokens are masked (`<verifier>`, `<password>`), so a call may be printed anywhere.
 */
export interface Call {
  readonly port: 'store' | 'target' | 'state';
  /** `effect` changes the world; `login` authenticates as a consumer would; `read` does neither. */
  readonly kind: 'effect' | 'login' | 'read';
  readonly text: string;
}

/**
 * The one gate that every adapter's outside call goes through. In a rehearsal, effects are recorded and not made;
 * in production they are recorded and made. Tests inject crashes, lost responses and delays here.
 */
export interface Gate {
  readonly rehearsing: boolean;
  /** Makes `perform` happen, or in a rehearsal returns `rehearsed()` instead. For `read` calls `perform` always runs. */
  run<T>(call: Call, perform: () => Promise<T>, rehearsed: () => T): Promise<T>;
}

export const systemClock: Clock = { now: () => Date.now() };

/** The production gate: makes every call, and tells `observe` about it first. */
export function openGate(observe?: (call: Call) => void): Gate {
  return {
    rehearsing: false,
    run(call, perform) {
      observe?.(call);
      return perform();
    },
  };
}

/** The rehearsal gate: reads are real, effects and logins are only told. */
export function rehearsalGate(observe: (call: Call) => void): Gate {
  return {
    rehearsing: true,
    run(call, perform, rehearsed) {
      observe(call);
      return call.kind === 'read' ? perform() : Promise.resolve(rehearsed());
    },
  };
}
