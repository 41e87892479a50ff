/**
 * AWS CloudTrail: Secrets Manager, Parameter Store, KMS, and what stands around them: STS, IAM, sign-in, trails.
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
 */
import { FLAG, type AuditEvent, type Parsed } from '../event.ts';
import type { ParseContext, SourceParser } from '../source.ts';
import type { View } from '../view.ts';
import type { Actor } from './aws/actor.ts';
import { agentOf } from './aws/agent.ts';
import { readBounded } from './aws/bounded.ts';
import { mayConcern } from './aws/concern.ts';
import type { Deed, Reader } from './aws/deed.ts';
import { readIam } from './aws/iam.ts';
import { actorOf } from './aws/identity.ts';
import { readKms } from './aws/kms.ts';
import { AWS, AWS_PLAN } from './aws/plan.ts';
import { netOfCall, outcomeOf } from './aws/call.ts';
import { readSecretsManager } from './aws/secretsmanager.ts';
import { readSignin } from './aws/signin.ts';
import { readSsm } from './aws/ssm.ts';
import { readSts } from './aws/sts.ts';
import { readTrail } from './aws/trail.ts';
import { capped, skewOf, SKIP, timeOf } from './common.ts';

const READERS: ReadonlyMap<string, Reader> = new Map([
  ['secretsmanager', readSecretsManager],
  ['ssm', readSsm],
  ['kms', readKms],
  ['sts', readSts],
  ['iam', readIam],
  ['signin', readSignin],
  ['cloudtrail', readTrail],
  ['logs', readTrail],
  ['kinesis', readTrail],
  ['firehose', readTrail],
  ['events', readTrail],
  ['s3', readTrail],
]);

export const awsSource: SourceParser = { source: 'aws', plan: AWS_PLAN, mayConcern, parse };

function parse(view: View, context: ParseContext): Parsed {
  const eventSource = view.text(AWS.eventSource);
  const action = view.text(AWS.eventName);
  const time = timeOf(view.text(AWS.eventTime));
  if (eventSource === undefined || action === undefined || action === '' || time === undefined) return SKIP.malformed;
  const read = READERS.get(eventSource.slice(0, Math.max(0, eventSource.indexOf('.'))));
  if (read === undefined || view.text(AWS.eventCategory) === 'Insight') return SKIP.irrelevant;
  const account = readBounded(view, AWS.recipientAccountId) ?? readBounded(view, AWS.accountId) ?? 'unknown';
  const region = readBounded(view, AWS.awsRegion) ?? 'unknown';
  const actor = actorOf(view, account);
  const deed = read({ view, action, account, region, actor });
  if (deed === undefined) return SKIP.irrelevant;
  return eventOf(view, context, deed, { account, region, action, time, actor });
}

type Known = Pick<AuditEvent, 'action' | 'account' | 'time'> & {
  readonly region: string;
  readonly actor: Actor;
};

function eventOf(view: View, context: ParseContext, deed: Deed, { account, region, action, time, actor }: Known): AuditEvent {
  const agent = agentOf(view.text(AWS.userAgent));
  const outcome = deed.outcome ?? outcomeOf(view.text(AWS.errorCode));
  const { principal } = actor;
  // The owner of what was touched is in its ARN; a copy of the event is also written for the caller's account.
  const owner = deed.owner ?? account;
  let flags = deed.flags | actor.flags | skewOf(time, context);
  if (principal.home !== undefined && principal.home !== owner && principal.kind !== 'service') flags |= FLAG.external;
  if (agent.typed || view.text(AWS.fromConsole) === 'true') flags |= FLAG.console;
  if (agent.automation || actor.invokedBy === 'cloudformation.amazonaws.com') flags |= FLAG.automation;
  // What an endpoint let pass is told by the management event of the same call; what it refused is told by nobody else.
  if (outcome === 'ok' && view.text(AWS.eventCategory) === 'NetworkActivity') flags |= FLAG.echo;
  const eventId = readBounded(view, AWS.eventID);
  return {
    source: 'aws',
    id: `${account}|${eventId ?? `${time}|${capped(action, 120)}|${readBounded(view, AWS.requestID) ?? principal.id}`}`,
    ref: eventId ?? '',
    time,
    action: capped(action, 120),
    verb: deed.verb,
    outcome,
    principal,
    secrets: deed.secrets,
    weight: deed.weight,
    net: netOfCall(view),
    client: agent.client,
    account: owner,
    region: deed.region ?? region,
    flags,
    ttl: deed.ttl,
    claimIp: undefined,
    grantee: deed.grantee,
    chain: deed.chain,
  };
}
