/** Everything that would make a rotation of this user's keys unsafe or impossible. Reads only. */
import { isKeywheelError } from '../../errors.ts';
import type { Finding, Stamp } from '../port.ts';
import { LIMIT_HINT, limitMessage, MOST_KEYS } from './mint.ts';
import { ownerWords, read, run, takeOver, type IamContext, type Seen } from './principal.ts';
import { fenceTag, ownerOf } from './tags.ts';

const error = (code: string, message: string, hint: string): Finding => ({ code, level: 'error', message, hint });

export async function preflight(context: IamContext, stamp: Stamp): Promise<Finding[]> {
  const { config, api } = context;
  const user = config.userName;
  let arn: string;
  try {
    arn = await run(
      context,
      'read',
      `GetUser UserName=${user}`,
      () => api.userArn(),
      () => '',
    );
  } catch (failure) {
    if (!isKeywheelError(failure, 'ERR_TARGET_MISMATCH')) throw failure;
    return [
      error(
        'user-missing',
        `there is no IAM user ${user} in the account of Keywheel’s credentials`,
        'check userName, account and the credentials',
      ),
    ];
  }
  const account = arn.split(':')[4] ?? '';
  if (config.account !== undefined && account !== config.account) {
    const message = `IAM user ${user} was found in account ${account}, and ${config.account} is pinned`;
    return [error('other-account', message, 'run with credentials of the pinned account')];
  }
  const seen = await readable(context);
  if ('code' in seen) return [seen];
  const own = await run(
    context,
    'read',
    'credentials of our own',
    () => api.ownKey(),
    () => '',
  );
  const self = seen.keys.some((key) => key.id === own);
  const message = `Keywheel itself runs with access key ${own} of IAM user ${user}, so it would lock itself out`;
  const hint = 'run with a role, or with a user of its own';
  return [...(self ? [error('admin-is-target', message, hint)] : []), ...markFindings(user, seen, stamp)];
}

async function readable(context: IamContext): Promise<Seen | Finding> {
  try {
    return await read(context);
  } catch (failure) {
    if (!isKeywheelError(failure, 'ERR_TARGET_MISMATCH')) throw failure;
    return error('mark-unreadable', failure.message, failure.hint ?? 'look at the tags of the user');
  }
}

function markFindings(user: string, seen: Seen, stamp: Stamp): Finding[] {
  const findings: Finding[] = [];
  const other = seen.marks.fences.find((each) => each.owner !== ownerOf(stamp));
  if (other !== undefined) {
    findings.push(
      error('target-owned', `IAM user ${user} is rotated by ${ownerWords(other.owner)}`, takeOver(fenceTag(other.fence))),
    );
  }
  const highest = seen.marks.fences[0]?.fence ?? 0;
  if (other === undefined && highest > stamp.fence) {
    const message = `IAM user ${user} has seen fence ${highest} and ours is ${stamp.fence}: the state was restored from an older copy`;
    findings.push(
      error('fence-behind', message, 'compare the store with the user’s keys before going on; bring back the newest state'),
    );
  }
  if (seen.keys.length >= MOST_KEYS) findings.push(error('key-limit', limitMessage(user, seen.keys), LIMIT_HINT));
  return findings;
}
