/** What the port says about a secret, from what Secret Manager says about it and its companion. */
import { KeywheelError } from '../../errors.ts';
import type { Label, Revision, SecretState, VersionRef } from '../port.ts';
import type { Secret, SecretApi, Version } from './api.ts';
import type { Names } from './names.ts';
import { ANNOTATION, mainRecordOf, stagingRecordOf, type MainRecord, type Staged, type StagingRecord } from './record.ts';

export interface GcpContext {
  readonly api: SecretApi;
  readonly names: Names;
  /** Waits before turn `turn` of a change that another one overtook. */
  readonly pause: (turn: number) => Promise<void>;
}

export interface View {
  readonly name: string;
  readonly main: Secret;
  readonly record: MainRecord;
  readonly companion: Secret | undefined;
  readonly staging: StagingRecord;
  /** The versions of the main secret, newest first, down to `current` at least. */
  readonly versions: readonly Version[];
  readonly current: number | undefined;
  readonly previous: number | undefined;
  /** When hand-made versions were created. */
  readonly created: ReadonlyMap<number, number>;
  /** The newest version that somebody added by hand and that `current` does not name yet; 0 when there is none. */
  readonly unplaced: number;
}

/** The id of the version that a rotation stages: known before it is staged, so that a rehearsal can print it. */
export const versionIdOf = (rotation: string): string => `v-${rotation}`;

/**
 * `mine` is a version of the main secret that the caller has just added and not yet recorded. `main` is its newest state, when the caller has
 * that already: reads may lag behind it.
 */
export async function look(context: GcpContext, name: string, mine?: number, main?: Secret): Promise<View | undefined> {
  const { api, names } = context;
  const [found, companion] = await Promise.all([main ?? api.get(names.idOf(name)), api.get(names.companionOf(name))]);
  if (found === undefined) return undefined;
  const { current: alias } = found.aliases;
  const versions = await api.versions(found.id, (version) =>
    alias === undefined ? version.state === 'ENABLED' : version.number <= alias,
  );
  const view = await frame(context, name, found, companion, versions);
  const foreign = await unplacedIn(context, view, mine);
  return { ...view, unplaced: Math.max(0, ...foreign) };
}

/**
 * `current` is what the alias names. A secret that has none yet (just adopted) is at its newest enabled version, which is what readers of `latest`
 * get; when a newer one was disabled they get nothing, as `latest` is the newest one in any state.
 */
export async function frame(
  context: GcpContext,
  name: string,
  main: Secret,
  companion: Secret | undefined,
  versions: readonly Version[],
): Promise<View> {
  const record = mainRecordOf(main);
  const current = main.aliases['current'] ?? versions.find((version) => version.state === 'ENABLED')?.number;
  const previous = main.aliases['previous'] === current ? undefined : main.aliases['previous'];
  const created = new Map(versions.map((version) => [version.number, version.createdAt]));
  for (const number of [current, previous]) {
    if (number === undefined || created.has(number) || record.published.some((each) => each.number === number)) continue;
    created.set(number, (await context.api.version(main.id, number))?.createdAt ?? 0);
  }
  return {
    name,
    main,
    record,
    companion,
    staging: stagingRecordOf(companion),
    versions,
    current,
    previous,
    created,
    unplaced: 0,
  };
}

/**
 * Versions above `current` that no rotation is known to have published. Somebody added them (`gcloud secrets versions add`) and means them, so
 * they are an edit. Except what publishing added before a crash: its payload is the one that is staged.
 */
async function unplacedIn(context: GcpContext, view: View, mine: number | undefined): Promise<number[]> {
  const known = new Set([mine, ...view.record.published.map((each) => each.number)]);
  const unknown = view.versions.filter(
    (version) => version.number > (view.current ?? 0) && version.state !== 'DESTROYED' && !known.has(version.number),
  );
  const ours = unknown.length === 0 ? [] : (await Promise.all(live(view).map((staged) => added(context, view, staged)))).flat();
  return unknown.map((version) => version.number).filter((number) => !ours.includes(number));
}

