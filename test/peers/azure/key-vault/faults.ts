/** What may go wrong with one request, and who may do what. */

export type Operation = 'set' | 'get' | 'update' | 'versions' | 'list' | 'delete' | 'deleted' | 'recover' | 'purge';

export interface RequestSeen {
  readonly operation: Operation;
  /** Empty for a list of the vault. */
  readonly secret: string;
  readonly version: string;
}

export interface Fault {
  /** Which requests; absent, all. */
  readonly operation?: Operation;
  /** The name in the vault; absent, any. */
  readonly secret?: string;
  /** How many requests: 1 when absent. */
  readonly times?: number;
  /**
   * throttled: 429 with Retry-After. failed: 500 before anything was done. lost: 500 after it was done. cut: the connection ends after it was
   * done. The others are answers with 403, and what Key Vault tells under it.
   */
  readonly kind: 'throttled' | 'failed' | 'lost' | 'cut' | 'ForbiddenByRbac' | 'ForbiddenByPolicy' | 'ForbiddenByFirewall';
}

export class Faults {
  #faults: (Fault & { left: number })[] = [];

  add(fault: Fault): void {
    this.#faults.push({ ...fault, left: fault.times ?? 1 });
  }

  clear(): void {
    this.#faults = [];
  }

  /** The fault that this request meets, if any; it is used up by it. */
  take(seen: RequestSeen): Fault['kind'] | undefined {
    const found = this.#faults.find(
      ({ operation, secret, left }) =>
        left > 0 &&
        (operation === undefined || operation === seen.operation) &&
        (secret === undefined || secret.toLowerCase() === seen.secret.toLowerCase()),
    );
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.kind;
  }
}
