/** Ends one access key by its recorded id: first inactive, which can be undone, and only then deleted. */
import { KeywheelError } from '../../errors.ts';
import type { CredentialId, Stamp } from '../port.ts';
import { awsFailure } from './errors.ts';
import { appeared, neverUsed } from './mint.ts';
import { admit, listed, read, run, type IamContext, type Seen } from './principal.ts';
import { encode, keyTag } from './tags.ts';

export async function retire(context: IamContext, id: CredentialId, stamp: Stamp): Promise<void> {
  const { api, config, overlay } = context;
  const user = config.userName;
  const seen = await admit(context, stamp);
  const key = seen.keys.find((each) => each.id === id.key);
  if (key === undefined) {
    // Gone already, by an earlier try or by hand. What is recorded of it goes too.
    if (seen.marks.keys.has(id.key)) await forget(context, id.key, seen, stamp);
    return;
  }
  const ours = seen.marks.keys.has(id.key) || (appeared(seen, stamp.rotationId, key) && (await neverUsed(context, id.key)));
  if (!ours) throw notRecorded(user, id, seen);
  if (key.active) {
    const told = `UpdateAccessKey UserName=${user} AccessKeyId=${id.key} Status=Inactive`;
    await run(
      context,
      'effect',
      told,
      () => api.disable(id.key),
      () => void overlay.inactive.add(id.key),
    );
    const after = await read(context);
    if (after.keys.some((each) => each.id === id.key && each.active)) {
      throw new KeywheelError(
        'ERR_TARGET_MISMATCH',
        `access key ${id.key} of ${user} is not shown as inactive yet, so it was not deleted`,
        {
          hint: 'IAM shows changes late; it is tried again',
          retryable: true,
          subject: user,
        },
      );
    }
  }
  await run(
    context,
    'effect',
    `DeleteAccessKey UserName=${user} AccessKeyId=${id.key}`,
    async () => {
      try {
        await api.remove(id.key);
      } catch (error) {
        if (awsFailure(error).kind !== 'missing') throw error;
      }
    },
    () => void overlay.removed.add(id.key),
  );
  await forget(context, id.key, seen, stamp);
}

/** The record of a key that is gone, and the intents of rotations that are over. */
async function forget(context: IamContext, id: string, seen: Seen, stamp: Stamp): Promise<void> {
  const others = [...seen.marks.attempts].filter(([rotation]) => rotation !== encode(stamp.rotationId));
  const intents = others.flatMap(([, attempts]) => attempts.map((each) => each.tag));
  const tags = [keyTag(id), id, ...intents];
  await run(
    context,
    'effect',
    `UntagUser UserName=${context.config.userName} ${keyTag(id)}, its description, intents of earlier rotations`,
    () => context.api.untag(tags),
    () => tags.forEach((tag) => context.overlay.tags.set(tag, undefined)),
  );
}

function notRecorded(user: string, id: CredentialId, seen: Seen): KeywheelError {
  return new KeywheelError(
    'ERR_TARGET_MISMATCH',
    `access key ${id.key} of ${user} was not retired, no rotation of this secret recorded it on the user: ${listed(seen.keys)}`,
    { hint: 'find out who made it; Keywheel ends only keys that it recorded. Remove it by hand, then resume', subject: user },
  );
}
