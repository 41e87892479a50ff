/**
 * A target whose provider makes the material (an IAM user's access keys are the model), synchronous: keys have ids, there are only so many
 * of them, they are deleted by id, and a person may have made one by hand.
 */
import { KeywheelError } from '../../shared/errors.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import type { Capability, CredentialId, Evidence, Finding, Probe, Stamp } from '../../shared/targets/index.ts';
import type { Session } from './target.ts';

interface Key {
  readonly secret: string;
  /** The rotation that asked for it; absent on keys that people made. */
  readonly marker: string | undefined;
  readonly createdAt: number;
}

interface Mark {
  readonly installation: string;
  readonly secret: string;
  readonly fence: number;
}

interface Principal {
  readonly keys: ReadonlyMap<string, Key>;
  readonly mark: Mark | undefined;
}

interface KeyTargetSnapshot {
  readonly history: readonly { at: number; principal: Principal }[];
  readonly sessions: readonly Session[];
  readonly counter: number;
}

export class FakeKeyTarget {
  readonly kind = 'fake-keys';
  readonly description = 'fake keys of one principal';
  readonly slots: readonly string[];
  readonly endpoints: readonly string[];
  readonly capability: Capability;
  readonly replicaLag: number;
  readonly maxKeys: number;
  writes = 0;
  sessions: Session[] = [];
  private readonly now: () => number;
  private readonly slotName: string;
  private readonly history: { at: number; principal: Principal }[];
  private counter = 0;

  constructor(now: () => number, slot: string, options: { replicaLag?: number; maxKeys?: number; usage?: boolean } = {}) {
    this.now = now;
    this.slotName = slot;
    this.slots = [slot];
    this.replicaLag = options.replicaLag ?? 0;
    this.maxKeys = options.maxKeys ?? 3;
    this.endpoints = this.replicaLag > 0 ? ['primary', 'replica'] : ['primary'];
    this.capability = {
      slots: this.maxKeys,
      origin: 'provider',
      retire: 'delete',
      propagation: { typical: this.replicaLag, max: this.replicaLag * 2 },
      usage: options.usage ?? true,
    };
    this.history = [{ at: Number.NEGATIVE_INFINITY, principal: { keys: new Map(), mark: undefined } }];
  }

  /** A person makes a key in the console; it carries no marker of ours. */
  createByHand(): SecretValue {
    return this.create(undefined);
  }

  deleteByHand(id: string): void {
    this.delete(id);
  }

  credentials(): string[] {
    return [...this.at('primary').keys].map(([id, key]) => `${id}=${key.secret}`);
  }

  credentialOf(value: SecretValue): string {
    return `${String(value['keyId'])}=${String(value['secret'])}`;
  }

  accepts(value: SecretValue, endpoint = 'primary'): boolean {
    return this.at(endpoint).keys.get(String(value['keyId']))?.secret === value['secret'];
  }

  /** A consumer's session; undefined when it is refused. Its `slot` is the key's id: that is what use is told by. */
  login(value: SecretValue, endpoint = 'primary'): Session | undefined {
    if (!this.accepts(value, endpoint)) return undefined;
    const session = { slot: String(value['keyId']), loginAt: this.now(), lastAt: this.now() };
    this.sessions.push(session);
    return session;
  }

  logout(session: Session): void {
    this.sessions = this.sessions.filter((each) => each !== session);
  }

  endSessions(): void {
    this.sessions = [];
  }

  slotOf(value: SecretValue): string {
    if (value['username'] === this.slotName) return this.slotName;
    throw new KeywheelError('ERR_SECRET_INVALID', 'username names no principal that is pinned for this secret');
  }

  compose(): never {
    throw new TypeError('this provider makes the material itself');
  }

  preflight(_from: string, _to: string, stamp: Stamp): Finding[] {
    const { keys, mark } = this.latest();
    if (mark !== undefined && mark.fence > stamp.fence) {
      return [{ code: 'fence-behind', level: 'error', message: `the target has seen fence ${mark.fence}` }];
    }
    if (keys.size < this.maxKeys) return [];
    return [{ code: 'slots-full', level: 'error', message: `all ${this.maxKeys} keys of ${this.slotName} exist` }];
  }

