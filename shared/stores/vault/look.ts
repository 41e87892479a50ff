/** How the two records of a secret are read, so that they fit each other. */
import type { Label, SecretState, SecretSummary, SecretValue, SecretVersion } from '../port.ts';
import type { Entry, Kv, KeyMetadata } from './kv.ts';
import { recordOf } from './record.ts';
import type { CompanionRecord } from './record.ts';
import { toValue } from './value.ts';
import { find, inDoubt, labelsOf, resolve, stateOf } from './view.ts';
import type { View } from './view.ts';

export interface Context {
  readonly kv: Kv;
  readonly mount: string;
  readonly pendingPrefix: string;
  readonly now: () => number;
  readonly look: <T>(text: string, perform: () => Promise<T>) => Promise<T>;
  readonly change: <T>(text: string, perform: () => Promise<T>, rehearsed: () => T) => Promise<T>;
  /** What a rehearsal would have written; empty otherwise. */
  readonly rehearsed: Map<string, { readonly view: View; readonly values: ReadonlyMap<number, SecretValue> }>;
}

/** How often records that do not fit, or a lost compare-and-set, are looked into before it is told. */
export const ROUNDS = 6;
const NO_METADATA: KeyMetadata = { current: 0, versions: new Map(), maxVersions: 0 };

export const recordPath = (context: Context, name: string): string => `${context.pendingPrefix}${name}`;

async function readRecord(context: Context, name: string): Promise<CompanionRecord> {
  const path = recordPath(context, name);
  const entry = await context.look(`vault: read ${context.mount}/data/${path}`, () => context.kv.read(path));
  return recordOf(name, entry);
}

async function readMain(context: Context, name: string, number: number): Promise<Entry | undefined> {
  const text = `vault: read ${context.mount}/data/${name}?version=${number}`;
  return context.look(text, () => context.kv.read(name, number));
}

/** Reads both records so that they fit: the main path after the companion, which is read again when it may be older. */
export async function open(context: Context, name: string): Promise<View> {
  const overlaid = context.rehearsed.get(name);
  if (overlaid !== undefined) return overlaid.view;
  let record = await readRecord(context, name);
  for (let round = 1; ; round++) {
    const text = `vault: read ${context.mount}/metadata/${name}`;
    const metadata = (await context.look(text, () => context.kv.metadata(name))) ?? NO_METADATA;
    const entries: Entry[] = [];
    for (const { number } of inDoubt(metadata, record)) {
      const entry = await readMain(context, name, number);
      if (entry !== undefined) entries.push(entry);
    }
    const view = resolve(name, metadata, record, entries);
    const current = metadata.versions.get(metadata.current);
    const known = current === undefined || view.record.published.some((each) => each.created === current.created);
    if (known || round === ROUNDS) return view;
    // Nobody noted who wrote the current version: a person, or a publish that began after the record was read.
    const again = await readRecord(context, name);
    if (again.number === record.number) return view;
    record = again;
  }
}

export async function describe(context: Context, name: string): Promise<SecretState | undefined> {
  const view = await open(context, name);
  return view.metadata.current === 0 ? undefined : stateOf(view);
}

export async function summarize(context: Context, name: string): Promise<SecretSummary | undefined> {
  const state = await describe(context, name);
  return state === undefined ? undefined : { name, labels: state.labels };
}

export async function read(
  context: Context,
  name: string,
  at: Label | { readonly version: string },
): Promise<SecretVersion | undefined> {
  const view = await open(context, name);
  if (view.metadata.current === 0) return undefined;
  const id = typeof at === 'string' ? labelsOf(view)[at]?.id : at.version;
  return id === undefined ? undefined : readId(context, view, id);
}

export async function readId(context: Context, view: View, id: string): Promise<SecretVersion | undefined> {
  const found = find(view, id);
  if (found === undefined) return undefined;
  if (found.staged !== undefined) return { ...found.ref, value: found.staged.value };
  const overlaid = context.rehearsed.get(view.name)?.values.get(found.number);
  if (overlaid !== undefined) return { ...found.ref, value: overlaid };
  const entry = await readMain(context, view.name, found.number);
  return entry?.fields === undefined ? undefined : { ...found.ref, value: toValue(view.name, entry.fields) };
}
