/** What is true of a stream: which records an attack left, and who did what. */
import type { Attack } from './attacks/stage.ts';
import type { Act } from './types.ts';

export interface Label {
  readonly attack: string;
  readonly families: readonly string[];
  readonly hints: readonly string[];
  readonly source: string;
  readonly firstEventId: string;
  readonly firstTime: number;
  readonly lastTime: number;
  /** The vendor's ids of its events, in order; whether each read a value, and whether it is a step of the attack: a login that only renews what one has is none. */
  readonly events: readonly {
    readonly ids: readonly string[];
    readonly time: number;
    readonly read: boolean;
    readonly counts: boolean;
  }[];
  /** At this event, or read, it should be told at the latest; counted from 1. */
  readonly expectedBy: number;
  readonly counts: 'reads' | 'events';
  readonly weak: boolean;
  /** Names that the configuration must call canaries. */
  readonly canaries: readonly string[];
}

const READS = new Set(['read', 'readOld', 'readMany', 'readAll', 'readPath']);

/** Gathers the events of `mark` as they are written. */
export function createLabel(attack: Attack, source: string, mark = attack.id) {
  const events: { ids: readonly string[]; time: number; read: boolean; counts: boolean }[] = [];
  const canaries = new Set<string>();
  return {
    seen(act: Act, ids: readonly string[]): void {
      if (act.attack !== mark) return;
      if (attack.canary === true && act.secret !== undefined) canaries.add(act.secret.name);
      events.push({ ids, time: act.time, read: READS.has(act.op) && act.result === 'ok', counts: act.op !== 'login' });
    },
    done(): Label | undefined {
      const [first] = events;
      if (first === undefined) return undefined;
      return {
        attack: attack.id,
        families: attack.families,
        hints: attack.hints,
        source,
        firstEventId: first.ids[0] ?? '',
        firstTime: first.time,
        lastTime: events.at(-1)?.time ?? first.time,
        events,
        expectedBy: attack.by,
        counts: attack.counts,
        weak: attack.weak === true,
        canaries: [...canaries],
      };
    },
  };
}
