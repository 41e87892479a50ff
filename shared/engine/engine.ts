/** Joins the configuration to the engine: opens ports, runs rotations side by side, and closes what it opened. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { adminPasswordSource, policyOf, secretOf, type Environment, type LoadedConfig } from '../config/index.ts';
import { openGate, rehearsalGate, systemClock, type Clock, type Gate, type Random } from '../deps.ts';
import { announcing } from './announcing.ts';
import type {
  AdvanceResult,
  ExpectingGate,
  Job,
  OpenPorts,
  Rehearsal,
  RehearsalLine,
  RotationEvent,
  RotationPolicy,
  SecretJournal,
  Selection,
} from '../rotation/index.ts';
import { openState, type State } from '../state/index.ts';
import { openStore, type SecretStore } from '../stores/index.ts';
import { openTarget } from '../targets/index.ts';

const systemRandom: Random = {
  bytes: (length) => randomBytes(length),
  // 48 bits of chance, scaled to [0, 1).
  uniform: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};

export interface EngineDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Resolves after `ms`, or as soon as the signal is given. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemDeps: EngineDeps = {
  clock: systemClock,
  random: systemRandom,
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch {
      // The signal: whoever waits looks at it next.
    }
  },
};

export interface PortOptions {
  readonly env: Environment;
  /** What every call of store and target goes through. Default: the gate that makes them. */
  readonly gate?: Gate;
  /** For stores whose writes are made under a lease. */
  readonly state?: () => Promise<State>;
  /** AWS only: the RotationToken of the present event. */
  readonly rotationToken?: string;
}

/** Opens one store of the configuration by its name in `stores`. */
export function openNamedStore(
  config: LoadedConfig,
  store: string,
  deps: EngineDeps,
  gate: Gate,
  options?: PortOptions,
): Promise<SecretStore> {
  const settings = config.stores[store];
  // The configuration was checked: every secret's store exists.
  if (settings === undefined) throw new TypeError(`no store ${store} in a checked configuration`);
  return openStore(settings, {
    clock: deps.clock,
    random: deps.random,
    gate,
    ...(options === undefined ? {} : { env: options.env }),
    ...(options?.state === undefined ? {} : { state: options.state }),
    ...(options?.rotationToken === undefined ? {} : { rotationToken: options.rotationToken }),
  });
}

export interface Opened extends Omit<OpenPorts, 'state'> {
  close(): Promise<void>;
}

/** Opens one secret's store and target. The admin password is read when the target first needs it, and again each time. */
export async function openPorts(config: LoadedConfig, name: string, deps: EngineDeps, options: PortOptions): Promise<Opened> {
  const gate = options.gate ?? openGate();
  const secret = await secretOf(config, name);
  const store = await openNamedStore(config, secret.store, deps, gate, options);
  try {
    const adminPassword =
      'admin' in secret.target
        ? adminPasswordSource(secret.target.admin, {
            env: options.env,
            readSecret: async (admin) => (await store.read(admin, 'current'))?.value,
          })
        : // The provider's own credential chain says who we are; no password of ours exists.
          () => Promise.reject(new TypeError('this target has no admin password'));
    const target = await openTarget(secret.target, { clock: deps.clock, random: deps.random, gate, adminPassword });
    return {
      store,
      target,
      async close() {
        await target.close();
        await store.close?.();
      },
    };
  } catch (error) {
    await store.close?.();
    throw error;
  }
}

/** The engine's view of one secret's configuration. */
export async function rotationPolicyOf(config: LoadedConfig, name: string): Promise<RotationPolicy> {
  const { DEFAULT_POLICY } = await import('../rotation/index.ts');
  const secret = await secretOf(config, name);
  const policy = policyOf(secret);
  const blackouts = config.blackouts.map(({ from, to, reason }) => ({
    from: Date.parse(from),
    to: Date.parse(to),
    ...(reason === undefined ? {} : { reason }),
  }));
  return {
    ...DEFAULT_POLICY,
    strategy: secret.strategy,
    enabled: secret.enabled,
    grace: policy.graceMs,
    maxCacheAge: policy.maxCacheAgeMs,
    samples: policy.samples,
    quiet: policy.quietMs,
    blackouts: blackouts.toSorted((a, b) => a.from - b.from),
  };
}

async function jobOf(config: LoadedConfig, name: string, deps: EngineDeps, ports: PortOptions): Promise<Job> {
  const secret = await secretOf(config, name);
  return {
    secret: name,
    policy: await rotationPolicyOf(config, name),
    schedule: secret.schedule,
    open: () => openPorts(config, name, deps, ports),
  };
}

export interface RotateOptions {
  readonly config: LoadedConfig;
  readonly names: readonly string[];
  readonly selection: Selection;
  /** Milliseconds that this call waits for the next step of a rotation before it returns. */
  readonly waitUpTo: number;
  readonly env: Environment;
  readonly onEvent: (event: RotationEvent) => void;
  readonly signal: AbortSignal;
  readonly deps: EngineDeps;
  /** The dry run's lines by secret; a call that they do not show is not made. */
  readonly gate?: Gate;
  /** Opens the state instead of the configuration's. */
  readonly openState?: () => Promise<State>;
  readonly expected?: ReadonlyMap<string, readonly RehearsalLine[]>;
}

