/**
 * A store in memory, synchronous so that simulations need no event loop. It follows the SecretStore port; `asPort` makes the port
 * itself. It counts writes, and may show reads late.
 */
import { KeywheelError } from '../../shared/errors.ts';
import type { Label, SecretState, SecretValue, SecretVersion, VersionRef } from '../../shared/stores/index.ts';

interface Version extends SecretVersion {
  readonly discarded: boolean;
}

interface Secret {
  readonly versions: readonly Version[];
  readonly labels: { readonly [L in Label]?: string };
  readonly revision: number;
}

interface StoreSnapshot {
  readonly history: ReadonlyMap<string, { at: number; secret: Secret }[]>;
  readonly puts: number;
}

export class FakeStore {
  readonly kind = 'fake';
  readonly readLag: number;
  writes = 0;
  /** How far the next read of the engine lags; at most `readLag`, which it is unless a simulation says otherwise. */
  lag: () => number;
  private readonly now: () => number;
  /** Every state of every secret with the time it began, so that lagging readers can be shown an old one. */
  private readonly history = new Map<string, { at: number; secret: Secret }[]>();
  private puts = 0;

  constructor(now: () => number, readLag = 0) {
    this.now = now;
    this.readLag = readLag;
    this.lag = () => readLag;
  }

  /** The state that a reader who lags by `lag` sees. */
  seen(name: string, lag = 0): Secret | undefined {
    const states = this.history.get(name) ?? [];
    return states.findLast((each) => each.at <= this.now() - lag)?.secret;
  }

  private save(name: string, secret: Secret): void {
    this.writes += 1;
    const states = this.history.get(name) ?? [];
    // Keep only what a lagging reader may still be shown.
    const oldest = states.findLastIndex((each) => each.at <= this.now() - this.readLag);
    const versions = secret.versions.filter(
      (each, index) => index >= secret.versions.length - 24 || Object.values(secret.labels).includes(each.id),
    );
    this.history.set(name, [...states.slice(Math.max(0, oldest)), { at: this.now(), secret: { ...secret, versions } }]);
  }

  describe(name: string): SecretState | undefined {
    const secret = this.seen(name, this.lag());
    return secret === undefined ? undefined : stateOf(name, secret);
  }

  read(name: string, at: Label | { readonly version: string }, lag = this.lag()): SecretVersion | undefined {
    const secret = this.seen(name, lag);
    const id = typeof at === 'string' ? secret?.labels[at] : at.version;
    const found = secret?.versions.find((each) => each.id === id && !each.discarded);
    return found === undefined ? undefined : { ...refOf(found), value: found.value };
  }

  stage(name: string, value: SecretValue, rotationId: string): VersionRef {
    const secret = this.must(name);
    const same = secret.versions.find((each) => each.rotationId === rotationId);
    if (same?.discarded === true) throw conflict(name, `the version of rotation ${rotationId} was discarded`);
    if (same !== undefined) return refOf(same);
    if (secret.labels.pending !== undefined) throw conflict(name, 'another version is pending');
    const version: Version = { id: `v-${rotationId}`, createdAt: this.now(), rotationId, value, discarded: false };
    this.save(name, { ...secret, versions: [...secret.versions, version], labels: { ...secret.labels, pending: version.id } });
    return refOf(version);
  }

  publish(name: string, version: string, expected: string): SecretState {
    const secret = this.must(name);
    if (secret.labels.current === version) return stateOf(name, secret);
    if (String(secret.revision) !== expected) throw conflict(name, 'current has moved meanwhile');
    if (!secret.versions.some((each) => each.id === version && !each.discarded))
      throw conflict(name, `${version} is not in the store`);
    const labels = { current: version, ...(secret.labels.current === undefined ? {} : { previous: secret.labels.current }) };
    const next = { ...secret, labels, revision: secret.revision + 1 };
    this.save(name, next);
    return stateOf(name, next);
  }

  discard(name: string, version: string): void {
    const secret = this.seen(name);
    if (secret === undefined) return;
    for (const label of ['current', 'previous'] as const) {
      if (secret.labels[label] === version) throw conflict(name, `${version} is ${label}`);
    }
    if (!secret.versions.some((each) => each.id === version && !each.discarded)) return;
    const { pending, ...labels } = secret.labels;
    this.save(name, {
      ...secret,
      versions: secret.versions.map((each) => (each.id === version ? { ...each, discarded: true } : each)),
      labels: pending === undefined || pending === version ? labels : { ...labels, pending },
    });
  }

  put(name: string, value: SecretValue, expected?: string | null): SecretState {
    const before = this.seen(name);
    if (before === undefined && typeof expected === 'string') throw conflict(name, 'there is no such secret');
    const secret = before ?? { versions: [], labels: {}, revision: 0 };
    if (expected === null && secret.labels.current !== undefined) throw conflict(name, 'it exists already');
    if (typeof expected === 'string' && String(secret.revision) !== expected) throw conflict(name, 'current has moved meanwhile');
    this.puts += 1;
    const version: Version = { id: `p-${this.puts}`, createdAt: this.now(), value, discarded: false };
    const labels = {
      ...secret.labels,
      current: version.id,
      ...(secret.labels.current === undefined ? {} : { previous: secret.labels.current }),
    };
    const next = { versions: [...secret.versions, version], labels, revision: secret.revision + 1 };
    this.save(name, next);
    return stateOf(name, next);
  }

  *list(filter?: { readonly prefix?: string }): Iterable<{ name: string; labels: SecretState['labels'] }> {
    for (const name of [...this.history.keys()].sort()) {
      const secret = this.seen(name);
      if (secret !== undefined && name.startsWith(filter?.prefix ?? '')) yield { name, labels: stateOf(name, secret).labels };
    }
  }

  /** Everything that it holds, for `restore`. Values are never changed in place, so a shallow copy is enough. */
  snapshot(): StoreSnapshot {
    return { history: new Map(this.history), puts: this.puts };
  }

  restore(snapshot: StoreSnapshot): void {
    this.history.clear();
    for (const [name, states] of snapshot.history) this.history.set(name, states);
    this.puts = snapshot.puts;
  }

  private must(name: string): Secret {
    const secret = this.seen(name);
    if (secret === undefined) throw new KeywheelError('ERR_SECRET_NOT_FOUND', `${name} is not in this store`);
    return secret;
  }
}

function refOf(version: Version): VersionRef {
  return {
    id: version.id,
    createdAt: version.createdAt,
    ...(version.rotationId === undefined ? {} : { rotationId: version.rotationId }),
  };
}

function stateOf(name: string, secret: Secret): SecretState {
  const labels: { [L in Label]?: VersionRef } = {};
  for (const label of ['current', 'pending', 'previous'] as const) {
    const version = secret.versions.find((each) => each.id === secret.labels[label]);
    if (version !== undefined) labels[label] = refOf(version);
  }
  return { name, revision: String(secret.revision), labels };
}

function conflict(name: string, why: string): KeywheelError {
  return new KeywheelError('ERR_STORE_CONFLICT', `${name}: ${why}`, { subject: name });
}
