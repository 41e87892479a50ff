/**
 * What the SecretStore port promises of writes. Each is one compare-and-set, so that of several workers one wins; who loses looks
 * again. A publish is: note the intent, write the main path, note what came of it. Whoever comes after a crash finds by the intent
 * what happened.
 */
import { KeywheelError } from '../../errors.ts';
import type { Revision, SecretState, SecretValue, VersionRef } from '../port.ts';
import { open, readId, recordPath, ROUNDS } from './look.ts';
import type { Context } from './look.ts';
import { fieldsOf, recordOf } from './record.ts';
import type { CompanionRecord, Intent } from './record.ts';
import { bare, find, labelsOf, notePublished, revisionOf, stateOf, versionIdOf, withVersion } from './view.ts';
import type { View } from './view.ts';

/** Opens the secret and tries `attempt` until it did not lose its compare-and-set. */
async function settle<T>(context: Context, name: string, attempt: (view: View) => Promise<T | 'moved'>): Promise<T> {
  for (let round = 1; round <= ROUNDS; round++) {
    const result = await attempt(await open(context, name));
    if (result !== 'moved') return result;
  }
  throw conflict(name, 'others kept changing it at the same time', 'see that one installation rotates it, and try again');
}

/** Replaces the companion record, or makes it. */
async function writeRecord(context: Context, name: string, record: CompanionRecord): Promise<CompanionRecord | 'moved'> {
  const path = recordPath(context, name);
  if (record.number === 0) await context.kv.keepOne(path);
  const written = await context.kv.write(path, record.number, fieldsOf(record));
  if (written === 'moved') return 'moved';
  return recordOf(name, { ...written, live: true, fields: fieldsOf(record) });
}

export async function stage(context: Context, name: string, value: SecretValue, rotationId: string): Promise<VersionRef> {
  const id = versionIdOf(rotationId);
  return settle(context, name, async (view) => {
    const { record } = view;
    if (view.metadata.current === 0) throw notFound(name);
    const done = record.published.findLast((each) => each.rotationId === rotationId);
    if (done !== undefined) return bare(done);
    if (record.discarded.includes(rotationId)) {
      throw conflict(name, `version ${id} of rotation ${rotationId} was discarded`, 'start a new rotation');
    }
    if (record.pending === id) return bare(record.staged.find((each) => each.id === id) ?? { id, createdAt: 0, rotationId });
    if (record.pending !== undefined) {
      throw conflict(name, `version ${record.pending} is pending`, 'let the rotation that staged it finish, or abandon it');
    }
    await refuseOneVersion(context, view);
    const before = record.staged.find((each) => each.id === id);
    const staged = before === undefined ? [...record.staged, { id, createdAt: 0, rotationId, value }] : record.staged;
    const next: CompanionRecord = { ...record, staged, pending: id };
    const path = `${context.mount}/data/${recordPath(context, name)}`;
    const written = await context.change(
      `vault: write ${path} with cas ${record.number}: stage ${name} version ${id} as pending (rotation ${rotationId})`,
      () => writeRecord(context, name, next),
      () => rehearse(context, { ...view, record: stamped(next, context.now()) }, 1),
    );
    return written === 'moved'
      ? written
      : bare(written.staged.find((each) => each.id === id) ?? { id, createdAt: 0, rotationId });
  });
}

const stamped = (record: CompanionRecord, now: number): CompanionRecord => ({
  ...record,
  staged: record.staged.map((each) => (each.createdAt === 0 ? { ...each, createdAt: now } : each)),
});

/** With one version kept, publishing would remove `previous`, which must authenticate until grace ends. */
async function refuseOneVersion(context: Context, view: View): Promise<void> {
  const { maxVersions } = view.metadata;
  const look = (): Promise<number | undefined> => context.kv.mountKeeps();
  const keeps = maxVersions === 0 ? await context.look(`vault: read ${context.mount}/config`, look) : maxVersions;
  if (keeps !== 1) return;
  throw new KeywheelError('ERR_SECRET_INVALID', `secret ${view.name} cannot be rotated in vault, it keeps one version only`, {
    hint: `previous must be there until grace ends: vault kv metadata put -mount=${context.mount} -max-versions=10 ${view.name}`,
    subject: view.name,
  });
}

export async function publish(context: Context, name: string, version: string, expected: Revision): Promise<SecretState> {
  return settle(context, name, async (view) => {
    if (view.metadata.current === 0) throw notFound(name);
    if (labelsOf(view).current?.id === version) return settled(context, view);
    refuseMoved(view, expected);
    const found = find(view, version);
    const source = found === undefined ? undefined : await readId(context, view, version);
    if (source === undefined) throw conflict(name, `version ${version} is not in the store any more`, 'start a new rotation');
    const cas = view.metadata.current;
    const intent: Intent = { ...source, number: cas + 1 };
    return context.change(
      `vault: write ${context.mount}/data/${name} with cas ${cas}: publish ${name} version ${version} as current if it is at revision ${expected}`,
      () => publishIntent(context, view, intent),
      () => {
        const written = { number: cas + 1, created: new Date(context.now()).toISOString() };
        const after = published(view, view.record, intent, written);
        rehearse(context, after, 2, [cas + 1, intent.value]);
        return stateOf(after);
      },
    );
  });
}

