/**
 * The IAM statements of the functions that score: they read where records come from and what their channels log in with, write the one table, and tell the
 * configured topics. They touch no secret that is rotated. Pure.
 */
import type { Config } from '../../../shared/config/index.ts';
import {
  encryption,
  logs,
  network,
  PARTITION,
  READ_ACTIONS,
  secretArn,
  sub,
  table,
  type FunctionName,
  type PolicyOptions,
  type Statement,
  type Text,
} from './statements.ts';

export function scoreStatements(name: FunctionName, config: Config, options: PolicyOptions): Statement[] {
  const credentials = credentialsOf(config);
  return [
    logs(name),
    ...credentials,
    ...(credentials.length === 0 ? [] : encryption(options)),
    table(config),
    ...(name === 'ack' ? [] : topics(config)),
    ...(name === 'score' ? records(options) : []),
    ...(name === 'scoreTick' ? history(config) : []),
    ...(name === 'ack' ? [] : deadLetters()),
    ...(options.vpc === true ? network(name) : []),
  ];
}

/** What channels log in with, where it is in Secrets Manager. */
function credentialsOf(config: Config): Statement[] {
  const arns = new Map<string, Text>();
  for (const channel of config.audit?.alerts.channels ?? []) {
    const credential = 'credential' in channel ? channel.credential : undefined;
    const store = credential === undefined ? undefined : config.stores[credential.store];
    if (credential === undefined || store?.kind !== 'aws') continue;
    const place = { region: store.region ?? '${AWS::Region}', account: store.account ?? '${AWS::AccountId}' };
    arns.set(JSON.stringify([place, credential.secret]), secretArn({ name: credential.secret, ...place }));
  }
  return arns.size === 0
    ? []
    : [{ Sid: 'ChannelCredentials', Effect: 'Allow', Action: READ_ACTIONS, Resource: [...arns.values()] }];
}

function topics(config: Config): Statement[] {
  const arns = (config.audit?.alerts.channels ?? []).flatMap((channel) => (channel.kind === 'sns' ? [channel.topicArn] : []));
  return arns.length === 0 ? [] : [{ Sid: 'Topics', Effect: 'Allow', Action: ['sns:Publish'], Resource: [...new Set(arns)] }];
}

/** Lambda polls queue and stream as the function's role. */
function records({ trailBucket, auditStreamArn }: PolicyOptions): Statement[] {
  const queue: Statement = {
    Sid: 'TrailQueue',
    Effect: 'Allow',
    Action: ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
    Resource: [{ 'Fn::GetAtt': ['TrailQueue', 'Arn'] }],
  };
  // A trail writes below AWSLogs, with or without a prefix of its own.
  const files: Statement[] =
    trailBucket === undefined
      ? []
      : [
          {
            Sid: 'TrailFiles',
            Effect: 'Allow',
            Action: ['s3:GetObject'],
            Resource: [sub(`arn:${PARTITION}:s3:::${trailBucket}/*`)],
          },
        ];
  // https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, without ListStreams, which takes no resource and is not needed
  const stream: Statement[] =
    auditStreamArn === undefined
      ? []
      : [
          {
            Sid: 'AuditStream',
            Effect: 'Allow',
            Action: [
              'kinesis:DescribeStream',
              'kinesis:DescribeStreamSummary',
              'kinesis:GetRecords',
              'kinesis:GetShardIterator',
              'kinesis:ListShards',
            ],
            Resource: [auditStreamArn],
          },
        ];
  return [queue, ...files, ...stream];
}

/** The action takes no resource. */
const history = (config: Config): Statement[] =>
  (config.audit?.trails ?? []).length === 0
    ? []
    : [{ Sid: 'EventHistory', Effect: 'Allow', Action: ['cloudtrail:LookupEvents'], Resource: ['*'] }];

const deadLetters = (): Statement[] => [
  { Sid: 'DeadLetters', Effect: 'Allow', Action: ['sqs:SendMessage'], Resource: [{ 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] }] },
];
