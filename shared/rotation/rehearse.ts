/**
 * The dry run: the real engine and the real adapters, with effects and logins told instead of made, on a clock that jumps over waits. What it
 * prints is what the later run does, because the same code says it.
 */
import type { Call, Clock, Random } from '../deps.ts';
import type { Label, SecretState, SecretStore, SecretValue, SecretVersion } from '../stores/index.ts';
import type { Stored, Write } from '../state/index.ts';
import { supportsUsage, type Target } from '../targets/index.ts';
import { advance } from './advance.ts';
import { interpret } from './interpret.ts';
import type { EnginePorts } from './ops.ts';
import { enginePorts, factsOf, lagOf, type OpenPorts } from './ports.ts';
import type { RotationPolicy } from './policy.ts';
import { journalKey, type AdvanceResult, type SecretJournal } from './record.ts';

/** Stands for the rotation id in everything that a rehearsal tells, since the real run will have another. */
export const ROTATION_PLACEHOLDER = 'r-new';

export interface RehearsalLine {
  readonly kind: Call['kind'] | 'wait';
  readonly text: string;
}

export interface Rehearsal {
  readonly secret: string;
  readonly lines: readonly RehearsalLine[];
  /** How the rehearsed run ends: `closed` when all would go well, else what would stop it. */
  readonly result: AdvanceResult;
}

export interface RehearsalPorts {
  /** Opened with the rehearsal gate, whose observer is `collected`. */
  readonly rehearsing: Pick<OpenPorts, 'store' | 'target'>;
  /** Opened with the ordinary gate, and used for reads and for the logins of credentials that exist already. */
  readonly live: OpenPorts;
  /** The lines that the rehearsal gate has told so far. */
  readonly collected: RehearsalLine[];
}

export async function rehearse(
  secret: string,
  policy: RotationPolicy,
  ports: RehearsalPorts,
  start: boolean,
  clock: Clock,
  random: Random,
): Promise<Rehearsal> {
  const { collected } = ports;
  let offset = 0;
  const jumping: Clock = { now: () => clock.now() + offset };
  const context = {
    secret,
    policy: { ...policy, leaseTtl: Number.MAX_SAFE_INTEGER, readLag: lagOf(ports.live) },
    facts: factsOf(ports.live.target),
    holder: 'rehearsal',
  };
  const engine = rehearsalPorts(ports, jumping, random);
  const open = (await ports.live.state.get<SecretJournal>(journalKey(secret)))?.value.rotation;
  let request = { start, reason: 'dry run', resume: true };
  for (;;) {
    const result = await interpret(advance(context, request), engine, { timeout: policy.leaseTtl / 3 });
    if (result.status !== 'waiting' || result.rotation === undefined || result.resumeAt === undefined) {
      return { secret, lines: collected, result };
    }
    const wait = Math.max(1, result.resumeAt - jumping.now());
    told(collected, wait, result.rotation.phase, open?.from.id.slot ?? result.rotation.from.id.slot);
    offset += wait;
    request = { start: false, reason: 'dry run', resume: false };
  }
}

/** Waits that follow each other in one phase are told as one. */
function told(lines: RehearsalLine[], wait: number, phase: string, slot: string): void {
  const text = (ms: number): string => `${ms} ms of ${phase}; the use of ${slot} is sampled`;
  const last = lines.findLastIndex((line) => line.kind === 'wait');
  const before = last === -1 ? undefined : lines[last];
  if (
    before !== undefined &&
    lines.slice(last + 1).every((line) => line.kind === 'read') &&
    before.text.includes(` ms of ${phase};`)
  ) {
    lines.splice(last, lines.length - last, { kind: 'wait', text: text(Number.parseInt(before.text, 10) + wait) });
    return;
  }
  lines.push({ kind: 'wait', text: text(wait) });
}

function rehearsalPorts({ rehearsing, live }: RehearsalPorts, clock: Clock, random: Random): EnginePorts {
  const base = enginePorts({ ...rehearsing, state: live.state }, clock, random);
  return {
    ...base,
    store: overlayStore(rehearsing.store, live.store),
    target: overlayTarget(base.target, live.target, keysOf(live.target), clock),
    state: overlayState(live.state),
    random: { rotationId: () => ROTATION_PLACEHOLDER, uniform: () => 0 },
  };
}

