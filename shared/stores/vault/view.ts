/** One secret as its two records show it, and the labels that follow. Pure, but for the values that `open` asks for. */
import type { Label, SecretState, SecretValue, VersionRef } from '../port.ts';
import type { Entry, KeyMetadata, KeyVersion } from './kv.ts';
import type { CompanionRecord, Intent, Published, Staged } from './record.ts';

export interface View {
  readonly name: string;
  readonly metadata: KeyMetadata;
  readonly record: CompanionRecord;
  /** The record is behind the main path: a publish ended before it could be noted. */
  readonly behind: boolean;
}

/** The id of the version that a rotation stages: known before it is staged, so that a rehearsal can print it. */
export const versionIdOf = (rotationId: string): string => `v-${rotationId}`;

/** The id of a version that a person or another tool wrote. */
const foreignIdOf = (number: number): string => `kv-${number}`;

/** Any write makes another one; deleting current by hand does too, and so does making the key anew. */
export function revisionOf(metadata: KeyMetadata): string {
  const version = metadata.versions.get(metadata.current);
  return `${metadata.current}@${version?.created ?? ''}${version?.live === true ? '' : ' deleted'}`;
}

/** Numbers that a publish meant to write and that the record does not know to be written: their value tells. */
export function inDoubt(metadata: KeyMetadata, record: CompanionRecord): KeyVersion[] {
  const numbers = new Set(record.intents.map((intent) => intent.number));
  return [...numbers]
    .map((number) => metadata.versions.get(number))
    .filter((version) => version !== undefined)
    .filter((version) => version.live && publishedAs(record, version) === undefined);
}

/** Notes what was published although nobody came to note it. `entries` are what the numbers in doubt hold. */
export function resolve(name: string, metadata: KeyMetadata, record: CompanionRecord, entries: readonly Entry[]): View {
  let next = record;
  for (const entry of entries) {
    const intent = record.intents.find((each) => each.number === entry.number && sameFields(each.value, entry.fields));
    if (intent !== undefined) next = notePublished(next, intent, entry);
  }
  return { name, metadata, record: next, behind: next !== record };
}

/** The record after `intent` was written at `written`. */
export function notePublished(
  record: CompanionRecord,
  intent: Intent,
  written: Pick<KeyVersion, 'number' | 'created'>,
): CompanionRecord {
  const { pending: _, ...rest } = record;
  const { value: __, ...ref } = intent;
  const published: Published = { ...ref, number: written.number, created: written.created };
  return {
    ...rest,
    staged: record.staged.filter((each) => each.id !== intent.id),
    intents: record.intents.filter((each) => each.number > written.number),
    published: [...record.published, published],
  };
}

function publishedAs(record: CompanionRecord, version: Pick<KeyVersion, 'number' | 'created'>): Published | undefined {
  return record.published.findLast((each) => each.number === version.number && each.created === version.created);
}

function refOf(record: CompanionRecord, version: KeyVersion): VersionRef {
  const known = publishedAs(record, version);
  if (known === undefined) return { id: foreignIdOf(version.number), createdAt: Date.parse(version.created) };
  return bare(known);
}

/** The ref alone: what holds a value or a number holds more. */
export function bare({ id, createdAt, rotationId }: VersionRef): VersionRef {
  return { id, createdAt, ...(rotationId === undefined ? {} : { rotationId }) };
}

/** Live versions of the main path, newest first, each under the name it goes by. */
function named(view: View): { readonly ref: VersionRef; readonly version: KeyVersion }[] {
  return [...view.metadata.versions.values()]
    .filter((version) => version.live)
    .toSorted((a, b) => b.number - a.number)
    .map((version) => ({ ref: refOf(view.record, version), version }));
}

export function labelsOf(view: View): { readonly [L in Label]?: VersionRef } {
  const versions = named(view);
  // When current was deleted by hand, consumers read nothing: the version below it does not become current by that.
  const current = versions.find(({ version }) => version.number === view.metadata.current)?.ref;
  const previous = versions.find(({ ref, version }) => version.number < view.metadata.current && ref.id !== current?.id)?.ref;
  const pending = view.record.staged.find((each) => each.id === view.record.pending);
  return {
    ...(current === undefined ? {} : { current }),
    ...(pending === undefined ? {} : { pending: bare(pending) }),
    ...(previous === undefined ? {} : { previous }),
  };
}

export const stateOf = (view: View): SecretState => ({
  name: view.name,
  revision: revisionOf(view.metadata),
  labels: labelsOf(view),
});

/** Where a version is: its value is in the record, or in the main path under a number. */
export type Found =
  | { readonly ref: VersionRef; readonly staged: Staged }
  | { readonly ref: VersionRef; readonly number: number; readonly staged?: undefined };

export function find(view: View, id: string): Found | undefined {
  const staged = view.record.staged.find((each) => each.id === id);
  if (staged !== undefined) return { ref: bare(staged), staged };
  const published = named(view).find(({ ref }) => ref.id === id);
  return published === undefined ? undefined : { ref: published.ref, number: published.version.number };
}

/** Main-path metadata after one more write. */
export function withVersion(metadata: KeyMetadata, written: Pick<KeyVersion, 'number' | 'created'>): KeyMetadata {
  const version: KeyVersion = { ...written, live: true };
  return { ...metadata, current: written.number, versions: new Map([...metadata.versions, [written.number, version]]) };
}

function sameFields(value: SecretValue, fields: unknown): boolean {
  if (typeof fields !== 'object' || fields === null) return false;
  const entries = Object.entries(fields as Record<string, unknown>);
  return (
    entries.length === Object.keys(value).length &&
    entries.every(([key, each]) => Object.hasOwn(value, key) && value[key] === each)
  );
}
