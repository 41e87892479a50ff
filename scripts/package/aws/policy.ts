/**
 * The IAM statements of the AWS functions, made from keywheel.yaml: a function may touch the secrets, the users and the one table that the
 * configuration names, and nothing beside them. Pure, so that a test can hold every action and every resource.
 * Actions and their resource types: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
import type { Config } from '../../../shared/config/index.ts';
import { KeywheelError } from '../../../shared/errors.ts';

/** A string, or a CloudFormation intrinsic. */
type Text = string | { readonly 'Fn::Sub': string } | { readonly 'Fn::GetAtt': readonly [string, string] };

export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: readonly Text[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export type FunctionName = 'rotate' | 'advance' | 'manual';

export interface PolicyOptions {
  /** Grants on every secret whose name begins so, instead of on each by name: a role holds 10,240 characters. */
  readonly secretPrefix?: string;
  /** The customer managed key that the secrets are encrypted with. */
  readonly kmsKeyArn?: string;
  /** In subnets, Lambda attaches network interfaces as the function's role. */
  readonly vpc?: boolean;
}

const sub = (text: string): Text => ({ 'Fn::Sub': text });
const PARTITION = '${AWS::Partition}';

/** A role's inline policies together; white space does not count. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const ROLE_LIMIT = 10_240;
/** What the intrinsics become is shorter than they are, but for a partition or region with a long name. */
const MARGIN = 1000;

export function statementsOf(name: FunctionName, config: Config, options: PolicyOptions = {}): Statement[] {
  const statements = [
    logs(name),
    ...secrets(config, options),
    ...encryption(options),
    table(config),
    ...users(config),
    ...(name === 'advance' ? queues() : []),
    ...(options.vpc === true ? network(name) : []),
  ];
  const length = JSON.stringify(statements).length;
  if (length > ROLE_LIMIT - MARGIN) {
    throw new KeywheelError('ERR_CONFIG_INVALID', `the role of ${name} would hold ${length} characters, more than IAM allows`, {
      hint: 'give the secrets names with a common beginning, and pass it as --param="secretPrefix=prod/"',
    });
  }
  return statements;
}

/** The log group is made with the stack, so the function needs no right to make one. */
function logs(name: FunctionName): Statement {
  const group = `${name.charAt(0).toUpperCase()}${name.slice(1)}LogGroup`;
  return {
    Sid: 'Logs',
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: [{ 'Fn::GetAtt': [group, 'Arn'] }], // which ends in :*, the streams of this group
  };
}

interface Named {
  readonly name: string;
  readonly region: string;
  readonly account: string;
}

function secretArn({ name, region, account }: Named): Text {
  // Secrets Manager adds a hyphen and six characters to a name. https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html
  return sub(`arn:${PARTITION}:secretsmanager:${region}:${account}:secret:${name}-??????`);
}

function secrets(config: Config, { secretPrefix }: PolicyOptions): Statement[] {
  const rotated = new Map<string, Named>();
  const admins = new Map<string, Named>();
  for (const [name, { store: storeName, target }] of Object.entries(config.secrets)) {
    const store = config.stores[storeName];
    if (store?.kind !== 'aws') continue;
    const place = { region: store.region ?? '${AWS::Region}', account: store.account ?? '${AWS::AccountId}' };
    if (secretPrefix !== undefined && !name.startsWith(secretPrefix)) {
      throw new KeywheelError('ERR_CONFIG_INVALID', `secretPrefix is ${secretPrefix}, and ${name} does not begin so`, {
        hint: 'name a beginning that all secrets in AWS stores share, or leave secretPrefix out',
        subject: name,
      });
    }
    rotated.set(JSON.stringify([place, name]), { name, ...place });
    const admin = 'admin' in target ? target.admin.secret : undefined;
    if (admin !== undefined) admins.set(JSON.stringify([place, admin]), { name: admin, ...place });
  }
  for (const key of rotated.keys()) admins.delete(key); // read with the others already
  const arns = [...rotated.values()].map(secretArn);
  const places = new Map([...rotated.values()].map((each) => [`${each.region} ${each.account}`, each]));
  const prefixed = [...places.values()].map(({ region, account }) =>
    sub(`arn:${PARTITION}:secretsmanager:${region}:${account}:secret:${secretPrefix}*`),
  );
  return [
    ...(arns.length === 0
      ? []
      : [
          {
            Sid: 'RotatedSecrets',
            Effect: 'Allow' as const,
            Action: SECRET_ACTIONS,
            Resource: secretPrefix === undefined ? arns : prefixed,
          },
        ]),
    ...(admins.size === 0
      ? []
      : [
          {
            Sid: 'AdminSecrets',
            Effect: 'Allow' as const,
            Action: ADMIN_ACTIONS,
            Resource: [...admins.values()].map(secretArn),
          },
        ]),
  ];
}

const SECRET_ACTIONS = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:ListSecretVersionIds',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];
/** The admin credential of a target is read, and never written. */
const ADMIN_ACTIONS = ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'];

/** Through Secrets Manager only: the function itself can decrypt nothing. */
function encryption({ kmsKeyArn }: PolicyOptions): Statement[] {
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
function table(config: Config): Statement {
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

function users(config: Config): Statement[] {
  const arns = Object.values(config.secrets).flatMap(({ target }): Text[] => {
    if (target.kind !== 'aws-iam-key') return [];
    const user = `arn:${PARTITION}:iam::${target.account ?? '${AWS::AccountId}'}:user`;
    // A name is unique in its account, and its ARN also holds the path that the user was made under. A name holds no slash.
    return [sub(`${user}/${target.userName}`), sub(`${user}/*/${target.userName}`)];
  });
  if (arns.length === 0) return [];
  return [{ Sid: 'UserKeys', Effect: 'Allow', Action: USER_ACTIONS, Resource: arns }];
}

/** docs/guides/api-keys.md says why each. */
const USER_ACTIONS = [
  'iam:CreateAccessKey',
  'iam:DeleteAccessKey',
  'iam:GetAccessKeyLastUsed',
  'iam:GetUser',
  'iam:ListAccessKeys',
  'iam:ListUserTags',
  'iam:TagUser',
  'iam:UntagUser',
  'iam:UpdateAccessKey',
];

/** Lambda polls the queue as the function's role, and leaves there what failed for good. */
function queues(): Statement[] {
  return [
    {
      Sid: 'Queue',
      Effect: 'Allow',
      Action: ['sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ReceiveMessage'],
      Resource: [{ 'Fn::GetAtt': ['AdvanceQueue', 'Arn'] }],
    },
    {
      Sid: 'DeadLetters',
      Effect: 'Allow',
      Action: ['sqs:SendMessage'],
      Resource: [{ 'Fn::GetAtt': ['DeadLetterQueue', 'Arn'] }],
    },
  ];
}

/**
 * What Lambda needs to attach a function to subnets. Describing takes no resource, and an interface has no name before it is made, so the
 * vendor's own policy allows all; what keeps the function's code from using it is the second statement.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
 */
function network(name: FunctionName): Statement[] {
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
