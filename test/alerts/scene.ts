/** Alerts and what channels are given, for tests. */
import type { Alert } from '../../shared/audit/index.ts';
import type { AlertDeps, CredentialFields } from '../../shared/alerts/index.ts';
import type { State } from '../../shared/state/index.ts';
import { FakeState } from '../fakes/state.ts';
import { manualClock, realRandom, type ManualClock } from '../contract/harness.ts';

export const START = Date.UTC(2026, 10, 24, 2);

export function alertWith(changes: Partial<Alert> = {}): Alert {
  return {
    schema: 1,
    id: '0123456789abcdef',
    rev: 1,
    kind: 'incident',
    tenant: 'default',
    score: 72,
    band: 'high',
    title: 'Many secrets read by deployer',
    principal: { id: 'arn:aws:iam::111122223333:role/deployer', name: 'deployer', kind: 'workload' },
    source: 'aws',
    account: '111122223333',
    secrets: ['prod/db', 'prod/mail'],
    counts: { events: 12, distinctSecrets: 2, denied: 1 },
    firstEvent: { id: 'event-1', time: START - 60_000 },
    lastEvent: { id: 'event-12', time: START },
    reasons: [
      { detector: 'S1', family: 'S', bits: 12.345, observed: '12 secrets in 10 min', expected: 'at most 2' },
      { detector: 'N1', family: 'N', bits: 6, observed: 'a new secret', expected: 'one of 2 known' },
    ] as unknown as Alert['reasons'],
    attack: ['T1555.006'],
    sampleEventIds: ['event-1', 'event-12'],
    ...changes,
  };
}

/** The longest and the worst that a log may say, in every field that comes from one. */
export function hostileAlert(text: string, changes: Partial<Alert> = {}): Alert {
  const long = Array.from({ length: 50 }, (_, index) => `${text}${index}`);
  const reasons = Array.from({ length: 40 }, () => ({ detector: 'S1', family: 'S', bits: 12, observed: text, expected: text }));
  return alertWith({
    tenant: text,
    title: text,
    principal: { id: text, name: text, kind: 'human' },
    account: text,
    secrets: long,
    reasons: reasons as unknown as Alert['reasons'],
    attack: long,
    sampleEventIds: long,
    firstEvent: { id: text, time: START },
    lastEvent: { id: text, time: START },
    ...changes,
  });
}

export const HOSTILE = [
  '<!channel> <@U0123456789> <https://evil.example|your bank>',
  '*bold* _it_ ~no~ `code` ```block``` > quote & &lt;',
  'https://evil.example/?q=1 mailto:a@evil.example javascript:alert(1)',
  '\u202Egnp.exe\u0000\u001b[31m\r\n@here\u200b',
  '\ud800 half a pair',
  '&'.repeat(5000),
  '<'.repeat(5000),
  '𝒳'.repeat(4000),
] as const;

export interface AlertScene {
  readonly deps: AlertDeps;
  readonly clock: ManualClock;
  readonly core: FakeState;
  readonly state: State;
  /** Milliseconds that were waited. */
  readonly waits: number[];
  /** `store/secret`, each time one was read. */
  readonly reads: string[];
  readonly secrets: Map<string, CredentialFields>;
}

async function* asyncly<T>(items: Iterable<T>): AsyncIterable<T> {
  for (const item of Array.from(items)) yield item;
}

export function stateOf(core: FakeState): State {
  return {
    kind: 'fake',
    installation: async () => core.installation(),
    get: async (key) => core.get(key),
    getMany: async (keys) => core.getMany(keys),
    list: (prefix) => asyncly(core.list(prefix)) as never,
    put: async (write) => core.put(write),
    transact: async (writes) => core.transact(writes),
    acquire: async (key, holder, ttl) => core.acquire(key, holder, ttl),
    renew: async (lease, ttl) => core.renew(lease, ttl),
    release: async (lease) => core.release(lease),
    close: async () => {},
  };
}

export function alertScene(secrets: Readonly<Record<string, CredentialFields>> = {}): AlertScene {
  const clock = manualClock(START);
  const core = new FakeState(() => clock.now());
  const state = stateOf(core);
  const waits: number[] = [];
  const reads: string[] = [];
  const known = new Map(Object.entries(secrets));
  const deps: AlertDeps = {
    clock,
    random: realRandom,
    state,
    async sleep(ms) {
      waits.push(ms);
      clock.advance(ms);
    },
    async readSecret({ store, secret }) {
      reads.push(`${store}/${secret}`);
      return known.get(secret);
    },
  };
  return { deps, clock, core, state, waits, reads, secrets: known };
}
