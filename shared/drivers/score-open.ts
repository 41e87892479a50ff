/** What scoring needs, opened once for an instance: profiles that were read stay in memory, and connections stay open between two calls. */
import type { AlertDeps, Channel } from '../alerts/index.ts';
import type * as AuditRoom from '../audit/index.ts';
import type { Pipeline } from '../audit/index.ts';
import { openState, type State } from '../state/index.ts';
import type { Objects } from '../trails/index.ts';
import type { Host } from './host.ts';
import { alertDepsOf, openConfigured } from './score-alerts.ts';

type Audit = typeof AuditRoom;

export interface Scoring {
  readonly state: State;
  readonly pipeline: Pipeline;
  readonly tenant: string;
  readonly alerting: AlertDeps;
  readonly channels: readonly Channel[];
  /** The room itself, loaded with the first delivery. */
  readonly audit: Audit;
  /** Opened when the first notification names an object. */
  readonly objects: () => Promise<Objects>;
  close(): Promise<void>;
}

interface Kept {
  readonly scoring: Promise<Scoring>;
  /** Ends when the work before has: a pipeline does one batch at a time. */
  last: Promise<unknown>;
}

/** By configuration: one instance has one. */
const kept = new WeakMap<Host['config'], Kept>();

/** What failed is opened anew by the next call: nothing half-done stays in memory. */
export async function withScoring<T>(host: Host, work: (scoring: Scoring) => Promise<T>): Promise<T> {
  const found = kept.get(host.config) ?? { scoring: open(host), last: Promise.resolve() };
  kept.set(host.config, found);
  const turn = found.last.then(async () => work(await found.scoring));
  found.last = turn.catch(() => undefined);
  try {
    return await turn;
  } catch (error) {
    if (kept.get(host.config) === found) kept.delete(host.config);
    await found.scoring.then((scoring) => scoring.close()).catch(() => undefined);
    throw error;
  }
}

async function open(host: Host): Promise<Scoring> {
  const { config, deps } = host;
  const [audit, state] = await Promise.all([import('../audit/index.ts'), host.openState?.() ?? openState(config.state, deps)]);
  const { createPipeline, openStateProfiles, settingsOf, systemScorer } = audit;
  const settings = settingsOf(config.audit);
  const alerting = alertDepsOf(host, state);
  const channels = await openConfigured(host, alerting);
  const pipeline = createPipeline({
    settings,
    scorer: systemScorer(),
    profiles: (slots) => openStateProfiles(state, { tenant: settings.tenant, slots }),
  });
  let objects: Promise<Objects> | undefined;
  return {
    state,
    pipeline,
    tenant: settings.tenant,
    alerting,
    channels,
    audit,
    objects: () => (objects ??= import('../trails/index.ts').then(({ openObjects }) => openObjects())),
    async close() {
      for (const channel of channels) await channel.close?.();
      (await objects)?.close();
      await state.close();
    },
  };
}