  apply(): never {
    throw new TypeError('nothing is applied where the provider makes the material');
  }

  mint(slot: string, marker: string, current: SecretValue, stamp: Stamp): { id: CredentialId; value: SecretValue } {
    this.guard(stamp);
    if (this.latest().keys.size >= this.maxKeys) {
      throw new KeywheelError('ERR_TARGET_FAILED', `${slot} has ${this.maxKeys} keys already`, { retryable: true });
    }
    const made = this.create(marker);
    this.writes += 1;
    return { id: { slot, key: String(made['keyId']) }, value: { ...current, ...made } };
  }

  find(marker: string): CredentialId[] {
    const found = [...this.latest().keys].filter(([, key]) => key.marker === marker);
    return found.map(([key]) => ({ slot: this.slotName, key }));
  }

  probe(value: SecretValue, endpoint: string): Probe {
    const accepted = this.accepts(value, endpoint);
    return { outcome: accepted ? 'accepted' : 'refused', endpoint, detail: accepted ? 'ok' : 'refused' };
  }

  compare(): Finding[] {
    return [];
  }

  fence(stamp: Stamp): void {
    this.guard(stamp);
    this.writes += 1;
  }

  /** Deletes one key by its id; one that is gone already is a success. */
  retire(id: CredentialId, stamp: Stamp, _seen: 'accepted' | 'refused'): void {
    this.guard(stamp);
    this.writes += 1;
    this.delete(id.key);
  }

  lastUsed(slot: string, id?: CredentialId): Evidence {
    const open = this.sessions.filter((each) => id === undefined || each.slot === id.key);
    const reading = { source: 'fake', slot, at: this.now(), sessions: open.length };
    if (open.length === 0) return reading;
    return {
      ...reading,
      lastUsedAt: Math.max(...open.map((each) => each.lastAt)),
      lastLoginAt: Math.max(...open.map((each) => each.loginAt)),
    };
  }

  close(): void {}

  snapshot(): KeyTargetSnapshot {
    return { history: [...this.history], sessions: [...this.sessions], counter: this.counter };
  }

  restore(snapshot: KeyTargetSnapshot): void {
    this.history.splice(0, this.history.length, ...snapshot.history);
    this.sessions = [...snapshot.sessions];
    this.counter = snapshot.counter;
  }

  private create(marker: string | undefined): SecretValue {
    this.counter += 1;
    const id = `AK${this.counter}`;
    const { keys, mark } = this.latest();
    const key = { secret: `minted-${this.counter}`, marker, createdAt: this.now() };
    this.save({ keys: new Map([...keys, [id, key]]), mark });
    return { username: this.slotName, keyId: id, secret: key.secret };
  }

  private delete(id: string): void {
    const { keys, mark } = this.latest();
    this.save({ keys: new Map([...keys].filter(([each]) => each !== id)), mark });
    this.sessions = this.sessions.filter((each) => each.slot !== id);
  }

  private latest(): Principal {
    return this.history.at(-1)?.principal ?? { keys: new Map(), mark: undefined };
  }

  private at(endpoint: string): Principal {
    const limit = this.now() - (endpoint === 'replica' ? this.replicaLag : 0);
    return this.history.findLast((each) => each.at <= limit)?.principal ?? { keys: new Map(), mark: undefined };
  }

  private save(principal: Principal): void {
    this.history.push({ at: this.now(), principal });
    const keep = this.history.findLastIndex((each) => each.at <= this.now() - this.replicaLag);
    if (keep > 0) this.history.splice(0, keep);
  }

  private guard(stamp: Stamp): void {
    const { keys, mark } = this.latest();
    if (mark !== undefined && (mark.installation !== stamp.installation || mark.secret !== stamp.secret)) {
      throw new KeywheelError('ERR_TARGET_OWNED', `${this.slotName} is rotated for ${mark.secret} by another installation`);
    }
    if (mark !== undefined && mark.fence > stamp.fence) {
      throw new KeywheelError('ERR_FENCE_STALE', `fence ${stamp.fence} is older than ${mark.fence} at ${this.slotName}`);
    }
    this.save({ keys, mark: { installation: stamp.installation, secret: stamp.secret, fence: stamp.fence } });
  }
}
