/** The client over any reader: one read at a time for each secret, in the background where it can be, decided by decide.ts. */
import { isKeywheelError, KeywheelError, type ErrorCode } from '../errors.ts';
import type { CurrentSecret, SecretReader, SecretValue } from '../stores/index.ts';
import * as decide from './decide.ts';
import { systemDeps } from './deps.ts';
import { secretOf, veil } from './secret.ts';
import type { ClientEvent, ClientOptions, GetOptions, Secret, SecretClient } from './types.ts';

const DEFAULTS = { maxAge: 300_000, maxStale: 86_400_000, missingAge: 5000, patience: 2000, readTimeout: 20_000 };

/** One secret: what is decided about it, and what goes on for it. */
interface Slot {
  entry: decide.Entry;
  value?: SecretValue;
  error?: KeywheelError;
  reading?: Promise<void>;
  /** Asked for since the last read began: a secret that nobody asks for is not kept fresh. */
  used: boolean;
  staleTold: boolean;
  readonly watchers: Set<(secret: Secret) => void>;
  cancelWake?: () => void;
}

/** `open` is called at the first read, and again at the next one when it failed. */
export function clientOver(open: () => Promise<SecretReader>, options: ClientOptions = {}): SecretClient {
  const deps = { ...systemDeps(), ...options.deps };
  const limits = { ...DEFAULTS, ...options };
  checkLimits(limits);
  const slots = new Map<string, Slot>();
  const closing = new AbortController();
  let reader: Promise<SecretReader> | undefined;

  const slotOf = (name: string): Slot => {
    if (closing.signal.aborted) throw closing.signal.reason;
    let slot = slots.get(name);
    if (slot === undefined) {
      slots.set(name, (slot = { entry: decide.EMPTY, used: false, staleTold: false, watchers: new Set() }));
    }
    return slot;
  };

  function tell(event: ClientEvent): void {
    try {
      options.onEvent?.(event);
    } catch {
      // A log that fails is no reason to fail a query.
    }
  }

  function openReader(): Promise<SecretReader> {
    if (reader === undefined) {
      const opening = open();
      reader = opening;
      opening.catch(() => {
        if (reader === opening) reader = undefined;
      });
    }
    return reader;
  }

  /** A read that ends in time, whatever the reader does. */
  async function readOnce(name: string): Promise<CurrentSecret | undefined> {
    const ending = new AbortController();
    const cancel = deps.after(limits.readTimeout, () =>
      ending.abort(
        fault(
          'ERR_STORE_UNAVAILABLE',
          name,
          `secret ${name} was not read within ${limits.readTimeout} ms`,
          'check the way to it',
        ),
      ),
    );
    const signal = AbortSignal.any([ending.signal, closing.signal]);
    try {
      return await abortable(
        openReader().then((opened) => opened.current(name, signal)),
        signal,
      );
    } finally {
      cancel();
    }
  }

  /** Never rejects: what came of it is in the slot. */
  async function read(name: string, slot: Slot, insisted: boolean): Promise<void> {
    slot.used = false;
    const askedAt = deps.now();
    try {
      const found = await readOnce(name);
      if (closing.signal.aborted) return;
      if (found === undefined) {
        slot.entry = decide.afterMissing(slot.entry, deps.now(), limits, deps.uniform());
        failed(name, slot, missing(name));
      } else taken(name, slot, found, askedAt, insisted);
    } catch (error) {
      if (closing.signal.aborted) return;
      slot.entry = decide.afterFailure(slot.entry, deps.now(), deps.uniform());
      failed(name, slot, isKeywheelError(error) ? error : unexpected(name, error));
    }
  }

  function taken(name: string, slot: Slot, found: CurrentSecret, askedAt: number, insisted: boolean): void {
    const reading = { version: found.version, askedAt, now: deps.now(), insisted };
    const from = slot.entry.held?.version;
    const { entry, outcome } = decide.afterRead(slot.entry, reading, limits, deps.uniform());
    slot.entry = entry;
    if (slot.error !== undefined) tell({ type: 'recovered', name });
    delete slot.error;
    slot.staleTold = false;
    if (outcome === 'doubted') return tell({ type: 'doubted', name, version: found.version });
    slot.value = Object.freeze({ ...found.value });
    if (outcome === 'same') return;
    tell({ type: 'changed', name, version: found.version, ...(from === undefined ? {} : { from }) });
    for (const watcher of slot.watchers) {
      const secret = give(name, slot);
      if (secret !== undefined) watcher(secret);
    }
  }

  function failed(name: string, slot: Slot, error: KeywheelError): void {
    slot.error = error;
    tell({ type: 'failed', name, error, retryIn: Math.round((slot.entry.trouble?.retryAt ?? 0) - deps.now()) });
  }

  /** Starts a read unless one is under way, and sets the alarm for the next one when it ends. */
  function begin(name: string, slot: Slot, insisted = false): Promise<void> {
    slot.cancelWake?.();
    slot.reading ??= read(name, slot, insisted).finally(() => {
      delete slot.reading;
      wake(name, slot);
    });
    return slot.reading;
  }

  function wake(name: string, slot: Slot): void {
    slot.cancelWake?.();
    if (closing.signal.aborted) return;
    slot.cancelWake = deps.after(Math.max(0, decide.wakeAt(slot.entry) - deps.now()), () => {
      if (slot.reading !== undefined || (!slot.used && slot.watchers.size === 0)) return;
      if (decide.wantsRead(slot.entry, deps.now())) void begin(name, slot);
      else wake(name, slot);
    });
  }

  /** What may be given now, if anything. */
  function give(name: string, slot: Slot): Secret | undefined {
    const now = deps.now();
    const how = decide.serving(slot.entry, now, limits);
    const { held } = slot.entry;
    if (how === 'none' || held === undefined || slot.value === undefined) return undefined;
    const age = now - held.askedAt;
    if (how === 'stale' && !slot.staleTold) {
      slot.staleTold = true;
      tell({ type: 'stale', name, version: held.version, age });
    }
    return secretOf(name, slot.value, held.version, age, how === 'stale');
  }

  async function get(name: string, { signal }: GetOptions = {}): Promise<Secret> {
    signal?.throwIfAborted();
    const slot = slotOf(name);
    slot.used = true;
    if (decide.wantsRead(slot.entry, deps.now())) void begin(name, slot);
    const how = decide.serving(slot.entry, deps.now(), limits);
    // A version that was refused is fresh and of no use: what is being read is worth waiting for.
    if (slot.reading !== undefined && (how !== 'fresh' || slot.entry.refusal !== undefined)) {
      const patient = how === 'none' ? slot.reading : firstOf(slot.reading, limits.patience);
      await abortable(patient, signal, closing.signal);
    }
    const secret = give(name, slot);
    if (secret !== undefined) return secret;
    delete slot.value; // older than it may ever be given
    throw slot.error ?? unexpected(name, undefined);
  }

  const firstOf = (reading: Promise<void>, ms: number): Promise<void> =>
    Promise.race([reading, new Promise<void>((resolve) => void deps.after(ms, resolve))]);

  async function refresh(name: string, { signal }: GetOptions = {}): Promise<Secret> {
    signal?.throwIfAborted();
    const slot = slotOf(name);
    // What is under way was asked for before this call, so it may say what was true before.
    while (slot.reading !== undefined) await abortable(slot.reading, signal, closing.signal);
    slot.used = true;
    await abortable(begin(name, slot, true), signal, closing.signal);
    const secret = slot.error === undefined ? give(name, slot) : undefined;
    if (secret === undefined) throw slot.error ?? unexpected(name, undefined);
    return secret;
  }

  async function refused(name: string, version: string): Promise<Secret | undefined> {
    const slot = slotOf(name);
    slot.entry = decide.afterRefusal(slot.entry, version, deps.now(), deps.uniform());
    tell({ type: 'refused', name, version });
    if (slot.entry.held?.version === version) {
      if (decide.wantsRead(slot.entry, deps.now())) void begin(name, slot);
      else if (slot.reading === undefined) wake(name, slot);
      slot.used = true; // look again after the pause, so that a correction is found before anybody logs in
      if (slot.reading !== undefined) await abortable(slot.reading, closing.signal);
    }
    const secret = give(name, slot);
    return secret?.version === version ? undefined : secret;
  }

  const client: SecretClient = {
    get,
    refresh,
    refused,
    accepted(name, version) {
      const slot = slots.get(name);
      if (slot !== undefined) slot.entry = decide.afterAccepted(slot.entry, version);
    },
    admit(name, version) {
      const slot = slotOf(name);
      const { entry, allowed } = decide.admitLogin(slot.entry, version, deps.now(), deps.uniform());
      slot.entry = entry;
      if (!allowed) throw waitingOut(name, version, (entry.refusal?.loginAt ?? 0) - deps.now());
    },
    watch(name, changed) {
      const slot = slotOf(name);
      const watcher = (secret: Secret): void => changed(secret);
      slot.watchers.add(watcher);
      if (slot.reading === undefined) wake(name, slot);
      return () => void slot.watchers.delete(watcher);
    },
    async close() {
      if (closing.signal.aborted) return;
      closing.abort(new KeywheelError('ERR_USAGE', 'the client cannot be used, because it is closed'));
      for (const slot of slots.values()) slot.cancelWake?.();
      slots.clear();
      await reader?.then(
        (opened) => opened.close(),
        () => undefined,
      );
    },
  };
  veil(client, () => ({ secrets: [...slots].map(([name, { entry }]) => ({ name, version: entry.held?.version })) }));
  return client;
}