/** `missing`: what the expected dry run showed and this run did not make. */
export type RotatedSecret = AdvanceResult & { readonly missing?: readonly string[] };

/**
 * Rotates every named secret, each for itself: what fails for one is that one's result. Undefined when the signal stopped it between two
 * steps; the journal then holds all that was done.
 */
export async function rotateSecrets(options: RotateOptions): Promise<RotatedSecret[] | undefined> {
  const { config, deps, env, selection, signal, onEvent, waitUpTo, expected } = options;
  const { expectingGate, holderName, Interrupted, rotateMany } = await import('../rotation/index.ts');
  const state = await (options.openState?.() ?? openState(config.state, deps));
  try {
    const gates = new Map<string, ExpectingGate>();
    if (expected !== undefined) {
      const installation = await state.installation();
      for (const name of options.names) gates.set(name, expectingGate(openGate(), expected.get(name) ?? [], name, installation));
    }
    const jobs = await Promise.all(
      options.names.map((name) => {
        const gate = gates.get(name) ?? options.gate;
        return jobOf(config, name, deps, { env, state: async () => state, ...(gate === undefined ? {} : { gate }) });
      }),
    );
    const announced = announcing(config, state, (name) => rotationPolicyOf(config, name));
    const results = await rotateMany(
      jobs,
      selection,
      state,
      { waitUpTo, holder: holderName(deps.random), signal, onEvent, onStaged: announced.onStaged },
      deps,
    );
    await announced.settled();
    await state.close();
    return results.map((result) => {
      const missing = gates.get(result.secret)?.missing();
      return missing === undefined ? result : { ...result, missing };
    });
  } catch (error) {
    // Other secrets may still be at their last step and about to release their lease: the state stays open until the process ends.
    if (error instanceof Interrupted) return undefined;
    await state.close();
    throw error;
  }
}

/** Undefined when there is nothing that the real run would do for this secret. */
export async function rehearseSecret(
  options: Omit<RotateOptions, 'names' | 'waitUpTo' | 'onEvent' | 'signal' | 'expected'>,
  name: string,
): Promise<Rehearsal | undefined> {
  const { config, deps, env, selection } = options;
  const { journalKey, nextStart, rehearse } = await import('../rotation/index.ts');
  const secret = await secretOf(config, name);
  const policy = await rotationPolicyOf(config, name);
  const { state, mask, discard } = await stateForLooking(config, deps);
  const opened: Opened[] = [];
  try {
    let start = selection.mode === 'named';
    if (!start) {
      const journal = (await state.get<SecretJournal>(journalKey(name)))?.value;
      const unfinished = journal?.rotation !== undefined && journal.rotation.phase !== 'closed';
      if (selection.mode === 'due' && secret.schedule !== undefined && journal !== undefined && !unfinished) {
        start = nextStart(secret.schedule, journal, policy) <= deps.clock.now();
      }
      if (!start && !unfinished) return undefined;
    }
    const collected: RehearsalLine[] = [];
    const gate = rehearsalGate(({ kind, text }) => void collected.push({ kind, text: mask(text) }));
    const rehearsing = await openPorts(config, name, deps, { env, gate, state: async () => state });
    opened.push(rehearsing);
    const live = await openPorts(config, name, deps, { env, state: async () => state });
    opened.push(live);
    return await rehearse(name, policy, { rehearsing, live: { ...live, state }, collected }, start, deps.clock, deps.random);
  } finally {
    for (const ports of opened) await ports.close();
    await state.close();
    await discard();
  }
}

interface Looking {
  readonly state: State;
  /** For every call that is told. */
  readonly mask: (text: string) => string;
  readonly discard: () => Promise<void>;
}

/** The state, or where there is none yet a passing one, so that a rehearsal leaves no file. Its id is not the one that will be. */
async function stateForLooking(config: LoadedConfig, deps: EngineDeps): Promise<Looking> {
  const asIs = { mask: (text: string) => text, discard: () => Promise.resolve() };
  if (config.state.kind !== 'sqlite') {
    const state = await openState(config.state, deps);
    if ((await state.installationIfAny?.()) !== undefined) return { state, ...asIs };
    // Asking for the id would make it; a rehearsal writes nothing.
    const placeholder: State = { ...state, installation: () => Promise.resolve('<installation>') };
    return { state: placeholder, ...asIs };
  }
  if (existsSync(config.state.path)) return { state: await openState(config.state, deps), ...asIs };
  const folder = await mkdtemp(path.join(tmpdir(), 'keywheel-rehearsal-'));
  const state = await openState({ ...config.state, path: path.join(folder, 'state.db') }, deps);
  const id = await state.installation();
  return {
    state,
    mask: (text) => text.replaceAll(id, '<installation>'),
    discard: () => rm(folder, { recursive: true, force: true }),
  };
}
