/** Statements that roles of several functions have, and what they are made of. Pure. */
import type { Config } from '../../../shared/config/index.ts';
import { KeywheelError } from '../../../shared/errors.ts';

/** A string, or a CloudFormation intrinsic. */
export type Text = string | { readonly 'Fn::Sub': string } | { readonly 'Fn::GetAtt': readonly [string, string] };

export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: readonly Text[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export type FunctionName = 'rotate' | 'advance' | 'manual' | 'score' | 'scoreTick' | 'ack';

export interface PolicyOptions {
  /** Grants on every secret whose name begins so, instead of on each by name: a role holds 10,240 characters. */
  readonly secretPrefix?: string;
  /** The customer managed key that the secrets are encrypted with. */
  readonly kmsKeyArn?: string;
  /** Where CloudTrail's files are, when the scorer is told of them. */
  readonly trailBucket?: string;
  /** The Kinesis stream that carries audit records. */
  readonly auditStreamArn?: string;
  /** In subnets, Lambda attaches network interfaces as the function's role. */
  readonly vpc?: boolean;
}

export const sub = (text: string): Text => ({ 'Fn::Sub': text });
export const PARTITION = '${AWS::Partition}';

/** The log group is made with the stack, so the function needs no right to make one. */
export function logs(name: FunctionName): Statement {
  const group = `${name.charAt(0).toUpperCase()}${name.slice(1)}LogGroup`;
  return {
    Sid: 'Logs',
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: [{ 'Fn::GetAtt': [group, 'Arn'] }], // which ends in :*, the streams of this group
  };
}

export interface Named {
  readonly name: string;
  readonly region: string;
  readonly account: string;
}

export function secretArn({ name, region, account }: Named): Text {
  // Secrets Manager adds a hyphen and six characters to a name. https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
  return sub(`arn:${PARTITION}:secretsmanager:${region}:${account}:secret:${name}-??????`);
}

/** A credential that is used, such as a target's admin, is read, and never written. */
export const READ_ACTIONS = ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'];

/** Through Secrets Manager only: the function itself can decrypt nothing. */
export function encryption({ kmsKeyArn }: PolicyOptions): Statement[] {
  if (kmsKeyArn === undefined) return [];
  const [, , , region = ''] = kmsKeyArn.split(':');
  return [
    {
      Sid: 'SecretsKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
      Resource: [kmsKeyArn],
      Condition: { StringEquals: { 'kms:ViaService': sub(`secretsmanager.${region}.\${AWS::URLSuffix}`) } },
    },
  ];
}

/** A transaction needs what its parts need, and none of ours only checks. No Scan, and nothing that changes the table itself. */
export function table(config: Config): Statement {
  if (config.state.kind !== 'dynamodb') {
    throw new KeywheelError('ERR_CONFIG_INVALID', `state is ${config.state.kind}, and functions on AWS keep it in DynamoDB`, {
      hint: 'write state: { kind: dynamodb, table: keywheel }',
      subject: 'state',
    });
  }
  return {
    Sid: 'State',
    Effect: 'Allow',
    Action: [
      'dynamodb:BatchGetItem',
      'dynamodb:DeleteItem',
      'dynamodb:GetItem',
      'dynamodb:PutItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
    ],
    Resource: [{ 'Fn::GetAtt': ['StateTable', 'Arn'] }],
  };
}

/**
 * What Lambda needs to attach a function to subnets. Describing takes no resource, and an interface has no name before it is made, so the
 * vendor's own policy allows all; what keeps the function's code from using it is the second statement.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
 */
export function network(name: FunctionName): Statement[] {
  const Action = [
    'ec2:AssignPrivateIpAddresses',
    'ec2:CreateNetworkInterface',
    'ec2:DeleteNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:UnassignPrivateIpAddresses',
  ];
  const own = sub(`arn:${PARTITION}:lambda:\${AWS::Region}:\${AWS::AccountId}:function:\${AWS::StackName}-${name}`);
  return [
    { Sid: 'Network', Effect: 'Allow', Action, Resource: ['*'] },
    {
      Sid: 'NotByTheCode',
      Effect: 'Deny',
      Action,
      Resource: ['*'],
      Condition: { ArnEquals: { 'lambda:SourceFunctionArn': own } },
    },
  ];
}
