/**
 * Events in, incidents out. A batch is sorted, its profiles are read once, each event is scored before it is learned, and what changed is written once.
 */
import { KeywheelError } from '../../errors.ts';
import type { AuditEvent } from '../event.ts';
import { incidentOf, incidentsOf, mustTell } from '../incidents/alert.ts';
import { acknowledge, openIncidents, openOf, recount } from '../incidents/reduce.ts';
import { noticesOf, settle } from '../incidents/sent.ts';
import { INCIDENT, type Open } from '../incidents/slot.ts';
import type { Profile } from '../profiles/profile.ts';
import type { Slot } from '../profiles/slot.ts';
import type { Scored } from '../scored.ts';
import type { AuditSettings } from '../settings.ts';
import { noteUse, USAGE } from '../usage/slot.ts';
import { CALENDAR, note } from './calendar.ts';
import { openHealing } from './healing.ts';
import { MARKS } from './marks.ts';
import { OURS } from './ours.ts';
import type { BatchResult, Pipeline, Scorer } from './port.ts';
import type { Entity, ProfileStore } from './profiles.ts';
import { openRecent } from './recent.ts';
import { openScenes, type Stage } from './scenes.ts';

export interface PipelineDeps {
  readonly settings: AuditSettings;
  readonly scorer: Scorer;
  /** Where profiles are kept: `openMemoryProfiles`, or `openStateProfiles` with a state. */
  readonly profiles: (slots: readonly Slot<unknown>[]) => ProfileStore;
  /** How many ids of events are remembered, where the store is not durable. Default: 262,144, and up to twice as many. */
  readonly remembered?: number;
}

/** Turns of reading and applying again what other workers changed meanwhile. */
const TURNS = 8;

/** Every slot that profiles have: what the store packs. */
const slotsOf = (scorer: Pick<Scorer, 'slots'>): readonly Slot<unknown>[] => [
  ...scorer.slots,
  MARKS,
  INCIDENT,
  USAGE,
  CALENDAR,
  OURS,
];

/**
 * `process` and `sent` throw ERR_STATE codes; a batch that failed is to be given again, whole or in parts: what was written of it is not applied twice.
 * One call at a time.
 */
