/** Sign-in to the console. https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html */
import { FLAG, type Outcome } from '../../event.ts';
import { plainDeed, NOTHING, type Deed, type Record } from './deed.ts';
import { AWS } from './plan.ts';

export function readSignin({ view, action, actor }: Record): Deed | undefined {
  switch (action) {
    case 'ConsoleLogin':
      return login(outcomeOf(view.text(AWS.loginResult), view.has(AWS.errorCode)), noMfa());
    case 'UserAuthentication':
      return login(outcomeOf(view.text(AWS.userAuthentication), false), 0);
    case 'CredentialVerification':
      // Success of one factor says nothing yet.
      return outcomeOf(view.text(AWS.credentialVerification), false) === 'authfail' ? login('authfail', 0) : undefined;
    case 'SwitchRole':
      return login(undefined, 0);
    case 'GetSigninToken':
      return plainDeed('token');
    default:
      return undefined;
  }

  /** For users of an identity provider MFAUsed is always No: the provider asked for it. */
  function noMfa(): number {
    const local = actor.type === 'IAMUser' || actor.type === 'Root';
    return local && view.text(AWS.mfaUsed) === 'No' ? FLAG.noMfa : 0;
  }
}

function outcomeOf(result: string | undefined, failed: boolean): Outcome | undefined {
  if (result === 'Success') return 'ok';
  return result === 'Failure' || failed ? 'authfail' : undefined;
}

const login = (outcome: Outcome | undefined, flags: number): Deed => ({
  verb: 'login',
  secrets: NOTHING,
  weight: 1,
  flags: flags | FLAG.console,
  outcome,
});
