/** A state in memory that keeps JSON text, fails where it is told to, and shows its records as bytes. */
import { KeywheelError } from '../../shared/errors.ts';
import type { State, Stored, Write } from '../../shared/state/index.ts';

export interface MemoryState extends State {
  /** Key and JSON of every record, sorted. */
  bytes(): string[];
  /** How many records were written since it was opened. */
  readonly writes: number;
  /** The write of this number, counted from now, is lost; or made, and its answer lost. */
  failAt(write: number, how: 'before' | 'after'): void;
}

export function memoryState(kind = 'memory'): MemoryState {
  const records = new Map<string, { readonly text: string; readonly revision: string }>();
  let revisions = 0;
  let writes = 0;
  let failing: { write: number; how: 'before' | 'after' } | undefined;
  const lost = () => new KeywheelError('ERR_STATE_UNAVAILABLE', 'the state could not be reached', { retryable: true });
  const stored = <T>(key: string): Stored<T> | undefined => {
    const found = records.get(key);
    return found === undefined ? undefined : { key, value: JSON.parse(found.text) as T, revision: found.revision };
  };
  const check = ({ key, expected }: Write): void => {
    if ((records.get(key)?.revision ?? null) === expected) return;
    throw new KeywheelError('ERR_STATE_CONFLICT', `${key} has changed`, { subject: key, retryable: true });
  };
  const apply = ({ key, value }: Write): string => {
    revisions += 1;
    writes += 1;
    records.set(key, { text: JSON.stringify(value), revision: String(revisions) });
    return String(revisions);
  };
  const guarded = async <T>(work: () => T): Promise<T> => {
    // Another turn of the loop: other workers come in between.
    await Promise.resolve();
    if (failing !== undefined) failing = { ...failing, write: failing.write - 1 };
    const now = failing?.write === 0 ? failing.how : undefined;
    if (now === 'before') throw lost();
    const done = work();
    if (now === 'after') throw lost();
    return done;
  };
  const unused = (): never => {
    throw new TypeError('not used by the pipeline');
  };
  return {
    kind,
    get writes() {
      return writes;
    },
    bytes: () => [...records].map(([key, { text }]) => `${key} ${text}`).toSorted(),
    failAt(write, how) {
      failing = { write, how };
    },
    installation: async () => 'memory',
    get: async <T>(key: string) => {
      await Promise.resolve();
      return stored<T>(key);
    },
    getMany: async <T>(keys: readonly string[]) => {
      await Promise.resolve();
      return keys.map((key) => stored<T>(key)).filter((one) => one !== undefined);
    },
    put: (write) =>
      guarded(() => {
        check(write);
        return apply(write);
      }),
    transact: (some) =>
      guarded(() => {
        some.forEach(check);
        return some.map(apply);
      }),
    list: unused,
    acquire: unused,
    renew: unused,
    release: unused,
    close: () => Promise.resolve(),
  };
}
