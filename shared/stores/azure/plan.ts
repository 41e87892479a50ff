/** What each operation of the port comes to on one secret: refusals, and the calls of Key Vault that it takes. Pure. */
import { KeywheelError } from '../../errors.ts';
import type { Revision, VersionRef } from '../port.ts';
import { besideOf, versionIdOf, viewOf } from './snapshot.ts';
import type { MainVersion, PendingVersion, Snapshot, View } from './snapshot.ts';
import { tagsOfPending, tagsOfWrite } from './tags.ts';
import type { PendingState } from './tags.ts';
import type { SetOptions, VaultVersion } from './vault.ts';

/** New attributes and tags of a version of the companion secret. */
export interface Amendment {
  readonly kv: string;
  readonly enabled: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Change {
  readonly set?: { readonly secret: 'main' | 'companion'; readonly text: string; readonly options: SetOptions };
  readonly amend: readonly Amendment[];
}

/** Where a value is to be read from before it can be published. */
export interface Source {
  readonly secret: 'main' | 'companion';
  readonly stored: VaultVersion;
  readonly ref: VersionRef;
}

/** ERR_SECRET_NOT_FOUND, and ERR_STORE_FORBIDDEN where the newest version is disabled, as it is for every reader. */
export function viewIn(snapshot: Snapshot | undefined, name: string): View {
  if (snapshot === undefined) {
    throw new KeywheelError('ERR_SECRET_NOT_FOUND', `secret ${name} is not in the key vault`, {
      hint: `write its first value with \`keywheel put ${name}\``,
      subject: name,
    });
  }
  if (snapshot.newest === undefined) throw disabled(name);
  return viewOf(snapshot);
}

export function stageText(
  view: View,
  name: string,
  rotationId: string,
): { readonly ref?: VersionRef; readonly amend: readonly Amendment[] } {
  const mine = view.staged.find(({ ref }) => ref.rotationId === rotationId);
  const published = view.main.find(({ ref }) => ref.id === versionIdOf(rotationId));
  if (published !== undefined) return { ref: published.ref, amend: [] };
  if (mine?.state === 'discarded') {
    throw conflict(name, `version ${mine.ref.id} of rotation ${rotationId} was discarded`, 'start a new rotation');
  }
  if (mine?.state === 'published' || mine?.state === 'pending') return { ref: mine.ref, amend: [] };
  const { pending } = view.labels;
  if (pending !== undefined) {
    throw conflict(name, `version ${pending.id} is pending`, 'let the rotation that staged it finish, or abandon it');
  }
  return mine === undefined ? { amend: [] } : { ref: mine.ref, amend: [amendment(mine, 'pending')] };
}

/** Undefined when `version` is current already. */
export function publishSource(view: View, name: string, version: string, expected: Revision): Source | undefined {
  if (view.labels.current?.id === version) return undefined;
  refuseMoved(view, name, expected);
  const source = find(view, version);
  if (source === undefined) throw gone(name, version);
  return source;
}

/** A version that is there to be read, the newest that carries it. */
export function find(view: View, version: string): Source | undefined {
  const main = view.main.find(({ stored, ref }) => ref.id === version && stored.enabled);
  if (main !== undefined) return { secret: 'main', stored: main.stored, ref: main.ref };
  const staged = view.staged.find(({ ref, state }) => ref.id === version && (state === 'pending' || state === 'staged'));
  return staged === undefined ? undefined : { secret: 'companion', stored: staged.stored, ref: staged.ref };
}

/** What is left to do on the companion when `version` is current: its material must not stay readable there. */
export function afterPublish(view: View, version: string, moved: boolean): Amendment[] {
  const done = view.staged.filter(({ ref, stored }) => ref.id === version && stored.enabled);
  const other = moved ? view.staged.filter(({ ref, state }) => ref.id !== version && state === 'pending') : [];
  return [...done.map((one) => amendment(one, 'published')), ...other.map((one) => amendment(one, 'staged'))];
}

export function discardAmendments(view: View, name: string, version: string): Amendment[] {
  for (const label of ['current', 'previous'] as const) {
    if (view.labels[label]?.id !== version) continue;
    throw conflict(name, `version ${version} is ${label} and cannot be discarded`, 'publish another version first');
  }
  return view.staged
    .filter(({ ref, state }) => ref.id === version && (state === 'pending' || state === 'staged'))
    .map((one) => amendment(one, 'discarded'));
}

/** Refuses a put that is not upon what it expects. */
export function checkPut(snapshot: Snapshot | undefined, name: string, expected: Revision | null | undefined): void {
  if (expected === null && snapshot !== undefined) {
    throw conflict(name, 'it exists already', 'choose another name, or replace the value that is there');
  }
  if (typeof expected !== 'string') return;
  if (snapshot === undefined) throw conflict(name, 'there is no such secret any more', 'look again and repeat the change');
  refuseMoved(viewIn(snapshot, name), name, expected);
}

/** A new version of the main secret upon what `snapshot` shows. `ref` is what it carries; absent, it is a version of its own. */
export function writeOf(
  snapshot: Snapshot | undefined,
  text: string,
  how: { readonly nonce: string; readonly ref?: VersionRef; readonly expiresOn?: Date },
): NonNullable<Change['set']> {
  const base = snapshot?.newest;
  const current = snapshot === undefined ? undefined : viewOf(snapshot).labels.current;
  const written = {
    nonce: how.nonce,
    ...(base === undefined ? {} : { base: base.kv }),
    beside: snapshot === undefined || base === undefined ? 0 : besideOf(snapshot.main, base),
    ...(how.ref === undefined ? {} : { ref: how.ref }),
    ...(current === undefined ? {} : { previous: current.id }),
  };
  // Over a disabled newest version nothing can be told of what was before, so nothing is claimed.
  const unknown = snapshot !== undefined && base === undefined;
  const options: SetOptions = {
    tags: unknown ? {} : tagsOfWrite(written, base?.tags ?? {}),
    contentType: 'application/json',
    ...(how.expiresOn === undefined ? {} : { expiresOn: how.expiresOn }),
  };
  return { secret: 'main', text, options };
}

/** Puts a hand edit back on top of the write of ours that went over it, as the person made it. */
export function restoreOf(snapshot: Snapshot, edit: MainVersion, text: string, nonce: string): NonNullable<Change['set']> {
  const { tags } = writeOf(snapshot, text, { nonce, ref: edit.ref }).options;
  const { expiresOn, notBefore, contentType, tags: theirs } = edit.stored;
  const ours = Object.fromEntries(Object.entries(tags).filter(([name]) => name.startsWith('keywheel-')));
  return {
    secret: 'main',
    text,
    options: {
      tags: { ...Object.fromEntries(Object.entries(theirs).slice(0, 15 - Object.keys(ours).length)), ...ours },
      contentType: contentType ?? '',
      ...(expiresOn === undefined ? {} : { expiresOn }),
      ...(notBefore === undefined ? {} : { notBefore }),
    },
  };
}

/** The snapshot after a change, as a rehearsal sees it, or to spare a reading. */
export function applied(snapshot: Snapshot | undefined, change: Change, made: VaultVersion | undefined): Snapshot {
  let { main, newest, companion } = snapshot ?? { main: [], newest: undefined, companion: [] };
  if (change.set !== undefined && made !== undefined) {
    if (change.set.secret === 'companion') companion = [...companion, made];
    else [main, newest] = [[...main, made], { ...made, text: change.set.text }];
  }
  for (const { kv, enabled, tags } of change.amend) {
    companion = companion.map((one) => (one.kv === kv ? { ...one, enabled, tags } : one));
  }
  return { main, newest, companion };
}

export function stageTags(rotationId: string): SetOptions {
  return { tags: tagsOfPending(rotationId, 'pending'), contentType: 'application/json' };
}

export function gone(name: string, version: string): KeywheelError {
  return conflict(name, `version ${version} is not in the store any more`, 'start a new rotation');
}

function disabled(name: string): KeywheelError {
  const message = `secret ${name} cannot be used, its newest version in Key Vault is disabled`;
  const hint = 'enable that version, or set a new one: Key Vault gives readers no older version in its place';
  return new KeywheelError('ERR_STORE_FORBIDDEN', message, { hint, subject: name });
}

function amendment(one: PendingVersion, state: PendingState): Amendment {
  return {
    kv: one.stored.kv,
    enabled: state === 'pending' || state === 'staged',
    tags: { ...one.stored.tags, ...tagsOfPending(one.ref.rotationId ?? '', state) },
  };
}

function refuseMoved(view: View, name: string, expected: Revision): void {
  if (view.revision === expected) return;
  const why = `current moved from revision ${expected} to ${view.revision}`;
  throw conflict(name, why, 'look at what changed it; the change was kept');
}

function conflict(name: string, why: string, hint: string): KeywheelError {
  return new KeywheelError('ERR_STORE_CONFLICT', `secret ${name} was not changed, because ${why}`, { hint, subject: name });
}