function overlayState(state: OpenPorts['state']): EnginePorts['state'] {
  const written = new Map<string, Stored>();
  let revisions = 0;
  return {
    installation: () => state.installation(),
    get: async <T>(key: string) => (written.get(key) as Stored<T> | undefined) ?? (await state.get<T>(key)),
    transact: (writes: readonly Write[]) => {
      const all = writes.map((write) => ({ key: write.key, value: write.value, revision: `rehearsed-${(revisions += 1)}` }));
      for (const each of all) written.set(each.key, each);
      return Promise.resolve(all.map((each) => each.revision));
    },
    // A fence above every real one: the rehearsal only reads and must not be told that it is behind.
    acquire: (key, holder) =>
      Promise.resolve({ key, holder, fence: Number.MAX_SAFE_INTEGER, expiresAt: Number.MAX_SAFE_INTEGER }),
    renew: (lease) => Promise.resolve(lease),
    release: () => Promise.resolve(),
  };
}

function overlayStore(rehearsing: SecretStore, live: SecretStore): EnginePorts['store'] {
  const versions = new Map<string, SecretVersion>();
  let labels: { [L in Label]?: SecretVersion | undefined } | undefined;
  const describe = async (name: string): Promise<SecretState | undefined> => {
    const state = await rehearsing.describe(name);
    if (state === undefined || labels === undefined) return state;
    const merged: { [L in Label]?: SecretVersion } = {};
    for (const label of ['current', 'pending', 'previous'] as const) {
      const named = label in labels ? labels[label] : state.labels[label];
      if (named !== undefined) merged[label] = named as SecretVersion;
    }
    return { ...state, labels: merged };
  };
  return {
    describe,
    read: async (name, at) => {
      const overlaid = typeof at === 'string' ? labels?.[at] : versions.get(at.version);
      return overlaid ?? rehearsing.read(name, at);
    },
    stage: async (name, value, rotationId) => {
      const ref = await rehearsing.stage(name, value, rotationId);
      const version = { ...ref, value };
      versions.set(ref.id, version);
      labels = { ...labels, pending: version };
      return ref;
    },
    publish: async (name, version, expected) => {
      await rehearsing.publish(name, version, expected);
      const before = labels?.current ?? (await live.read(name, 'current'));
      const published = versions.get(version) ?? (await live.read(name, { version }));
      labels = { current: published, previous: before, pending: undefined };
      return (await describe(name)) ?? { name, revision: expected, labels: {} };
    },
    discard: async (name, version) => {
      await rehearsing.discard(name, version);
      labels = { ...labels, pending: undefined };
    },
  };
}

/** Where a provider makes the material: the id of the credential that a value holds. */
function keysOf(target: Target): ((value: SecretValue) => string | undefined) | undefined {
  if (target.capability.origin !== 'provider') return undefined;
  return factsOf(target).keyOf ?? ((value) => (typeof value['keyId'] === 'string' ? value['keyId'] : undefined));
}

function overlayTarget(
  rehearsing: EnginePorts['target'],
  live: Target,
  keyOf: ((value: SecretValue) => string | undefined) | undefined,
  clock: Clock,
): EnginePorts['target'] {
  const applied = new Set<string>();
  const retired = new Set<string>();
  const material = (value: unknown): string => JSON.stringify(value);
  let current: string | undefined;
  const ended = new Set<string>();
  /** A credential with an id of its own is dead when that id was retired, whatever stands beside it in the value. */
  const dead = (value: SecretValue): boolean => retired.has(material(value)) || ended.has(keyOf?.(value) ?? '');
  return {
    ...rehearsing,
    compose: (slot, value) => {
      current = material(value);
      return rehearsing.compose(slot, value);
    },
    apply: async (slot, value, stamp) => {
      await rehearsing.apply(slot, value, stamp);
      applied.add(material(value));
      // In place, the new material replaces the old in the same slot.
      if (current !== undefined && live.slotOf(JSON.parse(current)) === slot) retired.add(current);
    },
    mint: async (slot, marker, value, stamp) => {
      const minted = await rehearsing.mint(slot, marker, value, stamp);
      applied.add(material(minted.value));
      return minted;
    },
    retire: async (id, stamp, seen) => {
      await rehearsing.retire(id, stamp, seen);
      if (keyOf !== undefined) ended.add(id.key);
      else if (current !== undefined) retired.add(current);
    },
    probe: async (value, endpoint) => {
      const told = await rehearsing.probe(value, endpoint);
      if (dead(value)) return { ...told, outcome: 'refused' };
      return applied.has(material(value)) ? { ...told, outcome: 'accepted' } : live.probe(value, endpoint);
    },
    lastUsed: async (slot, id) => {
      const reading = supportsUsage(live) ? await rehearsing.lastUsed(slot, id) : undefined;
      // Use at a time that is still to come cannot be known; the rehearsal supposes that it ends in time.
      return { source: reading?.source ?? 'none', slot, at: clock.now(), sessions: 0 };
    },
  };
}
