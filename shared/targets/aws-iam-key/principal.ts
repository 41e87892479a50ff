/**
 * The pinned user as IAM shows it, and the check before each effect. IAM has no compare-and-set: what is unprotected is the time between the
 * last read of the tags here and the effect that follows it. docs/decisions has the note on what closes it and what does not.
 */
import type { AwsIamKeyTargetConfig } from '../../config/index.ts';
import type { Call, Gate } from '../../deps.ts';
import { KeywheelError } from '../../errors.ts';
import type { Stamp } from '../port.ts';
import type { IamApi, KeyInfo } from './api.ts';
import { awsError } from './errors.ts';
import { fenceTag, ownerOf, parseMarks, type Marks } from './tags.ts';

export interface Seen {
  readonly keys: readonly KeyInfo[];
  readonly tags: ReadonlyMap<string, string>;
  readonly marks: Marks;
  /** IAM's clock, in milliseconds. */
  readonly at: number;
}

/** What a rehearsal would have changed. */
export interface Overlay {
  readonly tags: Map<string, string | undefined>;
  readonly made: KeyInfo[];
  readonly inactive: Set<string>;
  readonly removed: Set<string>;
}

export interface IamContext {
  readonly config: AwsIamKeyTargetConfig;
  readonly api: IamApi;
  readonly gate: Gate;
  readonly overlay: Overlay;
  /** Tells two tries of one rotation apart. */
  nonce(): string;
  now(): number;
}

export const newOverlay = (): Overlay => ({ tags: new Map(), made: [], inactive: new Set(), removed: new Set() });

/** Every call of this target goes through here; what AWS's SDK throws comes out as ours. */
export function run<T>(
  { config, gate }: IamContext,
  kind: Call['kind'],
  text: string,
  perform: () => Promise<T>,
  rehearsed: () => T,
): Promise<T> {
  const told = `iam ${text}`;
  return gate.run(
    { port: 'target', kind, text: told },
    async () => {
      try {
        return await perform();
      } catch (error) {
        throw awsError(`${told} of ${config.userName}`, error);
      }
    },
    rehearsed,
  );
}

export function read(context: IamContext): Promise<Seen> {
  const { api, config, overlay } = context;
  const user = config.userName;
  const look = async (): Promise<Seen> => {
    const { keys: found, at } = await api.keys();
    const tags = new Map(await api.tags());
    for (const [tag, value] of overlay.tags) {
      if (value === undefined) tags.delete(tag);
      else tags.set(tag, value);
    }
    const keys = [...found, ...overlay.made]
      .filter((key) => !overlay.removed.has(key.id))
      .map((key) => (overlay.inactive.has(key.id) ? { ...key, active: false } : key));
    return { keys, tags, marks: parseMarks(user, tags), at };
  };
  return run(context, 'read', `ListAccessKeys and ListUserTags UserName=${user}`, look, () => {
    throw new TypeError('reads are made in rehearsals too');
  });
}

/** ERR_TARGET_OWNED, ERR_FENCE_STALE. */
export function judge(user: string, marks: Marks, stamp: Stamp): void {
  const owner = ownerOf(stamp);
  const other = marks.fences.find((each) => each.owner !== owner);
  if (other !== undefined) throw owned(user, other.owner, fenceTag(other.fence));
  const highest = marks.fences[0]?.fence ?? 0;
  if (highest <= stamp.fence) return;
  throw new KeywheelError(
    'ERR_FENCE_STALE',
    `a later worker has acted on IAM user ${user} (fence ${highest}, ours ${stamp.fence}), so nothing was changed`,
    { hint: 'nothing to do: the later worker goes on', subject: user },
  );
}

export const ownerWords = (owner: string): string => {
  const [installation = '', secret = ''] = owner.split(' ');
  return `secret ${secret} of installation ${installation}`;
};

export const takeOver = (tag: string): string =>
  `to take it over on purpose, stop the other rotation, then remove tag ${tag} of this user`;

function owned(user: string, owner: string, tag: string): KeywheelError {
  return new KeywheelError('ERR_TARGET_OWNED', `IAM user ${user} is rotated by ${ownerWords(owner)}, so nothing was changed`, {
    hint: takeOver(tag),
    subject: user,
  });
}

/** Written together with the fence. `gone`: tags that have done their duty; they are not told, since only housekeeping depends on them. */
interface Extra {
  readonly tags: ReadonlyMap<string, string>;
  readonly told: readonly string[];
  readonly gone: readonly string[];
}

/**
 * May this worker act? Writes the fence where it is not there yet, with `extra` in the same call, and looks again: of two workers that write at the
 * same time the earlier one sees the later one's tag, because each fence is a tag of its own that nobody overwrites.
 */
export async function admit(
  context: IamContext,
  stamp: Stamp,
  extra: (seen: Seen) => Extra = () => ({ tags: new Map(), told: [], gone: [] }),
): Promise<Seen> {
  const user = context.config.userName;
  const seen = await read(context);
  judge(user, seen.marks, stamp);
  const { tags: added, told, gone } = extra(seen);
  const raised = seen.tags.has(fenceTag(stamp.fence));
  const tags = new Map([...(raised ? [] : [[fenceTag(stamp.fence), ownerOf(stamp)] as const]), ...added]);
  if (tags.size === 0) return seen;
  const words = [...(raised ? [] : [`keywheel:fence:<fence>=${ownerOf(stamp)} for all earlier ones`]), ...told];
  const lower = [...gone, ...(raised ? [] : seen.marks.fences.map((each) => fenceTag(each.fence)))];
  await run(
    context,
    'effect',
    `TagUser UserName=${user} ${words.join(', ')}`,
    async () => {
      await context.api.tag(tags);
      if (lower.length > 0) await context.api.untag(lower);
    },
    () => {
      for (const [tag, value] of tags) context.overlay.tags.set(tag, value);
      for (const tag of lower) context.overlay.tags.set(tag, undefined);
    },
  );
  const after = await read(context);
  judge(user, after.marks, stamp);
  return after;
}

/** For people: ids are identifiers, not secrets. */
export const listed = (keys: readonly KeyInfo[]): string =>
  keys
    .map(
      (key) =>
        `${key.id} (${key.active ? 'active' : 'inactive'}, created ${new Date(key.createdAt).toISOString().slice(0, 19)}Z)`,
    )
    .join(' and ');