function checkLimits(limits: Readonly<Record<keyof typeof DEFAULTS, unknown>>): void {
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const ms = limits[name];
    // `maxStale: 0` is a choice; the others must be some time.
    if (typeof ms === 'number' && ms >= (name === 'maxStale' ? 0 : 1)) continue;
    throw new KeywheelError('ERR_USAGE', `the client's ${name} cannot be used, because it is no number of milliseconds`);
  }
}

/** Waits for `work`, or rejects with the reason of the first signal; `work` goes on. */
function abortable<T>(work: Promise<T>, ...signals: readonly (AbortSignal | undefined)[]): Promise<T> {
  const signal = AbortSignal.any(signals.filter((one) => one !== undefined));
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function fault(code: ErrorCode, name: string, message: string, hint: string): KeywheelError {
  return new KeywheelError(code, message, { hint, subject: name, retryable: code !== 'ERR_SECRET_NOT_FOUND' });
}

const missing = (name: string): KeywheelError =>
  fault('ERR_SECRET_NOT_FOUND', name, `secret ${name} was not read, because the store has none of that name`, 'check the name');

/** Not the reader's own words: they are nobody's promise, and may hold what was sent. */
function unexpected(name: string, error: unknown): KeywheelError {
  const kind = error instanceof Error ? error.name : typeof error;
  return fault('ERR_STORE_FAILED', name, `secret ${name} was not read, because the reader failed (${kind})`, 'it is tried again');
}

const waitingOut = (name: string, version: string, wait: number): KeywheelError =>
  fault(
    'ERR_TARGET_REFUSED',
    name,
    `login with ${name} version ${version} was not tried, because it was refused and the store has no other version`,
    `correct ${name} in the store; the next login is tried in ${Math.ceil(wait / 1000)} s`,
  );