/** Versions of the main secret that publishing `staged` has added and not recorded, newest first. */
export async function added(context: GcpContext, view: View, staged: Staged): Promise<number[]> {
  const { api } = context;
  const taken = new Set([...view.record.published.map((each) => each.number), ...Object.values(view.main.aliases)]);
  const candidates = view.versions.filter(
    (version) => version.number > staged.after && version.state === 'ENABLED' && !taken.has(version.number),
  );
  if (candidates.length === 0 || view.companion === undefined) return [];
  const payload = await api.access(view.companion.id, staged.number);
  if (typeof payload === 'string') return [];
  const same: number[] = [];
  for (const { number } of candidates.slice(0, 10)) {
    const other = await api.access(view.main.id, number);
    if (typeof other !== 'string' && other.equals(payload)) same.push(number);
  }
  return same;
}

/** What is staged and not published: a crash may have left a published one in the companion's record. */
export function live(view: View): Staged[] {
  return view.staging.staged.filter((staged) => !view.record.published.some((each) => each.rotation === staged.rotation));
}

/** Publishing any version takes the label, in the same change that moves `current`. */
export function pendingOf(view: View): Staged | undefined {
  const { pending } = view.staging;
  return pending?.publishes === view.record.publishes ? live(view).find((each) => each.rotation === pending.rotation) : undefined;
}

export function refOf(view: View, number: number): VersionRef {
  const published = view.record.published.find((each) => each.number === number);
  return published === undefined ? { id: String(number), createdAt: view.created.get(number) ?? 0 } : rotationRef(published);
}

export function rotationRef(of: { readonly rotation: string; readonly createdAt: number }): VersionRef {
  return { id: versionIdOf(of.rotation), createdAt: of.createdAt, rotationId: of.rotation };
}

export function labelsOf(view: View): { readonly [L in Label]?: VersionRef } {
  const pending = pendingOf(view);
  return {
    ...(view.current === undefined ? {} : { current: refOf(view, view.current) }),
    ...(view.previous === undefined ? {} : { previous: refOf(view, view.previous) }),
    ...(pending === undefined ? {} : { pending: rotationRef(pending) }),
  };
}

/**
 * The counts tell moves there and back apart, the numbers tell what was moved or added by hand. The etag would not do: it changes with every
 * label and rotation schedule, and not when a version is added (https://docs.cloud.google.com/secret-manager/docs/etags).
 */
function revisionOf({ record, current, unplaced }: View): Revision {
  return `${record.publishes}.${record.puts}.${current ?? 0}.${unplaced}`;
}

export function stateOf(view: View): SecretState {
  return { name: view.name, revision: revisionOf(view), labels: labelsOf(view) };
}

/** The number of the main version that an id names; undefined when it names none. */
export function numberOf(view: View, id: string): number | undefined {
  const published = view.record.published.find((each) => versionIdOf(each.rotation) === id);
  if (published !== undefined) return published.number;
  return /^[1-9]\d{0,14}$/.test(id) ? Number(id) : undefined;
}

export function conflict(name: string, why: string, hint: string): KeywheelError {
  return new KeywheelError('ERR_STORE_CONFLICT', `secret ${name} was not changed, because ${why}`, { hint, subject: name });
}

export function refuseMoved(view: View, expected: Revision): void {
  const revision = revisionOf(view);
  if (revision === expected) return;
  const why = `current moved or was edited: it is at revision ${revision}, not ${expected}`;
  throw conflict(view.name, why, 'look at what changed it; the change was kept');
}

/** ERR_STORE_CONFLICT when the companion's id is somebody else's secret: one that has versions and not our annotation. */
export async function checkOurs(context: GcpContext, name: string, companion: Secret): Promise<void> {
  if (ANNOTATION in companion.annotations) return;
  if ((await context.api.versions(companion.id, () => true)).length === 0) return; // made beforehand, with its grants
  throw conflict(
    name,
    `secret ${companion.id} exists and is not its companion`,
    'rename that one, or set another pendingSuffix for the store',
  );
}
