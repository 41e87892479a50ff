/** Makes an access key so that one whose secret was lost on the way can be told from one that a person made. */
import { KeywheelError } from '../../errors.ts';
import type { SecretValue } from '../../stores/index.ts';
import type { CredentialId, Stamp } from '../port.ts';
import type { KeyInfo, LastUse } from './api.ts';
import { awsFailure } from './errors.ts';
import { keyOf } from './material.ts';
import { admit, judge, listed, read, run, type IamContext, type Seen } from './principal.ts';
import { ADOPTED, encode, intentTag, intentText, keyTag } from './tags.ts';

/** IAM's quota of access keys per user; it cannot be raised. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
export const MOST_KEYS = 2;
const NEW_KEY = '<key id>';
const SECONDS = 1000;
const unused = (): LastUse => ({ service: 'N/A' });
/** A signed request is taken for five minutes. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html */
const SIGNATURE_LIFE = 300;
/** IAM's hosts agree on the time to within this many seconds. */
const SLACK = 5;
/** After an hour IAM shows everything that an attempt made. */
const SETTLED = 3600;

export function limitMessage(user: string, keys: readonly KeyInfo[]): string {
  return `IAM user ${user} has ${keys.length} access keys, which is all that IAM allows, so none can be made: ${listed(keys)}`;
}
export const LIMIT_HINT =
  'find out who uses the one that is not in the secret, and remove it by hand; Keywheel removes only keys that it recorded';

export async function mint(context: IamContext, marker: string, current: SecretValue, stamp: Stamp) {
  const { api, config, overlay } = context;
  const user = config.userName;
  const held = keyOf(current) ?? '';
  const rotation = encode(marker);
  let intent = '';
  const began = context.now();
  await admit(context, stamp, (seen) => {
    if (!seen.keys.some((key) => key.id === held)) throw notOfUser(user, held);
    if (seen.keys.length >= MOST_KEYS) {
      throw new KeywheelError('ERR_TARGET_FAILED', limitMessage(user, seen.keys), { hint: LIMIT_HINT, subject: user });
    }
    const second = Math.floor(seen.at / SECONDS);
    const before = intentText(seen.keys.map((key) => key.id));
    intent = intentTag(rotation, second, context.nonce());
    const tags = new Map([[intent, before]]);
    const told = [`keywheel:intent:${rotation}:<time>=${before}`];
    if (!seen.marks.keys.has(held)) {
      tags.set(keyTag(held), ADOPTED);
      told.push(`${keyTag(held)}=${ADOPTED}`);
    }
    const over = (seen.marks.attempts.get(rotation) ?? []).filter((each) => each.second < second - SETTLED);
    return { tags, told, gone: over.map((each) => each.tag) };
  });
  inTime(user, context.now() - began);
  const made = await run(
    context,
    'effect',
    `CreateAccessKey UserName=${user}`,
    async () => {
      try {
        return await api.create();
      } catch (error) {
        // No key was made, so none that turns up later is to be taken for ours.
        if (awsFailure(error).notDone) await api.untag([intent]).catch(() => {});
        throw error;
      }
    },
    () => {
      overlay.made.push({ id: NEW_KEY, active: true, createdAt: 0 });
      return { id: NEW_KEY, secret: '<secret>' };
    },
  );
  if (made.id === '' || made.secret === '')
    throw new KeywheelError('ERR_TARGET_FAILED', 'iam CreateAccessKey answered without a key', { retryable: true });
  await keepOrRemove(context, made.id, stamp);
  const tags = new Map([
    [keyTag(made.id), rotation],
    [made.id, `keywheel ${rotation}`],
  ]);
  await run(
    context,
    'effect',
    `TagUser UserName=${user} ${keyTag(NEW_KEY)}=${rotation}, and as the key’s description, and UntagUser its intent`,
    async () => {
      await api.tag(tags);
      await api.untag([intent]);
    },
    () => {
      for (const [tag, value] of tags) overlay.tags.set(tag, value);
      overlay.tags.set(intent, undefined);
    },
  );
  const id: CredentialId = { slot: user, key: made.id };
  const value: SecretValue = { ...current, accessKeyId: made.id, secretAccessKey: made.secret, keyId: made.id };
  return { id, value };
}

/** The engine gives one call 20 s. A key asked for later than this could be made when another try is already under way. */
const LATEST_START = 10_000;

function inTime(user: string, elapsed: number): void {
  if (elapsed <= LATEST_START) return;
  throw new KeywheelError(
    'ERR_TIMEOUT',
    `no key was asked for, looking at IAM user ${user} took ${Math.round(elapsed / 1000)} s`,
    {
      hint: 'IAM answers slowly; it is tried again',
      retryable: true,
      subject: user,
    },
  );
}

/** A worker that was paused between its last look and CreateAccessKey has made one key too many: it alone knows the id, so it ends it. */
async function keepOrRemove(context: IamContext, id: string, stamp: Stamp): Promise<void> {
  const { marks } = await read(context);
  try {
    judge(context.config.userName, marks, stamp);
  } catch (error) {
    await run(
      context,
      'effect',
      `DeleteAccessKey UserName=${context.config.userName} AccessKeyId=${id}`,
      () => context.api.remove(id),
      () => {},
    );
    throw error;
  }
}

/** Keys of a rotation: recorded ones, and one that appeared while the outcome of its request was not known and that nobody ever used. */
export async function find(context: IamContext, marker: string): Promise<CredentialId[]> {
  const seen = await read(context);
  const found: CredentialId[] = [];
  for (const key of seen.keys) {
    const mine =
      seen.marks.keys.get(key.id) === encode(marker) || (appeared(seen, marker, key) && (await neverUsed(context, key.id)));
    if (mine) found.push({ slot: context.config.userName, key: key.id });
  }
  return found;
}

/** Each attempt keeps its own list of what was there before, so that one which IAM shows late is still told from what a later attempt saw. */
export function appeared(seen: Seen, marker: string, key: KeyInfo): boolean {
  if (seen.marks.keys.has(key.id)) return false;
  const created = Math.floor(key.createdAt / SECONDS);
  return (seen.marks.attempts.get(encode(marker)) ?? []).some(
    ({ second, before }) => !before.includes(key.id) && created >= second - SLACK && created <= second + SIGNATURE_LIFE + SLACK,
  );
}

/** Nobody received the secret of an orphan, so one that was used is somebody's. A failed read is no answer. */
export async function neverUsed(context: IamContext, id: string): Promise<boolean> {
  const use = await run(context, 'read', `GetAccessKeyLastUsed AccessKeyId=${id}`, () => context.api.lastUse(id), unused);
  return use.at === undefined;
}

function notOfUser(user: string, id: string): KeywheelError {
  return new KeywheelError(
    'ERR_TARGET_MISMATCH',
    `the access key in the secret, ${id}, is not one of IAM user ${user}, so nothing was changed`,
    {
      hint: 'check userName and the account; the secret must hold a key of the pinned user',
      subject: user,
    },
  );
}
