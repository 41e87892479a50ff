/**
 * A target with named slots in memory, synchronous: a pair of accounts, two slots of one principal, or one account. It shows what is live, counts
 * writes, keeps fences as a real one does, and may show changes late at a replica.
 */
import { KeywheelError } from '../../shared/errors.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import type { Capability, CredentialId, Evidence, Finding, Probe, Stamp } from '../../shared/targets/index.ts';

interface Mark {
  readonly installation: string;
  readonly secret: string;
  readonly credential: string | undefined;
  readonly retired: string | undefined;
  readonly fence: number;
}

interface Slot {
  readonly password: string | undefined;
  readonly mark: Mark | undefined;
}

export interface Session {
  readonly slot: string;
  readonly loginAt: number;
  lastAt: number;
}

interface TargetSnapshot {
  readonly history: readonly { at: number; slots: ReadonlyMap<string, Slot> }[];
  readonly sessions: readonly Session[];
  readonly counter: number;
}

export class FakeTarget {
  readonly kind = 'fake';
  readonly description = 'fake target';
  readonly slots: readonly string[];
  readonly endpoints: readonly string[];
  readonly capability: Capability;
  readonly replicaLag: number;
  writes = 0;
  sessions: Session[] = [];
  /** Set by a test to make preflight or compare find something. */
  findings: Finding[] = [];
  differences: Finding[] = [];
  private readonly now: () => number;
  private readonly history: { at: number; slots: ReadonlyMap<string, Slot> }[];
  private counter = 0;

  constructor(now: () => number, slots: readonly string[], options: { replicaLag?: number } = {}) {
    this.now = now;
    this.slots = slots;
    this.replicaLag = options.replicaLag ?? 0;
    this.endpoints = this.replicaLag > 0 ? ['primary', 'replica'] : ['primary'];
    this.capability = {
      slots: slots.length,
      origin: 'client',
      retire: 'overwrite',
      propagation: { typical: this.replicaLag, max: this.replicaLag * 2 },
      usage: true,
    };
    this.history = [
      { at: Number.NEGATIVE_INFINITY, slots: new Map(slots.map((slot) => [slot, { password: undefined, mark: undefined }])) },
    ];
  }

  /** The passwords that authenticate at an endpoint right now. */
  live(endpoint = 'primary'): ReadonlyMap<string, string | undefined> {
    return new Map([...this.at(endpoint)].map(([slot, each]) => [slot, each.password]));
  }

  accepts(value: SecretValue, endpoint = 'primary'): boolean {
    const slot = this.at(endpoint).get(String(value['username']));
    return slot?.password !== undefined && slot.password === value['password'];
  }

  /** Every credential that lives at the primary, by a name that tells it from all others. */
  credentials(): string[] {
    const live: string[] = [];
    for (const [slot, { password }] of this.at('primary')) if (password !== undefined) live.push(`${slot}=${password}`);
    return live;
  }

  credentialOf(value: SecretValue): string {
    return `${String(value['username'])}=${String(value['password'])}`;
  }

  /** Every consumer disconnects. */
  endSessions(): void {
    this.sessions = [];
  }

  /** Everything that it holds, for `restore`. */
  snapshot(): TargetSnapshot {
    return { history: [...this.history], sessions: [...this.sessions], counter: this.counter };
  }

  restore(snapshot: TargetSnapshot): void {
    this.history.splice(0, this.history.length, ...snapshot.history);
    this.sessions = [...snapshot.sessions];
    this.counter = snapshot.counter;
  }

  private at(endpoint: string): ReadonlyMap<string, Slot> {
    const limit = this.now() - (endpoint === 'replica' ? this.replicaLag : 0);
    return this.history.findLast((each) => each.at <= limit)?.slots ?? new Map();
  }

  private save(slot: string, next: Slot): void {
    const last = this.history.at(-1)?.slots ?? new Map<string, Slot>();
    this.history.push({ at: this.now(), slots: new Map([...last, [slot, next]]) });
    const keep = this.history.findLastIndex((each) => each.at <= this.now() - this.replicaLag);
    if (keep > 0) this.history.splice(0, keep);
  }

  /** An operator at the target: changes a password and leaves our mark as it is. */
  setByHand(slot: string, password: string): void {
    this.save(slot, { password, mark: this.slot(slot).mark });
  }

