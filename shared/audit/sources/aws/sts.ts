/** STS: who takes which role, and for how long. https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html */
import type { View } from '../../view.ts';
import { FLAG } from '../../event.ts';
import { plainDeed, NOTHING, type Deed, type Record } from './deed.ts';
import { AWS } from './plan.ts';

export function readSts({ view, action, actor }: Record): Deed | undefined {
  switch (action) {
    case 'GetCallerIdentity':
    case 'GetAccessKeyInfo':
      return plainDeed('whoami');
    case 'AssumeRole':
      // A service that takes the role that it was given: the most frequent record of all, and no one's decision.
      if (actor.principal.kind === 'service') return undefined;
      return login(view, actor.type === 'AssumedRole' ? 2 : undefined);
    case 'AssumeRoleWithSAML':
    case 'AssumeRoleWithWebIdentity':
      return login(view, undefined);
    case 'AssumeRoot':
      return { ...login(view, undefined), flags: FLAG.root };
    case 'GetSessionToken':
    case 'GetFederationToken':
      return { verb: 'token', secrets: NOTHING, weight: 1, flags: 0, ttl: ttlOf(view) };
    default:
      return undefined;
  }
}

const login = (view: View, chain: number | undefined): Deed => ({
  verb: 'login',
  secrets: NOTHING,
  weight: 1,
  flags: 0,
  ttl: ttlOf(view),
  chain,
});

/** Seconds, where the request says. */
function ttlOf(view: View): number | undefined {
  const seconds = view.number(AWS.durationSeconds);
  return seconds !== undefined && seconds >= 1 ? Math.min(Math.trunc(seconds), 1e10) : undefined;
}
