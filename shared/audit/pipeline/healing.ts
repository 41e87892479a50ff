/**
 * Events over entities of which each remembers for itself what it has applied. What some have applied and others have not (a crash between two
 * writes, another worker in between) is applied by those others alone; the first are seen in copies that are thrown away.
 */
import type { AuditEvent } from '../event.ts';
import { sliceIfAny, sliceOf, type Profile } from '../profiles/profile.ts';
import { MARKS, markOf, remember, seen, thin, type Seen } from './marks.ts';
import type { ProfileStore } from './profiles.ts';
import type { Stage } from './scenes.ts';

/** What nobody remembers and is not this late was not seen before; what is later was. */
const LATE = 900_000;

interface Visit {
  /**
   * `applied`: by all, or so long ago that nobody remembers. `tenant`: by all but the tenant. `open`: by some or none. Entities that have applied the
   * event are replaced by copies in the scene.
   */
  enter(scene: Stage): 'applied' | 'tenant' | 'open';
  /** After the event was learned: marks it. */
  leave(event: AuditEvent): void;
}

export interface Healing {
  /** What happens to a copy did not happen. */
  isCopy(profile: Profile): boolean;
  /** `turn` 0 is the first of a batch. */
  visit(turn: number): Visit;
  /** Makes room among the marks of what changed in this batch; `since`: its earliest time. */
  thin(since: number): void;
}

export function openHealing(store: ProfileStore): Healing {
  let touched = new Set<Profile>();
  const copies = new WeakSet<Profile>();
  return {
    isCopy: (profile) => copies.has(profile),
    visit(turn) {
      if (turn === 0) touched = new Set();
      const entities: Profile[] = [];
      const answers: Seen[] = [];
      /** Copies that only learn, and whose scores nobody asks: one for each entity is enough. */
      const kept = new Map<Profile, Profile>();
      const copy = (profile: Profile, keep: boolean): Profile => {
        const known = keep ? kept.get(profile) : undefined;
        const made = known ?? store.copy(profile);
        if (keep) kept.set(profile, made);
        copies.add(made);
        return made;
      };
      return {
        enter(scene) {
          const { event } = scene;
          const mark = markOf(event.id);
          list(scene, entities);
          answers.length = 0;
          for (const each of entities) answers.push(seen(sliceIfAny(each, MARKS), event.time, mark));
          const answer = resolved(answers, event, scene);
          const applied = entities.filter((_each, at) => (answers[at] === 'unknown' ? answer : answers[at]) === 'yes');
          if (applied.length === entities.length) return 'applied';
          if (applied.length === 0) return 'open';
          const tenantOnly = applied.length === entities.length - 1 && !applied.includes(scene.tenant);
          const stand = (profile: Profile): Profile => (applied.includes(profile) ? copy(profile, tenantOnly) : profile);
          scene.principal = stand(scene.principal);
          const before = [...scene.secrets];
          for (const [at, secret] of before.entries()) {
            const first = before.indexOf(secret);
            scene.secrets[at] = first < at ? (scene.secrets[first] as Profile) : stand(secret);
          }
          scene.network = scene.network === undefined ? undefined : stand(scene.network);
          scene.tenant = stand(scene.tenant);
          for (const each of applied) entities.splice(entities.indexOf(each), 1);
          return tenantOnly ? 'tenant' : 'open';
        },
        leave(event) {
          const mark = markOf(event.id);
          for (const each of entities) {
            remember(sliceOf(each, MARKS), event.time, mark);
            touched.add(each);
          }
        },
      };
    },
    thin(since) {
      for (const profile of touched) {
        const marks = sliceIfAny(profile, MARKS);
        if (marks !== undefined) thin(marks, profile.kind, since);
      }
      touched = new Set();
    },
  };
}

/** What those that do not remember are taken to have done: as the others; and where nobody remembers, by how late it is. */
function resolved(answers: readonly Seen[], { time }: AuditEvent, scene: Stage): Seen {
  if (answers.includes('yes')) return 'yes';
  if (answers.includes('no')) return 'no';
  return time < scene.principal.last - LATE ? 'yes' : 'no';
}

/** Each once. */
function list(scene: Stage, into: Profile[]): void {
  into.length = 0;
  into.push(scene.principal, scene.tenant);
  if (scene.network !== undefined) into.push(scene.network);
  for (const secret of scene.secrets) if (!into.includes(secret)) into.push(secret);
}