  /** A consumer's login; undefined when it is refused. */
  login(value: SecretValue, endpoint = 'primary'): Session | undefined {
    if (!this.accepts(value, endpoint)) return undefined;
    const session = { slot: String(value['username']), loginAt: this.now(), lastAt: this.now() };
    this.sessions.push(session);
    return session;
  }

  logout(session: Session): void {
    this.sessions = this.sessions.filter((each) => each !== session);
  }

  slotOf(value: SecretValue): string {
    const slot = String(value['username']);
    if (this.slots.includes(slot)) return slot;
    throw new KeywheelError('ERR_SECRET_INVALID', 'username names no account that is pinned for this secret');
  }

  compose(slot: string, current: SecretValue, random?: (length: number) => Uint8Array): SecretValue {
    this.counter += random === undefined ? 1 : 0;
    const password = random === undefined ? `generated-${this.counter}` : Buffer.from(random(16)).toString('hex');
    return { ...current, username: slot, password };
  }

  preflight(_from: string, to: string, stamp: Stamp): Finding[] {
    const mark = this.slot(to).mark;
    if (mark !== undefined && mark.fence > stamp.fence) {
      return [
        {
          code: 'fence-behind',
          level: 'error',
          message: `the target has seen fence ${mark.fence}, this state is at ${stamp.fence}`,
        },
      ];
    }
    const inUse = to !== _from && this.sessions.some((each) => each.slot === to);
    return inUse
      ? [...this.findings, { code: 'idle-account-in-use', level: 'error', message: `${to} has open sessions` }]
      : this.findings;
  }

  apply(slot: string, value: SecretValue, stamp: Stamp): void {
    const mark = this.guard(slot, stamp);
    this.writes += 1;
    this.save(slot, { password: String(value['password']), mark: { ...mark, credential: stamp.rotationId, retired: undefined } });
  }

  probe(value: SecretValue, endpoint: string): Probe {
    const accepted = this.accepts(value, endpoint);
    return { outcome: accepted ? 'accepted' : 'refused', endpoint, detail: accepted ? 'ok' : 'refused' };
  }

  compare(_from: string, _to: string): Finding[] {
    return this.differences;
  }

  fence(stamp: Stamp): void {
    for (const slot of this.slots) this.save(slot, { ...this.slot(slot), mark: this.guard(slot, stamp) });
    this.writes += 1;
  }

  retire(id: CredentialId, stamp: Stamp, seen: 'accepted' | 'refused'): void {
    const mark = this.guard(id.slot, stamp);
    const before = this.slot(id.slot);
    this.save(id.slot, { ...before, mark });
    const again = mark.retired === id.key;
    if (seen === 'refused' && !again) return;
    if (!again) {
      const holds = mark.credential ?? (mark.retired === undefined ? 'adopted' : undefined);
      if (holds !== id.key) throw new KeywheelError('ERR_TARGET_MISMATCH', `${id.slot} holds another credential than ${id.key}`);
      this.writes += 1;
      this.save(id.slot, { password: undefined, mark: { ...mark, credential: undefined, retired: id.key } });
    }
    this.sessions = this.sessions.filter((each) => each.slot !== id.slot);
  }

  lastUsed(slot: string): Evidence {
    const open = this.sessions.filter((each) => each.slot === slot);
    const at = this.now();
    if (open.length === 0) return { source: 'fake', slot, at, sessions: 0 };
    return {
      source: 'fake',
      slot,
      at,
      sessions: open.length,
      lastUsedAt: Math.max(...open.map((each) => each.lastAt)),
      lastLoginAt: Math.max(...open.map((each) => each.loginAt)),
    };
  }

  close(): void {}

  private slot(name: string): Slot {
    return this.history.at(-1)?.slots.get(name) ?? { password: undefined, mark: undefined };
  }

  private guard(slot: string, stamp: Stamp): Mark {
    const mark = this.slot(slot).mark;
    if (mark !== undefined && (mark.installation !== stamp.installation || mark.secret !== stamp.secret)) {
      throw new KeywheelError(
        'ERR_TARGET_OWNED',
        `${slot} is rotated for ${mark.secret} by the installation ${mark.installation}`,
      );
    }
    if (mark !== undefined && mark.fence > stamp.fence) {
      throw new KeywheelError('ERR_FENCE_STALE', `fence ${stamp.fence} is older than ${mark.fence} at ${slot}`);
    }
    return {
      installation: stamp.installation,
      secret: stamp.secret,
      credential: mark?.credential,
      retired: mark?.retired,
      fence: stamp.fence,
    };
  }
}