/** The three writes of a publish. After the second it is done; whoever comes next finishes the third. */
async function publishIntent(context: Context, view: View, intent: Intent): Promise<SecretState | 'moved'> {
  const { name, record } = view;
  const others = record.intents.filter((each) => each.id !== intent.id || each.number !== intent.number);
  const intended = await writeRecord(context, name, { ...record, intents: [...others, intent] });
  if (intended === 'moved') return 'moved';
  const written = await context.kv.write(name, view.metadata.current, intent.value);
  if (written === 'moved') return 'moved';
  const after = published(view, intended, intent, written);
  const noted = await writeRecord(context, name, after.record);
  // Another worker wrote the record meanwhile: what it found is looked at once more, and then noted.
  return noted === 'moved' ? 'moved' : stateOf({ ...after, record: noted });
}

function published(view: View, record: CompanionRecord, intent: Intent, written: { number: number; created: string }): View {
  return {
    ...view,
    metadata: withVersion(view.metadata, written),
    record: notePublished(record, intent, written),
    behind: false,
  };
}

/** For a version that is current already. What a publish before it left open is noted, so that no copy of it stays in the record. */
async function settled(context: Context, view: View): Promise<SecretState | 'moved'> {
  const { name } = view;
  if (!view.behind) return stateOf(view);
  const result = await context.change(
    `vault: write ${context.mount}/data/${recordPath(context, name)} with cas ${view.record.number}: note what is published of ${name}`,
    () => writeRecord(context, name, view.record),
    () => rehearse(context, { ...view, behind: false }, 1),
  );
  return result === 'moved' ? result : stateOf(view);
}

export async function discard(context: Context, name: string, version: string): Promise<void> {
  await settle(context, name, async (view) => {
    const labels = labelsOf(view);
    for (const label of ['current', 'previous'] as const) {
      if (labels[label]?.id !== version) continue;
      throw conflict(name, `version ${version} is ${label} and cannot be discarded`, 'publish another version first');
    }
    const { record } = view;
    const gone = record.staged.find((each) => each.id === version);
    if (gone === undefined) return undefined; // gone, or history that was current once
    const { pending, ...rest } = record;
    const next: CompanionRecord = {
      ...rest,
      ...(pending === undefined || pending === version ? {} : { pending }),
      staged: record.staged.filter((each) => each.id !== version),
      intents: record.intents.filter((each) => each.id !== version),
      discarded: [...record.discarded, gone.rotationId],
    };
    const path = `${context.mount}/data/${recordPath(context, name)}`;
    const written = await context.change(
      `vault: write ${path} with cas ${record.number}: discard ${name} version ${version}`,
      () => writeRecord(context, name, next),
      () => rehearse(context, { ...view, record: next }, 1),
    );
    return written === 'moved' ? written : undefined;
  });
}

export async function put(
  context: Context,
  name: string,
  value: SecretValue,
  expected: Revision | null | undefined,
): Promise<SecretState> {
  return settle(context, name, async (view) => {
    const cas = view.metadata.current;
    if (expected === null && cas > 0) {
      throw conflict(name, 'it exists already', 'choose another name, or replace the value that is there');
    }
    if (typeof expected === 'string') {
      if (cas === 0) throw conflict(name, 'there is no such secret any more', 'look again and repeat the change');
      refuseMoved(view, expected);
    }
    const condition = expected === undefined ? '' : expected === null ? ' if it is new' : ` if it is at revision ${expected}`;
    const after = (written: { number: number; created: string }): View => ({
      ...view,
      metadata: withVersion(view.metadata, written),
    });
    return context.change<SecretState | 'moved'>(
      `vault: write ${context.mount}/data/${name} with cas ${cas}: put ${name} as current${condition}`,
      async () => {
        const written = await context.kv.write(name, cas, value);
        return written === 'moved' ? written : stateOf(after(written));
      },
      () => {
        const view = after({ number: cas + 1, created: new Date(context.now()).toISOString() });
        rehearse(context, view, 0, [cas + 1, value]);
        return stateOf(view);
      },
    );
  });
}

/** Keeps what `writes` writes of the record would have made, so that a rehearsal tells the same numbers as the real run after it. */
function rehearse(context: Context, view: View, writes: number, value?: readonly [number, SecretValue]): CompanionRecord {
  const values = context.rehearsed.get(view.name)?.values ?? new Map<number, SecretValue>();
  const record = { ...view.record, number: view.record.number + writes };
  context.rehearsed.set(view.name, {
    view: { ...view, record },
    values: value === undefined ? values : new Map([...values, value]),
  });
  return record;
}

function refuseMoved(view: View, expected: Revision): void {
  const found = revisionOf(view.metadata);
  if (found === expected) return;
  const why = `current moved from revision ${expected} to ${found}`;
  throw conflict(view.name, why, 'look at what changed it; the change was kept');
}

function notFound(name: string): KeywheelError {
  return new KeywheelError('ERR_SECRET_NOT_FOUND', `secret ${name} is not in vault`, {
    hint: `write its first value with \`keywheel put ${name}\``,
    subject: name,
  });
}

function conflict(name: string, why: string, hint: string): KeywheelError {
  return new KeywheelError('ERR_STORE_CONFLICT', `secret ${name} was not changed, because ${why}`, { hint, subject: name });
}
