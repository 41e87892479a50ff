/** Asks STS who a key pair is, with that pair alone. */
import type { AwsIamKeyTargetConfig } from '../../config/index.ts';
import type { Probe } from '../port.ts';
import { requestHandler } from './api.ts';
import { probeOutcome } from './errors.ts';
import type { KeyPair } from './material.ts';

/** IAM is eventually consistent, and one front end that knows a new key says nothing of the others. */
export const CONSECUTIVE = 3;

type Answer = { readonly outcome: Probe['outcome']; readonly detail: string };

/**
 * `accepted` and `refused` only when every one of three answers on connections of their own agrees. Where they differ, IAM is still spreading a
 * change: `unreachable`, which neither publishes a new key nor calls an old one dead. GetCallerIdentity needs no permission and cannot be denied.
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export async function probeKey(config: AwsIamKeyTargetConfig, pair: KeyPair, region: string): Promise<Answer> {
  const answers: Answer[] = [];
  for (let turn = 0; turn < CONSECUTIVE; turn += 1) {
    const answer = await ask(config, pair, region);
    if (answer.outcome !== 'accepted' && answer.outcome !== 'refused') return answer;
    answers.push(answer);
  }
  const accepted = answers.filter((each) => each.outcome === 'accepted').length;
  const last = answers.at(-1);
  if (last !== undefined && (accepted === 0 || accepted === CONSECUTIVE)) return last;
  return {
    outcome: 'unreachable',
    detail: `${accepted} of ${CONSECUTIVE} answers accepted the key, IAM is still spreading a change`,
  };
}

async function ask(config: AwsIamKeyTargetConfig, pair: KeyPair, region: string): Promise<Answer> {
  const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
  const { account, userName } = config;
  const endpoint = config.stsEndpoint ?? config.endpoint;
  const client = new STSClient({
    region,
    maxAttempts: 1,
    requestHandler,
    // Said aloud, so that no other credential of this process can answer in its place.
    credentials: { accessKeyId: pair.accessKeyId, secretAccessKey: pair.secretAccessKey },
    ...(endpoint === undefined ? {} : { endpoint }),
  });
  try {
    const { Arn = '', Account = '' } = await client.send(new GetCallerIdentityCommand({}), {
      abortSignal: AbortSignal.timeout(5000),
    });
    const [, , service, , , resource = ''] = Arn.split(':');
    const isUser = service === 'iam' && resource.startsWith('user/') && resource.split('/').at(-1) === userName;
    if (!isUser) return { outcome: 'forbidden', detail: `the key belongs to ${Arn}, and not to IAM user ${userName}` };
    if (account !== undefined && Account !== account) {
      return { outcome: 'forbidden', detail: `the key belongs to account ${Account}, and not to ${account}, which is pinned` };
    }
    return { outcome: 'accepted', detail: `STS knows it as ${Arn}` };
  } catch (error) {
    return probeOutcome(error);
  } finally {
    client.destroy();
  }
}
