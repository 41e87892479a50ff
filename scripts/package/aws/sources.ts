/** CloudFormation resources of the audit sources that a deployment names; those that it does not name are not there. Pure. */

interface Sources {
  /** Each may be empty. */
  readonly trailBucket: string;
  readonly trailLogGroup: string;
  readonly auditStreamArn: string;
}

type Resources = Readonly<Record<string, object>>;

const att = (name: string) => ({ 'Fn::GetAtt': [name, 'Arn'] });
const sub = (text: string) => ({ 'Fn::Sub': text });
const ACCOUNT = { Ref: 'AWS::AccountId' };

export const sourcesOf = ({ trailBucket, trailLogGroup, auditStreamArn }: Sources): Resources => ({
  ...(trailBucket === '' ? {} : bucket(trailBucket)),
  ...(trailLogGroup === '' ? {} : logGroup(trailLogGroup)),
  ...(auditStreamArn === '' ? {} : stream(auditStreamArn)),
});

/** The queue says who sends to it; the bucket's notification is its owner's to set. https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html */
const bucket = (name: string): Resources => ({
  TrailQueuePolicy: {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [{ Ref: 'TrailQueue' }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Sid: 'FromTheBucket',
            Effect: 'Allow',
            Principal: { Service: 's3.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: att('TrailQueue'),
            Condition: {
              ArnEquals: { 'aws:SourceArn': sub(`arn:\${AWS::Partition}:s3:::${name}`) },
              StringEquals: { 'aws:SourceAccount': ACCOUNT },
            },
          },
        ],
      },
    },
  },
});

const WATCHED = ['secretsmanager', 'ssm', 'kms', 'sts', 'iam', 'cloudtrail', 'signin'];

const logGroup = (name: string): Resources => ({
  TrailLogSubscription: {
    Type: 'AWS::Logs::SubscriptionFilter',
    DependsOn: 'TrailLogPermission',
    Properties: {
      LogGroupName: name,
      // The other services are most of a trail, and are not paid for here.
      FilterPattern: `{ ${WATCHED.map((service) => `($.eventSource = "${service}.amazonaws.com")`).join(' || ')} }`,
      DestinationArn: att('ScoreLambdaFunction'),
    },
  },
  TrailLogPermission: {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      FunctionName: att('ScoreLambdaFunction'),
      Action: 'lambda:InvokeFunction',
      Principal: 'logs.amazonaws.com',
      SourceAccount: ACCOUNT,
      SourceArn: sub(`arn:\${AWS::Partition}:logs:\${AWS::Region}:\${AWS::AccountId}:log-group:${name}:*`),
    },
  },
});

const stream = (arn: string): Resources => ({
  AuditStreamMapping: {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      FunctionName: att('ScoreLambdaFunction'),
      EventSourceArn: arn,
      StartingPosition: 'TRIM_HORIZON',
      BatchSize: 100,
      MaximumBatchingWindowInSeconds: 1,
      // A record that cannot be read is set aside after these; a batch is halved until it stands alone.
      MaximumRetryAttempts: 10,
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      DestinationConfig: { OnFailure: { Destination: att('DeadLetterQueue') } },
    },
  },
});
