/** Looks at the journal and the labels from outside, through the same ports as everybody, and tells what changed. */
import { setTimeout as delay } from 'node:timers/promises';
import { journalKey, type RotationRecord, type SecretJournal, type Step } from '../../../shared/rotation/index.ts';
import type { State } from '../../../shared/state/index.ts';
import type { Label, SecretStore } from '../../../shared/stores/index.ts';
import type { LabelChange, LabelMark } from './timeline.ts';

const LABELS_EVERY = 8;

export interface Watched {
  readonly state: Pick<State, 'get'>;
  readonly store: Pick<SecretStore, 'describe' | 'read'>;
  readonly secret: string;
  readonly now: () => number;
  /** Milliseconds between two looks at the journal. */
  readonly every: number;
}

export interface WatchListener {
  record(record: RotationRecord): void;
  /** Once for each step that the journal gained, in order. */
  step(step: Step, record: RotationRecord): void;
  labels(change: LabelChange): void;
}

/** Runs until `signal` aborts. A reading that fails is taken again a moment later: watching never stops a rotation. */
export async function watch(watched: Watched, listener: WatchListener, signal: AbortSignal): Promise<void> {
  const seen = { id: '', steps: 0, updatedAt: 0 };
  const accounts = new Map<string, string>();
  let labels = '';
  for (let turn = 0; !signal.aborted; turn += 1) {
    let moved = false;
    try {
      const record = await lastRotation(watched);
      if (record && (record.rotationId !== seen.id || record.updatedAt !== seen.updatedAt)) {
        moved = true;
        const fresh = record.rotationId === seen.id ? record.steps.slice(seen.steps) : record.steps;
        Object.assign(seen, { id: record.rotationId, steps: record.steps.length, updatedAt: record.updatedAt });
        listener.record(record);
        for (const step of fresh) listener.step(step, record);
      }
      if (moved || turn % LABELS_EVERY === 0) {
        const change = await readLabels(watched, accounts);
        const text = JSON.stringify({ ...change, at: 0 });
        if (text !== labels) listener.labels(change);
        labels = text;
      }
    } catch {
      // Told by the rotation's own process, if it matters.
    }
    await delay(watched.every, undefined, { signal }).catch(() => undefined);
  }
}

export async function lastRotation({ state, secret }: Pick<Watched, 'state' | 'secret'>): Promise<RotationRecord | undefined> {
  return (await state.get<SecretJournal>(journalKey(secret)))?.value.rotation;
}

async function readLabels({ store, secret, now }: Watched, accounts: Map<string, string>): Promise<LabelChange> {
  const at = now();
  const labels = (await store.describe(secret))?.labels ?? {};
  const mark = async (label: Label): Promise<LabelMark | undefined> => {
    const version = labels[label]?.id;
    if (version === undefined) return undefined;
    const account = accounts.get(version) ?? String((await store.read(secret, { version }))?.value['username'] ?? '');
    accounts.set(version, account);
    return { version, account };
  };
  const [current, previous, pending] = [await mark('current'), await mark('previous'), await mark('pending')];
  return { at, ...(current && { current }), ...(previous && { previous }), ...(pending && { pending }) };
}
