/** The world of one simulation: true time, the fakes, and each worker's own view of them. */
import type { EngineContext, EnginePorts, RotationPolicy, SecretJournal } from '../../shared/rotation/index.ts';
import { journalKey } from '../../shared/rotation/index.ts';
import type { SecretValue } from '../../shared/stores/index.ts';
import { FakeKeyTarget } from '../fakes/key-target.ts';
import { FakeState } from '../fakes/state.ts';
import { FakeStore } from '../fakes/store.ts';
import { FakeTarget } from '../fakes/target.ts';
import { DAY, EPOCH, type Scenario } from './scenario.ts';

export const SECRET = 'app/db';

export class World {
  readonly scenario: Scenario;
  now = EPOCH;
  readonly store: FakeStore;
  readonly state: FakeState;
  readonly target: FakeTarget | FakeKeyTarget;
  /** Holders whose process has ended: what another process of the same machine can find out. */
  readonly dead = new Set<string>();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    const now = (): number => this.now;
    this.store = new FakeStore(now, scenario.readLag);
    this.state = new FakeState(now);
    const { replicaLag, usage } = scenario;
    if (scenario.strategy === 'overlap') {
      const target = new FakeKeyTarget(now, 'svc', { replicaLag, usage, maxKeys: 4 });
      this.target = target;
      this.store.put(SECRET, { ...target.createByHand(), host: 'api' });
      target.createByHand();
    } else {
      const target = new FakeTarget(now, scenario.strategy === 'in-place' ? ['app_a'] : ['app_a', 'app_b'], { replicaLag });
      this.target = target;
      target.setByHand('app_a', 'first');
      this.store.put(SECRET, { username: 'app_a', password: 'first', host: 'db' });
    }
    // Older than any lag, so that every reader has seen it.
    this.now += DAY;
  }

  workerNow(worker: number): number {
    const clock = this.scenario.workers[worker] ?? { skew: 0, drift: 0 };
    return Math.round(this.now + clock.skew + clock.drift * (this.now % (10 * DAY)));
  }

  context(holder: string, policy: RotationPolicy): EngineContext {
    const { target } = this;
    return {
      secret: SECRET,
      policy,
      facts: {
        description: target.description,
        capability: target.capability,
        endpoints: target.endpoints,
        slots: target.slots,
        slotOf: (value) => target.slotOf(value),
        usage: target.capability.usage,
      },
      holder,
    };
  }

  /** Ports as one worker sees them: its own clock judges leases. */
  ports(worker: number, random: EnginePorts['random']): EnginePorts {
    const { store, target, state } = this;
    const now = (): number => this.workerNow(worker);
    return {
      store,
      target,
      state: {
        installation: () => state.installation(),
        get: (key: string) => state.get(key),
        transact: (writes: Parameters<FakeState['transact']>[0]) => state.transact(writes),
        acquire: (key: string, holder: string, ttl: number) =>
          state.acquire(key, holder, ttl, (each) => this.dead.has(each), now()),
        renew: (lease: Parameters<FakeState['renew']>[0], ttl: number) => state.renew(lease, ttl, now()),
        release: (lease: Parameters<FakeState['release']>[0]) => state.release(lease),
      },
      clock: { now },
      random,
    } as unknown as EnginePorts;
  }

  journal(): SecretJournal | undefined {
    return this.state.get<SecretJournal>(journalKey(SECRET))?.value;
  }

  /** What a label names now, without lag. */
  labelled(label: 'current' | 'previous' | 'pending'): { id: string; value: SecretValue; rotationId?: string } | undefined {
    return this.store.read(SECRET, label, 0);
  }

  acceptedEverywhere(value: SecretValue): boolean {
    return this.target.endpoints.every((endpoint) => this.target.accepts(value, endpoint));
  }
}
