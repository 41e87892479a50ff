/** What goes wrong on demand: a status before or after the effect, silence, or something that happens in between. */
import type { status } from '@grpc/grpc-js';
import { RpcError } from './wire.ts';

export type Method = 'BatchGetDocuments' | 'BeginTransaction' | 'Commit' | 'Rollback' | 'RunQuery';

export interface Fault {
  readonly method: Method;
  /** `after`: the effect is done and the answer is lost. `silence`: nothing is done and no answer comes. Default `before`. */
  readonly when?: 'before' | 'after' | 'silence';
  readonly code?: keyof typeof status;
  readonly details?: string;
  /** How many calls it strikes; default 1. */
  readonly times?: number;
}

export class Faults {
  readonly #faults: { fault: Fault; left: number }[] = [];
  readonly #hooks: { method: Method; act: () => void | Promise<void> }[] = [];

  inject(fault: Fault): void {
    this.#faults.push({ fault, left: fault.times ?? 1 });
  }

  /** Happens once, before the next call of `method` is served. */
  before(method: Method, act: () => void | Promise<void>): void {
    this.#hooks.push({ method, act });
  }

  clear(): void {
    this.#faults.length = 0;
    this.#hooks.length = 0;
  }

  /** Serves a call with whatever was injected for it. Undefined: never answer. */
  async around<T>(method: Method, serve: () => Promise<T>): Promise<T | undefined> {
    const hook = this.#hooks.findIndex((one) => one.method === method);
    if (hook >= 0) await this.#hooks.splice(hook, 1)[0]?.act();
    const struck = this.#faults.find((one) => one.fault.method === method && one.left > 0);
    if (struck === undefined) return serve();
    struck.left -= 1;
    const { when = 'before', code = 'UNAVAILABLE', details = 'injected' } = struck.fault;
    if (when === 'silence') return undefined;
    if (when === 'after') await serve();
    throw new RpcError(code, details);
  }
}