export function createPipeline({ settings, scorer, profiles, remembered }: PipelineDeps): Pipeline {
  const store = profiles(slotsOf(scorer));
  const { expected } = store;
  const incidents = openIncidents(settings);
  const scenes = openScenes(settings, store, expected);
  const healing = openHealing(store);
  const recent = store.durable ? undefined : openRecent(remembered);
  const tenant = (): Profile => store.get('tenant', settings.tenant);

  /** By the incident's id: those of the present batch, with their entities. */
  let changed = new Map<string, readonly [Profile, Open]>();
  const onChange = (profile: Profile, open: Open): void => {
    if (!healing.isCopy(profile)) changed.set(open.id, [profile, open]);
  };

  const apply = (scene: Stage, scored: Scored): void => {
    const { event, own } = scene;
    const quarantined = incidents.take(scored, scene, onChange);
    scorer.learn(scene, quarantined);
    note(scene.principal, event);
    for (let at = 0; at < scene.secrets.length; at += 1) {
      const secret = scene.secrets[at] as Profile;
      if (at > 0 && scene.secrets.indexOf(secret) < at) continue;
      note(secret, event);
      noteUse(secret, event, event.secrets[at]?.version, own);
    }
    if (scene.network !== undefined) note(scene.network, event);
    note(scene.tenant, event);
  };

  /** Events of one process's own memory: what its id set does not know is new for all entities. */
  const passInMemory = (events: readonly AuditEvent[], ids: { has(id: string): boolean }, batch: Counts): void => {
    for (const event of events) {
      if (ids.has(event.id)) {
        batch.duplicates += 1;
        continue;
      }
      const scene = scenes.of(event);
      const scored = scorer.score(scene);
      apply(scene, scored);
      batch.scored += 1;
      batch.observe?.(scored);
    }
  };

  const passDurable = (events: readonly AuditEvent[], batch: Counts, turn: number): void => {
    const visit = healing.visit(turn);
    for (const event of events) {
      const scene = scenes.of(event);
      const state = visit.enter(scene);
      if (state === 'applied') {
        if (turn === 0) batch.duplicates += 1;
        continue;
      }
      const known = state === 'tenant' ? batch.known.get(event.id) : undefined;
      const scored = known ?? scorer.score(scene);
      apply(scene, scored);
      visit.leave(event);
      if (turn > 0) continue;
      batch.known.set(event.id, { ...scored });
      batch.scored += 1;
      batch.observe?.(scored);
    }
  };

  const writeDurable = async (events: readonly AuditEvent[], batch: Counts): Promise<void> => {
    for (let turn = 0; turn < TURNS; turn += 1) {
      passDurable(events, batch, turn);
      if (turn > 0)
        recount(
          tenant(),
          [...changed.values()].map(([, open]) => open),
          settings.tenant,
        );
      healing.thin(events[0]?.time ?? 0);
      const saved = await store.save();
      batch.writes += saved?.writes ?? 0;
      const conflicts = saved?.conflicts ?? [];
      if (conflicts.length === 0) return;
      for (const [id, [profile]] of changed) if (conflicts.includes(profile)) changed.delete(id);
      await store.reload(conflicts);
    }
    throw new KeywheelError(
      'ERR_STATE_CONFLICT',
      'a batch of audit events could not be written, other workers changed the same profiles',
      {
        hint: 'it is given again by its source; let fewer workers score one tenant at a time',
        retryable: true,
      },
    );
  };

  /** Incidents that were told are asked about before they go on. */
  const noteAcknowledged = async (events: readonly AuditEvent[]): Promise<void> => {
    const told = new Map<string, Open>();
    for (const { kind, key } of entitiesOf(events, settings)) {
      const open = openOf(store.get(kind, key));
      if (open !== undefined && open.sent > 0 && open.ack === undefined) told.set(open.id, open);
    }
    if (told.size === 0) return;
    for (const [id, by] of (await store.acknowledged?.([...told.keys()])) ?? []) {
      const open = told.get(id);
      if (open !== undefined) acknowledge(open, by);
    }
  };

  const result = (batch: Counts, visited: readonly AuditEvent[]): BatchResult => {
    const profiles = new Set([...changed.values()].map(([profile]) => profile));
    // What was decided by a batch that was cut off before its alerts were sent is found again here.
    if (store.durable) for (const { kind, key } of entitiesOf(visited, settings)) profiles.add(store.get(kind, key));
    return {
      incidents: [...changed.values()].map(([{ kind, key }, open]) => incidentOf(open, kind, key)),
      toSend: [...profiles].flatMap((profile) => incidentsOf(profile)).filter(mustTell),
      notices: noticesOf(tenant()),
      duplicates: batch.duplicates,
      scored: batch.scored,
      writes: batch.writes,
    };
  };

  return {
    async process(events, observe) {
      const sorted = inOrder(events);
      const batch: Counts = { duplicates: 0, scored: 0, writes: 0, known: new Map(), observe };
      changed = new Map();
      if (recent !== undefined) {
        passInMemory(sorted, recent, batch);
        return result(batch, sorted);
      }
      try {
        await Promise.all([store.load(() => entitiesOf(sorted, settings)), expected?.load(namesOf(sorted))]);
        await noteAcknowledged(sorted);
        await writeDurable(sorted, batch);
        return result(batch, sorted);
      } catch (error) {
        store.drop();
        throw error;
      }
    },
    sent: (some, notices = []) => settle(store, settings.tenant, some, notices),
    async close() {
      await store.save();
    },
  };
}

interface Counts {
  duplicates: number;
  scored: number;
  writes: number;
  /** Scores of this batch's events, for the turns after a conflict. */
  readonly known: Map<string, Scored>;
  readonly observe: ((scored: Scored) => void) | undefined;
}

const inOrderOfTime = (a: AuditEvent, b: AuditEvent): number => a.time - b.time || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

function inOrder(events: readonly AuditEvent[]): readonly AuditEvent[] {
  for (let at = 1; at < events.length; at += 1) {
    if (inOrderOfTime(events[at - 1] as AuditEvent, events[at] as AuditEvent) > 0) return events.toSorted(inOrderOfTime);
  }
  return events;
}

function* entitiesOf(events: readonly AuditEvent[], { tenant }: AuditSettings): Generator<Entity> {
  yield { kind: 'tenant', key: tenant };
  for (const { principal, secrets, net } of events) {
    yield { kind: 'principal', key: principal.id };
    for (const { key } of secrets) yield { kind: 'secret', key };
    if (net.prefix !== undefined) yield { kind: 'network', key: net.prefix };
  }
}

/** Of secrets that were written: only who writes an announced version is looked up. */
function namesOf(events: readonly AuditEvent[]): ReadonlySet<string> {
  const writes = events.filter(({ verb }) => verb === 'write' || verb === 'create');
  return new Set(writes.flatMap(({ secrets }) => secrets.map(({ name }) => name)));
}
